"""Test that people get an unused payment in Stars back from the page of the payment."""

import asyncio

import pytest

from bot.payment_callbacks import AskGiveBack, GiveBack
from scheduler import deposit_returns as tick
from scheduler.star_reconciliation import StarReconciliation
from tests.factories import people
from tests.handlers.marketplace import Marketplace

WORDS = {
    "en": {
        "wallet": "💰 Wallet",
        "top up": "➕ Top up",  # noqa: RUF001 - the button's text
        "give": "↩️ Give this payment back",
        "yes": "↩️ Yes, give 70 ⭐ back",
        "asked": "Give payment #1 back?",
        "open": "on its way back to you",
        "done": "Your payment #1 was given back: 70 ⭐",
        "page": "given back to you in Telegram Stars",
        "spent": "only given back whole (70 ⭐), and 69 ⭐",
        "refused": "You can use them for ads",
    },
    "ru": {
        "wallet": "💰 Кошелёк",
        "top up": "➕ Пополнить",  # noqa: RUF001 - the button's text
        "give": "↩️ Вернуть этот платёж",
        "yes": "↩️ Да, вернуть 70 ⭐",
        "asked": "Вернуть платёж #1?",
        "open": "возвращается к вам",
        "done": "Ваш платёж #1 возвращён: 70 ⭐",
        "page": "возвращён вам звёздами Telegram",
        "spent": "внесённых вами денег свободно 69 ⭐",
        "refused": "Их можно потратить на рекламу",
    },
}
every_language = pytest.mark.parametrize("language", list(WORDS))


async def _pay_in(market: Marketplace, language: str) -> dict[str, str]:
    """Let the advertiser pay 70 Stars and open the page of the payment. Return the words."""
    words = WORDS[language]
    market.world.state.users[market.chat("advertiser")].language_code = language
    settings = market.dependencies.settings
    market.dependencies.settings = settings.model_copy(update={"currency": "XTR"})
    await market.say("advertiser", "/start")
    await market.press("advertiser", words["wallet"])
    await market.press("advertiser", words["top up"])
    await market.say("advertiser", "70")
    assert (await market.pay("advertiser"))["ok"]
    await market.say("advertiser", "/paysupport")
    await market.press("advertiser", "70 ⭐")
    return words


async def _give_back(market: Marketplace) -> None:
    """Run the scheduler: it compares the payments, and asks Telegram for the refund."""
    sessions, bot = market.database.sessions, market.bot
    await StarReconciliation(sessions, bot).run()
    await tick.give_back_due(sessions, bot, "scheduler", asyncio.Event())
    await market.settle()


@every_language
async def test_a_payment_is_given_back_by_three_presses(market: Marketplace, language: str) -> None:
    words = await _pay_in(market, language)
    await market.press("advertiser", words["give"])
    assert words["asked"] in await market.last("advertiser")
    await market.press("advertiser", words["yes"])
    assert words["open"] in await market.last("advertiser")
    assert words["give"] not in await market.buttons("advertiser")
    assert await market.balance("advertiser") == 0
    await _give_back(market)
    assert await market.value("SELECT status FROM deposits") == "returned"
    [paid] = market.world.state.payments.values()
    assert paid.refunded_at is not None
    await market.settle()
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0
    assert await market.value("SELECT count(*) FROM users WHERE blocked") == 0
    await market.say("advertiser", "/paysupport")
    await market.press("advertiser", "70 ⭐")
    assert words["page"] in await market.last("advertiser")
    assert words["give"] not in await market.buttons("advertiser")
    kinds = await market.rows("SELECT kind FROM outbox WHERE kind LIKE 'deposit%' ORDER BY id")
    assert [row["kind"] for row in kinds] == ["deposit_credited", "deposit_returned"]


@every_language
async def test_a_spent_payment_is_refused_with_what_is_left(
    market: Marketplace, language: str
) -> None:
    words = await _pay_in(market, language)
    person = await market.actor("advertiser")
    async with market.database.sessions.begin() as session:
        await people.spend(session, person, 1)
    await market.press("advertiser", words["give"])
    assert words["spent"] in await market.last("advertiser")
    assert words["wallet"] in await market.buttons("advertiser")
    forged = GiveBack(id=1, number=0).pack()
    assert await market.press_forged("advertiser", forged)
    assert await market.value("SELECT count(*) FROM deposit_returns") == 0


@every_language
async def test_a_refusal_by_telegram_is_told_to_both_sides(
    market: Marketplace, language: str
) -> None:
    words = await _pay_in(market, language)
    await market.press("advertiser", words["give"])
    await market.press("advertiser", words["yes"])
    await market.world.control(
        "faults",
        method="refundStarPayment",
        kind="error",
        error_code=400,
        description="Bad Request: BALANCE_TOO_LOW",
    )
    await _give_back(market)
    await market.deliver()
    assert words["refused"] in await market.last("advertiser")
    assert "BALANCE_TOO_LOW" in await market.last("group")
    assert await market.balance("advertiser") == 70
    await market.press("advertiser", "🧾")
    await market.press("advertiser", words["give"])
    await market.press("advertiser", words["yes"])
    await _give_back(market)
    assert await market.value("SELECT status FROM deposits") == "returned"


async def test_nobody_gets_the_payment_of_somebody_else(market: Marketplace) -> None:
    await _pay_in(market, "en")
    await market.say("owner", "/start")
    for data in (AskGiveBack(id=1), GiveBack(id=1, number=0)):
        assert await market.press_forged("owner", data.pack())
    assert await market.value("SELECT count(*) FROM deposit_returns") == 0
    assert await market.balance("advertiser") == 70
