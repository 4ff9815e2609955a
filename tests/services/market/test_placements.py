"""Test how placements are submitted and withdrawn, and how they use a budget."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import campaigns, channels, moderation, placement_expiry, placements
from services.money import escrow
from services.platform import errors
from services.platform.actors import Actor
from services.posts import posting
from tests.conftest import Database
from tests.factories import one_post, people, rows


async def _submit(session: AsyncSession, deal: people.Deal, **values: Any) -> int:
    asked: dict[str, Any] = {
        "actor": deal.advertiser,
        "campaign_id": deal.campaign.id,
        "channel_id": deal.channel.id,
        "publish_at": None,
        "fee_bps": 1_000,
    }
    target = await campaigns.submit_target(session, **(asked | values))
    return target.id


async def test_the_terms_are_frozen_at_submission(session: AsyncSession) -> None:
    deal = await people.deal(session, price=5_000, promised_hours=24)
    await channels.set_terms(
        session,
        actor=deal.owner,
        channel_id=deal.channel.id,
        price=9_000,
        promised_hours=48,
        topic="news",
    )
    await people.approve(session, deal)
    seen = await placements.get(session, actor=deal.advertiser, target_id=deal.target.id)
    assert (seen.price, seen.promised_hours, seen.fee_bps) == (5_000, 24, 1_000)
    assert await rows.available(session, deal.advertiser) == 15_000


async def test_a_submission_is_audited_and_sent_to_the_admin_chat(session: AsyncSession) -> None:
    deal = await people.deal(session)
    assert await rows.table(
        session,
        "SELECT user_id, role, (metadata->>'target_id')::int FROM user_audit_logs"
        " WHERE action = 'target_submitted'",
    ) == [(deal.advertiser.user_id, "advertiser", deal.target.id)]
    assert await rows.table(
        session,
        "SELECT user_id, (payload->>'target_id')::int FROM outbox WHERE kind = 'target_submitted'",
    ) == [(None, deal.target.id)]


async def test_the_same_form_submits_once(session: AsyncSession) -> None:
    deal = await people.deal(session)
    made = await _submit(session, deal, key="form")
    before = await rows.snapshot(session)
    assert await _submit(session, deal, key="form") == made
    assert await rows.snapshot(session) == before
    other = await people.channel(session, deal.owner)
    with pytest.raises(errors.IdempotencyConflict):
        await _submit(session, deal, key="form", channel_id=other.id)


@pytest.mark.parametrize("what", ["paused", "removed", "suspended", "pending"])
async def test_a_placement_in_a_closed_channel_is_refused(session: AsyncSession, what: str) -> None:
    deal = await people.deal(session)
    place = deal.channel
    if what == "pending":
        place = await channels.connect(
            session, actor=deal.owner, chat_id=-5, title="New", username=None, subscribers=0
        )
    elif what == "suspended":
        await channels.record_rights_lost(session, chat_id=place.chat_id, reason="kicked")
    else:
        step = channels.pause if what == "paused" else channels.remove
        await step(session, actor=deal.owner, channel_id=place.id)
    before = await rows.snapshot(session)
    with pytest.raises(errors.ChannelNotUsable) as refusal:
        await _submit(session, deal, channel_id=place.id)
    assert refusal.value.status == what
    if what != "pending":  # an older placement in it is refused, too
        with pytest.raises(errors.ChannelNotUsable):
            await people.approve(session, deal)
    assert await rows.snapshot(session) == before


async def test_invalid_submissions_are_refused(session: AsyncSession) -> None:
    deal = await people.deal(session)
    past = await rows.one(session, "SELECT clock() - interval '1 second'")
    before = await rows.snapshot(session)
    for values, error in (
        ({"actor": deal.owner}, errors.NotCampaignOwner),
        ({"actor": deal.moderator}, errors.NotCampaignOwner),
        ({"campaign_id": 999_999}, errors.NotFound),
        ({"channel_id": 999_999}, errors.NotFound),
        ({"publish_at": past}, errors.PublishTimePast),
        ({"publish_at": datetime.max.replace(tzinfo=UTC)}, errors.PublishTimeTooFar),
    ):
        with pytest.raises(error):
            await _submit(session, deal, **values)
    assert await rows.snapshot(session) == before


@pytest.mark.parametrize("party", ["advertiser", "owner"])
async def test_a_blocked_person_has_no_new_placement(session: AsyncSession, party: str) -> None:
    deal = await people.deal(session)
    blocked: Actor = getattr(deal, party)
    await people.block(session, blocked)
    before = await rows.snapshot(session)
    with pytest.raises(errors.PersonBlocked) as refusal:
        await _submit(session, deal)
    assert refusal.value.user_id == blocked.user_id
    with pytest.raises(errors.PersonBlocked):
        await people.approve(session, deal)
    assert await rows.snapshot(session) == before


async def test_an_unknown_campaign_has_no_budget(session: AsyncSession) -> None:
    with pytest.raises(errors.NotFound):
        await campaigns.budget_left(session, 999_999)


async def test_the_budget_is_a_limit(session: AsyncSession) -> None:
    deal = await people.deal(session, balance=14_999, price=5_000)  # the balance is the budget
    await _submit(session, deal)
    with pytest.raises(errors.BudgetExceeded) as refusal:
        await _submit(session, deal)
    assert (refusal.value.left, refusal.value.price) == (4_999, 5_000)


async def test_an_ended_placement_gives_its_price_back_to_the_budget(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=30_000, price=5_000, promised_hours=0)
        left = campaigns.budget_left
        assert await left(session, deal.campaign.id) == 25_000
        await campaigns.withdraw_target(session, actor=deal.advertiser, target_id=deal.target.id)
        assert await left(session, deal.campaign.id) == 30_000
        rejected = await _submit(session, deal)
        await moderation.reject(
            session, actor=deal.moderator, target_id=rejected, reason="not for us"
        )
        assert await left(session, deal.campaign.id) == 30_000
        await people.another(session, deal)
        claim = await people.claimed(session)
        await posting.record_refused(session, claim, error="x", rights_lost=False)
        assert await left(session, deal.campaign.id) == 25_000
        await escrow.refund(session, target_id=claim.target_id)
        assert await left(session, deal.campaign.id) == 30_000
        await people.another(session, deal)
        claim = await people.claimed(session)
        await one_post.record_published(session, claim, message_id=9)
        await escrow.release(session, target_id=claim.target_id)
        await _submit(session, deal)
        assert await left(session, deal.campaign.id) == 20_000
    await database.forward(timedelta(hours=73))
    async with database.sessions.begin() as session:
        assert await placement_expiry.expire_targets(session) == 1
        assert await left(session, deal.campaign.id) == 25_000


async def test_an_advertiser_withdraws_a_pending_placement(session: AsyncSession) -> None:
    deal = await people.deal(session)
    withdraw = campaigns.withdraw_target
    with pytest.raises(errors.NotCampaignOwner):
        await withdraw(session, actor=deal.owner, target_id=deal.target.id)
    with pytest.raises(errors.NotFound):
        await withdraw(session, actor=deal.advertiser, target_id=999_999)
    target = await withdraw(session, actor=deal.advertiser, target_id=deal.target.id)
    assert target.status == "withdrawn"
    before = await rows.snapshot(session)
    await withdraw(session, actor=deal.advertiser, target_id=deal.target.id)
    assert await rows.snapshot(session) == before
    with pytest.raises(errors.InvalidMove):
        await people.approve(session, deal)


async def test_a_rejected_placement_cannot_be_withdrawn(session: AsyncSession) -> None:
    deal = await people.deal(session)
    await moderation.reject(session, actor=deal.moderator, target_id=deal.target.id, reason="late")
    before = await rows.snapshot(session)
    with pytest.raises(errors.InvalidMove):
        await campaigns.withdraw_target(session, actor=deal.advertiser, target_id=deal.target.id)
    assert await rows.snapshot(session) == before


@pytest.mark.parametrize("approved", [False, True], ids=["held", "approved"])
async def test_withdraw_and_reject_are_refused_once_money_is_held(
    session: AsyncSession, *, approved: bool
) -> None:
    deal = await people.deal(session)
    if approved:
        await people.approve(session, deal)
    else:
        await escrow.hold(session, target_id=deal.target.id)
    before = await rows.snapshot(session)
    with pytest.raises(errors.InvalidMove):
        await campaigns.withdraw_target(session, actor=deal.advertiser, target_id=deal.target.id)
    with pytest.raises(errors.InvalidMove):
        await moderation.reject(
            session, actor=deal.moderator, target_id=deal.target.id, reason="late"
        )
    assert await rows.snapshot(session) == before


async def test_a_placement_is_shown_to_its_people_and_staff_alone(session: AsyncSession) -> None:
    deal = await people.deal(session)
    for actor in (deal.advertiser, deal.owner, deal.moderator):
        seen = await placements.get(session, actor=actor, target_id=deal.target.id)
        assert (seen.target_id, seen.job_status, seen.escrow_status) == (deal.target.id, None, None)
    with pytest.raises(errors.NotFound):
        await placements.get(session, actor=await people.person(session), target_id=deal.target.id)
    with pytest.raises(errors.NotFound):
        await placements.get(session, actor=deal.moderator, target_id=999_999)
    await people.approve(session, deal)
    assert deal.advertiser.user_id is not None
    assert deal.owner.user_id is not None
    bought = await placements.of_advertiser(
        session, user_id=deal.advertiser.user_id, limit=5, offset=0
    )
    sold = await placements.of_owner(session, user_id=deal.owner.user_id, limit=5, offset=0)
    # Each list was read at a time of its own.
    assert bought == [replace(row, read_at=bought[0].read_at) for row in sold]
    assert (bought[0].target_status, bought[0].job_status) == ("approved", "queued")
    assert not await placements.of_owner(
        session, user_id=deal.advertiser.user_id, limit=5, offset=0
    )
