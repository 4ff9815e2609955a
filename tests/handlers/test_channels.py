"""Test how an owner connects a channel."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from tests.handlers.marketplace import Marketplace


async def test_a_channel_where_the_bot_may_not_post_is_not_connected(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "➕ Connect a channel")
    # The update about the right is old: the bot has lost the right before it checks it.
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
    await market.connect_channel(price="12.50", hours="1")
    card = await market.last("owner")
    assert "on offer" in card
    assert "$12.50" in card
    (channel,) = await market.rows("SELECT status, price, promised_hours, topic FROM channels")
    assert channel == {"status": "active", "price": 1250, "promised_hours": 1, "topic": "news"}
    await market.press("owner", "⏸ Pause")
    assert await market.value("SELECT status FROM channels") == "paused"
    await market.press("owner", "▶️ Offer it again")
    assert await market.value("SELECT status FROM channels") == "active"


async def test_a_sold_channel_is_taken_over_by_its_new_creator(market: Marketplace) -> None:
    await market.submitted()
    buyer = await market.world.control("users", first_name="Buyer")
    market.world.ids["buyer"] = buyer["id"]
    owner_id = await market.value("SELECT owner_id FROM channels")
    await market.say("buyer", "/start")
    await market.press("buyer", "📺 My channels")
    await market.press("buyer", "➕ Connect a channel")
    await market.world.control(f"chats/{market.chat('channel')}/transfer", user_id=buyer["id"])
    await market.pick("buyer", "channel")
    (channel,) = await market.rows("SELECT owner_id, status, price FROM channels")
    assert channel["owner_id"] != owner_id
    assert (channel["status"], channel["price"]) == ("pending", None)
    assert await market.value("SELECT owner_id FROM campaign_targets") == owner_id
    await market.deliver()
    assert "has a new creator" in await market.last("owner")


async def test_a_channel_is_not_taken_over_while_its_owner_is_the_creator(
    market: Marketplace,
) -> None:
    """Check that a channel keeps its owner while Telegram names the owner as its creator."""
    await market.connect_channel()
    other = await market.world.control("users", first_name="Other")
    market.world.ids["other"] = other["id"]
    await market.say("other", "/start")
    await market.press("other", "📺 My channels")
    await market.press("other", "➕ Connect a channel")
    before = await market.rows("SELECT owner_id, status, price FROM channels")
    channel = market.chat("channel")
    former = market.world.state.members[channel, market.chat("owner")]
    await market.world.control(f"chats/{channel}/transfer", user_id=other["id"])
    market.world.state.set_member(former)
    await market.pick("other", "channel")
    assert "Somebody else has connected this channel" in await market.last("other")
    assert await market.rows("SELECT owner_id, status, price FROM channels") == before


async def test_connecting_without_the_right_suspends_a_channel_that_is_known(
    market: Marketplace,
) -> None:
    await market.connect_channel()
    await market.press("owner", "⬅️ Back")
    await market.press("owner", "➕ Connect a channel")
    await market.world.control(
        "faults",
        method="getChatMember",
        kind="error",
        error_code=400,
        description="Bad Request: member list is inaccessible",
    )
    await market.pick("owner", "channel")
    assert await market.value("SELECT status FROM channels") == "suspended"


async def test_an_old_screen_shows_the_present_state(market: Marketplace) -> None:
    await market.connect_channel()
    old = (await market.messages("owner"))[-1]["message_id"]
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "🟢")
    await market.press("owner", "🗑 Remove")
    await market.press("owner", "🗑 Yes, remove it")
    assert "The present state: removed" in await market.press("owner", "⏸ Pause", message_id=old)
    [screen] = [m for m in await market.messages("owner") if m["message_id"] == old]
    assert "Status: removed" in screen["text"]
