"""Test how owners and admins ask for changes with buttons, and how advertisers make them."""

from services.market import agreements, placement_expiry
from tests.factories import people
from tests.handlers.marketplace import AD, Marketplace

ACCEPT, ASK, EDIT, SEND = "✅ Accept", "✏️ Ask for a change", "✏️ Change the ad", "✅ Send"
NEW_AD = "Fresh bread for $2"


async def _ask(market: Marketplace, *, budget: str = "100", money: int = 10_000) -> int:
    """Let the advertiser buy a placement in a channel whose owner is asked. Return its id."""
    await market.give("advertiser", money)
    await market.world.promote(can_post_messages=True)
    await market.connect_channel()
    await market.make_campaign(budget=budget)
    await market.buy()
    await market.deliver()
    return int(await market.value("SELECT max(id) FROM campaign_targets"))


async def _send_new_ad(market: Marketplace, words: str = NEW_AD) -> None:
    await market.press("advertiser", EDIT)
    await market.say("advertiser", words)
    await market.press("advertiser", SEND)
    await market.deliver()


async def _to_publish(market: Marketplace) -> str:
    """Return the text of the ad that the scheduler would publish now."""
    async with market.database.sessions.begin() as session:
        claim = await people.claimed(session)
    assert claim.creative is not None
    return claim.creative.text


async def test_an_ad_is_changed_in_three_presses_and_published_as_agreed(
    market: Marketplace,
) -> None:
    await _ask(market)
    await market.press("owner", ASK)
    await market.press("owner", "✏️ The ad (in your own words)")
    await market.say("owner", "Please name the price")
    card = await market.last("owner")
    assert "You asked for a change: Please name the price" in card
    assert ACCEPT in await market.buttons("owner")
    await market.deliver()
    assert "asks for a change of placement" in await market.last("advertiser")
    assert "Please name the price" in await market.last("advertiser")
    await _send_new_ad(market)
    shown = [message.get("text", "") for message in await market.messages("owner")]
    assert NEW_AD in shown
    assert "Version 2" in await market.last("owner")
    await market.press("owner", ACCEPT)
    await market.deliver()
    assert "Version 2" in await market.last("group")
    await market.press("admin", "✅ Approve", where="group")
    assert "Approved by" in await market.last("group")
    assert await _to_publish(market) == NEW_AD


async def test_a_button_of_an_earlier_version_shows_the_present_one(market: Marketplace) -> None:
    target_id = await _ask(market)
    question = [m for m in await market.messages("owner") if ACCEPT in str(m["buttons"])][-1]
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", f"#{target_id}")
    await _send_new_ad(market)
    alert = await market.press("owner", ACCEPT, message_id=question["message_id"])
    assert "was changed since" in alert
    assert await market.rows("SELECT * FROM placement_answers") == []
    # The old message has the present version now, and its button accepts this version.
    await market.press("owner", ACCEPT, message_id=question["message_id"])
    assert await market.rows("SELECT version FROM placement_answers") == [{"version": 2}]


async def test_an_admin_approves_only_what_the_card_shows(market: Marketplace) -> None:
    await _ask(market)
    await market.press("owner", ACCEPT)
    await market.deliver()
    card = (await market.messages("group"))[-1]
    await market.press("admin", ASK, where="group")
    await market.press("admin", "The text has mistakes", where="group")
    assert "A moderator asks for a change: The text has mistakes" in await market.last("group")
    await market.deliver()
    assert "A moderator asks for a change" in await market.last("advertiser")
    await _send_new_ad(market)
    alert = await market.press("admin", "✅ Approve", where="group", message_id=card["message_id"])
    assert "was changed since" in alert
    assert await market.rows("SELECT * FROM escrows") == []
    await market.press("owner", ACCEPT)
    await market.deliver()
    await market.press("admin", "✅ Approve", where="group")
    assert await _to_publish(market) == NEW_AD


async def test_an_admin_asks_in_own_words(market: Marketplace) -> None:
    target_id = await _ask(market)
    await market.say("admin", "/change", where="group")
    assert "for example: /change 12" in await market.last("group")
    await market.say("admin", f"/change {target_id} Name the price", where="group")
    assert "has not accepted" in await market.last("group")
    await market.press("owner", ACCEPT)
    await market.deliver()
    await market.say("admin", f"/change #{target_id} Name the price", where="group")
    assert "A moderator asks for a change: Name the price" in await market.last("group")
    assert await market.value("SELECT count(*) FROM change_requests") == 1


async def test_the_advertiser_accepts_another_price_and_time(market: Marketplace) -> None:
    await _ask(market)
    await market.press("owner", ASK)
    await market.press("owner", "💰 The price")
    assert "now pays $50.00" in await market.last("owner")
    await market.say("owner", "lots")
    assert "$" in await market.last("owner")
    await market.say("owner", "60")
    assert "You asked for a change: the price $60.00" in await market.last("owner")
    await market.deliver()
    await market.press("advertiser", "✅ Accept: the price $60.00")
    assert "Price: $60.00" in await market.last("advertiser")
    await market.deliver()
    assert "You get: $54.00" in await market.last("owner")
    await market.press("owner", ASK)
    await market.press("owner", "🕒 The time of publication")
    await market.say("owner", "Berlin")
    await market.say("owner", "yesterday")
    assert "for example" in await market.last("owner")
    await market.say(
        "owner", await market.value("SELECT to_char(clock() + '2 days', 'YYYY-MM-DD HH24:MI')")
    )
    assert "You asked for a change: publication at" in await market.last("owner")
    await market.deliver()
    await market.press("advertiser", "✅ Accept: publication at")
    assert await market.value("SELECT version FROM campaign_targets") == 3
    assert await market.value("SELECT publish_at > clock() + '1 day' FROM campaign_targets")


async def test_a_link_button_is_changed_alone(market: Marketplace) -> None:
    target_id = await _ask(market)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", f"#{target_id}")
    await market.press("advertiser", EDIT)
    await market.press("advertiser", "🔘 Button")
    await market.say("advertiser", "Order")
    await market.say("advertiser", "not an address")
    await market.say("advertiser", "https://example.com/bread")
    await market.press("advertiser", SEND)
    creative = await market.value("SELECT creative FROM campaign_targets")
    assert (creative["text"], creative["button_url"]) == (AD, "https://example.com/bread")
    await market.press("advertiser", EDIT)
    await market.press("advertiser", "🔘 Button")
    await market.press("advertiser", "🚫 No link button")
    await market.press("advertiser", SEND)
    creative = await market.value("SELECT creative FROM campaign_targets")
    assert creative["button_url"] is None


async def test_each_part_of_the_ad_of_one_placement_is_changed_alone(
    with_own_login: Marketplace,
) -> None:
    market = with_own_login
    target_id = await _ask(market)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", f"#{target_id}")
    await market.press("advertiser", EDIT)
    assert [m["text"] for m in await market.messages("advertiser")][-2] == AD
    await market.press("advertiser", "📝 Text")
    await market.say("advertiser", "Bread: https://example.com")
    await market.press("advertiser", "🔗 Link preview")
    await market.press("advertiser", "⬆️ Above the text")
    await market.press("advertiser", SEND)
    creative = await market.value("SELECT creative FROM campaign_targets")
    assert creative["text"] == "Bread: https://example.com"
    assert creative["link_preview"]["above"]
    await market.press("advertiser", EDIT)
    await market.press("advertiser", "📎 File")
    await market.say("advertiser", "no file")
    await market.send_photo("advertiser", "these words are not taken")
    assert "🔗 Link preview" not in await market.buttons("advertiser")
    await market.press("advertiser", SEND)
    creative = await market.value("SELECT creative FROM campaign_targets")
    assert (creative["kind"], creative["text"]) == ("photo", "Bread: https://example.com")
    assert await market.value("SELECT version FROM campaign_targets") == 3
    assert (await market.value("SELECT creative FROM campaigns"))["text"] == AD
    await market.press("advertiser", EDIT)
    await market.press("advertiser", "📎 File")
    await market.press("advertiser", "🚫 Without a file")
    await market.press("advertiser", "✖️ Cancel")
    assert await market.value("SELECT version FROM campaign_targets") == 3


async def test_the_same_ad_is_no_change(market: Marketplace) -> None:
    target_id = await _ask(market)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📋 My placements")
    await market.press("advertiser", f"#{target_id}")
    await market.press("advertiser", EDIT)
    assert SEND not in await market.buttons("advertiser")
    await market.say("advertiser", NEW_AD)
    assert SEND in await market.buttons("advertiser")
    await market.say("advertiser", AD)
    assert SEND not in await market.buttons("advertiser")
    await market.press("advertiser", "✖️ Cancel")
    assert f"Placement #{target_id}" in await market.last("advertiser")
    assert await market.value("SELECT version FROM campaign_targets") == 1


async def test_a_change_that_comes_too_late_says_so(market: Marketplace) -> None:
    await _ask(market)
    await market.press("owner", ASK)
    await market.press("owner", "✏️ The ad (in your own words)")
    await market.say("owner", "Please name the price")
    await market.deliver()
    await market.database.forward(2 * agreements.ANSWER_TIME)
    async with market.database.sessions.begin() as session:
        await placement_expiry.expire_targets(session)
    await market.deliver()
    assert "was not changed in time" in await market.last("advertiser")
    assert "did not change the ad" in await market.last("owner")
    asked = [m for m in await market.messages("advertiser") if EDIT in str(m["buttons"])][-1]
    await market.press("advertiser", EDIT, message_id=asked["message_id"])
    shown = {m["message_id"]: m["text"] for m in await market.messages("advertiser")}
    assert "asks for a change" in shown[asked["message_id"]]  # the notice stays
    assert "nobody decided in time" in await market.last("advertiser")


async def test_strangers_change_and_ask_nothing(market: Marketplace) -> None:
    target_id = await _ask(market)
    before = await market.everything()
    for data in ("change:ask", "change_form:words", "change_form:price", "change_form:time"):
        await market.press_forged("advertiser", f"{data}:{target_id}:1")
    await market.press_forged("owner", f"accept_change:{target_id}:1:1")
    await market.press_forged("owner", f"change_form:edit:{target_id}:1")
    assert await market.everything() == before
