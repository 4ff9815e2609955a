"""Test that an advertiser searches, filters and sorts the catalogue with buttons."""

from typing import Any

from sqlalchemy import update

from db.models.campaigns import Channel
from tests.factories import people
from tests.handlers.marketplace import Marketplace


async def offer(market: Marketplace, count: int, **values: Any) -> None:
    """Offer channels of other owners that accept each ad, each one dearer than the one before."""
    async with market.database.sessions.begin() as session:
        for number in range(1, count + 1):
            place = await people.channel(session, await people.person(session), price=100 * number)
            chosen = {"title": f"Place {number}"} | values
            await session.execute(update(Channel).where(Channel.id == place.id).values(chosen))


async def open_catalogue(market: Marketplace, *, budget: str = "100") -> None:
    """Let the advertiser create a campaign, and look at the catalogue."""
    await market.make_campaign(budget=budget)
    await market.press("advertiser", "🛒 Buy a placement")


async def _titles(market: Marketplace) -> list[str]:
    """Return the labels of the channels on the page."""
    return [label for label in await market.buttons("advertiser") if "Place" in label]


async def test_channels_are_found_filtered_sorted_and_reset(market: Marketplace) -> None:
    await offer(market, 9)
    await offer(market, 1, title="Place of gardens", topic="home", username="green", language="ru")
    await open_catalogue(market)
    first = await _titles(market)
    assert first[:2] == ["Place 1 · $1.00", "Place of gardens · $1.00"]
    shown = await market.last("advertiser")
    assert "1. Place 1\n$1.00 · $0.84/1K · 👥 1.2K" in shown
    assert "2. Place of gardens @green\n" in shown
    assert "/1K: for 1,000 subscribers" in shown
    await market.press("advertiser", "Next ▶️")
    assert await _titles(market) == ["Place 8 · $8.00", "Place 9 · $9.00"]
    await market.press("advertiser", "◀️ Previous")
    assert await _titles(market) == first
    for buttons, found in (
        (["🔎 Filters", "Topic: any", "Home and family"], ["Place of gardens · $1.00"]),
        (["🔎 Filters (1)", "♻️ Reset all filters"], first),
        (["🔎 Filters", "Language: any", "Русский"], ["Place of gardens · $1.00"]),
        (["🔎 Filters (1)", "Language: Русский", "any"], first),
        (["↕ Price per 1,000", "Newest"], ["Place of gardens · $1.00", "Place 9 · $9.00"]),
        (["↕ Newest", "Price per click"], ["Place 1 · $1.00", "Place 2 · $2.00"]),
    ):
        for button in buttons:
            await market.press("advertiser", button)
        assert (await _titles(market))[: len(found)] == found, buttons
    assert "🖱 price of a click not measured" in await market.last("advertiser")
    await market.say("advertiser", "@Green")
    assert await _titles(market) == ["Place of gardens · $1.00"]
    for button in ("🔎 Filters (1)", "Search: green"):
        await market.press("advertiser", button)
    assert (await _titles(market))[0] == "Place 1 · $1.00"
    await market.say("advertiser", "!!")
    assert "letters and digits" in await market.last("advertiser")


async def test_an_empty_list_says_which_filter_to_take_off(market: Marketplace) -> None:
    await offer(market, 1)
    await open_catalogue(market)
    for button in (
        *("🔎 Filters", "Topic: any", "News"),
        *("🔎 Filters (1)", "Subscribers: any", "from 100K"),
    ):
        await market.press("advertiser", button)
    assert "No channel on offer fits" in await market.last("advertiser")
    await market.press("advertiser", "✖ Subscribers: from 100K")
    assert await _titles(market) == ["Place 1 · $1.00"]
    for button in ("🔎 Filters (1)", "Stays: any", "∞"):
        await market.press("advertiser", button)
    await market.press("advertiser", "♻️ Reset all filters")
    await market.press("advertiser", "🔎 Filters")
    assert "Topic: any" in await market.buttons("advertiser")


async def test_a_favourite_is_found_again(market: Marketplace) -> None:
    await offer(market, 2)
    await open_catalogue(market)
    for button in ("Place 2", "☆ Add to favourites"):
        await market.press("advertiser", button)
    assert "⭐ A favourite (take it off)" in await market.buttons("advertiser")
    for button in ("⬅️ Back", "🔎 Filters", "⭐ Favourites only: any"):
        await market.press("advertiser", button)
    assert await _titles(market) == ["Place 2 · $2.00"]
    await market.press("advertiser", "🔎 Filters (1)")
    await market.press("advertiser", "⭐ Favourites only: ✅")
    assert len(await _titles(market)) == 2


async def test_a_returning_advertiser_buys_with_at_most_seven_presses(market: Marketplace) -> None:
    await offer(market, 1)
    await market.make_campaign()
    await market.give("advertiser", 10_000)
    await market.say("advertiser", "/start")
    presses = (
        *("🛒 Buy a placement", "📣 Bakery", "Place 1", "🛒 Buy here"),
        *("⚡ As soon as approved", "✅ Submit"),
    )
    for button in presses:
        await market.press("advertiser", button)
    assert len(presses) <= 7
    assert await market.value("SELECT price FROM campaign_targets") == 100
