"""Test how a person says where they are paid, and who reads it."""

from datetime import timedelta
from typing import Any

from aiogram import Bot
from aiogram.client.session.middlewares.base import NextRequestMiddlewareType
from aiogram.methods import AnswerCallbackQuery, TelegramMethod
from aiogram.types import InlineKeyboardButton
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bot.callbacks import FormName, OpenForm
from bot.screens import destinations as screens
from db.models.destinations import PayoutMethod
from services.money import destinations
from tests.handlers.marketplace import Marketplace
from tests.services.money.test_payout_addresses import ton_address

ADDRESS, OTHER = ton_address(), ton_address(0x11)
OPEN, RIGHT = "💳 Where you are paid", "✅ It is exactly right"
EVERYWHERE = """
    SELECT (SELECT string_agg(inbox::text, '') FROM inbox)
        || (SELECT string_agg(outbox::text, '') FROM outbox)
        || (SELECT string_agg(user_audit_logs::text, '') FROM user_audit_logs)
        || (SELECT string_agg(payout_destinations::text, '') FROM payout_destinations)
"""


def _offer(market: Marketplace, *methods: PayoutMethod) -> None:
    key = SecretStr(Fernet.generate_key().decode())
    market.dependencies.settings = market.dependencies.settings.model_copy(
        update={"payout_methods": methods, "destination_keys": key}
    )


async def _type(market: Marketplace, address: str) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "💰 Wallet")
    await market.press("owner", OPEN)
    await market.press("owner", "✏️ TON")
    await market.say("owner", address)


async def _ask_for_money(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.press("owner", "💰 Wallet")
    await market.press("owner", "🏦 Withdraw")
    await market.say("owner", "30")


async def test_an_owner_is_paid_to_an_address_that_only_the_paying_admin_reads(
    with_own_login: Marketplace,
) -> None:
    market = with_own_login
    _offer(market, PayoutMethod.TON, PayoutMethod.CARD)
    await market.say("owner", "/start")
    await market.give("owner", 10_000)
    await _ask_for_money(market)
    assert "First say where you are paid" in await market.last("owner")
    await _type(market, ADDRESS[:-1] + "x")
    assert "check digits do not fit" in await market.last("owner")
    await market.say("owner", ADDRESS)
    assert ADDRESS in await market.last("owner")
    await market.press("owner", RIGHT)
    shown = await market.last("owner")
    assert f"TON: {ADDRESS[:2]}…{ADDRESS[-4:]}" in shown
    assert "card: not set" in shown
    await _ask_for_money(market)
    await market.press("owner", "✅ $30.00 to TON")
    assert await market.withdrawal_statuses() == ["requested"]
    await market.deliver()
    await market.press("admin", "🔎 Open the withdrawal", where="group")
    assert "Pay by: TON" in await market.last("group")
    await market.press("admin", "🧾 Already paid: record it", where="group")
    assert ADDRESS not in str(await market.messages("admin"))
    await market.press("admin", "⬅️ Back", where="group")
    await market.press("admin", "✅ Approve", where="group")
    await market.press("admin", "✅ Yes, approve it", where="group")
    alert = await market.press("admin", "💸 Mark as paid", where="group")
    assert "can't write to you in private" in alert
    await market.say("admin", "/start")
    await market.press("admin", "⬅️ Back", where="group")
    answers: list[str] = []

    @market.bot.session.middleware
    async def note_answer(
        make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Any:
        if isinstance(method, AnswerCallbackQuery):
            answers.append(method.callback_query_id)
        return await make_request(bot, method)

    alert = await market.press("admin", "💸 Mark as paid", where="group")
    assert len(answers) == 1
    assert "sent you the address in our private chat" in alert
    number = await market.value("SELECT id FROM withdrawals")
    assert f"pay $30.00 by TON to\n\n{ADDRESS}" in await market.last("admin")
    assert ADDRESS not in str(await market.messages("group"))
    await market.say("admin", f"/paid {number} wire-1", where="group")
    await market.deliver()
    assert "wire-1" in await market.last("owner")
    assert ADDRESS not in await market.value(EVERYWHERE)


async def test_a_change_is_told_and_can_be_stopped(market: Marketplace) -> None:
    _offer(market, PayoutMethod.TON)
    await market.say("owner", "/start")
    await market.give("owner", 10_000)
    for address in (ADDRESS, OTHER):
        await _type(market, address)
        await market.press("owner", RIGHT)
    await market.deliver()
    assert "was changed" in await market.last("owner")
    await _ask_for_money(market)
    assert "can go there from" in await market.press("owner", "✅ $30.00 to TON")
    await market.press("owner", "🔒 It was not me")
    await market.deliver()
    assert "has dropped their address" in await market.last("group")
    await market.database.forward(timedelta(days=1))
    await _ask_for_money(market)
    assert "First say where you are paid" in await market.last("owner")
    assert await market.withdrawal_statuses() == []


async def test_a_button_of_the_time_without_addresses_asks_for_one(market: Marketplace) -> None:
    await market.say("owner", "/start")
    await market.give("owner", 10_000)
    await _ask_for_money(market)
    _offer(market, PayoutMethod.TON)
    await market.press("owner", "✅ Yes, withdraw $30.00")
    assert "First say where you are paid" in await market.last("owner")
    assert await market.withdrawal_statuses() == []


async def test_a_method_that_is_offered_no_more_is_not_asked_for(market: Marketplace) -> None:
    _offer(market, PayoutMethod.TON)
    await market.say("owner", "/start")
    await market.press("owner", "💰 Wallet")
    await market.press("owner", OPEN)
    _offer(market, PayoutMethod.CARD)
    assert "out of date" in await market.press("owner", "✏️ TON")
    await market.press("owner", "⬅️ Back")
    await market.press("owner", OPEN)
    await market.press("owner", "✏️ card")
    await market.say("owner", "4111 1111 1111 1112")
    assert "check digits" in await market.last("owner")
    await market.say("owner", "4111 1111 1111 1111")
    await market.press("owner", "⬅️ No, go back")
    assert "card: not set" in await market.last("owner")


async def test_an_admin_reads_not_to_pay_to_a_dropped_address(market: Marketplace) -> None:
    _offer(market, PayoutMethod.TON)
    await market.say("owner", "/start")
    await market.give("owner", 10_000)
    await _type(market, ADDRESS)
    await market.press("owner", RIGHT)
    await _ask_for_money(market)
    await market.press("owner", "✅ $30.00 to TON")
    await market.deliver()
    await market.press("admin", "🔎 Open the withdrawal", where="group")
    await market.press("admin", "✅ Approve", where="group")
    await market.press("admin", "✅ Yes, approve it", where="group")
    number = await market.value("SELECT id FROM payout_destinations")
    async with market.database.sessions.begin() as session:
        owner = await market.actor("owner")
        await destinations.drop(session, actor=owner, destination_id=number)
    await market.say("admin", "/start")
    await market.press("admin", "💸 Mark as paid", where="group")
    assert "Do not pay it: the person has dropped their address" in await market.last("group")
    assert ADDRESS not in str(await market.messages("admin"))
    assert await market.value("SELECT paying_by FROM withdrawals") is None


async def test_a_missing_key_is_said_to_the_admin(market: Marketplace) -> None:
    _offer(market, PayoutMethod.TON)
    await market.say("owner", "/start")
    await market.give("owner", 10_000)
    await _type(market, ADDRESS)
    await market.press("owner", RIGHT)
    await _ask_for_money(market)
    await market.press("owner", "✅ $30.00 to TON")
    await market.deliver()
    market.dependencies.settings = market.dependencies.settings.model_copy(
        update={"payout_methods": (), "destination_keys": SecretStr("")}
    )
    await market.press("admin", "🔎 Open the withdrawal", where="group")
    await market.press("admin", "✅ Approve", where="group")
    await market.press("admin", "✅ Yes, approve it", where="group")
    alert = await market.press("admin", "💸 Mark as paid", where="group")
    assert "The address can't be read" in alert


async def test_the_amount_that_was_typed_survives_the_first_address(
    market: Marketplace,
) -> None:
    _offer(market, PayoutMethod.TON)
    await market.say("owner", "/start")
    await market.give("owner", 10_000)
    await _ask_for_money(market)
    await market.press("owner", OPEN)
    await market.press("owner", "✏️ TON")
    await market.say("owner", ADDRESS)
    await market.press("owner", "✏️ Type it again")
    await market.say("owner", ADDRESS)
    await market.press("owner", RIGHT)
    await market.press("owner", "💸 Withdraw $30.00")
    await market.press("owner", "✅ $30.00 to TON")
    assert await market.withdrawal_statuses() == ["requested"]
    assert await market.value("SELECT amount FROM withdrawals") == 3_000


def test_the_amount_of_a_typed_address_is_read_from_its_own_button_alone() -> None:
    def data(text: str) -> InlineKeyboardButton:
        return InlineKeyboardButton(text="x", callback_data=text)

    kept = OpenForm(name=FormName.DESTINATION, id=30 * len(screens.METHODS)).pack()
    others = [data("go:wallet:5:0"), data("form:withdraw:7"), data("form:dest:x")]
    assert screens.amount_in([*others, data(kept)]) == 30
    assert screens.amount_in([*others, InlineKeyboardButton(text="x", url="https://t.me")]) == 0
    assert screens.read_form(-5) == (screens.METHODS[0], 0)
