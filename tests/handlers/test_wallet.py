"""Test the wallet's page, and the form with which a person adds money."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import pytest

from bot.screens import wallet as screens
from bot.texts import Texts
from db.models.operations import Switch
from db.money import STARS
from services.money import wallets
from services.money.payout_holds import Withdrawable
from services.money.wallets import Balances
from tests.factories import payments, people
from tests.handlers.marketplace import PROVIDER_TOKEN, Marketplace

FREE = Withdrawable(0)


async def test_an_invalid_amount_makes_no_invoice(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")
    for amount in ("abc", "0", "-1", "0.001"):
        await market.say("advertiser", amount)
        assert "not an amount" in await market.last("advertiser")
    for amount in ("0.99", "10000.01"):
        await market.say("advertiser", amount)
        assert "from $1.00 to $10,000.00" in await market.last("advertiser")
    assert not any(message.get("invoice") for message in await market.messages("advertiser"))


async def test_a_top_up_by_invoice_reaches_the_wallet(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    assert "Available: $0.00" in await market.last("advertiser")
    await market.press("advertiser", "➕ Top up")
    await market.say("advertiser", "100")
    assert (await market.pay("advertiser"))["ok"]
    await market.deliver()
    assert "$100.00 has arrived" in await market.last("advertiser")
    await market.press("advertiser", "💰 Wallet")
    assert "Available: $100.00" in await market.last("advertiser")
    await market.press("advertiser", "📄 Statement")
    assert "Top-up: +$100.00" in await market.last("advertiser")
    assert PROVIDER_TOKEN not in str(await market.messages("advertiser"))


async def test_an_amount_is_chosen_by_a_press(market: Marketplace) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")
    offered = ["$10.00", "$25.00", "$50.00", "$100.00", "$250.00", "$500.00", "✖️ Cancel"]
    assert await market.buttons("advertiser") == offered
    assert "Stars" not in await market.last("advertiser")
    await market.press("advertiser", "$25.00")
    assert (await market.pay("advertiser"))["ok"]
    await market.deliver()
    assert "$25.00 has arrived" in await market.last("advertiser")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "buy them on your phone"), ("ru", "купите их на телефоне")]
)
def test_the_question_in_stars_says_how_to_get_some(language: str, words: str) -> None:
    t = Texts(language, STARS)
    question = t("top-up-ask", example="50", stars="yes")
    assert words in question
    assert "\n\n" in question
    assert words not in t("top-up-ask", example="50", stars="no")


async def test_a_refused_top_up_says_why_and_the_form_can_be_left(market: Marketplace) -> None:
    await market.set_switch(Switch.DEPOSITS, enabled=False)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")
    await market.say("advertiser", "100")
    assert "Stopped by the operators" in await market.last("advertiser")
    assert "How much would you like to top up?" in await market.last("advertiser")
    assert (await market.buttons("advertiser"))[-1] == "✖️ Cancel"
    assert [refusal["error"] for refusal in await market.refusals()] == ["SwitchStopped"]


async def test_the_wallet_shows_what_the_person_owes_and_what_this_forbids(
    market: Marketplace,
) -> None:
    await market.say("advertiser", "/start")
    await market.give("advertiser", 10_000)
    debtor = (await market.actor("advertiser")).user_id or 0
    async with market.database.sessions.begin() as session:
        other = (await people.person(session)).user_id or 0
        mine, theirs = [(await wallets.of_user(session, who)).id for who in (debtor, other)]
        await people.adjusted(session, mine, theirs, 7_500)
    async with market.database.sessions.begin() as session:
        await payments.reverse(
            session,
            external_reference=await market.value("SELECT external_reference FROM deposits"),
            user_id=None,
            amount=10_000,
            source="telegram",
        )
    await market.press("advertiser", "💰 Wallet")
    shown = await market.last("advertiser")
    assert "Available: $0.00" in shown
    assert "You owe $75.00" in shown
    assert "you can neither buy nor withdraw" in shown
    assert "/paysupport" in shown


@pytest.mark.parametrize(
    ("language", "currency", "shown"),
    [
        ("en", "USD", "You owe $75.00:"),
        ("en", "XTR", "You owe 7,500 ⭐:"),
        ("ru", "USD", "Вы должны 75,00\u00a0$:"),
        ("ru", "XTR", "Вы должны 7\u00a0500 ⭐:"),
    ],
)
def test_a_debt_is_shown_in_each_language_and_currency(
    language: str, currency: str, shown: str
) -> None:
    t = Texts(language, "EUR")
    assert (
        shown
        in screens.wallet(t, Balances(0, 0, currency, loss=7_500), FREE, has_methods=False).text
    )
    assert (
        len(screens.wallet(t, Balances(0, 0, currency), FREE, has_methods=False).text.splitlines())
        == 4
    )
