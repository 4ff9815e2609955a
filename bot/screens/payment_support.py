"""Build the screens with which people get help about their payments."""

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton

from bot.callbacks import Go, Screen
from bot.payment_callbacks import ShowOwnPayment, ShowOwnPayments
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.texts import Texts
from db.models.money import Deposit


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


def payment(t: Texts, contact: str, row: Deposit) -> Outgoing:
    """Build the page of one payment, with all that the support asks for."""
    text = t(
        "own-payment",
        id=str(row.id),
        amount=t.money(row.amount, row.currency),
        when=t.time(row.created_at),
        status=row.status.value,
        charge=row.external_reference,
        contact=contact or "none",
    )
    return Outgoing(text, rows(_write(t, contact), [button(t("back"), ShowOwnPayments())]))


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
