"""Test that the database lets no login end or restore the roles of a colleague by a block."""

from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from db.models.users import RequestKind, Role
from sandbox import embedded
from services.platform import users
from tests.conftest import Database
from tests.db import guarded
from tests.factories import payments, people, rows
from tests.factories.attack import LOGIN


@pytest.mark.parametrize("login", ["bot", "clock"])
async def test_no_login_blocks_or_unblocks_a_colleague_alone(
    server: embedded.Postgres, database: Database, login: str
) -> None:
    async with database.sessions.begin() as session:
        heads = [await people.staff(session, Role.SUPER_ADMIN) for _ in range(2)]
        admin, other = await people.staff(session), await people.staff(session)
        for kind in (RequestKind.BLOCK_STAFF, RequestKind.UNBLOCK_STAFF):
            # A decision about another person, and an old one about this person, do not count.
            await payments.decided_request(session, kind, {}, *heads, subject_id=admin.user_id)
    async with database.sessions.begin() as session:
        for kind in (RequestKind.BLOCK_STAFF, RequestKind.UNBLOCK_STAFF):
            await payments.decided_request(session, kind, {}, *heads, subject_id=other.user_id)
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(LOGIN[login], name))
    for blocked in (True, False):
        change = f"UPDATE users SET blocked = {blocked} WHERE id = {admin.user_id}"
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await connection.execute(change)
        assert refusal.value.sqlstate == "AD082"
        async with database.sessions.begin() as session:
            await payments.decided_request(
                session,
                RequestKind.BLOCK_STAFF if blocked else RequestKind.UNBLOCK_STAFF,
                {},
                *heads,
                subject_id=admin.user_id,
            )
            await session.execute(text(change))
    await connection.close()


async def test_a_request_that_was_dropped_blocks_nobody(
    server: embedded.Postgres, database: Database
) -> None:
    async with database.sessions.begin() as session:
        head = await people.staff(session, Role.SUPER_ADMIN)
        admin = await people.staff(session)
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(LOGIN["bot"], name))
    await guarded.refused(
        connection,
        "AD082",
        "INSERT INTO staff_requests (kind, arguments, subject_id, reason, requested_by)"
        f" VALUES ('block_staff', '{{}}', {admin.user_id}, 'x', {head.user_id})",
        "UPDATE staff_requests SET status = 'dropped', decided_at = clock()",
        f"UPDATE users SET blocked = true WHERE id = {admin.user_id}",
    )
    await connection.close()


async def test_a_payer_with_a_role_is_blocked_by_the_reversal(database: Database) -> None:
    paid: dict[str, Any] = {"amount": 700, "source": "telegram"}
    async with database.sessions.begin() as session:
        payer = (await people.staff(session)).user_id or 0
        await payments.deposit(session, user_id=payer, key="taken-back", **paid)
    async with database.sessions.begin() as session:
        await payments.reverse(session, external_reference="taken-back", user_id=payer, **paid)
    async with database.sessions.begin() as session:
        assert await users.roles(session, payer) == frozenset()
        alarms = "SELECT count(*) FROM outbox WHERE kind = 'staff_blocked' AND priority = 0"
        assert await rows.one(session, alarms) == 1
