"""Build the screens of the addresses to which a person is paid."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from aiogram.types import InlineKeyboardButton

from bot.callbacks import (
    DestinationAct,
    FormName,
    Go,
    OnDestination,
    OpenForm,
    Screen,
)
from bot.screens import withdraw_question
from bot.screens.outgoing import Outgoing, button, column, receipt_button, rows
from bot.screens.withdraw_question import AskedWithdrawal
from bot.texts import Texts
from db.models.destinations import PayoutDestination, PayoutMethod
from services.money import payout_addresses
from services.money.withdrawal_details import WithdrawalDetails

METHODS = tuple(PayoutMethod)
"""The methods. A button names a method by its place here."""
Addresses = Mapping[PayoutMethod, tuple[PayoutDestination, str]]
"""The current destination of a person for each method, with its address in plain form."""


def destinations(
    t: Texts, offered: Sequence[PayoutMethod], addresses: Addresses, *, amount: int = 0
) -> Outgoing:
    """Build the list of the offered methods, each with the person's address, mostly hidden.

    `amount` (minor units) is what the person wants to withdraw to a new address, or 0.
    """
    lines = [
        t(
            "destination-line",
            method=method.value,
            address=_masked(addresses, method) or t("unset"),
        )
        for method in offered
    ]
    return Outgoing(
        "\n".join([t("destinations"), *lines]),
        rows(
            *column(
                (t("destination-set", method=method.value), _form(method, amount))
                for method in offered
            ),
            [_withdraw_button(t, amount)] if addresses else [],
            [button(t("back"), Go(screen=Screen.WALLET))],
        ),
    )


def _withdraw_button(t: Texts, amount: int) -> InlineKeyboardButton:
    label = t("destination-withdraw", amount=t.money(amount)) if amount else t("wallet-withdraw")
    return button(label, OpenForm(name=FormName.WITHDRAW, id=amount))


def typed(t: Texts, row: PayoutDestination, address: str, *, amount: int = 0) -> Outgoing:
    """Build the question whether an address, which is shown in full, is exactly right.

    `amount` is that of `destinations`. The button to type again keeps it (`amount_in`).
    """
    return Outgoing(
        t("destination-sure", method=row.method.value, address=address),
        rows(
            [button(t("destination-confirm"), _act(DestinationAct.CONFIRM, row))],
            [button(t("destination-again"), _form(row.method, amount))],
            [button(t("no-go-back"), _act(DestinationAct.DROP, row))],
        ),
    )


def choose(t: Texts, asked: AskedWithdrawal, addresses: Addresses) -> Outgoing:
    """Build the question to which of the person's addresses an amount is withdrawn."""
    if not addresses:
        return Outgoing(
            t("destination-needed"),
            rows(
                [button(t("destinations-open"), Go(screen=Screen.DESTINATIONS, id=asked.amount))],
                [button(t("no-go-back"), Go(screen=Screen.WALLET))],
            ),
        )
    return Outgoing(
        withdraw_question.question(t, asked),
        rows(
            *column(
                (
                    t(
                        "withdraw-to",
                        amount=t.money(asked.payable),
                        method=method.value,
                        address=payout_addresses.masked(address),
                    ),
                    withdraw_question.confirm(asked, row.id),
                )
                for method, (row, address) in addresses.items()
            ),
            [button(t("destinations-open"), Go(screen=Screen.DESTINATIONS))],
            [button(t("no-go-back"), Go(screen=Screen.WALLET))],
        ),
    )


def changed(t: Texts, row: PayoutDestination) -> Outgoing:
    """Build the notice to a person that their address was changed, with a button to stop it."""
    return Outgoing(
        t("notice-destination-changed", method=row.method.value),
        rows([receipt_button(t("destination-not-me"), _act(DestinationAct.DROP, row))]),
    )


def dropped(t: Texts, row: PayoutDestination, telegram_id: int) -> Outgoing:
    """Build the notice to staff that a person has dropped a confirmed address."""
    return Outgoing(
        t("notice-destination-dropped", method=row.method.value, person=str(telegram_id))
    )


def to_pay(t: Texts, withdrawal: WithdrawalDetails, method: PayoutMethod, address: str) -> Outgoing:
    """Build the private message to the admin who pays a withdrawal."""
    return Outgoing(
        t(
            "destination-to-pay",
            id=str(withdrawal.withdrawal_id),
            amount=t.money(withdrawal.payable, withdrawal.currency),
            method=method.value,
            address=address,
        )
    )


def _masked(addresses: Addresses, method: PayoutMethod) -> str:
    return payout_addresses.masked(addresses[method][1]) if method in addresses else ""


def _form(method: PayoutMethod, amount: int = 0) -> OpenForm:
    """Return the data of the button that asks for an address. Its id keeps the amount too."""
    return OpenForm(name=FormName.DESTINATION, id=amount * len(METHODS) + METHODS.index(method))


def read_form(number: int) -> tuple[PayoutMethod, int]:
    """Return the method and the amount in the id of such a button."""
    amount, place = divmod(max(number, 0), len(METHODS))
    return METHODS[place], amount


def amount_in(buttons: Sequence[InlineKeyboardButton]) -> int:
    """Return the amount that the buttons of a typed address keep, or 0."""
    for each in buttons:
        with suppress(TypeError, ValueError):
            pressed = OpenForm.unpack(each.callback_data or "")
            if pressed.name is FormName.DESTINATION:
                return read_form(pressed.id)[1]
    return 0


def _act(act: DestinationAct, row: PayoutDestination) -> OnDestination:
    return OnDestination(act=act, id=row.id)
