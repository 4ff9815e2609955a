"""Test that a channel is connected with its terms only if the bot may post in the channel."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from tests.handlers.marketplace import Marketplace


async def test_a_channel_where_the_bot_may_not_post_is_not_connected(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "➕ Connect a channel")
    # The update is old. The bot has lost its right before the bot checks this right.
    await market.world.control(
        "faults",
        method="getChatMember",
        kind="error",
        error_code=400,
        description="Bad Request: member list is inaccessible",
    )
    await market.pick("owner", "channel")
    texts = [message["text"] or "" for message in await market.messages("owner")]
    assert any("I can't post in that channel" in text for text in texts)
    assert await market.value("SELECT count(*) FROM channels") == 0


async def test_a_channel_is_connected_with_its_terms(market: Marketplace) -> None:
    await market.connect_channel(price="12.50", hours="0")
    card = await market.last("owner")
    assert "on offer" in card
    assert "$12.50" in card
    (channel,) = await market.rows("SELECT status, price, promised_hours, topic FROM channels")
    assert channel == {"status": "active", "price": 1250, "promised_hours": 0, "topic": "news"}
    await market.press("owner", "⏸ Pause")
    assert await market.value("SELECT status FROM channels") == "paused"
    await market.press("owner", "▶️ Offer it again")
    assert await market.value("SELECT status FROM channels") == "active"
