"""Test what the card of a placement says about both sides."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from services.market import (
    campaigns,
    moderation,
    placement_backgrounds,
    tracked_links,
    watched_words,
)
from services.market.creatives import Creative
from services.market.placement_backgrounds import Background
from services.money import escrow
from tests.factories import payments, people
from tests.factories.people import Deal

BASE = "https://count.example"
LINKED = Creative(
    kind="text",
    text="🍞 bread at shop.example and here",
    entities=[
        {"type": "text_link", "offset": 29, "length": 4, "url": "http://WWW.Other.example/a"},
    ],
    button_text="Order",
    button_url="https://order.example/?a=b",
)


async def read(session: AsyncSession, target: CampaignTarget) -> Background:
    """Return the background of a placement."""
    row = await moderation.get_details(session, target_id=target.id)
    return await placement_backgrounds.read(session, row)


async def linked(session: AsyncSession, deal: Deal, *, base: str | None = None) -> CampaignTarget:
    """Submit a placement of the advertiser of `deal`, whose ad has links.

    If `base` is given, the links are tracked under this address.
    """
    bought = await campaigns.create(
        session, actor=deal.advertiser, name="Linked", creative=LINKED, total_budget=100_000
    )
    await campaigns.activate(session, actor=deal.advertiser, campaign_id=bought.id)
    await tracked_links.count(session, actor=deal.advertiser, campaign_id=bought.id, base=base)
    return await campaigns.submit_target(
        session,
        actor=deal.advertiser,
        campaign_id=bought.id,
        channel_id=deal.channel.id,
        publish_at=None,
        fee_bps=people.FEE_BPS,
    )


async def test_a_new_advertiser_has_an_empty_history(session: AsyncSession) -> None:
    found = await read(session, (await people.deal(session)).target)
    assert (found.kept, found.refunded, found.rejected, found.withdrawn) == (0, 0, 0, 0)
    assert (found.payments_taken_back, found.usual_price, found.reader) == (0, None, None)
    assert (found.new_hosts, found.watched) == ((), ())
    assert timedelta() <= found.waiting < timedelta(minutes=10)


async def test_the_history_counts_the_other_placements(session: AsyncSession) -> None:
    kept = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=kept.target.id)
    refused = await people.another(session, kept, decide=False)
    await moderation.reject(session, actor=kept.moderator, target_id=refused.id, reason="quality")
    now = await people.another(session, kept, decide=False)
    found = await read(session, now)
    assert (found.kept, found.refunded, found.rejected, found.withdrawn) == (1, 0, 1, 0)
    assert found.usual_price == people.PRICE
    assert found.is_jump(2 * people.PRICE)
    assert not found.is_jump(2 * people.PRICE - 1)
    assert found.owner.kept == 1
    assert (await read(session, kept.target)).kept == 0


async def test_payments_that_were_taken_back_are_counted(session: AsyncSession) -> None:
    deal = await people.deal(session)
    user_id = deal.advertiser.user_id or 0
    await payments.deposit(session, user_id=user_id, amount=100, key="charge-x", source="telegram")
    await payments.reverse(
        session, external_reference="charge-x", user_id=None, amount=100, source="telegram"
    )
    assert (await read(session, deal.target)).payments_taken_back == 1


def test_the_hosts_of_all_links_are_found() -> None:
    found = list(placement_backgrounds.hosts(LINKED))
    assert found == ["order.example", "other.example", "shop.example"]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("see https://bread.example/a?x=1.", ["bread.example"]),
        ("HTTP://Bread.Example:80", ["bread.example"]),
        ("хлеб.рф и www.a-b.example#c", ["хлеб.рф", "a-b.example"]),
        ("3.5 kg, at once. Now", []),
        ("no.1", []),
    ],
)
def test_addresses_in_the_text_are_links(written: str, found: list[str]) -> None:
    assert list(placement_backgrounds.hosts(Creative("text", written))) == found


@pytest.mark.parametrize("url", ["tg://resolve?domain=x", "mailto:a@b.example", "http://[1"])
def test_a_link_to_no_host_has_no_host(url: str) -> None:
    entity = {"type": "text_link", "offset": 0, "length": 2, "url": url}
    assert list(placement_backgrounds.hosts(Creative("text", "ad", [entity]))) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["BREAD".casefold()], ("bread",)),
        (["order.example"], ("order.example",)),
        (["other.example"], ("other.example",)),
        (["order"], ("order",)),
        (["casino"], ()),
        (["bread at shop"], ("bread at shop",)),
    ],
)
def test_watched_words_are_found_in_every_part(words: list[str], found: tuple[str, ...]) -> None:
    assert placement_backgrounds.find_words(LINKED, words) == found


async def test_watched_words_are_on_the_card(session: AsyncSession) -> None:
    deal = await people.deal(session)
    for word in ("  BREAD ", "casino"):
        assert await watched_words.add(session, actor=deal.moderator, word=word)
    assert (await read(session, deal.target)).watched == ("bread",)


async def test_a_host_is_new_until_an_ad_with_it_is_approved(session: AsyncSession) -> None:
    deal = await people.deal(session)
    hosts = ("order.example", "other.example", "shop.example")
    first = await linked(session, deal)
    assert (await read(session, first)).new_hosts == hosts
    assert (await read(session, await linked(session, deal))).new_hosts == hosts
    await moderation.approve(session, actor=deal.moderator, target_id=first.id)
    assert (await read(session, await linked(session, deal))).new_hosts == ()
    stranger = await people.deal(session)
    assert (await read(session, await linked(session, stranger))).new_hosts == hosts


async def test_tracked_links_hide_no_host_and_no_word(session: AsyncSession) -> None:
    deal = await people.deal(session)
    await watched_words.add(session, actor=deal.moderator, word="order.example")
    first = await linked(session, deal, base=BASE)
    found = await read(session, first)
    assert found.new_hosts == ("order.example", "other.example", "shop.example")
    assert found.watched == ("order.example",)
    await moderation.approve(session, actor=deal.moderator, target_id=first.id)
    assert (await read(session, await linked(session, deal))).new_hosts == ()
