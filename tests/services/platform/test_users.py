"""Test the settings of a person: language and time zone."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import User
from services.market import registration
from services.platform import errors, users
from tests.factories import people


async def _register(session: AsyncSession, language: str | None, telegram_id: int = 77) -> User:
    return await registration.register(
        session, telegram_id=telegram_id, language=language, currency="USD"
    )


async def test_the_language_follows_telegram_until_it_is_chosen(session: AsyncSession) -> None:
    user = await _register(session, "en")
    assert (await _register(session, "ru")).language == "ru"
    assert (await _register(session, None)).language == "ru"
    with pytest.raises(errors.NotFound):
        await users.choose_language(session, user_id=user.id, language="de")
    await users.choose_language(session, user_id=user.id, language="en")
    assert (await _register(session, "ru")).language == "en"


async def test_the_staffs_language_is_the_one_that_all_of_them_read(session: AsyncSession) -> None:
    assert await users.language_of_staff(session) == "en"
    for language in ("ru", "ru", "en"):
        actor = await people.staff(session)
        user = await users.get(session, actor.require_user(action="test"))
        user.language = language
        await session.flush()
        assert await users.language_of_staff(session) == language


async def test_an_unknown_time_zone_is_refused(session: AsyncSession) -> None:
    user = await _register(session, "en")
    for wrong in ("Mars/Base", "", "../etc/passwd", "/etc/passwd"):
        with pytest.raises(errors.NotFound):
            await users.set_time_zone(session, user_id=user.id, time_zone=wrong)
    await users.set_time_zone(session, user_id=user.id, time_zone="Asia/Tbilisi")
    await session.refresh(user)
    assert user.time_zone == "Asia/Tbilisi"


@pytest.mark.parametrize(
    ("code", "language"),
    [("ru", "ru"), ("ru-RU", "ru"), ("en-GB", "en"), ("de", "en"), (None, "en")],
)
def test_a_language_without_texts_becomes_english(code: str | None, language: str) -> None:
    assert users.known_language(code) == language
