"""Test that a complaint freezes the money, and that each way through it ends in one settlement."""

import asyncio
from datetime import timedelta

import pytest

from db.models.complaints import ComplaintKind
from db.models.posting import Breach, Verdict
from db.models.users import Role
from services.market import complaints
from services.money import escrow
from services.platform import errors
from services.platform.actors import Actor
from services.platform.complaint_errors import (
    ComplaintMovedOn,
    ComplaintOpen,
    ComplaintRefused,
)
from services.posts import breaches, verification
from tests.conftest import Database
from tests.factories import people, rows
from tests.factories.complaints import (
    DAY,
    OUTCOME,
    START,
    STATUS,
    Complained,
    check,
    complain,
    complained,
    lose,
    published,
)

WAIT = 0.3
"""How long one transaction is seen to wait for another one, in seconds."""
NOTICES = "SELECT payload->>'to', payload->>'step' FROM outbox WHERE kind = 'complaint' ORDER BY id"


async def test_nothing_is_released_while_a_complaint_is_open(database: Database) -> None:
    made = await published(database)
    found = await complain(database, made)
    assert not await found.releasable()
    with pytest.raises(ComplaintOpen):
        await found.release()
    await found.settle()
    assert await found.one("SELECT status FROM escrows") == "held"
    async with database.sessions.begin() as session:
        await complaints.say_satisfied(session, actor=made.advertiser, complaint_id=found.id)
    assert await found.one(OUTCOME) == "satisfied"
    await found.settle()
    assert await found.balances() == (START - 5_000, 4_500)


async def test_the_owner_is_told_and_answers_and_the_advertiser_is_asked(
    database: Database,
) -> None:
    found = await complained(database)
    await found.answer()
    async with database.sessions.begin() as session:
        told = [tuple(row) for row in await rows.table(session, NOTICES)]
    assert told == [("owner", "opened"), ("advertiser", "answered")]
    with pytest.raises(ComplaintMovedOn):
        await found.answer()


async def test_a_second_press_opens_no_second_complaint(database: Database) -> None:
    found = await complained(database)
    again = await complain(database, found.made, ComplaintKind.COVERED)
    assert again.id == found.id
    assert await found.one("SELECT count(*) FROM complaints") == 1


async def test_a_placement_has_at_most_two_complaints(database: Database) -> None:
    found = await complained(database)
    for _ in range(2):
        found = await complain(database, found.made)
        async with database.sessions.begin() as session:
            await complaints.say_satisfied(
                session, actor=found.made.advertiser, complaint_id=found.id
            )
    with pytest.raises(ComplaintRefused, match="too_many"):
        await complain(database, found.made)


async def test_own_words_are_needed_for_other_and_are_limited(database: Database) -> None:
    made = await published(database)
    for words in ("", " ", "x" * (complaints.WORDS_LIMIT + 1)):
        async with database.sessions() as session:
            with pytest.raises(errors.InvalidText):
                await complaints.open_complaint(
                    session,
                    actor=made.advertiser,
                    target_id=made.target.id,
                    kind=ComplaintKind.OTHER,
                    words=words,
                )
    found = await complain(database, made, ComplaintKind.OTHER)
    assert await found.one("SELECT words FROM complaints") == "The link is dead."


@pytest.mark.parametrize(
    ("state", "why"), [("queued", "held"), ("released", "released"), ("breach", "breach")]
)
async def test_there_is_no_complaint_without_a_live_post_and_held_money(
    database: Database, state: str, why: str
) -> None:
    if state == "queued":
        async with database.sessions.begin() as session:
            made = await people.approved(session)
    else:
        made = await published(database)
    async with database.sessions.begin() as session:
        if state == "released":
            await escrow.release(session, target_id=made.target.id)
        elif state == "breach":
            job_id = await rows.one(session, "SELECT id FROM post_jobs")
            await breaches.record(session, [job_id], Breach.LOCKED_OUT)
    with pytest.raises(ComplaintRefused, match=why):
        await complain(database, made)


async def test_only_the_people_of_a_step_take_it(database: Database) -> None:
    found = await complained(database)
    made = found.made
    async with database.sessions.begin() as session:
        stranger, other = await people.person(session), await people.person(session)
    for who in (stranger, made.owner, made.moderator):
        with pytest.raises(errors.NotFound):
            async with database.sessions.begin() as session:
                await complaints.open_complaint(
                    session, actor=who, target_id=made.target.id, kind=ComplaintKind.WRONG
                )
    for who in (stranger, made.advertiser, made.moderator):
        with pytest.raises(errors.NotFound):
            async with database.sessions.begin() as session:
                await complaints.answer(session, actor=who, complaint_id=found.id, words="No.")
    await found.answer()
    for who in (other, made.owner, made.moderator):
        with pytest.raises(errors.NotFound):
            async with database.sessions.begin() as session:
                await complaints.dispute(session, actor=who, complaint_id=found.id)
    assert await found.one(STATUS) == "answered"


async def test_the_staff_decide_only_what_is_disputed_and_not_their_own_money(
    database: Database,
) -> None:
    found = await complained(database)
    with pytest.raises(ComplaintMovedOn):
        await found.decide(50)
    await found.dispute()
    for side in (found.made.owner, found.made.advertiser):
        staff = Actor(side.user_id, frozenset({Role.ADMIN}), in_admin_chat=True)
        with pytest.raises(errors.OwnMoney):
            await found.decide(100, staff)
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        admin = await people.staff(session)
    for wrong in (operator, Actor(admin.user_id, admin.roles, in_admin_chat=False)):
        with pytest.raises(errors.AccessDenied):
            await found.decide(100, wrong)
    async with database.sessions.begin() as session:
        await people.block(session, admin)
    with pytest.raises(errors.NotFound):
        await found.decide(100, admin)
    assert await found.one(STATUS) == "disputed"


async def test_the_silence_of_the_owner_asks_the_staff(database: Database) -> None:
    found = await complained(database)
    assert await found.pass_time(DAY - timedelta(minutes=1)) == 0
    assert await found.pass_time(timedelta(minutes=2)) == 1
    assert await found.one(STATUS) == "disputed"
    assert await found.one("SELECT count(*) FROM outbox WHERE kind = 'complaint_staff'") == 1


async def test_the_silence_of_the_advertiser_closes_the_complaint(database: Database) -> None:
    found = await complained(database)
    await found.answer()
    assert await found.pass_time(DAY) == 1
    assert await found.one(OUTCOME) == "silent"
    assert await found.releasable()


async def test_the_silence_of_the_staff_is_told_once_more_and_then_releases(
    database: Database,
) -> None:
    found = await complained(database)
    await found.dispute()
    assert await found.pass_time(DAY) == 1
    assert await found.one(STATUS) == "disputed"
    assert await found.one("SELECT count(*) FROM outbox WHERE kind = 'complaint_staff'") == 2
    assert await found.pass_time(DAY) == 1
    assert await found.one(OUTCOME) == "unanswered"
    await found.settle()
    assert await found.balances() == (START - 5_000, 4_500)


async def test_the_silence_about_an_appeal_leaves_the_first_decision(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(25)
    await found.appeal(found.made.owner)
    assert await found.pass_time(DAY) == 1
    assert await found.one(STATUS) == "appealed"
    assert await found.pass_time(DAY) == 1
    assert await found.one(OUTCOME) == "split"
    await found.settle()
    assert await found.balances() == (START - 1_250, 1_125)


async def test_a_breach_absorbs_the_complaint(database: Database) -> None:
    found = await complained(database)
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await breaches.record(session, [job_id], Breach.ALTERED)
    assert await found.one(OUTCOME) == "absorbed"
    async with database.sessions.begin() as session:
        told = [tuple(row) for row in await rows.table(session, NOTICES)]
    assert ("advertiser", "absorbed") in told
    assert ("owner", "absorbed") in told
    with pytest.raises(ComplaintMovedOn):
        await found.answer()


async def test_a_post_that_is_gone_absorbs_the_complaint_and_is_refunded(
    database: Database,
) -> None:
    found = await complained(database, hours=24)
    await found.answer()
    await lose(database)
    assert await found.one(OUTCOME) == "absorbed"
    await found.settle()
    assert await found.balances() == (START, 0)


async def test_a_complaint_brings_the_next_check_nearer(database: Database) -> None:
    found = await complained(database, hours=24)
    assert await found.one("SELECT next_check_at <= clock() FROM post_jobs")


async def test_there_is_no_second_complaint_after_a_decision(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(50)
    await found.accept(found.made.owner, found.made.advertiser)
    await found.pass_time(timedelta())
    with pytest.raises(ComplaintRefused, match="decided"):
        await complain(database, found.made)


async def test_the_release_waits_for_the_window(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=0, complaint_window=DAY)
    found = Complained(database, made, 0)
    assert not await found.releasable()
    with pytest.raises(errors.PostNotProven, match="complaint_window"):
        await found.release()
    await database.forward(DAY)
    assert await found.releasable()
    await found.release()


async def _correct(found: Complained) -> None:
    async with found.database.sessions.begin() as session:
        await complaints.ask_correction(session, actor=found.made.owner, complaint_id=found.id)


async def test_the_owner_lets_the_bot_correct_the_post(database: Database) -> None:
    found = await complained(database, hours=24)
    await database.forward(timedelta(hours=1))
    await check(database, Verdict.PRESENT)
    assert await found.one(STATUS) == "asked"
    await _correct(found)
    assert await found.one(STATUS) == "correcting"
    assert await found.one("SELECT next_check_at <= clock() FROM post_jobs")
    for verdict in (Verdict.UNKNOWN, Verdict.GONE):
        await check(database, verdict)
        assert await found.one(STATUS) == "correcting"
    await check(database, Verdict.PRESENT)
    assert await found.one(STATUS) == "answered"
    async with database.sessions.begin() as session:
        told = [tuple(row) for row in await rows.table(session, NOTICES)]
    assert told[-1] == ("advertiser", "corrected")
    assert await found.pass_time(DAY - timedelta(minutes=1)) == 0
    assert await found.pass_time(timedelta(minutes=2)) == 1
    assert await found.one(OUTCOME) == "silent"


async def test_a_check_that_compares_nothing_corrects_nothing(database: Database) -> None:
    found = await complained(database, hours=24)
    await _correct(found)
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.PRESENT, evidence="x", compared=False
        )
    assert await found.one(STATUS) == "correcting"
    assert await found.pass_time(DAY) == 1
    assert await found.one(STATUS) == "disputed"


async def test_a_post_without_promised_hours_is_not_corrected(database: Database) -> None:
    found = await complained(database)
    with pytest.raises(ComplaintMovedOn):
        await _correct(found)


async def test_a_complaint_and_a_release_at_once_settle_the_escrow_once(
    database: Database,
) -> None:
    made = await published(database)
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=made.target.id)
        waiting = asyncio.create_task(complain(database, made))
        await asyncio.sleep(WAIT)
        assert not waiting.done()
    with pytest.raises(ComplaintRefused, match="released"):
        await waiting


async def test_a_release_waits_for_a_complaint_that_is_being_opened(database: Database) -> None:
    made = await published(database)
    found = Complained(database, made, 0)
    async with database.sessions.begin() as session:
        await complaints.open_complaint(
            session, actor=made.advertiser, target_id=made.target.id, kind=ComplaintKind.WRONG
        )
        waiting = asyncio.create_task(found.release())
        await asyncio.sleep(WAIT)
        assert not waiting.done()
    with pytest.raises(ComplaintOpen):
        await waiting


async def test_of_two_deciders_at_once_one_decides(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    results = await asyncio.gather(found.decide(100), found.decide(0), return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["ComplaintMovedOn", "NoneType"]
    assert await found.one("SELECT count(*) FROM complaint_steps WHERE kind = 'decided'") == 1
