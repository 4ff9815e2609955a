"""Build the screens of withdrawals for the staff and for people."""

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton

from bot.callbacks import (
    CancelWithdrawal,
    CancelWithdrawalConfirmed,
    Go,
    OnWithdrawal,
    Screen,
    ShowWithdrawals,
    WithdrawalAct,
)
from bot.screens import withdraw_question
from bot.screens.ages import age
from bot.screens.outgoing import Outgoing, button, column, receipt_button, rows
from bot.screens.paging import Page
from bot.screens.withdraw_question import AskedWithdrawal, fee_line
from bot.texts import Texts
from db.models.money import Reason, Withdrawal, WithdrawalStatus
from db.money import STARS
from services.money.withdrawal_details import OPEN, WithdrawalDetails
from services.money.withdrawal_sources import Source, Sources

REASONS = ("details", "suspicion", "rules")
"""The preset reasons to return a withdrawal's money, which the bot translates for people."""
_PAID_OUT = ("approved", "paid")
"""The words for the states in which the person gets the money."""


def queue(t: Texts, page: Page[WithdrawalDetails]) -> Outgoing:
    """Build the list of the withdrawals that staff must approve or pay, the oldest first."""
    return Outgoing(
        t("withdrawals" if page.fetched else "withdrawals-none"),
        rows(
            *([button(_row(t, row), _act(WithdrawalAct.CARD, row))] for row in page.rows),
            page.buttons(t, lambda number: ShowWithdrawals(page=number)),
        ),
    )


def card(t: Texts, row: WithdrawalDetails, sources: Sources) -> Outgoing:
    """Build the staff's message about one withdrawal and the sources of its money."""
    return Outgoing(
        f"{_facts(t, row)}\n\n{_sources(t, row, sources)}",
        rows(*_buttons(t, row), [button(t("back"), ShowWithdrawals())]),
    )


def confirm_approval(t: Texts, row: WithdrawalDetails, sources: Sources) -> Outgoing:
    """Build the question whether an admin really wants to approve a withdrawal."""
    text = t("withdrawal-approve-question", amount=t.money(row.payable, row.currency))
    return Outgoing(
        f"{_facts(t, row)}\n\n{_sources(t, row, sources)}\n\n{text}",
        rows(
            [button(t("withdrawal-approve-sure"), _act(WithdrawalAct.APPROVE_CONFIRMED, row))],
            [button(t("no-go-back"), _act(WithdrawalAct.CARD, row))],
        ),
    )


def not_compared(t: Texts, row: WithdrawalDetails, why: str) -> Outgoing:
    """Build the answer that a withdrawal cannot be approved yet. `why` is the reason."""
    return Outgoing(
        f"{_facts(t, row)}\n\n⏳ {why}",
        rows(
            [button(t("withdrawal-approve-again"), _act(WithdrawalAct.APPROVE_CONFIRMED, row))],
            [button(t("no-go-back"), _act(WithdrawalAct.CARD, row))],
        ),
    )


def ask_reference(t: Texts, row: WithdrawalDetails) -> Outgoing:
    """Build the question to staff for the bank's or provider's id of a payment."""
    return Outgoing(
        f"{_facts(t, row)}\n\n{t('withdrawal-ask-reference', id=str(row.withdrawal_id))}",
        rows([button(t("back"), _act(WithdrawalAct.CARD, row))]),
    )


def ask_payment_reason(t: Texts, row: WithdrawalDetails, reference: str) -> Outgoing:
    """Build the question to staff why a withdrawal was paid that is not approved."""
    question = t("withdrawal-ask-payment-reason", id=str(row.withdrawal_id), reference=reference)
    return Outgoing(
        f"{_facts(t, row)}\n\n{question}", rows([button(t("back"), _act(WithdrawalAct.CARD, row))])
    )


def reasons(t: Texts, row: WithdrawalDetails) -> Outgoing:
    """Build the staff's message about one withdrawal, with reasons to return the money."""
    return Outgoing(
        f"{_facts(t, row)}\n\n{t('withdrawal-ask-reason', id=str(row.withdrawal_id))}",
        rows(
            *column(
                (
                    t("withdrawal-reason-button", reason=reason),
                    OnWithdrawal(act=WithdrawalAct.RETURN, id=row.withdrawal_id, reason=reason),
                )
                for reason in REASONS
            ),
            [button(t("back"), _act(WithdrawalAct.CARD, row))],
        ),
    )


def confirm_withdrawal(t: Texts, asked: AskedWithdrawal) -> Outgoing:
    """Build the question whether a person wants to withdraw an amount."""
    sure = t("withdraw-sure-button", amount=t.money(asked.amount))
    return Outgoing(
        withdraw_question.question(t, asked),
        rows(
            [button(sure, withdraw_question.confirm(asked))],
            [button(t("no-go-back"), Go(screen=Screen.WALLET))],
        ),
    )


def confirm_cancel(t: Texts, row: Withdrawal) -> Outgoing:
    """Build the question whether a person really wants to cancel their own withdrawal."""
    return Outgoing(
        t("withdrawal-cancel-question", id=str(row.id), amount=t.money(row.amount, row.currency)),
        rows(
            [button(t("withdrawal-cancel-sure"), CancelWithdrawalConfirmed(id=row.id))],
            [button(t("no-go-back"), Go(screen=Screen.WITHDRAWALS))],
        ),
    )


def own_withdrawals(t: Texts, page: Page[Withdrawal]) -> Outgoing:
    """Build the list of a person's withdrawals, the newest first."""
    lines = [
        t(
            "my-withdrawal",
            id=str(row.id),
            amount=t.money(row.amount, row.currency),
            when=t.time(row.created_at),
            status=row.status.value,
            reference=row.external_reference or "",
            reason=t("withdrawal-return-reason", reason=row.return_reason or "other"),
        )
        + _fee(t, row)
        for row in page.rows
    ]
    return Outgoing(
        "\n\n".join([t("my-withdrawals" if lines else "my-withdrawals-none"), *lines]),
        rows(
            *_cancel_rows(t, page.rows),
            page.buttons(t, lambda number: Go(screen=Screen.WITHDRAWALS, page=number)),
            [button(t("back"), Go(screen=Screen.WALLET))],
        ),
    )


def notice(t: Texts, row: Withdrawal, status: str, telegram_id: int) -> Outgoing:
    """Build the notice that a withdrawal has the status `status`.

    For `requested`, the receivers are the staff. For any other status, the receiver is the person.
    """
    text = t(
        "notice-withdrawal",
        status=status,
        id=str(row.id),
        amount=t.money(row.payable if status in _PAID_OUT else row.amount, row.currency),
        person=str(telegram_id),
        reference=row.external_reference or "",
        reason=t("withdrawal-return-reason", reason=row.return_reason or "other"),
    )
    if status in _PAID_OUT:
        text += _fee(t, row)
    if status == "requested":
        card = OnWithdrawal(act=WithdrawalAct.CARD, id=row.id)
        return Outgoing(text, rows([button(t("withdrawal-open"), card)]))
    return Outgoing(text, rows([receipt_button(t("menu-wallet"), Go(screen=Screen.WALLET))]))


def _fee(t: Texts, row: Withdrawal) -> str:
    """Build the line about the fee of a withdrawal, or an empty text if there is no fee."""
    if not row.fee or row.status is WithdrawalStatus.RETURNED:
        return ""
    return f"\n{fee_line(t, row.amount, row.fee, row.currency)}"


def _cancel_rows(t: Texts, withdrawals: Sequence[Withdrawal]) -> list[list[InlineKeyboardButton]]:
    return [
        [
            button(
                t("withdrawal-take-back", id=str(row.id), amount=t.money(row.amount, row.currency)),
                CancelWithdrawal(id=row.id),
            )
        ]
        for row in withdrawals
        if row.status is WithdrawalStatus.REQUESTED
    ]


def _row(t: Texts, row: WithdrawalDetails) -> str:
    return t(
        "withdrawals-row",
        id=str(row.withdrawal_id),
        amount=t.money(row.amount, row.currency),
        person=str(row.telegram_id),
        status=_state(row),
        age=age(t, row.age),
    )


def _facts(t: Texts, row: WithdrawalDetails) -> str:
    lines = [
        t(
            "withdrawal-card",
            id=str(row.withdrawal_id),
            amount=t.money(row.amount, row.currency),
            person=str(row.telegram_id),
            when=t.time(row.created_at),
            age=age(t, row.age),
        ),
        t(
            "withdrawal-status",
            status=_state(row),
            by=str(row.decided_by_telegram_id or ""),
            reference=row.external_reference or "",
        ),
    ]
    if row.fee:
        lines.append(
            t(
                "withdrawal-to-pay",
                payable=t.money(row.payable, row.currency),
                fee=t.money(row.fee, row.currency),
                is_open="yes" if row.status in OPEN else "no",
            )
        )
    if row.status is WithdrawalStatus.APPROVED and (row.blocked or row.open_loss):
        loss = t.money(row.open_loss, row.currency) if row.open_loss else "none"
        lines.append(t("withdrawal-must-wait", loss=loss))
    if row.method is not None and row.status in OPEN:
        method = row.method.value
        lines.append(
            t("withdrawal-dropped", method=method)
            if row.dropped
            else t("withdrawal-method", method=method)
        )
    if row.restored:
        lines.append(t("withdrawal-restored"))
    if row.paying_telegram_id is not None:
        lines.append(t("withdrawal-paying", by=str(row.paying_telegram_id)))
    if row.return_reason is not None:
        lines.append(t("withdrawal-returned-why", reason=row.return_reason))
    return "\n".join(lines)


def _sources(t: Texts, row: WithdrawalDetails, sources: Sources) -> str:
    lines = [t("withdrawal-sources"), *(_source(t, row, source) for source in sources.newest)]
    if sources.others:
        lines.append(t("withdrawal-sources-more", count=sources.others))
    if row.currency != STARS:
        lines.append(t("withdrawal-sources-uncompared", currency=row.currency))
    return "\n".join(lines)


def _source(t: Texts, row: WithdrawalDetails, source: Source) -> str:
    line = t(
        "withdrawal-source",
        amount=t.money(source.amount, row.currency),
        reason=source.reason.value,
        id=str(source.reference_id),
        when=t.time(source.credited_at),
        advertiser=str(source.advertiser_telegram_id or ""),
    )
    if source.reason is not Reason.DEPOSIT:
        return line
    if source.provider_charge_id and row.currency != STARS:
        # Payments through a provider are compared with the provider's list, which has this id.
        line = f"{line}, {t('provider-charge', id=source.provider_charge_id)}"
    result = source.comparison.value if source.comparison else "waits"
    if source.taken_back:
        result = "taken_back"
    elif row.currency != STARS:
        return line
    return f"{line}: {t('withdrawal-source-compared', result=result)}"


def _state(row: WithdrawalDetails) -> str:
    """Return one word for a withdrawal's status, for example "blocked"."""
    waits_for_block = row.blocked and row.status is WithdrawalStatus.REQUESTED
    return "blocked" if waits_for_block else row.status.value


def _buttons(t: Texts, row: WithdrawalDetails) -> list[list[InlineKeyboardButton]]:
    mark_paid = button(t("withdrawal-mark-paid"), _act(WithdrawalAct.ASK_REFERENCE, row))
    give_back = button(t("withdrawal-return"), _act(WithdrawalAct.ASK_REASON, row))
    if row.status is WithdrawalStatus.REQUESTED:
        approve = button(t("withdrawal-approve"), _act(WithdrawalAct.APPROVE, row))
        paid_before = button(t("withdrawal-paid-before"), _act(WithdrawalAct.ASK_REFERENCE, row))
        return [[approve], [give_back], [paid_before]]
    if row.status is WithdrawalStatus.APPROVED:
        return [[mark_paid], [give_back]]
    return []


def _act(act: WithdrawalAct, row: WithdrawalDetails) -> OnWithdrawal:
    return OnWithdrawal(act=act, id=row.withdrawal_id)
