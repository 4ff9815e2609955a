"""Test the owner's screens about the placements in their channels."""

from tests.handlers.marketplace import Marketplace
from tests.handlers.published_post import publish_ad, release

SOLD = "📢 Ads in my channels"
OPEN = "📋 Open the placement"


async def _open_list(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", SOLD)


async def test_an_owner_follows_a_placement_from_its_notices_and_from_the_list(
    market: Marketplace,
) -> None:
    await publish_ad(market)
    await market.deliver()
    await market.press("owner", OPEN)
    card = await market.last("owner")
    for words in ("Price: $50.00", "You get: $45.00", "fee is $5.00", "published", "for you"):
        assert words in card, words
    assert "🔗 Open the post" in await market.buttons("owner")
    assert "🗑 Take it back" not in await market.buttons("owner")
    await release(market)
    assert await market.buttons("owner") == [OPEN, "💰 Wallet"]
    await _open_list(market)
    await market.press("owner", "✅ #")
    card = await market.last("owner")
    assert "you have been paid" in card
    assert "paid to you" in card
    assert await market.balance("owner") == 4_500


async def test_an_owner_reads_what_a_waiting_placement_brings(market: Marketplace) -> None:
    await market.submitted()
    await _open_list(market)
    await market.press("owner", "⏳ #")
    card = await market.last("owner")
    assert "waits for an admin" in card
    assert "You get: $45.00" in card
    assert "Money:" not in card
    assert "🔗 Open the post" not in await market.buttons("owner")
    await market.press("owner", "⬅️ Back")
    assert SOLD not in await market.buttons("owner")
    await market.press("owner", "⬅️ Back")
    assert SOLD in await market.buttons("owner")


async def test_the_list_of_a_new_owner_is_empty_and_says_so(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    assert SOLD not in await market.buttons("owner")
    await market.connect_channel()
    await _open_list(market)
    assert "Nobody has bought" in await market.last("owner")
