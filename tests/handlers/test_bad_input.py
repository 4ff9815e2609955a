"""Wrong input: a sentence that says what is wrong, the question again, and nothing changed."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from tests.handlers.marketplace import AD, Marketplace


async def open_campaign_form(market: Marketplace) -> None:
    """Advertiser is asked for a campaign's name."""
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")


async def test_a_name_that_is_none_or_too_long_is_asked_again(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.send_photo("advertiser")
    assert (await market.last("advertiser")).startswith("⚠️ The text is empty")
    for name in ("x" * 65, "😀" * 33):
        await market.say("advertiser", name)
        problem = await market.last("advertiser")
        assert problem.startswith("⚠️")
        assert "What is it called" in problem
    await market.say("advertiser", "Bakery")
    assert "send the ad itself" in await market.last("advertiser")


async def test_each_step_of_a_form_says_what_is_wrong(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")
    await market.say("advertiser", AD)
    await market.say("advertiser", "B" * 65)
    assert "at most 64" in await market.last("advertiser")
    await market.say("advertiser", "Order")
    for url in ("ftp://example.com", "https://", "javascript:alert(1)", "just words"):
        await market.say("advertiser", url)
        assert "not an address" in await market.last("advertiser"), url
    await market.press("advertiser", "Skip")
    for budget in ("nothing", "-5", "0", "1.234", "1e9"):
        await market.say("advertiser", budget)
        assert "not an amount" in await market.last("advertiser"), budget
    await market.say("advertiser", "100")
    await market.press("advertiser", "💾 Save")
    assert await market.value("SELECT total_budget FROM campaigns") == 10_000


async def test_back_and_cancel_work_at_every_step(market: Marketplace) -> None:
    await open_campaign_form(market)
    for answer, question in (
        ("Bakery", "send the ad itself"),
        (AD, "link button"),
        ("Order", "Where does the button lead"),
        ("https://example.com", "What is the budget"),
        ("100", "exactly as it will be published"),
    ):
        await market.say("advertiser", answer)
        assert question in await market.last("advertiser")
        assert "✖️ Cancel" in await market.buttons("advertiser")
    for question in (
        "What is the budget",
        "link button",
        "send the ad itself",
        "What is it called",
    ):
        await market.press("advertiser", "⬅️ Back")
        assert question in await market.last("advertiser")
    await market.press("advertiser", "✖️ Cancel")
    assert "You have no campaigns yet" in await market.last("advertiser")
    assert await market.value("SELECT count(*) FROM campaigns") == 0


async def test_saving_twice_makes_one_campaign(market: Marketplace) -> None:
    await open_campaign_form(market)
    await market.say("advertiser", "Bakery")
    await market.say("advertiser", AD)
    await market.press("advertiser", "Skip")
    await market.say("advertiser", "100")
    preview = (await market.messages("advertiser"))[-1]["message_id"]
    body = {"chat_id": market.chat("advertiser"), "message_id": preview, "button": "💾 Save"}
    for _ in range(2):
        await market.world.control(f"users/{market.chat('advertiser')}/press", **body, wait=False)
    await market.settle()
    assert await market.value("SELECT count(*) FROM campaigns") == 1


async def test_a_top_up_that_is_no_amount_makes_no_invoice(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")
    for amount in ("abc", "0", "-1", "0.001"):
        await market.say("advertiser", amount)
        assert "not an amount" in await market.last("advertiser")
    assert not any(message.get("invoice") for message in await market.messages("advertiser"))


async def test_a_channel_where_the_bot_may_not_post_is_not_connected(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "➕ Connect a channel")
    # The update is old: the bot has lost its right by the time it looks.
    await market.world.control(
        "faults",
        method="getChatMember",
        kind="error",
        error_code=400,
        description="Bad Request: member list is inaccessible",
    )
    await market.pick("owner", "channel")
    told = [message["text"] or "" for message in await market.messages("owner")]
    assert any("I can't post in that channel" in text for text in told)
    assert await market.value("SELECT count(*) FROM channels") == 0


async def test_terms_out_of_range_are_asked_again(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "➕ Connect a channel")
    await market.pick("owner", "channel")
    steps = ((("free", "0"), "5"), (("-1", "721", "1.5"), "24"), (("x" * 65,), "news"))
    for wrong, right in steps:
        for answer in wrong:
            await market.say("owner", answer)
            assert (await market.last("owner")).startswith("⚠️"), answer
            assert await market.value("SELECT status FROM channels") == "pending"
        await market.say("owner", right)
    assert await market.value("SELECT status FROM channels") == "active"


async def test_words_that_nobody_asked_for_get_the_menu(market: Marketplace) -> None:
    await market.say("advertiser", "hello?")
    assert "did not expect" in await market.last("advertiser")
    assert "📣 Campaigns" in await market.buttons("advertiser")
