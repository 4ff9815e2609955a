"""Build the screens on which another admin confirms or refuses a repair of the ledger."""

from bot.callbacks import CorrectionAct, OnCorrection, ShowCorrections
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.models.corrections import Correction, CorrectionStatus
from services.money.correction_details import CorrectionDetails, WalletDetails
from services.money.reconciliation import Finding

CONFIRM_REASONS = ("entries", "outside", "channel")
"""The preset reasons to confirm a repair. The command `/confirm` accepts any other reason."""
REFUSE_REASONS = ("wrong", "cause", "again")
"""The preset reasons to refuse a repair. The command `/refuse` accepts any other reason."""
_MAX_ENTRIES = 10
"""The largest number of ledger entries that the screen names for one problem."""


def queue(t: Texts, page: Page[Correction]) -> Outgoing:
    """Build the list of the repairs that are not done, the oldest first."""
    return Outgoing(
        t("corrections" if page.fetched else "corrections-none"),
        rows(
            *column(
                (
                    t(
                        "corrections-row",
                        id=str(row.id),
                        kind=t("correction-kind", kind=row.kind.value),
                        status=row.status.value,
                    ),
                    OnCorrection(act=CorrectionAct.CARD, id=row.id),
                )
                for row in page.rows
            ),
            page.buttons(t, lambda number: ShowCorrections(page=number)),
        ),
    )


def allowed_acts(details: CorrectionDetails) -> tuple[CorrectionAct, ...]:
    """Return the actions that the status of a repair allows."""
    if details.correction.status is CorrectionStatus.PROPOSED:
        return (CorrectionAct.ASK_CONFIRM, CorrectionAct.ASK_REFUSE)
    if details.correction.status is CorrectionStatus.CONFIRMED:
        return (CorrectionAct.ASK_REFUSE,)
    return ()


def card(t: Texts, details: CorrectionDetails) -> Outgoing:
    """Build the screen of one repair: the change, the proposer and the status."""
    labels = {
        CorrectionAct.ASK_CONFIRM: t("correction-confirm"),
        CorrectionAct.ASK_REFUSE: t("correction-refuse"),
    }
    return Outgoing(
        _facts(t, details),
        rows(
            [button(labels[act], _act(act, details)) for act in allowed_acts(details)],
            [button(t("back"), ShowCorrections())],
        ),
    )


def reasons(t: Texts, details: CorrectionDetails, asked: CorrectionAct) -> Outgoing:
    """Build the screen of one repair with a button for each preset reason.

    `asked` is ASK_CONFIRM or ASK_REFUSE.
    """
    if asked is CorrectionAct.ASK_CONFIRM:
        act, presets = CorrectionAct.CONFIRM, CONFIRM_REASONS
        question = t("correction-confirm-why", id=str(details.correction.id))
    else:
        act, presets = CorrectionAct.REFUSE, REFUSE_REASONS
        question = t("correction-refuse-why", id=str(details.correction.id))
    return Outgoing(
        f"{_facts(t, details)}\n\n{question}",
        rows(
            *column(
                (t("correction-reason", reason=reason), _act(act, details, reason))
                for reason in presets
            ),
            [button(t("back"), _act(CorrectionAct.CARD, details))],
        ),
    )


def _facts(t: Texts, details: CorrectionDetails) -> str:
    row = details.correction
    kind = t("correction-kind", kind=row.kind.value)
    roles = [role.value for role in sorted(details.proposer_roles)] or ["none"]
    paragraphs = [
        t("correction-card", id=str(row.id), kind=kind),
        _change(t, details),
        t(
            "correction-proposed",
            by=str(details.proposer_telegram_id),
            roles=", ".join(t("staff-role", role=role) for role in roles),
            when=t.time(row.created_at),
            reason=row.reason,
        ),
        *(_wallet(t, wallet) for wallet in details.wallets),
        _state(t, details),
    ]
    return "\n\n".join(paragraphs)


def _change(t: Texts, details: CorrectionDetails) -> str:
    """Describe the change that a repair makes."""
    row, settlement, currency = (
        details.correction,
        details.settlement,
        details.wallets[0].books.currency,
    )
    before = details.wallets[0].books.balance
    after = details.wallets[0].books.last_balance
    amount = settlement.amount if settlement else row.amount or 0
    fee = settlement.fee if settlement else 0
    return t(
        "correction-change",
        kind=row.kind.value,
        wallet=str(row.wallet_id),
        other=str(row.other_wallet_id),
        entry=str(row.entry_id),
        target=str(row.target_id),
        amount=t.money(amount, currency),
        before=t.money(before, currency),
        after=t.money(after, currency),
        payout=t.money(amount - fee, currency),
        fee=t.money(fee, currency),
        escrow=settlement.escrow_status.value if settlement else "",
        job=settlement.job_status.value if settlement and settlement.job_status else "none",
    )


def _wallet(t: Texts, wallet: WalletDetails) -> str:
    """Describe one wallet briefly, with the problems that `adtech reconcile` finds."""
    books = wallet.books
    lines = [
        t(
            "correction-wallet",
            id=str(books.wallet_id),
            kind=books.kind,
            person="none" if wallet.telegram_id is None else str(wallet.telegram_id),
            balance=t.money(books.balance, books.currency),
            sum=t.money(books.ledger_sum, books.currency),
        )
    ]
    entries_of: dict[Finding, list[int]] = {finding: [] for finding in books.findings}
    for line in books.lines:
        for finding in line.findings:
            entries_of.setdefault(finding, []).append(line.entry_id)
    lines += [
        t(
            "correction-finding",
            finding=finding.value,
            count=len(ids),
            entries=", ".join(str(id_) for id_ in ids[:_MAX_ENTRIES]),
        )
        for finding, ids in entries_of.items()
    ]
    if books.sound:
        lines.append(t("correction-sound"))
    return "\n".join(lines)


def _state(t: Texts, details: CorrectionDetails) -> str:
    row = details.correction
    text = t(
        "correction-state",
        status=row.status.value,
        by=str(details.confirmer_telegram_id or ""),
        applier=str(details.applier_telegram_id or "none"),
        reason=t("correction-reason", reason=row.confirm_reason or ""),
    )
    if row.status is CorrectionStatus.CONFIRMED:
        text += "\n" + t("correction-repair", id=str(row.id))
    elif row.status is CorrectionStatus.PROPOSED and details.needs_owner_role:
        text += "\n" + t("correction-then-repair", id=str(row.id))
    elif row.status is CorrectionStatus.DONE:
        text += "\n" + t("correction-then-check")
    return text


def _act(act: CorrectionAct, details: CorrectionDetails, reason: str = "") -> OnCorrection:
    return OnCorrection(act=act, id=details.correction.id, reason=reason)
