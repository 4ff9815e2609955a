"""Build the screens of a person's wallet."""

from aiogram.methods import SendInvoice
from aiogram.types import LabeledPrice

from bot.callbacks import FormName, Go, OpenForm, Screen
from bot.screens import payout_holds
from bot.screens.outgoing import Outgoing, button, receipt_button, rows
from bot.screens.paging import Page
from bot.screens.withdraw_question import fee_line
from bot.texts import Texts
from db.money import STARS
from services.money.payout_holds import Withdrawable
from services.money.wallets import Balances, StatementLine


def wallet(
    t: Texts, balances: Balances, withdrawable: Withdrawable, *, has_methods: bool
) -> Outgoing:
    """Build the screen with a person's balance, held money and debt (an open loss).

    If a part of the balance can only be withdrawn later, the screen says how much, and when.
    `has_methods` says whether the platform asks where a person is paid.
    """
    text = t(
        "wallet",
        available=t.money(balances.available, balances.currency),
        held=t.money(balances.held, balances.currency),
    )
    if balances.leaving:
        text += "\n" + t("wallet-leaving", leaving=t.money(balances.leaving, balances.currency))
    if withdrawable.later:
        text += "\n\n" + payout_holds.lines(t, withdrawable)
    if balances.loss:
        text += "\n\n" + t("wallet-loss", loss=t.money(balances.loss, balances.currency))
    return Outgoing(
        text,
        rows(
            [
                button(t("wallet-top-up"), OpenForm(name=FormName.TOP_UP)),
                button(t("wallet-withdraw"), OpenForm(name=FormName.WITHDRAW)),
            ],
            [
                button(t("wallet-statement"), Go(screen=Screen.STATEMENT)),
                button(t("wallet-withdrawals"), Go(screen=Screen.WITHDRAWALS)),
            ],
            [button(t("destinations-open"), Go(screen=Screen.DESTINATIONS))] if has_methods else [],
            [button(t("back"), Go(screen=Screen.MENU))],
        ),
    )


def statement(t: Texts, page: Page[StatementLine]) -> Outgoing:
    """Build the list of the ledger entries of a person's wallet, the newest first."""
    lines = [
        t(
            "statement-line",
            at=t.time(line.at),
            reason=line.reason,
            id=str(line.reference_id),
            amount=("+" if line.amount > 0 else "") + t.money(line.amount),
            after=t.money(line.balance_after),
        )
        + (f"\n{fee_line(t, -line.amount, line.fee)}" if line.fee else "")
        for line in page.rows
    ]
    return Outgoing(
        "\n\n".join([t("statement" if lines else "statement-none"), *lines]),
        rows(
            page.buttons(t, lambda number: Go(screen=Screen.STATEMENT, page=number)),
            [button(t("back"), Go(screen=Screen.WALLET))],
        ),
    )


def invoice(t: Texts, chat_id: int, amount: int, payload: str, provider_token: str) -> SendInvoice:
    """Build Telegram's invoice for a deposit of `amount`, in minor units.

    Telegram sends `payload` back with the payment. For Telegram Stars, `provider_token` is not
    used.
    """
    return SendInvoice(
        chat_id=chat_id,
        title=t("invoice-title"),
        description=t("invoice-description", amount=t.money(amount)),
        payload=payload,
        provider_token="" if t.currency == STARS else provider_token,
        currency=t.currency,
        prices=[LabeledPrice(label=t("invoice-title"), amount=amount)],
    )


def deposit_received(t: Texts, amount: int) -> Outgoing:
    """Build the answer to a payment of `amount` (minor units) while deposits are stopped."""
    return Outgoing(
        t("deposit-waits", amount=t.money(amount)),
        rows([receipt_button(t("menu-wallet"), Go(screen=Screen.WALLET))]),
    )
