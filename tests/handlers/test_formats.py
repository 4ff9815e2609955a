"""Test how owners offer formats with buttons, and how advertisers choose one."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from tests.handlers.marketplace import Marketplace


async def add_format(market: Marketplace, price: str, format_button: str) -> None:
    """Let the owner, who sees the list of formats, offer one more."""
    await market.press("owner", "➕ Add a format")
    await market.say("owner", price)
    await market.press("owner", format_button)


async def sell_three(market: Marketplace) -> None:
    """Let the owner connect a channel that sells 24 h, 2/48 h and posts without end."""
    await market.connect_channel(price="10")
    await market.press("owner", "✏️ Price and terms")
    await add_format(market, "15", "2/48")
    await add_format(market, "30", "∞ · no deletion")


async def test_an_owner_sells_reprices_and_retires_formats(market: Marketplace) -> None:
    await sell_three(market)
    shown = await market.last("owner")
    for line in (
        "• 24 h: $10.00, of which you get $9.00",
        "• 2/48 h: $15.00, of which you get $13.50",
        "• ∞: $30.00, of which you get $27.00",
    ):
        assert line in shown
    await market.press("owner", "24 h · $10.00")
    assert "You get $9.00, and the platform's fee is $1.00." in await market.last("owner")
    retired = "format:retire:{}:{}".format(
        *(await market.rows("SELECT channel_id, id FROM channel_formats ORDER BY id"))[0].values()
    )
    await market.press("owner", "🗑 Stop selling it")
    assert await market.press_forged("owner", retired) == "", "a second press changes nothing"
    assert "24 h" not in await market.last("owner")
    await market.press("owner", "⬅️ Back")
    card = await market.last("owner")
    assert "• 2/48 h: $15.00, of which you get $13.50\n• ∞: $30.00" in card
    await market.press("owner", "✏️ Price and terms")
    await market.press("owner", "∞ · $30.00")
    await market.press("owner", "🗑 Stop selling it")
    await market.press("owner", "2/48 h · $15.00")
    assert "🗑 Stop selling it" not in await market.buttons("owner")
    assert "the only format of the channel" in await market.last("owner")
    last = await market.value("SELECT id FROM channel_formats WHERE retired_at IS NULL")
    forged = f"format:retire:{await market.value('SELECT id FROM channels')}:{last}"
    assert "Add another format first" in await market.press_forged("owner", forged)
    assert "somebody else's" in await market.press_forged("advertiser", forged)
    assert await market.value("SELECT count(*) FROM channel_formats WHERE retired_at IS NULL") == 1


async def test_a_format_that_is_gone_opens_the_list(market: Marketplace) -> None:
    await sell_three(market)
    await market.press("owner", "24 h · $10.00")
    [row] = await market.rows("SELECT channel_id, id FROM channel_formats WHERE price = 1000")
    await market.press("owner", "🗑 Stop selling it")
    gone, terms = row["id"], f"form:terms:{row['channel_id']}"
    for data in (f"format:card:{row['channel_id']}:{gone}", f"form:price:{gone}", terms):
        await market.press_forged("owner", data)
        assert "🏷 What “Daily” sells" in await market.last("owner")


async def test_an_advertiser_chooses_one_of_several_formats(market: Marketplace) -> None:
    await sell_three(market)
    await market.give("advertiser", 10_000)
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    [offer] = [button for button in await market.buttons("advertiser") if "Daily" in button]
    assert offer == "Daily · from $10.00"
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "2/48 h · $15.00")
    await market.press("advertiser", "⚡ As soon as approved")
    stays = "Stays: 48 hours (no newer post in the first 2 hours)"
    shown = await market.last("advertiser")
    assert stays in shown
    assert "Price: $15.00" in shown
    await market.press("advertiser", "✅ Submit")
    assert stays in await market.last("advertiser")
    await market.deliver()
    assert stays in await market.last("owner")
    await market.press("owner", "✅ Accept")
    await market.deliver()
    assert stays in await market.last("group")
    [bought] = await market.rows(
        "SELECT price, promised_hours, hours_on_top, ending FROM campaign_targets"
    )
    assert list(bought.values()) == [1_500, 48, 2, "left"]


async def test_a_chosen_format_that_is_retired_is_chosen_again(market: Marketplace) -> None:
    await sell_three(market)
    await market.give("advertiser", 10_000)
    await market.make_campaign()
    for button in (
        "🛒 Buy a placement",
        "Daily",
        "🛒 Buy here",
        "2/48 h",
        "⚡ As soon as approved",
    ):
        await market.press("advertiser", button)
    await market.press("owner", "2/48 h · $15.00")
    await market.press("owner", "🗑 Stop selling it")
    await market.press("advertiser", "✅ Submit")
    assert "changed the terms" in await market.last("advertiser")
    assert await market.value("SELECT count(*) FROM campaign_targets") == 0
    for button in ("∞ · $30.00", "⚡ As soon as approved", "✅ Submit"):
        await market.press("advertiser", button)
    assert "Stays: without end; I check it in the first 72 hours" in await market.last("advertiser")
    [bought] = await market.rows("SELECT price, promised_hours, ending FROM campaign_targets")
    assert list(bought.values()) == [3_000, 72, "endless"]
