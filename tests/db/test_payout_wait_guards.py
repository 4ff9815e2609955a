"""Test that a stolen login of the bot cannot end a wait of payouts."""

import asyncpg
import pytest
from sqlalchemy import select, text

from bot.operator_callbacks import OnPayoutWait, PayoutWaitAct
from db.models.payout_waits import PayoutWait
from db.models.users import Role
from services.money import payout_waits
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses


async def test_a_stolen_login_of_the_bot_ends_no_wait(
    database: Database, bot: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=0)
        await payout_waits.record_other_creator(session, made.channel)
        waiting = await session.scalar(select(PayoutWait.id))
    assert waiting is not None
    end = f"SELECT end_payout_wait({waiting}, {{}}, NULL)"
    as_admin = end.format(made.moderator.user_id)
    assert await refused_state(bot, "UPDATE payout_waits SET ended_at = clock()") == "42501"
    data = OnPayoutWait(act=PayoutWaitAct.END, id=waiting).pack()
    asked = OnPayoutWait(act=PayoutWaitAct.ASK, id=waiting).pack()
    async with database.sessions.begin() as session:
        stranger = await people.person(session)
        operator = await people.staff(session, Role.OPERATOR)
        for who in (stranger, operator):
            await presses.press(session, who, data)
        await presses.press(session, made.moderator, asked)
    assert await refused_state(bot, as_admin) == "AD069"
    for who in (stranger, operator):
        assert await refused_state(bot, end.format(who.user_id)) == "AD069"
    async with database.sessions.begin() as session:
        await presses.press(session, made.moderator, data)
    assert await bot.fetchval(as_admin) is None
    assert await bot.fetchval(as_admin) == "repeated"
    with pytest.raises(asyncpg.PostgresError) as refused:
        await database.as_owner("UPDATE payout_waits SET ended_at = NULL, ended_by = NULL")
    assert refused.value.sqlstate == "AD031"
    async with database.sessions.begin() as session:
        acts = await session.scalars(
            text("SELECT action FROM user_audit_logs WHERE action LIKE 'payout_wait%' ORDER BY id")
        )
        assert acts.all() == ["payout_wait_began", "payout_wait_ended"]
