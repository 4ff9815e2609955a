"""Test the forms of a format's price and of a channel's topic."""

from tests.handlers.marketplace import Marketplace


async def open_price_form(market: Marketplace) -> None:
    """Let the owner connect a channel for $50, and open the form of this price."""
    await market.connect_channel(price="50")
    for button in ("✏️ Price and terms", "24 h · $50.00", "✏️ Change the price"):
        await market.press("owner", button)


async def test_a_new_price_is_read_back_with_the_fee_before_it_counts(market: Marketplace) -> None:
    await open_price_form(market)
    for wrong in ("15€", "1.500", "0", "-5", "free"):
        await market.say("owner", wrong)
        assert (await market.last("owner")).startswith("⚠️"), wrong
    await market.say("owner", "60")
    asked = await market.last("owner")
    assert "A post costs $60.00: you get $54.00, and the platform's fee is $6.00." in asked
    assert await market.value("SELECT price FROM channels") == 5_000
    await market.press("owner", "⬅️ Back")
    await market.say("owner", "70")
    await market.press("owner", "✅ Yes, it is right")
    assert "• 24 h: $70.00" in await market.last("owner")
    assert await market.value("SELECT price FROM channels") == 7_000


async def test_a_price_that_is_ten_times_higher_is_asked_in_other_words(
    market: Marketplace,
) -> None:
    await open_price_form(market)
    await market.say("owner", "500")
    assert "The price was $50.00, and now it would be $500.00" in await market.last("owner")
    await market.press("owner", "✖️ Cancel")
    assert "• 24 h: $50.00" in await market.last("owner")
    assert await market.value("SELECT price FROM channels") == 5_000


async def test_the_price_of_a_removed_channel_is_not_changed(market: Marketplace) -> None:
    await open_price_form(market)
    await market.say("owner", "60")
    await market.database.as_owner("UPDATE channels SET status = 'removed'")
    await market.press("owner", "✅ Yes, it is right")
    assert await market.value("SELECT price FROM channels") == 5_000


async def test_a_topic_is_chosen_from_the_list(market: Marketplace) -> None:
    await market.connect_channel()
    await market.press("owner", "✏️ Price and terms")
    await market.press("owner", "✏️ Topic")
    await market.say("owner", "gardens")
    assert "Please choose one of the topics" in await market.last("owner")
    await market.press("owner", "Films and series")
    assert "🏷 What" in await market.last("owner")
    assert await market.value("SELECT topic FROM channels") == "films"


async def test_the_language_is_the_owners_own_until_another_is_chosen(market: Marketplace) -> None:
    await market.connect_channel()
    assert await market.value("SELECT language FROM listings") == "en"
    for button in ("✏️ Price and terms", "🌐 Language: English", "Deutsch"):
        await market.press("owner", button)
    assert "🌐 Language: Deutsch" in await market.buttons("owner")
    assert await market.value("SELECT language FROM listings") == "de"
    [channel] = await market.rows("SELECT id FROM channels")
    for data in (f"speak:{channel['id']}:xx", f"speaks:{channel['id']}"):
        await market.press_forged("advertiser", data)
    assert await market.value("SELECT language FROM listings") == "de"
