"""Test how many placements of one advertiser the admin chat shows at a time."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from services.market import campaigns, moderation, submission_cards
from services.market.submission_cards import OPEN_CARDS
from tests.factories import people, rows

CARDS = (
    "SELECT (payload->>'target_id')::int FROM outbox WHERE kind = 'target_submitted' ORDER BY id"
)


async def _submit(session: AsyncSession, made: people.Deal) -> CampaignTarget:
    bought = await people.campaign(session, made.advertiser)
    return await campaigns.submit_target(
        session,
        actor=made.advertiser,
        campaign_id=bought.id,
        channel_id=made.channel.id,
        publish_at=None,
        fee_bps=people.FEE_BPS,
    )


async def _many(session: AsyncSession, count: int) -> tuple[people.Deal, list[int]]:
    """Submit `count` placements. Return the first placement and the ids of all placements."""
    made = await people.deal(session, balance=count * people.PRICE)
    return made, [made.target.id, *[(await _submit(session, made)).id for _ in range(count - 1)]]


async def _cards(session: AsyncSession) -> list[int]:
    return [row[0] for row in await rows.table(session, CARDS)]


async def test_sixty_placements_of_one_advertiser_give_few_cards(session: AsyncSession) -> None:
    _, ids = await _many(session, 60)
    other = await people.deal(session)
    assert await submission_cards.queue_due(session) == 0
    assert await _cards(session) == [*ids[:OPEN_CARDS], other.target.id]
    card = await moderation.get_details(session, target_id=ids[0])
    assert card.without_card == 60 - OPEN_CARDS
    assert (await moderation.get_details(session, target_id=other.target.id)).without_card == 0


async def test_each_way_to_decide_a_placement_brings_the_next_card(session: AsyncSession) -> None:
    made, ids = await _many(session, OPEN_CARDS + 3)
    await moderation.approve(session, actor=made.moderator, target_id=ids[0])
    assert await submission_cards.queue_due(session) == 1
    await moderation.reject(session, actor=made.moderator, target_id=ids[1], reason="quality")
    await campaigns.withdraw_target(session, actor=made.advertiser, target_id=ids[2])
    assert await submission_cards.queue_due(session) == 2
    assert await submission_cards.queue_due(session) == 0
    assert await _cards(session) == ids


async def test_the_queue_shows_the_placements_with_cards_first(session: AsyncSession) -> None:
    _, ids = await _many(session, OPEN_CARDS + 2)
    other = await people.deal(session)
    listed = [row.target_id for row in await moderation.queue(session, limit=10, offset=0)]
    assert listed == [*ids[:OPEN_CARDS], other.target.id, *ids[OPEN_CARDS:]]
