"""Test that the bot's login judges a post only with an admin's press."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from bot.callbacks import OnUncertainPost, ResolutionAct
from db.models.posting import Breach
from sandbox import embedded, logins
from services.platform import inbox
from services.platform.actors import Actor
from services.posts import breaches
from tests.conftest import Database
from tests.factories import people, presses, rows

SEE = (
    "INSERT INTO post_checks (post_job_id, verdict, evidence)"
    " SELECT id, 'present', 'an admin has seen it' FROM post_jobs"
)
END = "UPDATE post_jobs SET breach = NULL, breach_refund_at = NULL"


@pytest.fixture
async def bot(server: embedded.Postgres, database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session of the bot's login, in a database with a post whose owner broke a promise."""
    async with database.sessions.begin() as session:
        await people.posted(session, promised_hours=24)
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await breaches.record(session, [job_id], Breach.ALTERED)
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(logins.BOT, name))
    yield connection
    await connection.close()


async def _press(database: Database, who: Actor, decision: str, claim_no: int = 1) -> Actor:
    async with database.sessions.begin() as session:
        target_id = await rows.one(session, "SELECT id FROM campaign_targets")
        return await presses.decide_post(session, who, decision, target_id, claim_no)


async def _states(bot: asyncpg.Connection) -> list[str | None]:
    """Record a check that saw the post, and end the breach. Return the SQLSTATE of each."""
    found: list[str | None] = []
    for statement in (SEE, END):
        transaction = bot.transaction()
        await transaction.start()
        try:
            await bot.execute(statement)
            found.append(None)
        except asyncpg.PostgresError as error:
            found.append(error.sqlstate)
        await transaction.rollback()
    return found


async def test_a_press_lets_the_bot_record_a_check_and_end_a_breach(
    database: Database, bot: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        admin, advertiser = await people.staff(session), await people.person(session)
        blocked = await people.staff(session)
        await people.block(session, blocked)
    for actor, decision, claim_no in (
        (advertiser, "release", 1),  # no admin
        (blocked, "release", 1),
        (admin, "ask_release", 1),  # the question is no decision
        (admin, "release", 2),  # another claim of the job
        (admin, "refund", 1),
    ):
        await _press(database, actor, decision, claim_no)
        assert await _states(bot) == ["AD075", "AD074"], decision
    pressed = await _press(database, admin, "dismiss_sure")
    assert await _states(bot) == ["AD075", None]
    async with database.sessions.begin() as session:
        await inbox.mark_handled(session, pressed.inbox_id or 0)
    assert await _states(bot) == ["AD075", "AD074"]
    await _press(database, admin, "release")
    assert await _states(bot) == [None, None]


def test_the_database_reads_the_data_of_the_buttons() -> None:
    for act, word in (("RELEASE", "release"), ("DISMISS_CONFIRMED", "dismiss_sure")):
        button = OnUncertainPost(act=ResolutionAct[act], id=7, claim=2)
        assert button.pack() == f"uncertain:{word}:7:2"


async def test_the_bot_records_a_missed_check(database: Database, bot: asyncpg.Connection) -> None:
    await database.forward(timedelta(hours=1))
    await bot.execute(SEE.replace("'present'", "'unknown'"))
