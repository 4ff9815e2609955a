"""Test that an advertiser can submit a placement again after its post has failed."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from db.models.formats import Ending
from services.market import channels, format_changes
from services.market.terms import Terms
from services.money import escrow
from services.platform import errors
from services.platform.actors import Actor
from services.posts import dead_letters, posting
from tests.factories import people, rows

NOWHERE = 999_999
TERMS = Terms(people.PRICE, 24)


async def _retry(
    session: AsyncSession, actor: Actor, target_id: int, *, agreed: Terms = TERMS
) -> CampaignTarget:
    return await dead_letters.retry(
        session, actor=actor, target_id=target_id, agreed=agreed, fee_bps=people.FEE_BPS
    )


async def _offered(session: AsyncSession) -> people.Deal:
    deal = await people.failed(session, price=people.PRICE)
    assert await dead_letters.offer(session, actor=deal.moderator, target_id=deal.target.id)
    return deal


async def test_only_a_failed_job_is_a_dead_letter(session: AsyncSession) -> None:
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


async def test_a_dead_letter_is_submitted_again_once(session: AsyncSession) -> None:
    deal = await _offered(session)
    assert not await dead_letters.offer(session, actor=deal.moderator, target_id=deal.target.id)
    first = await _retry(session, deal.advertiser, deal.target.id)
    assert (first.status, first.retry_of) == ("pending", deal.target.id)
    again = await _retry(session, deal.advertiser, deal.target.id)
    assert again.id == first.id


async def test_a_dead_letter_that_was_not_offered_cannot_be_submitted_again(
    session: AsyncSession,
) -> None:
    deal = await people.failed(session)
    before = await rows.snapshot(session)
    with pytest.raises(errors.NotFound):
        await _retry(session, deal.advertiser, deal.target.id)
    assert await rows.snapshot(session) == before


async def test_only_its_advertiser_submits_a_dead_letter_again(session: AsyncSession) -> None:
    deal = await _offered(session)
    for _ in range(2):
        for other in (deal.owner, await people.person(session)):
            with pytest.raises(errors.NotCampaignOwner):
                await _retry(session, other, deal.target.id)
        await _retry(session, deal.advertiser, deal.target.id)


@pytest.mark.parametrize("mine", ["advertiser", "owner"])
async def test_an_admin_cannot_offer_a_dead_letter_of_their_own(
    session: AsyncSession, mine: str
) -> None:
    deal = await people.failed(session)
    who: Actor = getattr(deal, mine)
    staff = Actor(who.user_id, deal.moderator.roles, in_admin_chat=True)
    with pytest.raises(errors.OwnMoney):
        await dead_letters.offer(session, actor=staff, target_id=deal.target.id)


async def test_a_dead_letter_keeps_its_format(session: AsyncSession) -> None:
    deal = await people.deal(session)
    terms = Terms(people.PRICE, 24, 2, Ending.REMOVED)
    await channels.set_terms(
        session, actor=deal.owner, channel_id=deal.channel.id, topic="news", **terms._asdict()
    )
    failed = await people.another(session, deal)
    claim = await people.claimed(session)
    await posting.record_refused(session, claim, error="x", rights_lost=False)
    await escrow.refund(session, target_id=failed.id)
    await dead_letters.offer(session, actor=deal.moderator, target_id=failed.id)
    for other in (Terms(1, 24), Terms(1, 24, 2), terms._replace(price=6_000)):
        await format_changes.put(session, actor=deal.owner, channel_id=deal.channel.id, terms=other)
    letter = await dead_letters.get(session, target_id=failed.id)
    assert letter.terms_now == terms._replace(price=6_000)
    again = await _retry(session, deal.advertiser, failed.id, agreed=Terms(6_000, 24))
    assert (again.price, again.hours_on_top, again.ending) == (6_000, 2, Ending.REMOVED)


@pytest.mark.parametrize("now", [Terms(people.PRICE + 1, 24), Terms(people.PRICE, 23)])
async def test_changed_terms_need_a_new_agreement(session: AsyncSession, now: Terms) -> None:
    deal = await _offered(session)
    await channels.set_terms(
        session,
        actor=deal.owner,
        channel_id=deal.channel.id,
        price=now.price,
        promised_hours=now.promised_hours,
        topic="news",
    )
    with pytest.raises(errors.TermsChanged):
        await _retry(session, deal.advertiser, deal.target.id)
    same_format = now.promised_hours == deal.target.promised_hours
    letter = await dead_letters.get(session, target_id=deal.target.id)
    assert letter.terms_now == (now if same_format else None)
    await _retry(session, deal.advertiser, deal.target.id, agreed=now)
