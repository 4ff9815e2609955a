"""Test that the bot's login judges a post only with an admin's press."""

from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text

from bot.callbacks import OnUncertainPost, ResolutionAct, StatePublishedConfirmed
from db.models.posting import Breach
from db.models.users import Role, UserRole
from services.platform import inbox
from services.platform.actors import Actor
from services.posts import breaches
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses, rows

SEE = (
    "INSERT INTO post_checks (post_job_id, verdict, evidence)"
    " SELECT id, 'present', 'an admin has seen it' FROM post_jobs"
)
STATE = (
    "INSERT INTO publication_statements (post_job_id, claim_no, message_id, stated_by)"
    " SELECT id, claim_no, message_id, {} FROM post_jobs"
)
END = "UPDATE post_jobs SET breach = NULL, breach_refund_at = NULL"


@pytest.fixture(autouse=True)
async def broken_promise(database: Database) -> None:
    """Publish a post whose owner breaks a promise."""
    async with database.sessions.begin() as session:
        await people.posted(session, promised_hours=24)
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await breaches.record(session, [job_id], Breach.ALTERED)


async def _press(database: Database, who: Actor, decision: str, claim_no: int = 1) -> Actor:
    async with database.sessions.begin() as session:
        target_id = await rows.one(session, "SELECT id FROM campaign_targets")
        return await presses.decide_post(session, who, decision, target_id, claim_no)


async def _states(bot: asyncpg.Connection) -> list[str | None]:
    """Record a check that saw the post, and end the breach. Return the SQLSTATE of each."""
    return [await refused_state(bot, statement) for statement in (SEE, END)]


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
    assert await _states(bot) == ["AD075", None]  # no check has seen the post
    async with database.sessions.begin() as session:
        await session.execute(text(SEE.replace("an admin has seen it", "not modified")))
    assert await _states(bot) == [None, None]
    assert await refused_state(bot, SEE.replace("an admin has", "nobody has")) == "AD075"


@pytest.mark.parametrize("party", ["advertiser_id", "owner_id"])
async def test_no_press_of_an_admin_counts_for_their_own_money(
    database: Database, bot: asyncpg.Connection, party: str
) -> None:
    async with database.sessions.begin() as session:
        await session.execute(text(SEE.replace("an admin has seen it", "not modified")))
        user_id = await rows.one(
            session,
            f"SELECT {party} FROM campaign_targets target"
            " JOIN campaigns ON campaigns.id = target.campaign_id",
        )
        session.add(UserRole(user_id=user_id, role=Role.ADMIN))
    await _press(database, Actor(user_id, frozenset({Role.ADMIN})), "release")
    assert await _states(bot) == ["AD075", "AD074"]


async def test_two_admins_let_the_bot_record_a_post_that_no_check_has_seen(
    database: Database, bot: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        one, two = await people.staff(session), await people.staff(session)
        target_id = await rows.one(session, "SELECT id FROM campaign_targets")
        early = await presses.write(session, one, f"/payowner {target_id} I saw it")
    assert await refused_state(bot, STATE.format(one.user_id)) is None
    await bot.execute(STATE.format(one.user_id))  # before the end of the promised hours
    await database.forward(timedelta(hours=25))
    async with database.sessions.begin() as session:
        await presses.write(session, two, f"/payowner {target_id} me too")
    assert await _states(bot) == ["AD075", None]
    async with database.sessions.begin() as session:
        await inbox.mark_handled(session, early.inbox_id or 0)
    assert await refused_state(bot, STATE.format(one.user_id)) == "AD084"
    await bot.execute(STATE.format(two.user_id))  # the same person a second time
    assert await _states(bot) == ["AD075", None]
    await _press(database, one, "release")
    late = "(post_job_id, claim_no, message_id, stated_by, created_at)"
    dated = STATE.replace("(post_job_id, claim_no, message_id, stated_by)", late)
    await bot.execute(dated.format(f"{one.user_id}, now() + interval '9 days'"))
    assert await refused_state(bot, SEE) is None
    await database.forward(timedelta(hours=71, minutes=59))
    assert await refused_state(bot, SEE) is None
    await database.forward(timedelta(minutes=2))
    assert await _states(bot) == ["AD075", None]


async def test_an_admin_states_where_an_uncertain_post_is(
    database: Database, bot: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        admin, other = await people.staff(session), await people.staff(session)
        target_id = await rows.one(session, "SELECT id FROM campaign_targets")
        message_id = await rows.one(session, "SELECT message_id FROM post_jobs")
    await database.as_owner(
        "ALTER TABLE post_jobs DISABLE TRIGGER USER; UPDATE post_jobs SET status = 'uncertain'"
    )
    state = STATE.format(admin.user_id)
    for words, expected in (
        (f"/there {target_id}0 {message_id}", "AD084"),
        (f"/there {target_id} https://t.me/c/{message_id}/9{message_id}", "AD084"),
        (f"/payowner {target_id} I saw it", "AD084"),
        (f"/there@the_bot #{target_id} https://t.me/c/77/{message_id}?single", None),
    ):
        async with database.sessions.begin() as session:
            written = await presses.write(session, admin, words)
        assert await refused_state(bot, STATE.format(other.user_id)) == "AD084"
        assert await refused_state(bot, state) == expected, words
        async with database.sessions.begin() as session:
            await inbox.mark_handled(session, written.inbox_id or 0)
    button = StatePublishedConfirmed(id=target_id, claim=1, message_id=message_id)
    async with database.sessions.begin() as session:
        await presses.press(session, admin, button.pack())
    assert await refused_state(bot, state) is None


DECISIONS = {
    ("success", "failed"): "refund",
    ("uncertain", "failed"): "refund",
    ("uncertain", "queued"): "absent_sure",
    ("uncertain", "cancelled"): "absent_sure",
    ("uncertain", "success"): "seen_sure",
}


@pytest.mark.parametrize(("before", "after"), DECISIONS)
async def test_the_bots_login_decides_about_a_post_only_by_an_admins_press(
    database: Database, bot: asyncpg.Connection, before: str, after: str
) -> None:
    async with database.sessions.begin() as session:
        admin, operator = await people.staff(session), await people.staff(session, Role.OPERATOR)
        target_id = await rows.one(session, "SELECT id FROM campaign_targets")
        message_id = await rows.one(session, "SELECT message_id FROM post_jobs")
    for statement in (
        "ALTER TABLE post_jobs DISABLE TRIGGER USER",
        f"UPDATE post_jobs SET status = '{before}'",
        "ALTER TABLE post_jobs ENABLE TRIGGER USER",
    ):
        await database.as_owner(statement)
    decide = f"UPDATE post_jobs SET status = '{after}', message_id = {message_id}"
    wanted = DECISIONS[before, after]

    async def press(who: Actor, data: str) -> None:
        async with database.sessions.begin() as session:
            await presses.press(session, who, data)

    def button(decision: str, number: int = target_id) -> str:
        if decision == "seen_sure":
            return f"seen_sure:{number}:1:{message_id}"
        return f"uncertain:{decision}:{number}:1"

    await press(operator, button(wanted))
    await press(admin, button(wanted, target_id + 1))
    for other in {*DECISIONS.values(), "dismiss_sure", "release"} - {wanted}:
        await press(admin, button(other))
    assert await refused_state(bot, decide) == "AD085"
    await press(admin, button(wanted))
    assert await refused_state(bot, decide) is None


def test_the_database_reads_the_data_of_the_buttons() -> None:
    for act, word in (
        ("RELEASE", "release"),
        ("DISMISS_CONFIRMED", "dismiss_sure"),
        ("REFUND", "refund"),
        ("ABSENT_CONFIRMED", "absent_sure"),
    ):
        button = OnUncertainPost(act=ResolutionAct[act], id=7, claim=2)
        assert button.pack() == f"uncertain:{word}:7:2"


async def test_the_bot_records_a_missed_check(database: Database, bot: asyncpg.Connection) -> None:
    await database.forward(timedelta(hours=1))
    await bot.execute(SEE.replace("'present'", "'unknown'"))
