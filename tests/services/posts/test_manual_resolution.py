"""Test how admins decide about posts whose state is unknown."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.posting import PostJob, Verdict
from db.models.users import Role
from services.market import channels
from services.money import escrow, invariants
from services.platform import errors
from services.platform.actors import Actor
from services.posts import (
    manual_resolution,
    post_candidates,
    posting,
    resolution_details,
    uncertain_posts,
    verification,
)
from tests.conftest import Database
from tests.factories import one_post, people, presses, rows
from tests.services.posts.uncertain import (
    KNOWN,
    claim_uncertain_post,
    count_cards,
    state,
    uncertain,
)

HELD = ("held", "approved")


async def test_an_unknown_target_has_no_case(session: AsyncSession) -> None:
    with pytest.raises(errors.NotFound):
        await resolution_details.get_case(session, target_id=999_999)


async def test_the_card_keeps_the_alterations_among_many_checks(session: AsyncSession) -> None:
    made = await people.posted(session)
    job_id = await rows.one(session, "SELECT id FROM post_jobs")
    for verdict in [Verdict.PRESENT, Verdict.ALTERED, *([Verdict.UNKNOWN] * 12), Verdict.ALTERED]:
        await verification.record_check(session, job_id=job_id, verdict=verdict, evidence="x")
    case = await resolution_details.get_case(session, target_id=made.target.id)
    shown = [check.verdict for check in case.checks]
    assert shown == [Verdict.ALTERED, *([Verdict.UNKNOWN] * 10), Verdict.ALTERED]


BREACHES = "SELECT count(*) FROM post_jobs WHERE breach IS NOT NULL"


async def _act(
    session: AsyncSession, what: str, actor: Actor, target_id: int, *, claim_no: int = 1
) -> bool:
    facts: dict[str, Any] = {"actor": actor, "target_id": target_id, "claim_no": claim_no}
    if what == "decide_release" and await rows.one(session, BREACHES):
        facts["actor"] = await presses.decide_post(session, actor, "release", target_id)
    if what == "confirm_published":
        return await manual_resolution.confirm_published(session, **facts, message_ids=(KNOWN + 1,))
    if what == "decide_release":
        facts |= {"reason": "I saw it at noon", "probe": "candidate"}
    done: bool = await getattr(manual_resolution, what)(session, **facts)
    return done


UNCERTAIN_ACTS = {
    "confirm_published": "success",
    "confirm_absent": "queued",
    "decide_refund": "failed",
}


@pytest.mark.parametrize("what", UNCERTAIN_ACTS)
async def test_an_admin_decides_once(session: AsyncSession, what: str) -> None:
    made = await uncertain(session)
    other = await people.staff(session, Role.SUPER_ADMIN)
    assert await _act(session, what, made.moderator, made.target.id)
    assert await state(session) == (UNCERTAIN_ACTS[what], *HELD)
    before = await rows.snapshot(session)
    for again in UNCERTAIN_ACTS:
        assert not await _act(session, again, other, made.target.id)
    assert await rows.snapshot(session) == before
    audited = await rows.table(
        session, "SELECT action, user_id, role FROM user_audit_logs WHERE action LIKE 'resolution%'"
    )
    assert audited == [(f"resolution_{what}", made.moderator.user_id, "admin")]
    if what == "decide_refund":
        await escrow.refund(session, target_id=made.target.id)


@pytest.mark.parametrize("what", [*UNCERTAIN_ACTS, "decide_release", "postpone"])
async def test_an_old_card_decides_nothing(session: AsyncSession, what: str) -> None:
    made = await uncertain(session)
    before = await rows.snapshot(session)
    assert not await _act(session, what, made.moderator, made.target.id, claim_no=0)
    assert await rows.snapshot(session) == before


@pytest.mark.parametrize("what", [*UNCERTAIN_ACTS, "decide_release", "postpone"])
@pytest.mark.parametrize("who", ["advertiser", "owner", "outsider", "operator", "elsewhere"])
async def test_only_uninvolved_admins_in_the_admin_chat_decide(
    database: Database, who: str, what: str
) -> None:
    async with database.sessions.begin() as session:
        made = await uncertain(session)
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
async def test_a_message_id_from_before_the_send_is_refused(
    session: AsyncSession, message_id: int
) -> None:
    made = await uncertain(session)
    with pytest.raises(errors.PostNotProven):
        await manual_resolution.confirm_published(
            session,
            actor=made.moderator,
            target_id=made.target.id,
            claim_no=1,
            message_ids=(message_id,),
        )
    assert await state(session) == ("uncertain", *HELD)


async def test_the_message_id_of_another_post_is_refused(session: AsyncSession) -> None:
    first = await people.posted(session)  # message 10
    await people.another(session, first)
    claim = await people.claimed(session)
    assert await one_post.may_send(session, claim)
    assert await posting.record_uncertain(session, claim, error="time-out")
    uncertain_post = await claim_uncertain_post(session)
    assert not await uncertain_posts.record_found(session, uncertain_post, message_ids=(10,))
    assert not await post_candidates.is_candidate(session, target_id=claim.target_id, message_id=10)
    assert await post_candidates.is_candidate(session, target_id=claim.target_id, message_id=11)
    # The id 10 is refused as well if only a lower id was known before the send.
    await session.execute(
        update(PostJob).where(PostJob.id == claim.job_id).values(known_message_id=5)
    )
    assert not await post_candidates.is_candidate(session, target_id=claim.target_id, message_id=10)


async def test_a_paid_post_cannot_be_decided(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=2)
    await database.forward(timedelta(hours=2) + verification.ESCALATION_DELAY)
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.PRESENT, evidence="seen"
        )
        await escrow.release(session, target_id=made.target.id)
        await channels.record_rights_lost(session, chat_id=made.channel.chat_id, reason="kicked")
    await database.forward(channels.RIGHTS_GRACE + timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await uncertain_posts.escalate_due(session, limit=9) == 0
        for what in ("decide_refund", "decide_release", "postpone"):
            assert not await _act(session, what, made.moderator, made.target.id)
        assert await state(session) == ("success", "released", "posted")


@pytest.mark.parametrize(
    "what", ["confirm_published", "confirm_absent", "decide_refund", "decide_release", "postpone"]
)
async def test_a_post_that_was_never_sent_cannot_be_decided(
    session: AsyncSession, what: str
) -> None:
    made = await people.deal(session)
    for target_id in (made.target.id, 999_999):
        with pytest.raises(errors.NotFound):
            await _act(session, what, made.moderator, target_id)


async def _unverifiable(database: Database, *, seen: bool = False) -> people.Deal:
    """Create a post whose last check had no result.

    `seen` adds an earlier check that saw the post.
    """
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=2)
        if seen:
            job_id = await rows.one(session, "SELECT id FROM post_jobs")
            await verification.record_check(
                session, job_id=job_id, verdict=Verdict.PRESENT, evidence="not modified"
            )
    await database.forward(timedelta(hours=2) + verification.ESCALATION_DELAY)
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.UNKNOWN, evidence="502"
        )
        assert await uncertain_posts.escalate_due(session, limit=9) == 1
        assert await count_cards(session, "post_unseen") == 1
        assert await escrow.list_releasable(session, limit=9) == []
    return made


async def test_an_admin_releases_a_post_that_a_check_has_seen(database: Database) -> None:
    made = await _unverifiable(database, seen=True)
    async with database.sessions.begin() as session:
        assert await _act(session, "decide_release", made.moderator, made.target.id)
        assert await escrow.list_releasable(session, limit=9) == [made.target.id]
        await escrow.release(session, target_id=made.target.id)
        assert await state(session) == ("success", "released", "posted")
        assert not await _act(session, "decide_refund", made.moderator, made.target.id)
        assert not await _act(session, "decide_release", made.moderator, made.target.id)
        assert await invariants.run(session) == []


async def test_two_admins_release_a_post_that_no_check_has_seen(database: Database) -> None:
    made = await _unverifiable(database)
    async with database.sessions.begin() as session:
        other = await people.staff(session)
    for admin, releasable in ((made.moderator, []), (made.moderator, []), (other, None)):
        async with database.sessions.begin() as session:
            assert await _act(session, "decide_release", admin, made.target.id)
            expected = [made.target.id] if releasable is None else releasable
            assert await escrow.list_releasable(session, limit=9) == expected
    async with database.sessions.begin() as session:
        await escrow.release(session, target_id=made.target.id)
        assert await state(session) == ("success", "released", "posted")
        assert await invariants.run(session) == []


async def test_the_second_admin_gives_a_reason(database: Database) -> None:
    made = await _unverifiable(database)
    facts: dict[str, Any] = {"target_id": made.target.id, "claim_no": 1}
    async with database.sessions.begin() as session:
        other = await people.staff(session)
        assert await manual_resolution.decide_release(session, actor=made.moderator, **facts)
    for reason, refusal in (
        (None, errors.ReasonNeeded),
        (" ", errors.ReasonNeeded),
        ("x" * 501, errors.InvalidText),
    ):
        with pytest.raises(refusal):
            async with database.sessions.begin() as session:
                await manual_resolution.decide_release(session, actor=other, reason=reason, **facts)
    async with database.sessions.begin() as session:
        assert await escrow.list_releasable(session, limit=9) == []
        assert await _act(session, "decide_release", other, made.target.id)
        assert await escrow.list_releasable(session, limit=9) == [made.target.id]
        kept = (
            "SELECT user_id, metadata ->> 'reason', metadata ->> 'probe' FROM user_audit_logs"
            " WHERE action = 'resolution_decide_release'"
        )
        assert await rows.table(session, kept) == [(other.user_id, "I saw it at noon", "candidate")]
        assert await invariants.run(session) == []


async def test_a_statement_about_the_publication_is_no_decision_to_pay(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await uncertain(session, promised_hours=2)
        admins = (made.moderator, await people.staff(session))
    for admin in admins:
        async with database.sessions.begin() as session:
            assert await manual_resolution.state_published(
                session,
                actor=admin,
                target_id=made.target.id,
                claim_no=1,
                message_id=KNOWN + 1,
            )
    await database.forward(timedelta(hours=2) + verification.ESCALATION_DELAY)
    async with database.sessions.begin() as session:
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.UNKNOWN, evidence="502"
        )
    for admin, paid in zip(admins, ([], [made.target.id]), strict=True):
        async with database.sessions.begin() as session:
            assert await _act(session, "decide_release", admin, made.target.id)
            assert await escrow.list_releasable(session, limit=9) == paid
            assert await invariants.run(session) == []


@pytest.mark.parametrize(("minutes", "paid"), [(72 * 60 - 1, True), (72 * 60 + 1, False)])
async def test_a_statement_counts_for_72_hours(
    database: Database, minutes: int, *, paid: bool
) -> None:
    made = await _unverifiable(database)
    async with database.sessions.begin() as session:
        other = await people.staff(session)
        assert await _act(session, "decide_release", made.moderator, made.target.id)
    await database.forward(timedelta(minutes=minutes))
    async with database.sessions.begin() as session:
        assert await _act(session, "decide_release", other, made.target.id)
        assert bool(await escrow.list_releasable(session, limit=9)) is paid
        assert await invariants.run(session) == []


async def test_the_statement_of_a_blocked_admin_pays_nobody(database: Database) -> None:
    made = await _unverifiable(database)
    async with database.sessions.begin() as session:
        other = await people.staff(session)
        assert await _act(session, "decide_release", other, made.target.id)
        await people.block(session, other)
        assert await _act(session, "decide_release", made.moderator, made.target.id)
        assert await escrow.list_releasable(session, limit=9) == []


async def test_a_statement_that_a_post_was_published_pays_nobody(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await uncertain(session, promised_hours=2)
        other = await people.staff(session)
        for admin in (made.moderator, other):
            assert await manual_resolution.state_published(
                session,
                actor=admin,
                target_id=made.target.id,
                claim_no=1,
                message_id=KNOWN + 1,
            )
        assert await state(session) == ("success", *HELD)
        await channels.record_rights_lost(session, chat_id=made.channel.chat_id, reason="kicked")
    await database.forward(timedelta(hours=2, minutes=1))
    for admin, releasable in ((other, []), (made.moderator, [made.target.id])):
        async with database.sessions.begin() as session:
            assert await _act(session, "decide_release", admin, made.target.id)
            assert await escrow.list_releasable(session, limit=9) == releasable


async def test_an_admin_refunds_an_unverifiable_post(database: Database) -> None:
    made = await _unverifiable(database)
    async with database.sessions.begin() as session:
        assert await _act(session, "decide_refund", made.moderator, made.target.id)
        await escrow.refund(session, target_id=made.target.id)
        assert await state(session) == ("failed", "refunded", "refunded")


async def test_an_admin_postpones_the_decision_by_a_day(database: Database) -> None:
    made = await _unverifiable(database)
    async with database.sessions.begin() as session:
        assert await _act(session, "postpone", made.moderator, made.target.id)
    await database.forward(uncertain_posts.ESCALATION_INTERVAL - timedelta(minutes=1))
    async with database.sessions.begin() as session:
        assert await uncertain_posts.escalate_due(session, limit=9) == 0
    await database.forward(timedelta(minutes=2))
    async with database.sessions.begin() as session:
        assert await uncertain_posts.escalate_due(session, limit=9) == 1
        assert await state(session) == ("success", *HELD)


async def test_a_post_is_not_released_before_its_promised_hours_are_over(
    session: AsyncSession,
) -> None:
    made = await people.posted(session, promised_hours=2)
    await channels.record_rights_lost(session, chat_id=made.channel.chat_id, reason="bot_removed")
    with pytest.raises(errors.PostNotProven):
        await _act(session, "decide_release", made.moderator, made.target.id)
    assert await escrow.list_releasable(session, limit=9) == []


@pytest.mark.parametrize("what", ["decide_refund", "decide_release", "postpone"])
async def test_a_verifiable_post_cannot_be_decided(session: AsyncSession, what: str) -> None:
    made = await people.posted(session, promised_hours=2)
    before = await rows.snapshot(session)
    assert not await _act(session, what, made.moderator, made.target.id)
    assert await rows.snapshot(session) == before
