"""Test that an advertiser moves a pending placement to another time by buttons."""

from tests.handlers.marketplace import Marketplace

MOVE, SEND = "🕒 Change the time", "✅ Send"


async def _buy(market: Marketplace) -> int:
    """Buy a placement at a time, open its card, and return its id."""
    await market.connect_channel()
    await market.make_campaign()
    await market.give("advertiser", 50_000)
    for button in ("🛒 Buy a placement", "Daily", "🛒 Buy here", "🕒 At a time I choose"):
        await market.press("advertiser", button)
    await market.say("advertiser", "Berlin")
    await market.say("advertiser", "2035-07-02 18:00")
    await market.press("advertiser", "✅ Submit")
    return int(await market.value("SELECT max(id) FROM campaign_targets"))


async def test_a_placement_is_moved_and_its_owner_is_asked_again(market: Marketplace) -> None:
    target_id = await _buy(market)
    await market.press("advertiser", MOVE)
    assert "Its time now: 2 Jul 2035 18:00, Europe/Berlin" in await market.last("advertiser")
    await market.press("advertiser", "Tomorrow")
    await market.press("advertiser", "10:00")
    assert "New time: " in await market.last("advertiser")
    assert "10:00, Europe/Berlin" in await market.last("advertiser")
    await market.press("advertiser", SEND)
    assert "10:00, Europe/Berlin" in await market.last("advertiser")
    row = (
        await market.rows(
            "SELECT version, publish_at::date - clock()::date AS d, agreed_at FROM campaign_targets"
        )
    )[0]
    assert (row["version"], row["d"] in (1, 2), row["agreed_at"]) == (2, True, None)
    await market.deliver()
    assert "Version 2" in await market.last("owner")
    # Half an hour later is nearer to the placement's own time than the gap, and is free for it.
    await market.press("advertiser", MOVE)
    await market.press("advertiser", "Tomorrow")
    await market.say("advertiser", "10:30")
    await market.press("advertiser", SEND)
    assert "10:30, Europe/Berlin" in await market.last("advertiser")
    assert target_id == await market.value(
        "SELECT campaign_target_id FROM kept_times WHERE freed_at IS NULL"
    )


async def test_a_time_that_is_taken_asks_for_another(market: Marketplace) -> None:
    await _buy(market)
    await market.say("advertiser", "/start")
    for button in ("📣 Campaigns", "Bakery", "🛒 Buy a placement", "Daily", "🛒 Buy here"):
        await market.press("advertiser", button)
    await market.press("advertiser", "🕒 At a time I choose")
    await market.say("advertiser", "2035-07-02 20:00")
    await market.press("advertiser", "✅ Submit")
    await market.press("advertiser", MOVE)
    await market.say("advertiser", "2035-07-02 18:00")
    await market.press("advertiser", SEND)
    assert "This time is taken" in await market.last("advertiser")
    assert "📅 Another day" in await market.buttons("advertiser")
    await market.press("advertiser", "✖️ Cancel")
    assert "2 Jul 2035 20:00, Europe/Berlin" in await market.last("advertiser")


async def test_others_and_approved_placements_move_nothing(market: Marketplace) -> None:
    target_id = await _buy(market)
    await market.press_forged("owner", f"change_form:move:{target_id}:1")
    assert "📅 Another day" not in await market.buttons("owner")
    await market.deliver()
    await market.press("owner", "✅ Accept")
    await market.deliver()
    await market.press("admin", "✅ Approve", where="group")
    await market.press("advertiser", MOVE)
    assert "📅 Another day" not in await market.buttons("advertiser")
    assert await market.value("SELECT version FROM campaign_targets") == 1
