"""Test the form in which an owner sets the price and the promised hours."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from tests.handlers.marketplace import Marketplace


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
