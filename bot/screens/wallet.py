"""A person's money: balance, statement, invoice."""

from aiogram.methods import SendInvoice
from aiogram.types import LabeledPrice

from bot.callbacks import FormName, Go, OpenForm, Place
from bot.screens.outgoing import Outgoing, button, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.money import STARS
from services.money.wallets import Balances, StatementLine


def wallet(t: Texts, balances: Balances) -> Outgoing:
    """The balance, what is held for placements on their way, and what is leaving."""
    text = t(
        "wallet",
        available=t.money(balances.available, balances.currency),
        held=t.money(balances.held, balances.currency),
    )
    if balances.leaving:
        text += "\n" + t("wallet-leaving", leaving=t.money(balances.leaving, balances.currency))
    return Outgoing(
        text,
        rows(
            [
                button(t("wallet-top-up"), OpenForm(name=FormName.TOP_UP)),
                button(t("wallet-withdraw"), OpenForm(name=FormName.WITHDRAW)),
            ],
            [
                button(t("wallet-statement"), Go(place=Place.STATEMENT)),
                button(t("wallet-withdrawals"), Go(place=Place.WITHDRAWALS)),
            ],
            [button(t("back"), Go(place=Place.MENU))],
        ),
    )


def statement(t: Texts, page: Page[StatementLine]) -> Outgoing:
    """What moved the balance, newest first."""
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
            page.turns(t, lambda number: Go(place=Place.STATEMENT, page=number)),
            [button(t("back"), Go(place=Place.WALLET))],
        ),
    )


def invoice(t: Texts, chat_id: int, amount: int, payload: str, provider_token: str) -> SendInvoice:
    """The invoice for a top-up; Stars have no provider and exactly one price."""
    return SendInvoice(
        chat_id=chat_id,
        title=t("invoice-title"),
        description=t("invoice-description", amount=t.money(amount)),
        payload=payload,
        provider_token="" if t.currency == STARS else provider_token,
        currency=t.currency,
        prices=[LabeledPrice(label=t("invoice-title"), amount=amount)],
    )


def received(t: Texts, amount: int) -> Outgoing:
    """What a payment does that arrives while deposits are stopped."""
    return Outgoing(
        t("deposit-waits", amount=t.money(amount)),
        rows([button(t("menu-wallet"), Go(place=Place.WALLET))]),
    )
