"""Test that an advertiser buys placements in several channels at once, each of them one time."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot import storage
from bot.storage import FormStorage
from sandbox import embedded
from services.market import format_changes
from services.market.terms import Terms
from services.platform.actors import Actor
from tests.conftest import Database
from tests.handlers.marketplace import Marketplace, open_marketplace
from tests.handlers.test_catalogue_steps import offer, open_catalogue

pytestmark = pytest.mark.usefixtures("with_own_login")


async def _tick(market: Marketplace, *numbers: int) -> None:
    for number in numbers:
        await market.press("advertiser", f"☐ {number}")


async def _bought(market: Marketplace) -> list[int]:
    rows = await market.rows("SELECT price FROM campaign_targets ORDER BY price")
    return [row["price"] for row in rows]


@pytest.mark.usefixtures("with_own_login")
async def test_ten_channels_are_bought_with_at_most_22_presses(market: Marketplace) -> None:
    await offer(market, 12)
    await market.make_campaign()
    await market.give("advertiser", 10_000)
    await market.say("advertiser", "/start")
    presses = [
        *("🛒 Buy a placement", "📣 Bakery", "↕ Price per 1,000", "Price per click"),
        *(f"☐ {number}" for number in range(1, 9)),
        *("Next ▶️", "☐ 1", "☐ 2", "🛒 Buy the ticked ones (10)"),
        *("💵 The cheapest format", "⚡ As soon as possible", "✅ Submit 10 placements for $55.00"),
    ]
    for button in presses:
        await market.press("advertiser", button)
    assert len(presses) <= 22
    assert "✅ 10 placements are submitted" in await market.last("advertiser")
    assert await _bought(market) == [100 * number for number in range(1, 11)]
    # Each has the rules of a single purchase.
    window = await market.value("SELECT DISTINCT complaint_window FROM campaign_targets")
    assert window == market.dependencies.settings.complaint_window > timedelta()


async def test_ticks_survive_pages_filters_and_a_restart(
    database: Database, tmp_path: Path
) -> None:
    """Replace what the process remembers of the form by what Redis has stored."""
    async with (
        embedded.valkey(tmp_path / "valkey") as valkey,
        open_marketplace(database, tmp_path, redis_url=valkey.url) as market,
    ):
        await offer(market, 10)
        await market.give("advertiser", 10_000)
        await open_catalogue(market)
        await _tick(market, 1, 3)
        await market.press("advertiser", "☑ 3")
        await market.press("advertiser", "Next ▶️")
        await _tick(market, 2)
        for button in ("🔎 Filters", "Topic: any", "News"):
            await market.press("advertiser", button)
        market.dependencies.storage = FormStorage(storage.connect(valkey.url))
        await market.press("advertiser", "🛒 Buy the ticked ones (2)")
        await market.press("advertiser", "💵 The cheapest format")
        await market.press("advertiser", "⚡ As soon as possible")
        assert "1. Place 1 · 24 h · $1.00" in await market.last("advertiser")
        assert "2. Place 10 · 24 h · $10.00" in await market.last("advertiser")
        await market.dependencies.storage.close()


async def test_those_that_cannot_be_bought_say_why_and_the_others_go_through(
    market: Marketplace,
) -> None:
    await offer(market, 4)
    await open_catalogue(market)
    await market.give("advertiser", 10_000)
    await _tick(market, 1, 2, 3, 4)
    for button in ("🛒 Buy the ticked", "💵 The cheapest", "⚡ As soon as possible"):
        await market.press("advertiser", button)
    await market.database.as_owner("UPDATE channels SET status = 'paused' WHERE title = 'Place 1'")
    async with market.database.sessions.begin() as session:
        rows = await market.rows("SELECT id, owner_id FROM channels WHERE title = 'Place 2'")
        await format_changes.put(
            session,
            actor=Actor(rows[0]["owner_id"]),
            channel_id=rows[0]["id"],
            terms=Terms(999, 24),
        )
    await market.press("advertiser", "✅ Submit 4 placements for $10.00")
    shown = await market.last("advertiser")
    assert "✅ 2 placements are submitted" in shown
    assert "Place 1 · $1.00 · ⛔ takes no placements now" in shown
    assert "Place 2 · $2.00 · ⛔ has changed its price or format just now" in shown
    assert await _bought(market) == [300, 400]
    await market.press("advertiser", "🛒 Choose other channels")
    assert "☐ 1" in await market.buttons("advertiser")


async def test_missing_money_is_shown_before_and_can_be_paid_in(market: Marketplace) -> None:
    await offer(market, 3)
    await open_catalogue(market)
    await market.give("advertiser", 300)
    await _tick(market, 1, 2, 3)
    for button in ("🛒 Buy the ticked", "💵 The cheapest", "⚡ As soon as possible"):
        await market.press("advertiser", button)
    shown = await market.last("advertiser")
    assert "3. Place 3 · $3.00 · ⛔ the money in your wallet is not enough" in shown
    assert "$3.00 is missing in your wallet" in shown
    await market.press("advertiser", "💳 Top up")
    await market.pay("advertiser")
    await market.deliver()
    await market.press("advertiser", "⬅️ Back")
    await market.press("advertiser", "⚡ As soon as possible")
    await market.press("advertiser", "✅ Submit 3 placements for $6.00")
    assert await _bought(market) == [100, 200, 300]


@pytest.mark.usefixtures("with_own_login")
async def test_a_crash_in_the_middle_buys_nothing_twice(market: Marketplace) -> None:
    """Let the third placement fail as in a crash, and press the button again."""
    await offer(market, 4)
    await open_catalogue(market)
    await market.give("advertiser", 10_000)
    await _tick(market, 1, 2, 3, 4)
    for button in ("🛒 Buy the ticked", "💵 The cheapest", "⚡ As soon as possible"):
        await market.press("advertiser", button)
    await market.database.as_owner(
        "ALTER TABLE campaign_targets ADD CONSTRAINT broken CHECK (price <> 300) NOT VALID"
    )
    await market.press("advertiser", "✅ Submit 4 placements")
    assert await _bought(market) == [100, 200]
    await market.database.as_owner("ALTER TABLE campaign_targets DROP CONSTRAINT broken")
    buttons = [
        button["text"]
        for message in await market.messages("advertiser")
        for row in message["buttons"] or []
        for button in row
    ]
    assert "✅ Submit 4 placements for $10.00" in buttons
    await market.press("advertiser", "✅ Submit 4 placements")
    assert await _bought(market) == [100, 200, 300, 400]


async def test_at_most_twenty_channels_are_ticked(market: Marketplace) -> None:
    await offer(market, 21)
    await open_catalogue(market)
    for page in range(3):
        await _tick(market, *range(1, 9 if page < 2 else 6))
        if page < 2:
            await market.press("advertiser", "Next ▶️")
    assert "You can tick 20 channels at most" in await market.last("advertiser")
    assert "🛒 Buy the ticked ones (20)" in await market.buttons("advertiser")
