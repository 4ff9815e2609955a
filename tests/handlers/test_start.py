"""Test the bot's menu, and the pages that commands such as /terms open."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from tests.handlers.marketplace import Marketplace


async def test_an_unexpected_text_gets_the_menu(market: Marketplace) -> None:
    await market.say("advertiser", "hello?")
    assert "did not expect" in await market.last("advertiser")
    assert "📣 Campaigns" in await market.buttons("advertiser")


async def test_the_pages_that_telegram_requires_exist(market: Marketplace) -> None:
    for page, words in (("/paysupport", "support"), ("/terms", "legal"), ("/privacy", "keep")):
        await market.say("advertiser", page)
        assert words in await market.last("advertiser")


async def test_cancel_closes_the_open_form(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    await market.say("advertiser", "/cancel")
    assert "📣 Campaigns" in await market.buttons("advertiser")
    assert [m["text"] for m in await market.messages("advertiser")][-2] == "Cancelled."
    await market.say("advertiser", "Bakery")
    assert "did not expect" in await market.last("advertiser")


async def test_a_command_is_no_answer_in_a_form(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    await market.say("advertiser", "/wallet")
    assert "a command and not an answer" in await market.last("advertiser")
    assert "What is it called?" in await market.last("advertiser")
    await market.say("advertiser", "Bakery")
    assert "send the ad itself" in await market.last("advertiser")
