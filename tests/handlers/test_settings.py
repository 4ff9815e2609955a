"""Test the page with a person's settings."""

from tests.handlers.marketplace import Marketplace


async def test_the_language_is_that_of_telegram_until_one_is_chosen(market: Marketplace) -> None:
    person = await market.world.control("users", first_name="Guest", language_code="ru")
    market.world.ids["guest"] = person["id"]
    await market.say("guest", "/start")
    assert "Добро пожаловать" in await market.last("guest")
    await market.press("guest", "⚙️ Настройки")
    await market.press("guest", "English")
    await market.press("guest", "⬅️ Back")
    await market.say("guest", "/start")
    assert "Welcome" in await market.last("guest")
