"""Test that a stolen login cannot change the words about which cards warn the staff."""

import asyncpg

from bot.look_up_callbacks import StopWatching
from db.models.users import Role
from services.market import watched_words
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses, rows

ADD = "INSERT INTO watched_words (word, added_by) VALUES ('casino', {})"
REMOVE = "DELETE FROM watched_words WHERE id = {}"


async def test_a_word_is_watched_only_by_an_admins_own_command(
    database: Database, bot: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        admin, colleague = await people.staff(session), await people.staff(session)
        operator, person = await people.staff(session, Role.OPERATOR), await people.person(session)
        for who in (colleague, operator, person):
            await presses.write(session, who, "/watch casino")
        await presses.write(session, admin, "/watcher casino")
    for who in (admin, operator, person):
        assert await refused_state(bot, ADD.format(who.user_id)) == "AD185"
    async with database.sessions.begin() as session:
        await presses.write(session, admin, "/watch@bot casino")
    assert await refused_state(bot, ADD.format(admin.user_id)) is None


async def test_a_word_is_removed_only_by_an_admins_own_press(
    database: Database, bot: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        admin, person = await people.staff(session), await people.person(session)
        blocked: Actor = await people.staff(session)
        await watched_words.add(session, actor=admin, word="casino")
        number = await rows.one(session, "SELECT id FROM watched_words")
        button = StopWatching(id=number).pack()
        for who, data in ((person, button), (blocked, button), (admin, f"{button}0")):
            await presses.press(session, who, data)
    await database.as_owner("ALTER TABLE users DISABLE TRIGGER USER")
    await database.as_owner(f"UPDATE users SET blocked = true WHERE id = {blocked.user_id}")
    await database.as_owner("ALTER TABLE users ENABLE TRIGGER USER")
    assert await refused_state(bot, REMOVE.format(number)) == "AD185"
    async with database.sessions.begin() as session:
        await presses.press(session, admin, button)
    assert await refused_state(bot, REMOVE.format(number)) is None
