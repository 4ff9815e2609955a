"""Test how a start of the bot grants and revokes the role of super admin."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind, Role
from services.market import registration, staff_requests
from services.platform import errors, roles, users
from services.platform.actors import Actor
from tests.factories import people, presses, rows

NOTICES = "SELECT payload->>'change' FROM outbox WHERE kind = 'role_reconciled' ORDER BY id"


async def _start(session: AsyncSession, *telegram_ids: int) -> None:
    user_ids = await registration.register_all(session, telegram_ids=telegram_ids, currency="USD")
    await roles.reconcile_super_admins(session, user_ids)


async def _roles(session: AsyncSession, telegram_id: int) -> frozenset[Role]:
    user = await users.by_telegram_id(session, telegram_id)
    assert user is not None
    return await users.roles(session, user.id)


async def _head(session: AsyncSession, telegram_id: int) -> Actor:
    user = await users.by_telegram_id(session, telegram_id)
    assert user is not None
    return Actor(user.id, frozenset({Role.SUPER_ADMIN}), in_admin_chat=True)


async def _asked(
    session: AsyncSession, kind: RequestKind, whom: int, *by: int
) -> tuple[int, Actor]:
    """Let one super admin request a change of role. Return its id and the press of another one."""
    command = f"/{kind.value.removesuffix('_role')} {whom} super_admin a reason"
    asked = await staff_requests.create(
        session,
        actor=await presses.write(session, await _head(session, by[0]), command),
        kind=kind,
        arguments={"role": "super_admin"},
        reason="a reason",
        subject_telegram_id=whom,
        from_shell=False,
    )
    second = await _head(session, by[1])
    return asked.id, await presses.press(session, second, f"request:yes_sure:{asked.id}")


async def _decided(session: AsyncSession, kind: RequestKind, whom: int, *by: int) -> None:
    """Let one super admin request a change of role, and let another confirm it."""
    request_id, second = await _asked(session, kind, whom, *by)
    await staff_requests.confirm(session, actor=second, request_id=request_id)


async def test_the_first_start_grants_without_a_notice(session: AsyncSession) -> None:
    for _ in range(2):
        await _start(session, 5, 6)
    assert await _roles(session, 5) == await _roles(session, 6) == {Role.SUPER_ADMIN}
    assert await rows.table(session, NOTICES) == []


async def test_a_changed_list_is_followed_and_told(session: AsyncSession) -> None:
    await _start(session, 5, 6)
    await _start(session, 6, 7)
    assert await _roles(session, 5) == frozenset()
    assert await _roles(session, 7) == {Role.SUPER_ADMIN}
    assert await rows.table(session, NOTICES) == [("revoked",), ("granted",)]
    await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    actions = "SELECT role, action FROM user_audit_logs WHERE action = 'role_revoked'"
    assert await rows.table(session, actions) == [("system", "role_revoked")]


async def test_a_role_that_people_granted_survives_a_start(session: AsyncSession) -> None:
    await _start(session, 5, 6)
    newcomer = await people.person(session)
    whom = (await users.get(session, newcomer.user_id or 0)).telegram_id
    await _decided(session, RequestKind.GRANT_ROLE, whom, 5, 6)
    await _start(session, 5, 6)
    assert await _roles(session, whom) == {Role.SUPER_ADMIN}


async def test_a_role_that_people_granted_survives_its_removal_from_the_list(
    session: AsyncSession,
) -> None:
    await _start(session, 5, 6, 7)
    await _decided(session, RequestKind.GRANT_ROLE, 7, 5, 6)
    for _ in range(3):
        await _start(session, 5, 6)
    assert await _roles(session, 7) == {Role.SUPER_ADMIN}
    assert await rows.table(session, NOTICES) == [("kept_granted",)]
    await _decided(session, RequestKind.REVOKE_ROLE, 7, 5, 6)
    await _start(session, 5, 6)
    assert await _roles(session, 7) == frozenset()
    await people.commit(session)


async def test_a_start_does_not_undo_what_two_people_revoked(session: AsyncSession) -> None:
    await _start(session, 5, 6, 7)
    await _decided(session, RequestKind.REVOKE_ROLE, 7, 5, 6)
    for _ in range(3):
        await _start(session, 5, 6, 7)
    assert await _roles(session, 7) == frozenset()
    assert await rows.table(session, NOTICES) == [("kept_revoked",)]
    await _decided(session, RequestKind.GRANT_ROLE, 7, 5, 6)
    await _start(session, 5, 6, 7)
    assert await _roles(session, 7) == {Role.SUPER_ADMIN}


async def test_a_grant_that_is_dated_in_the_future_does_not_outlive_a_revocation(
    session: AsyncSession,
) -> None:
    await _start(session, 5, 6)
    newcomer = await people.person(session)
    whom = (await users.get(session, newcomer.user_id or 0)).telegram_id
    request_id, second = await _asked(session, RequestKind.GRANT_ROLE, whom, 5, 6)
    decided_at = await rows.one(
        session,
        "UPDATE staff_requests SET status = 'done', decided_at = '3000-01-01',"
        " decided_by = :by, decided_in = :press WHERE id = :id RETURNING decided_at",
        by=second.user_id,
        press=second.inbox_id,
        id=request_id,
    )
    assert decided_at <= await rows.one(session, "SELECT clock()")
    await roles.grant(session, actor=second, user_id=newcomer.user_id or 0, role=Role.SUPER_ADMIN)
    await people.commit(session)
    await _decided(session, RequestKind.REVOKE_ROLE, whom, 5, 6)
    await people.commit(session)
    assert await _roles(session, whom) == frozenset()


async def test_a_revocation_that_nobody_confirmed_does_not_count(session: AsyncSession) -> None:
    await _start(session, 5, 6)
    await staff_requests.create(
        session,
        actor=await presses.write(
            session, await _head(session, 5), "/revoke 6 super_admin a reason"
        ),
        kind=RequestKind.REVOKE_ROLE,
        arguments={"role": "super_admin"},
        reason="a reason",
        subject_telegram_id=6,
        from_shell=False,
    )
    await _start(session, 5)
    await _start(session, 5, 6)
    assert await _roles(session, 6) == {Role.SUPER_ADMIN}


async def test_nobody_unknown_gets_a_role(session: AsyncSession) -> None:
    head = await people.staff(session, Role.SUPER_ADMIN)
    with pytest.raises(errors.NotFound):
        await roles.grant(session, actor=head, user_id=999_999, role=Role.ADMIN)
