"""Test what the bot does if Telegram refuses one of its answers."""

from tests.handlers.marketplace import Marketplace


async def test_a_screen_that_cannot_be_edited_is_sent_as_a_new_message(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.world.control(
        "faults",
        method="editMessageText",
        kind="error",
        error_code=400,
        description="Bad Request: message can't be edited",
    )
    await market.press("advertiser", "💰 Wallet")
    assert "Available" in await market.last("advertiser")


async def test_a_lost_answer_undoes_nothing(market: Marketplace) -> None:
    await market.make_campaign(active=False)
    for method in ("editMessageText", "answerCallbackQuery", "sendMessage"):
        await market.world.control("faults", method=method, kind="refuse_before", times=5)
    await market.press("advertiser", "🚀 Activate", wait=False)
    assert await market.value("SELECT status FROM campaigns") == "active"
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0


async def test_an_old_press_is_carried_out_without_an_error_text(
    market: Marketplace,
) -> None:
    await market.make_campaign(active=False)
    await market.world.control(
        "faults",
        method="answerCallbackQuery",
        kind="error",
        error_code=400,
        description="Bad Request: query is too old and response timeout expired"
        " or query ID is invalid",
    )
    await market.press("advertiser", "🚀 Activate", wait=False)
    assert "Status: active" in await market.last("advertiser")
