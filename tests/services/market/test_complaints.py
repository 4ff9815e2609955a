"""Test that a complaint freezes the money, and that each way through it ends in one settlement."""

import asyncio
from datetime import timedelta

import pytest

from db.models.complaints import ComplaintKind
from db.models.operations import Switch
from db.models.posting import Breach, Verdict
from db.models.users import Role
from scheduler import settlements
from services.market import complaints
from services.money import escrow, wallets
from services.platform import errors
from services.platform.actors import Actor
from services.platform.complaint_errors import (
    ComplaintMovedOn,
    ComplaintOpen,
    ComplaintRefused,
    SplitTooSmall,
)
from services.posts import breaches, verification
from tests.conftest import Database
from tests.factories import people, rows
from tests.factories.complaints import (
    APPEAL,
    DAY,
    OUTCOME,
    STATUS,
    Complained,
    check,
    complain,
    complained,
    published,
)

START = 20_000
"""What the advertiser had before the purchase, in minor units."""
WAIT = 0.3
"""How long one transaction is seen to wait for another one, in seconds."""
NOTICES = "SELECT payload->>'to', payload->>'step' FROM outbox WHERE kind = 'complaint' ORDER BY id"


async def _balances(found: Complained) -> tuple[int, int]:
    """Return the balances of the advertiser and of the owner."""
    async with found.database.sessions.begin() as session:
        sides = (found.made.advertiser, found.made.owner)
        both = [await wallets.of_user(session, side.user_id or 0) for side in sides]
        return both[0].balance, both[1].balance


async def _settle(found: Complained) -> None:
    await settlements.release_due(found.database.sessions)
    await settlements.refund_due(found.database.sessions)


async def test_nothing_is_released_while_a_complaint_is_open(database: Database) -> None:
    made = await published(database)
    found = await complain(database, made)
    assert not await found.releasable()
    with pytest.raises(ComplaintOpen):
        await found.release()
    await _settle(found)
    assert await found.one("SELECT status FROM escrows") == "held"
    async with database.sessions.begin() as session:
        await complaints.say_satisfied(session, actor=made.advertiser, complaint_id=found.id)
    assert await found.one(OUTCOME) == "satisfied"
    await _settle(found)
    assert await _balances(found) == (START - 5_000, 4_500)


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


@pytest.mark.parametrize(
    ("percent", "advertiser", "owner", "outcome"),
    [
        (100, 0, 4_500, "released"),
        (0, 5_000, 0, "refunded"),
        (25, 3_750, 1_125, "split"),
        (50, 2_500, 2_250, "split"),
        (99, 50, 4_455, "split"),
    ],
)
async def test_a_decision_takes_effect_after_the_time_for_an_appeal(
    database: Database, percent: int, advertiser: int, owner: int, outcome: str
) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(percent)
    assert await found.pass_time(APPEAL - timedelta(minutes=1)) == 0
    await _settle(found)
    assert await _balances(found) == (START - 5_000, 0)
    assert await found.pass_time(timedelta(minutes=2)) == 1
    assert await found.one(OUTCOME) == outcome
    await _settle(found)
    assert await _balances(found) == (START - 5_000 + advertiser, owner)
    assert (
        await found.one(
            "SELECT count(*) FROM ledger_transfers WHERE reason IN ('payout', 'refund')"
        )
        == 1
    )


@pytest.mark.parametrize(
    ("price", "percent", "fee_bps"), [(101, 33, 999), (2, 50, 9_999), (3, 99, 0)]
)
async def test_the_parts_of_a_split_always_sum_to_the_escrow(
    database: Database, price: int, percent: int, fee_bps: int
) -> None:
    found = await complained(database, price=price, fee_bps=fee_bps)
    await found.dispute()
    await found.decide(percent)
    await found.pass_time(APPEAL)
    await _settle(found)
    kept = price * percent // 100
    fee = kept * fee_bps // 10_000
    assert await _balances(found) == (START - kept, kept - fee)
    assert await found.one("SELECT returned FROM escrows") == price - kept
    assert await found.one("SELECT sum(balance)::int FROM wallets WHERE kind = 'revenue'") == (
        fee or None
    )


async def test_a_split_with_a_part_of_nothing_is_refused(database: Database) -> None:
    found = await complained(database, price=1)
    await found.dispute()
    for percent in (1, 99):
        with pytest.raises(SplitTooSmall):
            await found.decide(percent)
    await found.decide(100)


async def test_both_sides_can_give_up_the_appeal(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(50)
    await found.accept(found.made.owner)
    assert await found.pass_time(timedelta()) == 0
    for late in (found.accept, found.appeal):
        with pytest.raises(ComplaintMovedOn):
            await late(found.made.owner)
    await found.accept(found.made.advertiser)
    assert await found.pass_time(timedelta()) == 1
    await _settle(found)
    assert await _balances(found) == (START - 2_500, 2_250)


async def test_an_appeal_is_decided_by_another_super_admin_and_is_the_last_one(
    database: Database,
) -> None:
    found = await complained(database)
    await found.dispute()
    async with database.sessions.begin() as session:
        head = await people.staff(session, Role.SUPER_ADMIN)
        admin = await people.staff(session)
    await found.decide(100, head)
    await found.appeal(found.made.advertiser)
    with pytest.raises(ComplaintMovedOn):
        await found.appeal(found.made.owner)
    with pytest.raises(errors.SamePerson):
        await found.decide(0, head)
    with pytest.raises(errors.AccessDenied):
        await found.decide(0, admin)
    await found.decide_appeal(0)
    for side in (found.made.owner, found.made.advertiser):
        with pytest.raises(ComplaintMovedOn):
            await found.appeal(side)
    assert await found.pass_time(timedelta()) == 1
    await _settle(found)
    assert await _balances(found) == (START, 0)


async def test_an_appeal_comes_within_its_time(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(100)
    await database.forward(APPEAL)
    with pytest.raises(ComplaintMovedOn):
        await found.appeal(found.made.advertiser)


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
    await _settle(found)
    assert await _balances(found) == (START - 5_000, 4_500)


async def test_the_silence_about_an_appeal_leaves_the_first_decision(database: Database) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(25)
    await found.appeal(found.made.owner)
    assert await found.pass_time(DAY) == 1
    assert await found.one(STATUS) == "appealed"
    assert await found.pass_time(DAY) == 1
    assert await found.one(OUTCOME) == "split"
    await _settle(found)
    assert await _balances(found) == (START - 1_250, 1_125)


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
    for _ in range(2):
        await check(database, Verdict.GONE)
        await database.forward(verification.RECHECK_INTERVAL + timedelta(seconds=1))
    assert await found.one(OUTCOME) == "absorbed"
    await _settle(found)
    assert await _balances(found) == (START, 0)


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


async def test_a_split_waits_for_both_switches_and_holds_up_no_other_release(
    database: Database,
) -> None:
    found = await complained(database)
    await found.dispute()
    await found.decide(50)
    await found.pass_time(APPEAL)
    other = await published(database)
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.REFUNDS)
    with pytest.raises(errors.SwitchStopped):
        await found.release()
    await _settle(found)
    assert await found.one("SELECT status FROM escrows ORDER BY id LIMIT 1") == "held"
    assert await found.one(f"SELECT status FROM campaign_targets WHERE id = {other.target.id}") == (
        "posted"
    )
    async with database.sessions.begin() as session:
        await people.set_switch(session, Switch.REFUNDS, enabled=True)
    await _settle(found)
    assert await _balances(found) == (START - 2_500, 2_250)


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
