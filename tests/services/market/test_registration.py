"""People: registered once, spoken to in their language, staff by rows alone."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role, User
from services.market import registration
from services.money import wallets
from services.platform import audit, errors, users
from services.platform.actors import Actor, correlation_id
from tests.conftest import Database
from tests.factories import people, rows


async def _register(session: AsyncSession, language: str | None, telegram_id: int = 77) -> User:
    return await registration.register(
        session, telegram_id=telegram_id, language=language, currency="USD"
    )


@pytest.mark.parametrize(
    ("code", "spoken"),
    [("en", "en"), ("ru", "ru"), ("RU-ru", "ru"), ("de", "en"), (None, "en"), ("", "en")],
)
async def test_a_person_is_registered_with_empty_wallets(
    session: AsyncSession, code: str | None, spoken: str
) -> None:
    user = await _register(session, code)
    assert user.language == spoken
    assert await rows.table(
        session, "SELECT kind, balance, currency FROM wallets ORDER BY kind"
    ) == [("external", 0, "USD"), ("user", 0, "USD")]
    before = await rows.snapshot(session)
    assert (await _register(session, code)).id == user.id
    assert await rows.snapshot(session) == before


async def test_the_language_follows_telegram_until_it_is_chosen(session: AsyncSession) -> None:
    user = await _register(session, "en")
    assert (await _register(session, "ru")).language == "ru"
    assert (await _register(session, None)).language == "ru"
    with pytest.raises(errors.NotFound):
        await users.choose_language(session, user_id=user.id, language="de")
    await users.choose_language(session, user_id=user.id, language="en")
    assert (await _register(session, "ru")).language == "en"


async def test_a_time_zone_is_one_of_the_worlds(session: AsyncSession) -> None:
    user = await _register(session, "en")
    for wrong in ("Mars/Base", "", "../etc/passwd", "/etc/passwd"):
        with pytest.raises(errors.NotFound):
            await users.set_time_zone(session, user_id=user.id, time_zone=wrong)
    await users.set_time_zone(session, user_id=user.id, time_zone="Asia/Tbilisi")
    await session.refresh(user)
    assert user.time_zone == "Asia/Tbilisi"


async def test_a_person_who_writes_twice_at_once_is_one(database: Database) -> None:
    async def write() -> int:
        async with database.sessions.begin() as session:
            return (await _register(session, "en")).id

    assert len(set(await asyncio.gather(*(write() for _ in range(8))))) == 1
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT count(*) FROM wallets") == 2


async def test_super_admins_come_from_the_settings_once(session: AsyncSession) -> None:
    for _ in range(2):
        await registration.ensure_super_admins(session, telegram_ids=[5, 6], currency="USD")
    assert await rows.one(session, "SELECT count(*) FROM user_roles") == 2
    user = await users.by_telegram_id(session, 5)
    assert user is not None
    assert await users.roles(session, user.id) == {Role.SUPER_ADMIN}
    assert await users.by_telegram_id(session, 999) is None
    with pytest.raises(errors.NotFound):
        await users.get(session, 999_999)


async def test_a_wallet_of_another_currency_is_noticed(session: AsyncSession) -> None:
    assert await wallets.find_other_currency(session, "USD") is None
    await people.person(session)
    assert await wallets.find_other_currency(session, "USD") is None
    assert await wallets.find_other_currency(session, "XTR") == "USD"


async def test_staff_is_staff_in_the_admin_chat_alone() -> None:
    roles = frozenset({Role.OPERATOR})
    assert Actor(1, roles, in_admin_chat=True).staff_role(Role.OPERATOR) is Role.OPERATOR
    assert Actor(1, roles, in_admin_chat=True).staff_role(Role.ADMIN) is None
    assert Actor(1, roles, in_admin_chat=False).staff_role(Role.OPERATOR) is None


async def test_one_correlation_id_joins_audit_and_ledger(session: AsyncSession) -> None:
    token = correlation_id.set("press-1")
    try:
        deal = await people.approved(session)
    finally:
        correlation_id.reset(token)
    assert (
        await rows.one(
            session,
            "SELECT count(*) FROM user_audit_logs a JOIN ledger_transfers t USING (correlation_id)"
            " WHERE a.action = 'moderation_approved' AND t.reason = 'escrow_hold'"
            " AND t.reference_id = :id AND correlation_id = 'press-1'",
            id=deal.target.id,
        )
        == 1
    )


async def test_a_refusal_is_kept_with_role_and_place(session: AsyncSession) -> None:
    actor = Actor(
        (await people.person(session)).user_id, frozenset({Role.ADMIN}), in_admin_chat=False
    )
    await audit.record_denied(
        session, actor=actor, action="kill_switch", error=errors.AccessDenied("kill_switch")
    )
    assert await rows.table(
        session,
        "SELECT action, user_id, role, metadata FROM user_audit_logs"
        " WHERE action = 'access_denied'",
    ) == [
        (
            "access_denied",
            actor.user_id,
            "admin",
            {"refused": "kill_switch", "error": "AccessDenied", "in_admin_chat": False},
        )
    ]
