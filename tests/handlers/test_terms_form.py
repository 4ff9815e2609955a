"""Test the form in which an owner sets the price and the promised hours."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from tests.handlers.marketplace import Marketplace


async def test_terms_out_of_range_are_asked_again(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "➕ Connect a channel")
    await market.pick("owner", "channel")
    steps = (
        (("free", "0"), "5"),
        (
            ("-1", "0", "721", "1.5", "٣", "1e3", "25/24", "2/", "1/2/3", "9" * 30),
            "24",
        ),
        (("x" * 65,), "news"),
    )
    for wrong, right in steps:
        for answer in wrong:
            await market.say("owner", answer)
            assert (await market.last("owner")).startswith("⚠️"), answer
            assert await market.value("SELECT status FROM channels") == "pending"
        await market.say("owner", right)
    assert await market.value("SELECT status FROM channels") == "active"


async def test_the_fee_is_said_before_the_price_counts(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "➕ Connect a channel")
    await market.pick("owner", "channel")
    await market.say("owner", "10.01")
    asked = await market.last("owner")
    assert "costs $10.01: you get $9.01, and the platform's fee is $1.00" in asked
    assert await market.value("SELECT price FROM channels") is None
    await market.press("owner", "⬅️ Back")
    for answer in ("20", "24", "news"):
        await market.say("owner", answer)
    assert "$20.00, of which you get $18.00" in await market.last("owner")


async def test_a_price_that_changes_ten_times_is_asked_for_once_more(market: Marketplace) -> None:
    await market.connect_channel(price="50")
    await market.press("owner", "✏️ Price and terms")
    for typed, asked in (("500", True), ("499.99", False), ("5", True), ("5.01", False)):
        await market.press("owner", "➕ Add a format")
        await market.say("owner", typed)
        assert ("The price was $50.00" in await market.last("owner")) == asked, typed
        await market.press("owner", "✖️ Cancel")
    assert await market.value("SELECT count(*) FROM channel_formats") == 1
    await market.press("owner", "➕ Add a format")
    await market.say("owner", "500")
    await market.press("owner", "⬅️ Back")
    await market.say("owner", "600")
    assert "now it would be $600.00. Of this, you get $540.00" in await market.last("owner")
    await market.press("owner", "✅ Yes, it is right")
    await market.say("owner", "2/48")
    [row] = await market.rows(
        "SELECT price, hours_on_top FROM channel_formats ORDER BY id DESC LIMIT 1"
    )
    assert list(row.values()) == [60_000, 2]


async def test_a_channel_is_on_offer_after_six_presses_and_one_text(market: Marketplace) -> None:
    await market.say("owner", "/start")
    presses = 0
    for button in ("📺 My channels", "➕ Connect a channel"):
        await market.press("owner", button)
        presses += 1
    await market.pick("owner", "channel")
    presses += 2  # the button below the text field, and the channel in Telegram's list
    await market.say("owner", "50")
    for button in ("2/48", "Technology"):
        await market.press("owner", button)
        presses += 1
    assert "on offer" in await market.last("owner")
    assert presses == 6
    [row] = await market.rows("SELECT status, price, promised_hours, topic FROM channels")
    assert list(row.values()) == ["active", 5_000, 48, "technology"]


async def test_a_post_that_is_taken_down_has_at_most_47_hours(market: Marketplace) -> None:
    await market.connect_channel()
    await market.press("owner", "✏️ Price and terms")
    await market.press("owner", "➕ Add a format")
    await market.say("owner", "60")
    await market.press("owner", "🗑 I delete it after other hours")
    for wrong in ("48", "0", "2/48", "٣", "1e3", "720"):
        await market.say("owner", wrong)
        assert "lets me delete a post only for 48 hours" in await market.last("owner"), wrong
    await market.say("owner", "3/47")
    assert "• 3/47 h 🗑: $60.00" in await market.last("owner")
    await market.press("owner", "3/47 h 🗑")
    card = await market.last("owner")
    assert "47 hours (no newer post in the first 3 hours), then I take it down" in card
    [row] = await market.rows("SELECT ending, hours_on_top FROM channel_formats WHERE price = 6000")
    assert list(row.values()) == ["removed", 3]


async def test_the_usual_answers_are_in_the_owners_language(market: Marketplace) -> None:
    await market.connect_channel()
    await market.say("owner", "/start")
    await market.press("owner", "⚙️ Settings")
    await market.press("owner", "Русский")
    await market.say("owner", "/start")
    for button in ("📺 Мои каналы", "🟢 Daily", "✏️ Цена и условия", "➕ Добавить формат"):
        await market.press("owner", button)
    await market.say("owner", "50")
    assert "1/24 · потом я удалю" in await market.buttons("owner")
    assert "2/48 · потом можно удалить" in await market.buttons("owner")
    await market.press("owner", "∞ · без удаления")
    assert "• ∞: 50,00\xa0$, из них вы получаете 45,00\xa0$" in await market.last("owner")
    await market.press("owner", "✏️ Тема")
    await market.press("owner", "Новости")
    assert await market.value("SELECT topic FROM channels") == "news"
