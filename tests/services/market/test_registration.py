"""Test the registration of people and the wallets that they get."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role, User
from services.market import registration
from services.platform import errors, roles, users
from tests.conftest import Database
from tests.factories import rows


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


async def test_two_first_messages_at_once_register_one_person(database: Database) -> None:
    async def write() -> int:
        async with database.sessions.begin() as session:
            return (await _register(session, "en")).id

    assert len(set(await asyncio.gather(*(write() for _ in range(8))))) == 1
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT count(*) FROM wallets") == 2


async def test_super_admins_come_from_the_settings_once(session: AsyncSession) -> None:
    for _ in range(2):
        user_ids = await registration.register_all(session, telegram_ids=[5, 6], currency="USD")
        await roles.reconcile_super_admins(session, user_ids)
    assert await rows.one(session, "SELECT count(*) FROM user_roles") == 2
    user = await users.by_telegram_id(session, 5)
    assert user is not None
    assert await users.roles(session, user.id) == {Role.SUPER_ADMIN}
    assert await users.by_telegram_id(session, 999) is None
    with pytest.raises(errors.NotFound):
        await users.get(session, 999_999)
