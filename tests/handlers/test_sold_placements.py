"""Test the owner's screens about the placements in their channels."""

from datetime import timedelta

from db.models.posting import Verdict
from scheduler import settlements
from tests.handlers.marketplace import Marketplace
from tests.handlers.published_post import check, publish_ad, release

SOLD = "📢 Ads in my channels"
OPEN = "📋 Open the placement"
COPY = "📄 Send me a copy of the post"


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


async def test_a_post_that_is_gone_cannot_be_opened(market: Marketplace) -> None:
    await publish_ad(market)
    await market.deliver()
    await market.press("advertiser", OPEN)
    assert COPY in await market.buttons("advertiser")
    for _ in range(2):
        await check(market, Verdict.GONE)
        await market.database.forward(timedelta(minutes=6))
    await settlements.refund_due(market.database.sessions)
    await market.deliver()
    for reader in ("advertiser", "owner"):
        await market.press(reader, OPEN)
        assert "removed too early" in await market.last(reader)
        assert not {COPY, "🔗 Open the post"} & set(await market.buttons(reader))


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


async def test_a_channels_ads_are_shown_in_three_parts(market: Marketplace) -> None:
    await publish_ad(market)
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "Daily")
    await market.press("owner", "📋 Ads in this channel")
    assert "no ad waits for an answer" in await market.last("owner")
    assert "🗂 Past (0)" in await market.buttons("owner")
    await market.press("owner", "🟢 Live (1)")
    assert "approved or published, the newest first" in await market.last("owner")
    assert "⏳ Waiting (0)" in await market.buttons("owner")
    await release(market)
    await market.press("owner", "🗂 Past (0)")  # the number is that of the last look
    await market.press("owner", "✅ #")
    assert "done, you have been paid" in str(await market.messages("owner"))


async def test_only_the_owner_reads_a_channels_ads(market: Marketplace) -> None:
    await market.submitted()
    channel_id = await market.value("SELECT id FROM channels")
    alert = await market.press_forged("advertiser", f"sold:{channel_id}:waiting:0")
    assert "somebody else" in alert
