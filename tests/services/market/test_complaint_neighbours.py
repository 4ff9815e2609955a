"""Test that a complaint about one placement changes nothing about another one."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from db.models.posting import Breach, Verdict
from db.models.users import Role
from services.market import complaints
from services.money import escrow
from services.posts import breaches, verification
from tests.conftest import Database
from tests.factories import people, rows
from tests.factories.complaints import APPEAL, Complained, complain, published

STATE = """
    SELECT to_jsonb(target), to_jsonb(job), to_jsonb(held), to_jsonb(complaint),
        (SELECT jsonb_agg(step ORDER BY step.id) FROM complaint_steps step
            WHERE step.complaint_id = complaint.id)
    FROM campaign_targets target JOIN post_jobs job ON job.campaign_target_id = target.id
    JOIN escrows held ON held.campaign_target_id = target.id
    JOIN complaints complaint ON complaint.campaign_target_id = target.id
    WHERE target.id = {}
"""


async def _two(database: Database) -> tuple[Complained, Complained]:
    """Return two complaints about placements of different people, with promised hours."""
    first, second = await published(database, hours=24), await published(database, hours=24)
    return await complain(database, first), await complain(database, second)


async def _state(found: Complained) -> list[tuple[Any, ...]]:
    async with found.database.sessions.begin() as session:
        return await rows.table(session, STATE.format(found.target_id))


async def _job_id(found: Complained) -> int:
    query = f"SELECT id FROM post_jobs WHERE campaign_target_id = {found.target_id}"
    return int(str(await found.one(query)))


async def _correct(found: Complained) -> None:
    async with found.database.sessions.begin() as session:
        await complaints.ask_correction(session, actor=found.made.owner, complaint_id=found.id)


async def _check(found: Complained, verdict: Verdict = Verdict.PRESENT) -> None:
    job_id = await _job_id(found)
    async with found.database.sessions.begin() as session:
        await verification.record_check(session, job_id=job_id, verdict=verdict, evidence="x")


async def _end(found: Complained) -> None:
    async with found.database.sessions.begin() as session:
        assert await complaints.end_step(session, complaint_id=found.id)


async def _satisfy(found: Complained) -> None:
    async with found.database.sessions.begin() as session:
        await complaints.say_satisfied(session, actor=found.made.advertiser, complaint_id=found.id)


async def _correct_and_check(found: Complained) -> None:
    await _correct(found)
    await _check(found)


async def _refund(found: Complained) -> None:
    await found.dispute()
    await found.decide(0)
    await found.database.forward(APPEAL)
    await _end(found)
    async with found.database.sessions.begin() as session:
        await escrow.refund(session, target_id=found.target_id)


async def _breach(found: Complained) -> None:
    job_id = await _job_id(found)
    async with found.database.sessions.begin() as session:
        await breaches.record(session, [job_id], Breach.ALTERED)


async def _lose_the_post(found: Complained) -> None:
    await _check(found, Verdict.GONE)


ACTS: list[Callable[[Complained], Awaitable[None]]] = [
    _correct_and_check,
    _satisfy,
    _refund,
    _breach,
    _lose_the_post,
    Complained.dispute,
]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__.strip("_"))
async def test_another_complaint_stays_as_it_is(
    database: Database, act: Callable[[Complained], Awaitable[None]]
) -> None:
    first, second = await _two(database)
    await _correct(second)
    before = await _state(second)
    await act(first)
    assert await _state(second) == before
    assert await _state(first) != before


async def test_a_complaint_brings_no_check_of_another_post_nearer(database: Database) -> None:
    first, second = await published(database, hours=24), await published(database, hours=24)
    endless = await published(database)
    due = "SELECT next_check_at FROM post_jobs WHERE campaign_target_id = {}"
    async with database.sessions.begin() as session:
        planned = await rows.one(session, due.format(second.target.id))
    await complain(database, first)
    await complain(database, endless)
    async with database.sessions.begin() as session:
        assert await rows.one(session, due.format(second.target.id)) == planned
        assert await rows.one(session, due.format(first.target.id)) < planned
        # A post without promised hours is never checked.
        assert await rows.one(session, due.format(endless.target.id)) is None


async def test_decisions_and_complaints_about_another_post_forbid_no_complaint(
    database: Database,
) -> None:
    decided, other = await published(database), await published(database)
    for _ in range(2):
        found = await complain(database, decided)
        await found.dispute()
        if _ == 0:
            await _satisfy(found)
    await found.decide(100)
    await found.pass_time(APPEAL)
    await found.release()
    new = await complain(database, other)
    assert new.target_id == other.target.id
    assert await found.one(f"SELECT number FROM complaints WHERE id = {new.id}") == 1


async def test_a_complaint_and_a_split_hold_and_change_no_other_release(
    database: Database,
) -> None:
    first, second, third = [await published(database) for _ in range(3)]
    found = await complain(database, first)
    await found.dispute()
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=second.target.id)
    await found.decide(40)
    await found.pass_time(APPEAL)
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=third.target.id)
        returned = "SELECT campaign_target_id FROM escrows WHERE returned > 0"
        assert await rows.table(session, returned) == []
    await found.release()


async def test_the_time_after_a_correction_is_that_of_its_own_complaint(
    database: Database,
) -> None:
    first, second = await _two(database)
    await _correct(first)
    await database.forward(timedelta(hours=3))
    await _correct(second)
    await _check(first)
    left = "SELECT due_at - clock() BETWEEN '23 hours 59 minutes' AND '24 hours' FROM complaints"
    assert await first.one(f"{left} WHERE id = {first.id}") is True


async def test_a_blocked_admin_and_another_role_decide_nothing(database: Database) -> None:
    found = await complain(database, await published(database))
    await found.dispute()
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        admin = await people.staff(session)
    call = "SELECT code FROM take_complaint_step({}, {}, 'decided', NULL, 100, '24 hours', NULL)"
    assert await found.one(call.format(found.id, operator.user_id)) == "not_found"
    await database.as_owner("ALTER TABLE users DISABLE TRIGGER USER")
    await database.as_owner(f"UPDATE users SET blocked = true WHERE id = {admin.user_id}")
    await database.as_owner("ALTER TABLE users ENABLE TRIGGER USER")
    assert await found.one(call.format(found.id, admin.user_id)) == "not_found"
