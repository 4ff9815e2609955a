"""Build the screens with which people get help about their payments."""

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton

from bot.callbacks import Go, Screen
from bot.payment_callbacks import AskGiveBack, GiveBack, ShowOwnPayment, ShowOwnPayments
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.texts import Texts
from db.models.deposit_returns import DepositReturn
from db.models.money import Deposit, DepositStatus
from db.money import STARS


def payment_support(t: Texts, contact: str, payments: Sequence[Deposit]) -> Outgoing:
    """Build the page of help with payments, with a button for each of the latest payments.

    `contact` is where people can write, or empty.
    """
    lines = [t("paysupport", contact=contact or "none")]
    if payments:
        lines.append(t("paysupport-payments"))
    return Outgoing(
        "\n\n".join(lines),
        rows(
            *column((_row(t, each), ShowOwnPayment(id=each.id)) for each in payments),
            _write(t, contact),
            [button(t("menu-wallet"), Go(screen=Screen.WALLET))],
            [button(t("back"), Go(screen=Screen.MENU))],
        ),
    )


def payment(t: Texts, contact: str, row: Deposit, given: DepositReturn | None = None) -> Outgoing:
    """Build the page of one payment, with all that the support asks for.

    `given` is its latest return, or None if nobody wanted the payment back.
    """
    text = t(
        "own-payment",
        id=str(row.id),
        amount=t.money(row.amount, row.currency),
        when=t.time(row.created_at),
        status=row.status.value,
        charge=row.external_reference,
        returned=given.status.value if given else "none",
        contact=contact or "none",
    )
    can_return = (row.status, row.currency) == (DepositStatus.CREDITED, STARS) and (
        given is None or given.ended_at is not None
    )
    ask = [button(t("give-back"), AskGiveBack(id=row.id))] if can_return else []
    return Outgoing(text, rows(ask, _write(t, contact), [button(t("back"), ShowOwnPayments())]))


def give_back_question(t: Texts, row: Deposit, number: int) -> Outgoing:
    """Build the question whether a person wants a payment back, with the amount.

    `number` says how many returns of the payment were refused before.
    """
    amount = t.money(row.amount, row.currency)
    return Outgoing(
        t("give-back-question", id=str(row.id), amount=amount, when=t.time(row.created_at)),
        rows(
            [button(t("give-back-yes", amount=amount), GiveBack(id=row.id, number=number))],
            [button(t("back"), ShowOwnPayment(id=row.id))],
        ),
    )


def no_return(t: Texts, row: Deposit, reason: str) -> Outgoing:
    """Build the page that says why a payment is not given back, with the way to the wallet."""
    return Outgoing(
        t("give-back-refused", id=str(row.id), reason=reason),
        rows(
            [button(t("menu-wallet"), Go(screen=Screen.WALLET))],
            [button(t("back"), ShowOwnPayment(id=row.id))],
        ),
    )


def _row(t: Texts, row: Deposit) -> str:
    return t(
        "own-payment-row",
        id=str(row.id),
        amount=t.money(row.amount, row.currency),
        when=t.time(row.created_at),
        status=row.status.value,
    )


def _write(t: Texts, contact: str) -> list[InlineKeyboardButton]:
    """Make the button that opens the chat with the support, if the contact is in Telegram."""
    name = contact.removeprefix("@")
    if not contact.startswith("@") or not name.replace("_", "").isalnum() or not name.isascii():
        return []
    return [InlineKeyboardButton(text=t("paysupport-write"), url=f"https://t.me/{name}")]
