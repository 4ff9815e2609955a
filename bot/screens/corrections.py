"""Repairs of the books, as the second person is asked about them."""

from bot.callbacks import CorrectionAct, OnCorrection, ShowCorrections
from bot.screens.outgoing import Outgoing, button, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.models.money import Correction, CorrectionStatus
from services.money.correction_details import CorrectionDetails, WalletDetails
from services.money.reconciliation import Finding

CONFIRM_REASONS = ("entries", "outside", "channel")
"""Why a repair is right; own words go behind `/confirm`."""
REFUSE_REASONS = ("wrong", "cause", "again")
"""Why it is not; own words go behind `/refuse`."""
_SHOWN = 10


def queue(t: Texts, page: Page[Correction]) -> Outgoing:
    """What waits for another admin, or for the owner's role, the oldest first."""
    return Outgoing(
        t("corrections" if page.found else "corrections-none"),
        rows(
            *(
                [
                    button(
                        t(
                            "corrections-row",
                            id=str(row.id),
                            kind=t("correction-kind", kind=row.kind.value),
                            status=row.status.value,
                        ),
                        OnCorrection(act=CorrectionAct.CARD, id=row.id),
                    )
                ]
                for row in page.rows
            ),
            page.turns(t, lambda number: ShowCorrections(page=number)),
        ),
    )


def acts(found: CorrectionDetails) -> tuple[CorrectionAct, ...]:
    """What can be asked about a correction as it stands now."""
    if found.correction.status is CorrectionStatus.PROPOSED:
        return (CorrectionAct.ASK_CONFIRM, CorrectionAct.ASK_REFUSE)
    if found.correction.status is CorrectionStatus.CONFIRMED:
        return (CorrectionAct.ASK_REFUSE,)
    return ()


def card(t: Texts, found: CorrectionDetails) -> Outgoing:
    """A repair to decide on, or what became of it."""
    words = {
        CorrectionAct.ASK_CONFIRM: t("correction-confirm"),
        CorrectionAct.ASK_REFUSE: t("correction-refuse"),
    }
    return Outgoing(
        _facts(t, found),
        rows(
            [button(words[act], _act(act, found)) for act in acts(found)],
            [button(t("back"), ShowCorrections())],
        ),
    )


def reasons(t: Texts, found: CorrectionDetails, asked: CorrectionAct) -> Outgoing:
    """The card with the reasons as buttons; the press on one of them decides."""
    if asked is CorrectionAct.ASK_CONFIRM:
        act, presets = CorrectionAct.CONFIRM, CONFIRM_REASONS
        question = t("correction-confirm-why", id=str(found.correction.id))
    else:
        act, presets = CorrectionAct.REFUSE, REFUSE_REASONS
        question = t("correction-refuse-why", id=str(found.correction.id))
    return Outgoing(
        f"{_facts(t, found)}\n\n{question}",
        rows(
            *(
                [button(t("correction-reason", reason=reason), _act(act, found, reason))]
                for reason in presets
            ),
            [button(t("back"), _act(CorrectionAct.CARD, found))],
        ),
    )


def _facts(t: Texts, found: CorrectionDetails) -> str:
    row = found.correction
    kind = t("correction-kind", kind=row.kind.value)
    roles = [role.value for role in sorted(found.proposer_roles)] or ["none"]
    paragraphs = [
        t("correction-card", id=str(row.id), kind=kind),
        _change(t, found),
        t(
            "correction-proposed",
            by=str(found.proposer_telegram_id),
            roles=", ".join(t("staff-role", role=role) for role in roles),
            when=t.time(row.created_at),
            reason=row.reason,
        ),
        *(_place(t, place) for place in found.places),
        _state(t, found),
    ]
    return "\n\n".join(paragraphs)


def _change(t: Texts, found: CorrectionDetails) -> str:
    """Say what the repair does, with its wallets, entry or placement."""
    row, settled, currency = found.correction, found.settlement, found.places[0].books.currency
    before = found.places[0].books.balance
    after = found.places[0].books.last_balance
    amount = settled.amount if settled else row.amount or 0
    fee = settled.fee if settled else 0
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
        escrow=settled.escrow_status.value if settled else "",
        job=settled.job_status.value if settled and settled.job_status else "none",
    )


def _place(t: Texts, place: WalletDetails) -> str:
    """Say of one wallet what `adtech reconcile` says, in short."""
    books = place.books
    lines = [
        t(
            "correction-wallet",
            id=str(books.wallet_id),
            kind=books.kind,
            person="none" if place.telegram_id is None else str(place.telegram_id),
            balance=t.money(books.balance, books.currency),
            sum=t.money(books.ledger_sum, books.currency),
        )
    ]
    entries: dict[Finding, list[int]] = {finding: [] for finding in books.findings}
    for line in books.lines:
        for finding in line.findings:
            entries.setdefault(finding, []).append(line.entry_id)
    lines += [
        t(
            "correction-finding",
            finding=finding.value,
            count=len(ids),
            entries=", ".join(str(id_) for id_ in ids[:_SHOWN]),
        )
        for finding, ids in entries.items()
    ]
    if books.sound:
        lines.append(t("correction-sound"))
    return "\n".join(lines)


def _state(t: Texts, found: CorrectionDetails) -> str:
    row = found.correction
    text = t(
        "correction-state",
        status=row.status.value,
        by=str(found.confirmer_telegram_id or ""),
        reason=t("correction-reason", reason=row.confirm_reason or ""),
    )
    if row.status is CorrectionStatus.CONFIRMED:
        text += "\n" + t("correction-repair", id=str(row.id))
    elif row.status is CorrectionStatus.PROPOSED and found.takes_owner:
        text += "\n" + t("correction-then-repair", id=str(row.id))
    elif row.status is CorrectionStatus.DONE:
        text += "\n" + t("correction-then-check")
    return text


def _act(act: CorrectionAct, found: CorrectionDetails, reason: str = "") -> OnCorrection:
    return OnCorrection(act=act, id=found.correction.id, reason=reason)
