"""Build the screens of a person's wallet."""

from aiogram.methods import SendInvoice
from aiogram.types import LabeledPrice

from bot.callbacks import FormName, Go, OpenForm, Screen
from bot.screens.outgoing import Outgoing, button, receipt_button, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.money import STARS
from services.money.wallets import Balances, StatementLine


def wallet(t: Texts, balances: Balances, *, has_methods: bool) -> Outgoing:
    """Build the screen with a person's balance, held money and debt (an open loss).

    `has_methods` says whether the platform asks where a person is paid.
    """
    text = t(
        "wallet",
        available=t.money(balances.available, balances.currency),
        held=t.money(balances.held, balances.currency),
    )
    if balances.leaving:
        text += "\n" + t("wallet-leaving", leaving=t.money(balances.leaving, balances.currency))
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
