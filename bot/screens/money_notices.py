"""Build the notices about deposits, withdrawals and corrections of wallets."""

from collections.abc import Mapping
from typing import Any

from bot.callbacks import Go, Screen
from bot.payment_callbacks import ShowOwnPayment
from bot.screens.outgoing import Outgoing, receipt_button, rows
from bot.texts import Texts
from db.money import STARS


def deposit_credited(t: Texts, payload: Mapping[str, Any]) -> Outgoing:
    """Build the notice to a person that their deposit was credited.

    If it is the second payment of one invoice, the notice has a button to the payment.
    """
    text = t("notice-deposit-credited", amount=t.money(payload["amount"]))
    buttons = [receipt_button(t("menu-wallet"), Go(screen=Screen.WALLET))]
    if payload.get("second"):
        text += "\n\n" + t("notice-paid-twice")
        shown = ShowOwnPayment(id=payload["deposit_id"])
        buttons.append(receipt_button(t("notice-this-payment"), shown))
    return Outgoing(text, rows(buttons))


def star_transaction_refused(t: Texts, payload: Mapping[str, Any]) -> Outgoing:
    """Build the notice to staff that a payment or refund in Stars could not be recorded."""
    return Outgoing(
        t(
            "notice-star-transaction-refused",
            charge=payload["charge_id"],
            person=str(payload["telegram_id"]),
            amount=t.money(payload["amount"], STARS),
            error=payload["error"],
        )
    )


def deposit_clawed_back(t: Texts, telegram_id: int, payload: Mapping[str, Any]) -> Outgoing:
    """Build the notice to staff that a payer has taken a payment back."""
    currency = payload["currency"]
    text = t(
        "notice-deposit-clawed-back",
        person=str(telegram_id),
        amount=t.money(payload["amount"], currency),
        recovered=t.money(payload["recovered"], currency),
        loss=t.money(payload["loss"], currency),
    )
    if approved := payload.get("approved"):
        ids = ", ".join(f"#{withdrawal_id}" for withdrawal_id in approved)
        text += "\n" + t("notice-do-not-pay", ids=ids)
    return Outgoing(text)


def deposit_taken_back(t: Texts, payload: Mapping[str, Any]) -> Outgoing:
    """Build the notice to a payer that their payment was taken back, and does not count now."""
    currency = payload["currency"]
    return Outgoing(
        t(
            "notice-deposit-taken-back",
            amount=t.money(payload["amount"], currency),
            recovered=t.money(payload["recovered"], currency),
            loss=t.money(payload["loss"], currency),
        )
    )


def deposit_returned(t: Texts, payload: Mapping[str, Any]) -> Outgoing:
    """Build the notice to a payer that Telegram has given a payment back to them."""
    amount = t.money(payload["amount"], payload["currency"])
    text = t("notice-deposit-returned", id=str(payload["deposit_id"]), amount=amount)
    return Outgoing(text, rows([receipt_button(t("menu-wallet"), Go(screen=Screen.WALLET))]))


def deposit_return_refused(t: Texts, payload: Mapping[str, Any]) -> Outgoing:
    """Build the notice to a payer that a payment was not given back, and why."""
    text = t(
        "notice-deposit-return-refused",
        id=str(payload["deposit_id"]),
        amount=t.money(payload["amount"], payload["currency"]),
        why=payload["why"],
    )
    return Outgoing(
        text,
        rows(
            [receipt_button(t("menu-wallet"), Go(screen=Screen.WALLET))],
            [receipt_button(t("notice-this-payment"), ShowOwnPayment(id=payload["deposit_id"]))],
        ),
    )


def deposit_return_problem(t: Texts, telegram_id: int, payload: Mapping[str, Any]) -> Outgoing:
    """Build the notice to staff that Telegram refuses to give a payment back."""
    return Outgoing(
        t(
            "notice-deposit-return-problem",
            id=str(payload["deposit_id"]),
            person=str(telegram_id),
            amount=t.money(payload["amount"], payload["currency"]),
            error=payload["error"],
        )
    )


def wallet_corrected(t: Texts, amount: int, currency: str) -> Outgoing:
    """Build the notice that admins have changed a person's wallet by an amount in minor units."""
    way = "in" if amount > 0 else "out"
    text = t("notice-wallet-corrected", way=way, amount=t.money(abs(amount), currency))
    return Outgoing(text, rows([receipt_button(t("menu-wallet"), Go(screen=Screen.WALLET))]))


def excess_payment(t: Texts, telegram_id: int, payload: Mapping[str, Any]) -> Outgoing:
    """Build the notice that an admin has paid a withdrawal that needed no payment.

    The key `to` of `payload` names the receiver: the staff or the person.
    """
    currency = payload["currency"]
    return Outgoing(
        t(
            "notice-excess-payment",
            to=payload["to"],
            id=str(payload["withdrawal_id"]),
            person=str(telegram_id),
            amount=t.money(payload["amount"], currency),
            recovered=t.money(payload["recovered"], currency),
            loss=t.money(payload["loss"], currency),
        )
    )
