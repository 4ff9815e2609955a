"""Test the bot's menu, and the pages that people open with commands such as /terms."""

from tests.handlers.marketplace import Marketplace


async def test_an_unexpected_text_gets_the_menu(market: Marketplace) -> None:
    await market.say("advertiser", "hello?")
    assert "did not expect" in await market.last("advertiser")
    assert "📣 Campaigns" in await market.buttons("advertiser")


async def test_the_pages_that_telegram_requires_exist(market: Marketplace) -> None:
    for page, words in (("/paysupport", "support"), ("/terms", "legal"), ("/privacy", "keep")):
        await market.say("advertiser", page)
        assert words in await market.last("advertiser")
