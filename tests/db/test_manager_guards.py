"""Test that a stolen login of the bot cannot make anybody the manager of a channel."""

from typing import Any

import asyncpg
import pytest

from bot.manager_callbacks import ManagerAct, OnManager
from services.market import managers
from services.platform import users
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses

NAME = "SELECT name_manager({}, {}, {}, NULL)"


async def test_a_manager_needs_the_owners_own_press_of_this_button(
    database: Database, bot: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        owner, other = await people.person(session), await people.person(session)
        place = await people.channel(session, owner)
    telegram_id = await bot.fetchval("SELECT telegram_id FROM users WHERE id = $1", other.user_id)
    name = NAME.format(place.id, owner.user_id, telegram_id)

    async def press(who: Actor, act: ManagerAct, number: int) -> int:
        data = OnManager(act=act, id=place.id, telegram_id=number).pack()
        async with database.sessions.begin() as session:
            return (await presses.press(session, who, data)).inbox_id or 0

    await press(other, ManagerAct.NAME, telegram_id)
    await press(owner, ManagerAct.END, telegram_id)
    await press(owner, ManagerAct.NAME, telegram_id + 1)
    handled = await press(owner, ManagerAct.NAME, telegram_id)
    await database.as_owner(f"UPDATE inbox SET done_at = clock() WHERE id = {handled}")
    assert await refused_state(bot, name) == "AD058"
    await press(owner, ManagerAct.NAME, telegram_id)
    assert await bot.fetchval(name) is None
    assert await bot.fetchval(name) == "repeated"
    assert await bot.fetchval(NAME.format(place.id, other.user_id, telegram_id)) == "not_found"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO channel_managers (channel_id, owner_id, user_id) VALUES (1, 1, 1)",
        "UPDATE channel_managers SET user_id = 1",
        "DELETE FROM channel_managers",
    ],
)
async def test_the_bots_login_has_no_right_to_write_managers(
    bot: asyncpg.Connection, statement: str
) -> None:
    assert await refused_state(bot, statement) == "42501"


async def test_an_ended_manager_never_comes_back(database: Database) -> None:
    async with database.sessions.begin() as session:
        owner, other = await people.person(session), await people.person(session)
        place = await people.channel(session, owner)
        telegram_id = (await users.get(session, other.user_id or 0)).telegram_id
        named: dict[str, Any] = {"actor": owner, "channel_id": place.id, "telegram_id": telegram_id}
        await managers.name(session, **named)
        await managers.end(session, **named)
    for statement in (
        "UPDATE channel_managers SET ended_at = NULL",
        "UPDATE channel_managers SET ended_at = clock()",
    ):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await database.as_owner(statement)
        assert refused.value.sqlstate == "AD031"
    with pytest.raises(asyncpg.PostgresError) as refused:
        await database.as_owner("DELETE FROM channel_managers")
    assert refused.value.sqlstate == "AD006"
