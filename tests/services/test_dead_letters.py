"""Dead letters: what is one, who may offer it, and who may try it again."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from services import channels, dead_letters, errors
from services.actors import Actor
from tests.factories import people, rows

NOWHERE = 999_999


async def _retry(
    session: AsyncSession, actor: Actor, target_id: int, *, price: int = people.PRICE
) -> CampaignTarget:
    return await dead_letters.retry(
        session, actor=actor, target_id=target_id, price=price, fee_bps=people.FEE_BPS
    )


async def _offered(session: AsyncSession) -> people.Deal:
    deal = await people.failed(session, price=people.PRICE)
    assert await dead_letters.offer(session, actor=deal.moderator, target_id=deal.target.id)
    return deal


async def test_only_what_has_failed_is_one(session: AsyncSession) -> None:
    pending = await people.deal(session)
    live = await people.posted(session)
    for target_id in (pending.target.id, live.target.id, NOWHERE):
        with pytest.raises(errors.NotFound):
            await dead_letters.get(session, target_id=target_id)
        with pytest.raises(errors.NotFound):
            await dead_letters.offer(session, actor=pending.moderator, target_id=target_id)
    assert await dead_letters.page(session, limit=9, offset=0) == []
    dead = await people.failed(session)
    [letter] = await dead_letters.page(session, limit=9, offset=0)
    assert letter == await dead_letters.get(session, target_id=dead.target.id)


async def test_it_is_tried_again_once(session: AsyncSession) -> None:
    deal = await _offered(session)
    assert not await dead_letters.offer(session, actor=deal.moderator, target_id=deal.target.id)
    first = await _retry(session, deal.advertiser, deal.target.id)
    assert (first.status, first.retry_of) == ("pending", deal.target.id)
    again = await _retry(session, deal.advertiser, deal.target.id)
    assert again.id == first.id


async def test_what_was_not_offered_is_not_tried_again(session: AsyncSession) -> None:
    deal = await people.failed(session)
    before = await rows.snapshot(session)
    with pytest.raises(errors.NotFound):
        await _retry(session, deal.advertiser, deal.target.id)
    assert await rows.snapshot(session) == before


async def test_nobody_else_tries_it_again_or_sees_that_it_was(session: AsyncSession) -> None:
    deal = await _offered(session)
    for _ in range(2):
        for other in (deal.owner, await people.person(session)):
            with pytest.raises(errors.NotCampaignOwner):
                await _retry(session, other, deal.target.id)
        await _retry(session, deal.advertiser, deal.target.id)


@pytest.mark.parametrize("mine", ["advertiser", "owner"])
async def test_nobody_offers_what_is_about_their_own_money(
    session: AsyncSession, mine: str
) -> None:
    deal = await people.failed(session)
    who: Actor = getattr(deal, mine)
    staff = Actor(who.user_id, deal.moderator.roles, in_admin_chat=True)
    with pytest.raises(errors.OwnMoney):
        await dead_letters.offer(session, actor=staff, target_id=deal.target.id)


async def test_a_price_that_has_changed_is_asked_for_again(session: AsyncSession) -> None:
    deal = await _offered(session)
    await channels.set_terms(
        session,
        actor=deal.owner,
        channel_id=deal.channel.id,
        price=people.PRICE + 1,
        promised_hours=24,
        topic="news",
    )
    with pytest.raises(errors.PriceChanged):
        await _retry(session, deal.advertiser, deal.target.id)
