"""Test the cases N1 to N7 of the production checklist."""
# ruff: noqa: N802 - named as the checklist names them, so that they are found

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign
from db.models.operations import Switch
from db.models.posting import Verdict
from db.models.users import Role
from services.market import campaigns, missing_money, moderation, placement_expiry
from services.money import deposits, escrow, stuck_escrows
from services.platform import errors
from services.platform.actors import SYSTEM, Actor
from services.posts import posting, rescue, verification
from tests.conftest import Database
from tests.factories import people, rows


async def _campaign(database: Database, status: str) -> tuple[people.Deal, Campaign]:
    """Create a placement, and a second campaign of the same advertiser with the status `status`."""
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        made = await campaigns.create(
            session,
            actor=deal.advertiser,
            name="Second",
            creative=people.advert(),
            total_budget=50_000,
        )
        steps = {
            "draft": (),
            "paused": (campaigns.activate, campaigns.pause),
            "cancelled": (campaigns.cancel,),
        }[status]
        for step in steps:
            await step(session, actor=deal.advertiser, campaign_id=made.id)
    return deal, made


@pytest.mark.parametrize("status", ["draft", "paused", "cancelled"])
async def test_N1_submit_to_a_campaign_that_is_not_active(database: Database, status: str) -> None:
    deal, made = await _campaign(database, status)
    refusal = await rows.refused(
        database.sessions,
        lambda session: campaigns.submit_target(
            session,
            actor=deal.advertiser,
            campaign_id=made.id,
            channel_id=deal.channel.id,
            publish_at=None,
            fee_bps=1_000,
        ),
        actor=deal.advertiser,
        action="target_submit",
    )
    assert isinstance(refusal, errors.CampaignNotActive)
    assert (refusal.campaign_id, refusal.status) == (made.id, status)


async def test_N2_activate_anothers_campaign(database: Database) -> None:
    deal, made = await _campaign(database, "draft")
    outside = Actor(deal.moderator.user_id, deal.moderator.roles, in_admin_chat=False)
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
    for stranger in (deal.owner, outside, operator):
        refusal = await rows.refused(
            database.sessions,
            lambda session, who=stranger: campaigns.activate(  # type: ignore[misc]  # a default of a lambda
                session, actor=who, campaign_id=made.id
            ),
            actor=stranger,
            action="campaign_activate",
        )
        assert isinstance(refusal, errors.NotCampaignOwner)
        assert refusal.campaign_id == made.id


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPER_ADMIN])
async def test_N2_staff_may_activate_any_campaign(database: Database, role: Role) -> None:
    _, made = await _campaign(database, "draft")
    async with database.sessions.begin() as session:
        person = await people.staff(session, role)
        await campaigns.activate(session, actor=person, campaign_id=made.id)
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT user_id, role FROM user_audit_logs WHERE action = 'campaign_activated'"
            " ORDER BY id DESC LIMIT 1",
        ) == [(person.user_id, role.value)]


async def test_N3_only_staff_in_the_admin_chat_moderates(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        operator = await people.staff(session, Role.OPERATOR)
    outside = Actor(deal.moderator.user_id, deal.moderator.roles, in_admin_chat=False)
    for actor in (deal.advertiser, deal.owner, operator, outside):
        refusal = await rows.refused(
            database.sessions,
            lambda session, who=actor: moderation.approve(  # type: ignore[misc]  # a default of a lambda
                session, actor=who, target_id=deal.target.id
            ),
            actor=actor,
            action="moderation_approve",
        )
        assert isinstance(refusal, errors.AccessDenied)
        refusal = await rows.refused(
            database.sessions,
            lambda session, who=actor: moderation.reject(  # type: ignore[misc]  # a default of a lambda
                session, actor=who, target_id=deal.target.id, reason="spam"
            ),
            actor=actor,
            action="moderation_reject",
        )
        assert isinstance(refusal, errors.AccessDenied)


async def test_N3_nobody_decides_on_their_own_money(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    staff = frozenset({Role.SUPER_ADMIN})
    for party in (deal.advertiser, deal.owner):
        insider = Actor(party.user_id, staff, in_admin_chat=True)
        refusal = await rows.refused(
            database.sessions,
            lambda session, who=insider: moderation.approve(  # type: ignore[misc]  # a default of a lambda
                session, actor=who, target_id=deal.target.id
            ),
            actor=insider,
            action="moderation_approve",
        )
        assert isinstance(refusal, errors.OwnMoney)


async def test_N4_approve_without_enough_money(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=4_999, price=5_000)
    refusal = await rows.refused(
        database.sessions,
        lambda session: moderation.approve(session, actor=deal.moderator, target_id=deal.target.id),
        actor=deal.moderator,
        action="moderation_approve",
    )
    assert isinstance(refusal, errors.InsufficientFunds)
    assert (refusal.user_id, refusal.needed, refusal.balance, refusal.currency) == (
        deal.advertiser.user_id,
        5_000,
        4_999,
        "USD",
    )


async def test_N4_the_advertiser_is_told_once_what_is_missing(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=4_000, price=5_000)
    for _ in range(2):
        async with database.sessions.begin() as session:
            await missing_money.notify_missing_funds(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT user_id, (payload->>'missing')::int FROM outbox WHERE kind = 'funds_missing'",
        ) == [(deal.advertiser.user_id, 1_000)]


@pytest.mark.parametrize("decided", [False, True])
async def test_no_shortfall_is_reported_without_a_need(
    database: Database, *, decided: bool
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=4_000 if decided else 5_000, price=5_000)
        if decided:
            await moderation.reject(
                session, actor=deal.moderator, target_id=deal.target.id, reason="no"
            )
        await missing_money.notify_missing_funds(session, target_id=deal.target.id)
        owed = "SELECT count(*) FROM outbox WHERE kind = 'funds_missing'"
        assert await rows.one(session, owed) == 0


async def test_N5_approve_with_new_escrows_stopped(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        await people.stop(session, Switch.NEW_ESCROWS)
    refusal = await rows.refused(
        database.sessions,
        lambda session: moderation.approve(session, actor=deal.moderator, target_id=deal.target.id),
        actor=deal.moderator,
        action="moderation_approve",
    )
    assert isinstance(refusal, errors.SwitchStopped)
    assert refusal.key == Switch.NEW_ESCROWS


async def _release_refused(database: Database, deal: people.Deal) -> errors.DomainError:
    return await rows.refused(
        database.sessions,
        lambda session: escrow.release(session, target_id=deal.target.id),
        actor=SYSTEM,
        action="escrow_release",
    )


@pytest.mark.parametrize("state", ["queued", "sending", "uncertain", "failed", "none"])
async def test_N6_release_without_a_successful_post(database: Database, state: str) -> None:
    async with database.sessions.begin() as session:
        if state == "none":
            deal = await people.deal(session, promised_hours=0)
            await escrow.hold(session, target_id=deal.target.id)
        elif state == "failed":
            deal = await people.failed(session, promised_hours=0)
        else:
            deal = await people.approved(session, promised_hours=0)
        if state in {"sending", "uncertain"}:
            claim = await people.claimed(session)
        if state == "uncertain":
            await posting.record_uncertain(session, claim, error="time-out")
    refusal = await _release_refused(database, deal)
    assert isinstance(refusal, errors.PostNotProven)
    assert refusal.why == "not_posted"


async def test_N6_release_before_the_promised_hours_are_over(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=24)
    refusal = await _release_refused(database, deal)
    assert isinstance(refusal, errors.PostNotProven)
    assert refusal.why == "promised_hours"


@pytest.mark.parametrize("verdict", [None, Verdict.ALTERED, Verdict.UNKNOWN, Verdict.GONE])
async def test_N6_release_of_a_post_that_was_not_seen_at_the_end(
    database: Database, verdict: Verdict | None
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=24)
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        # The post was found before its promised hours were over. It may be gone at their end.
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.PRESENT, evidence="ok"
        )
    await database.forward(timedelta(hours=25))
    if verdict is not None:
        async with database.sessions.begin() as session:
            await verification.record_check(
                session, job_id=job_id, verdict=verdict, evidence="look"
            )
    refusal = await _release_refused(database, deal)
    assert isinstance(refusal, errors.PostNotProven)
    assert refusal.why == "not_seen"


async def test_N6_release_with_payouts_stopped(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)
        await people.stop(session, Switch.PAYOUTS)
    refusal = await _release_refused(database, deal)
    assert isinstance(refusal, errors.SwitchStopped)
    assert refusal.key == Switch.PAYOUTS


async def _refund_refused(database: Database, deal: people.Deal) -> errors.DomainError:
    return await rows.refused(
        database.sessions,
        lambda session: escrow.refund(session, target_id=deal.target.id),
        actor=SYSTEM,
        action="escrow_refund",
    )


async def test_N7_refund_of_a_successful_post(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session)
    refusal = await _refund_refused(database, deal)
    assert isinstance(refusal, errors.PostNotFailed)
    assert refusal.status == "success"


async def test_N7_second_refund_and_release_after_refund(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.failed(session)
        await escrow.refund(session, target_id=deal.target.id)
    for refusal in (await _refund_refused(database, deal), await _release_refused(database, deal)):
        assert isinstance(refusal, errors.EscrowNotHeld)
        assert refusal.status == "refunded"


async def test_N7_refund_after_release_and_second_release(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)
        await escrow.release(session, target_id=deal.target.id)
    for refusal in (await _refund_refused(database, deal), await _release_refused(database, deal)):
        assert isinstance(refusal, errors.EscrowNotHeld)
        assert refusal.status == "released"


async def test_N7_nothing_to_settle_where_nothing_is_held(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    for refusal in (await _refund_refused(database, deal), await _release_refused(database, deal)):
        assert isinstance(refusal, errors.EscrowNotHeld)
        assert refusal.status is None


async def test_ticks_without_work_do_nothing(session: AsyncSession) -> None:
    assert await stuck_escrows.refund_stuck_escrows(session) == 0
    assert await placement_expiry.expire_targets(session) == 0
    assert await deposits.credit_due(session) == 0
    assert await rescue.rescue_abandoned(session) == 0
