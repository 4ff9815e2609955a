"""Posts of which nobody knows: what finds, two looks in vain, and people do to the money."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.posting import PostJob, Verdict
from db.models.users import Role
from services import (
    campaigns,
    channels,
    decisions,
    doubts,
    errors,
    escrow,
    live_checks,
    posting,
)
from services.actors import Actor
from tests.conftest import Database
from tests.factories import people, rows

GAP = timedelta(minutes=5)
KNOWN = 7
HELD = ("held", "approved")


async def _uncertain(session: AsyncSession, **terms: Any) -> people.Deal:
    """A deal whose send was cut; the channel's highest known id was KNOWN before it."""
    made = await people.approved(session, **terms)
    await channels.note_message(session, chat_id=made.channel.chat_id, message_id=KNOWN)
    claim = await people.claimed(session)
    assert await posting.may_send(session, claim)
    assert await posting.record_uncertain(session, claim, error="TimeoutError")
    await people.commit(session)
    return made


async def _doubt(session: AsyncSession) -> doubts.Doubt:
    [doubt] = await doubts.take(session, limit=9)
    return doubt


async def _state(session: AsyncSession) -> tuple[str, str, str]:
    [found] = await rows.table(
        session,
        "SELECT j.status, e.status, t.status FROM post_jobs j"
        " JOIN campaign_targets t ON t.id = j.campaign_target_id"
        " JOIN escrows e ON e.campaign_target_id = t.id",
    )
    return found[0], found[1], found[2]


async def _cards(session: AsyncSession, kind: str) -> int:
    count: int = await rows.one(
        session, "SELECT count(*) FROM outbox WHERE kind = :kind AND user_id IS NULL", kind=kind
    )
    return count


async def _twice_absent(database: Database) -> None:
    for _ in range(2):
        async with database.sessions.begin() as session:
            doubt = await _doubt(session)
            assert await doubts.record_absent(session, doubt, gap=GAP, seen_up_to=0)
        await database.forward(GAP + timedelta(seconds=1))


async def test_a_look_in_vain_proves_nothing_until_an_id_of_the_channel_is_known(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        made = await _uncertain(session)
        await channels.forget_messages(session, chat_id=made.channel.chat_id)
    for _ in range(3):
        async with database.sessions.begin() as session:
            assert await doubts.record_absent(
                session, await _doubt(session), gap=GAP, seen_up_to=KNOWN
            )
            assert await _state(session) == ("uncertain", *HELD)
            # What a search from the start has seen may be old.
            assert await rows.one(session, "SELECT last_message_id FROM channels") == 0
        await database.forward(GAP + timedelta(seconds=1))
    async with database.sessions.begin() as session:
        await channels.note_message(session, chat_id=made.channel.chat_id, message_id=KNOWN)
    await _twice_absent(database)
    async with database.sessions.begin() as session:
        assert await _state(session) == ("queued", *HELD)


async def test_it_is_above_what_was_known_before_the_send(session: AsyncSession) -> None:
    made = await _uncertain(session)
    # What came after it is known by now, and must not hide it.
    await channels.note_message(session, chat_id=made.channel.chat_id, message_id=KNOWN + 5)
    doubt = await _doubt(session)
    assert (doubt.known_message_id, doubt.last_message_id) == (KNOWN, KNOWN + 5)
    assert await doubts.take(session, limit=9) == []  # it is being looked for


async def test_a_find_is_a_success_and_its_hours_run_from_the_find(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _uncertain(session, promised_hours=2)
    await database.forward(timedelta(hours=1))
    async with database.sessions.begin() as session:
        doubt = await _doubt(session)
        assert await doubts.record_found(session, doubt, message_id=KNOWN + 1)
    async with database.sessions.begin() as session:
        assert await _state(session) == ("success", *HELD)
        assert await rows.one(session, "SELECT message_id FROM post_jobs") == KNOWN + 1
        hours = await rows.one(session, "SELECT release_due_at - clock() FROM escrows")
        assert timedelta(hours=1, minutes=59) < hours <= timedelta(hours=2)
        told = await rows.table(
            session, "SELECT user_id FROM outbox WHERE kind = 'post_published' ORDER BY id"
        )
        assert told == [(made.advertiser.user_id,), (made.owner.user_id,)]
        assert not await doubts.record_found(session, doubt, message_id=KNOWN + 2)
        assert not await doubts.record_absent(session, doubt, gap=GAP, seen_up_to=0)


async def test_one_look_in_vain_proves_nothing_nor_do_two_at_once(database: Database) -> None:
    async with database.sessions.begin() as session:
        await _uncertain(session)
    async with database.sessions.begin() as session:
        doubt = await _doubt(session)
        for _ in range(2):
            assert await doubts.record_absent(session, doubt, gap=GAP, seen_up_to=0)
    async with database.sessions.begin() as session:
        assert await _state(session) == ("uncertain", *HELD)
        assert await doubts.take(session, limit=9) == []
    await database.forward(GAP + timedelta(seconds=1))
    async with database.sessions.begin() as session:
        assert await doubts.record_absent(session, await _doubt(session), gap=GAP, seen_up_to=9)
        assert await _state(session) == ("queued", *HELD)
        assert await rows.table(session, "SELECT attempts, absent_at FROM post_jobs") == [(1, None)]
        assert await rows.one(session, "SELECT last_message_id FROM channels") == 9


async def test_after_it_is_sent_again_an_old_look_counts_for_nothing(database: Database) -> None:
    async with database.sessions.begin() as session:
        await _uncertain(session)
        doubt = await _doubt(session)
        await database.forward(doubts.LOOK_AGAIN)
    await _twice_absent(database)
    async with database.sessions.begin() as session:
        claim = await people.claimed(session)
        assert await posting.may_send(session, claim)
        assert await posting.record_uncertain(session, claim, error="again")
        before = await rows.snapshot(session)
        assert not await doubts.record_found(session, doubt, message_id=KNOWN + 1)
        assert not await doubts.record_absent(session, doubt, gap=GAP, seen_up_to=99)
        assert not await doubts.record_unknown(session, doubt, seen_up_to=99)
        assert await rows.snapshot(session) == before


@pytest.mark.parametrize(
    ("change", "end"),
    [
        ("attempts = 7", "failed"),
        ("abandoned = 5", "failed"),
        ("attempts = 6", "queued"),
    ],
)
async def test_it_is_not_sent_for_ever(database: Database, change: str, end: str) -> None:
    async with database.sessions.begin() as session:
        made = await _uncertain(session)
    await database.as_owner(f"UPDATE post_jobs SET {change}")  # noqa: S608 - of this file
    await _twice_absent(database)
    async with database.sessions.begin() as session:
        assert await _state(session) == (end, *HELD)
        if end == "failed":
            await escrow.refund(session, target_id=made.target.id)


async def test_absent_from_a_cancelled_campaign_it_is_refunded(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await _uncertain(session)
        await campaigns.cancel(session, actor=made.advertiser, campaign_id=made.campaign.id)
    await _twice_absent(database)
    async with database.sessions.begin() as session:
        assert await _state(session) == ("cancelled", *HELD)
        assert await escrow.refundable(session, limit=9) == [made.target.id]
        await escrow.refund(session, target_id=made.target.id)


async def test_what_stays_unknown_becomes_a_card_and_is_asked_again(database: Database) -> None:
    async with database.sessions.begin() as session:
        await _uncertain(session)
    for wait, cards in (
        (timedelta(), 0),
        (posting.DOUBT_LASTS, 1),
        (timedelta(hours=1), 1),
        (doubts.ASK_AGAIN, 2),
    ):
        await database.forward(wait)
        async with database.sessions.begin() as session:
            for doubt in await doubts.take(session, limit=9):
                assert await doubts.record_unknown(session, doubt, seen_up_to=0)
            await doubts.ask_due(session, limit=9)
            assert await _cards(session, "post_uncertain") == cards
            assert await _state(session) == ("uncertain", *HELD)


async def test_in_a_channel_without_rights_it_waits_for_its_owner_first(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        made = await _uncertain(session)
        await channels.rights_lost(session, chat_id=made.channel.chat_id, reason="bot_removed")
    await database.forward(channels.RIGHTS_GRACE - timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await doubts.take(session, limit=9) == []
        assert await doubts.ask_due(session, limit=9) == 0
    await database.forward(timedelta(minutes=2))
    async with database.sessions.begin() as session:
        assert await doubts.ask_due(session, limit=9) == 1
        await channels.rights_restored(session, chat_id=made.channel.chat_id)
        assert len(await doubts.take(session, limit=9)) == 1


async def test_a_live_post_in_a_channel_without_rights_is_asked_about(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=1)
        await channels.rights_lost(session, chat_id=made.channel.chat_id, reason="no_post_right")
    await database.forward(channels.RIGHTS_GRACE + timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await live_checks.take(session, limit=9) == []
        assert await doubts.ask_due(session, limit=9) == 1
        assert await _cards(session, "post_unseen") == 1
        assert await _state(session) == ("success", *HELD)


async def test_there_is_no_card_of_nothing(session: AsyncSession) -> None:
    with pytest.raises(errors.NotFound):
        await decisions.case(session, target_id=999_999)


async def _act(
    session: AsyncSession, what: str, actor: Actor, target_id: int, *, claim_no: int = 1
) -> bool:
    facts: dict[str, Any] = {"actor": actor, "target_id": target_id, "claim_no": claim_no}
    if what == "there":
        return await decisions.there(session, **facts, message_id=KNOWN + 1)
    done: bool = await getattr(decisions, what)(session, **facts)
    return done


UNCERTAIN_ACTS = {"there": "success", "absent": "queued", "refund": "failed"}


@pytest.mark.parametrize("what", UNCERTAIN_ACTS)
async def test_an_admin_decides_once(session: AsyncSession, what: str) -> None:
    made = await _uncertain(session)
    other = await people.staff(session, Role.SUPER_ADMIN)
    assert await _act(session, what, made.moderator, made.target.id)
    assert await _state(session) == (UNCERTAIN_ACTS[what], *HELD)
    before = await rows.snapshot(session)
    for again in UNCERTAIN_ACTS:
        assert not await _act(session, again, other, made.target.id)
    assert await rows.snapshot(session) == before
    audited = await rows.table(
        session, "SELECT action, user_id, role FROM user_audit_logs WHERE action LIKE 'doubt%'"
    )
    assert audited == [(f"doubt_{what}", made.moderator.user_id, "admin")]
    if what == "refund":
        await escrow.refund(session, target_id=made.target.id)


@pytest.mark.parametrize("what", [*UNCERTAIN_ACTS, "release", "wait"])
async def test_an_old_card_decides_nothing(session: AsyncSession, what: str) -> None:
    made = await _uncertain(session)
    before = await rows.snapshot(session)
    assert not await _act(session, what, made.moderator, made.target.id, claim_no=0)
    assert await rows.snapshot(session) == before


@pytest.mark.parametrize("what", [*UNCERTAIN_ACTS, "release", "wait"])
@pytest.mark.parametrize("who", ["advertiser", "owner", "outsider", "operator", "elsewhere"])
async def test_who_may_not_decide(database: Database, who: str, what: str) -> None:
    async with database.sessions.begin() as session:
        made = await _uncertain(session)
        roles = frozenset({Role.ADMIN})
        actor = {
            "advertiser": Actor(made.advertiser.user_id, roles, in_admin_chat=True),
            "owner": Actor(made.owner.user_id, roles, in_admin_chat=True),
            "outsider": await people.person(session),
            "operator": await people.staff(session, Role.OPERATOR),
            "elsewhere": Actor(made.moderator.user_id, roles),
        }[who]
    refusal = await rows.refused(
        database.sessions,
        lambda session: _act(session, what, actor, made.target.id),
        actor=actor,
        action=what,
    )
    own = who in {"advertiser", "owner"}
    assert isinstance(refusal, errors.OwnMoney if own else errors.AccessDenied)


@pytest.mark.parametrize("message_id", [KNOWN, 1])
async def test_an_id_from_before_the_send_is_not_it(session: AsyncSession, message_id: int) -> None:
    made = await _uncertain(session)
    with pytest.raises(errors.PostNotProven):
        await decisions.there(
            session,
            actor=made.moderator,
            target_id=made.target.id,
            claim_no=1,
            message_id=message_id,
        )
    assert await _state(session) == ("uncertain", *HELD)


async def test_another_posts_id_is_not_it(session: AsyncSession) -> None:
    first = await people.posted(session)  # message 10
    await people.another(session, first)
    claim = await people.claimed(session)
    assert await posting.may_send(session, claim)
    assert await posting.record_uncertain(session, claim, error="time-out")
    doubt = await _doubt(session)
    assert not await doubts.record_found(session, doubt, message_id=10)
    assert not await decisions.is_candidate(session, target_id=claim.target_id, message_id=10)
    assert await decisions.is_candidate(session, target_id=claim.target_id, message_id=11)
    # Nor where less was known before the send.
    await session.execute(
        update(PostJob).where(PostJob.id == claim.job_id).values(known_message_id=5)
    )
    assert not await decisions.is_candidate(session, target_id=claim.target_id, message_id=10)


async def test_what_is_paid_is_nobodys_card_any_more(database: Database) -> None:
    """Not even in a channel where the bot cannot look at anything by now."""
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=2)
    await database.forward(timedelta(hours=2) + live_checks.UNSEEN_LASTS)
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await live_checks.record(session, job_id=job_id, verdict=Verdict.PRESENT, evidence="seen")
        await escrow.release(session, target_id=made.target.id)
        await channels.rights_lost(session, chat_id=made.channel.chat_id, reason="kicked")
    await database.forward(channels.RIGHTS_GRACE + timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await doubts.ask_due(session, limit=9) == 0
        for what in ("refund", "release", "wait"):
            assert not await _act(session, what, made.moderator, made.target.id)
        assert await _state(session) == ("success", "released", "posted")


async def test_a_live_post_is_no_doubt(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session, promised_hours=2)
        claim = await people.claimed(session)
        assert await posting.may_send(session, claim)
        assert await posting.record_sent(session, claim, message_id=10)
    await database.forward(timedelta(hours=3))
    async with database.sessions.begin() as session:
        assert await doubts.take(session, limit=9) == []


@pytest.mark.parametrize("what", ["there", "absent", "refund", "release", "wait"])
async def test_there_is_nothing_to_decide_where_nothing_was_sent(
    session: AsyncSession, what: str
) -> None:
    made = await people.deal(session)
    for target_id in (made.target.id, 999_999):
        with pytest.raises(errors.NotFound):
            await _act(session, what, made.moderator, target_id)


async def _unseen(database: Database) -> people.Deal:
    """A post whose hours are over and whose last look told nothing for too long."""
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=2)
    await database.forward(timedelta(hours=2) + live_checks.UNSEEN_LASTS)
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await live_checks.record(session, job_id=job_id, verdict=Verdict.UNKNOWN, evidence="502")
        assert await doubts.ask_due(session, limit=9) == 1
        assert await _cards(session, "post_unseen") == 1
        assert await escrow.releasable(session, limit=9) == []
    return made


async def test_an_unseen_post_is_released_by_a_person(database: Database) -> None:
    made = await _unseen(database)
    async with database.sessions.begin() as session:
        assert await _act(session, "release", made.moderator, made.target.id)
        assert await escrow.releasable(session, limit=9) == [made.target.id]
        await escrow.release(session, target_id=made.target.id)
        assert await _state(session) == ("success", "released", "posted")
        assert not await _act(session, "refund", made.moderator, made.target.id)
        assert not await _act(session, "release", made.moderator, made.target.id)


async def test_an_unseen_post_is_refunded_by_a_person(database: Database) -> None:
    made = await _unseen(database)
    async with database.sessions.begin() as session:
        assert await _act(session, "refund", made.moderator, made.target.id)
        await escrow.refund(session, target_id=made.target.id)
        assert await _state(session) == ("failed", "refunded", "refunded")


async def test_an_unseen_post_waits_another_day(database: Database) -> None:
    made = await _unseen(database)
    async with database.sessions.begin() as session:
        assert await _act(session, "wait", made.moderator, made.target.id)
    await database.forward(doubts.ASK_AGAIN - timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await doubts.ask_due(session, limit=9) == 0
    await database.forward(timedelta(minutes=2))
    async with database.sessions.begin() as session:
        assert await doubts.ask_due(session, limit=9) == 1
        assert await _state(session) == ("success", *HELD)


async def test_nobody_releases_before_the_promised_hours_are_over(session: AsyncSession) -> None:
    made = await people.posted(session, promised_hours=2)
    await channels.rights_lost(session, chat_id=made.channel.chat_id, reason="bot_removed")
    with pytest.raises(errors.PostNotProven):
        await _act(session, "release", made.moderator, made.target.id)
    assert await escrow.releasable(session, limit=9) == []


@pytest.mark.parametrize("what", ["refund", "release", "wait"])
async def test_a_live_post_that_is_seen_is_nobodys_to_decide(
    session: AsyncSession, what: str
) -> None:
    made = await people.posted(session, promised_hours=2)
    before = await rows.snapshot(session)
    assert not await _act(session, what, made.moderator, made.target.id)
    assert await rows.snapshot(session) == before
