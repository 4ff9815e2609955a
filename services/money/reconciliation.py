"""Explain a wallet entry by entry, and repair the ledger with the database owner's role."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.corrections import Correction, CorrectionStatus
from db.models.money import Wallet
from db.models.operations import Switch
from services.money import corrections
from services.platform import errors, killswitches, users
from services.platform.actors import MODERATORS, Actor
from services.platform.transitions import ActorRole

_ENTRIES = text(
    """
    SELECT e.id, e.transfer_id, e.version, e.reason, e.amount, e.balance_after, e.created_at,
        (SELECT SUM(l.amount) FROM ledger_entries l WHERE l.transfer_id = e.transfer_id)::bigint
            AS transfer_sum,
        EXISTS (SELECT FROM corrections c WHERE c.entry_id = e.id AND c.status = 'done')
            AS corrected
    FROM ledger_entries e WHERE e.wallet_id = :wallet_id ORDER BY e.version
    """
)
_REPAIR = text("SELECT repair(:correction_id)")
_NOT_CORRECTABLE = frozenset({"AD012", "AD014", "AD015", "AD016", "AD017"})
"""The SQLSTATEs with which the database refuses a repair of rows without a fault."""

_ENDED = "AD066"
"""The SQLSTATE with which the database refuses a repair whose confirmation is too old."""
_UNSIGNED = "AD067"
"""The SQLSTATE with which the database refuses a repair that no admin has signed to apply."""


class Finding(StrEnum):
    """A finding about one entry, or about the whole wallet."""

    MISSING_VERSION = "missing_version"
    """An entry is missing before this entry."""
    WRONG_RUNNING_BALANCE = "wrong_running_balance"
    """The balance after the entry is not the balance before plus the entry's amount."""
    UNBALANCED_TRANSFER = "unbalanced_transfer"
    """The entries of the transfer do not sum to zero."""
    ORPHAN_ENTRY = "orphan_entry"
    """No other entry balances this entry, and the wallet's balance does not include this entry."""
    NOT_IN_BALANCE = "not_in_balance"
    """The transfer is correct, but the wallet's balance does not include the entry."""
    CORRECTED_ORPHAN = "corrected_orphan"
    """A correction has balanced this orphan entry."""
    DRIFTED_BALANCE = "drifted_balance"
    """Without orphan entries, the wallet's balance or version differs from its last entry."""


SOUND = frozenset({Finding.CORRECTED_ORPHAN})


@dataclass(frozen=True)
class Line:
    """One entry of an explained wallet. Amounts are in minor units. The time has a time zone."""

    entry_id: int
    transfer_id: int
    version: int
    reason: str
    amount: int
    balance_after: int
    expected: int
    """The sum of the wallet's entries up to this entry."""
    at: datetime
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Explanation:
    """A wallet, its entries, and the findings about them. Amounts are in minor units."""

    wallet_id: int
    kind: str
    currency: str
    balance: int
    version: int
    ledger_sum: int
    last_balance: int
    """The balance after the last entry that is no orphan."""
    lines: Sequence[Line]
    findings: Sequence[Finding]

    @property
    def sound(self) -> bool:
        """Return whether the wallet and its entries have no fault."""
        findings = {finding for line in self.lines for finding in line.findings}
        return findings | set(self.findings) <= SOUND


async def explain(session: AsyncSession, wallet_id: int) -> Explanation:
    """Return a wallet, its entries in their order, and the findings. Raises NotFound."""
    wallet = await session.get(Wallet, wallet_id, populate_existing=True)
    if wallet is None:
        raise errors.NotFound("wallet", wallet_id)
    lines: list[Line] = []
    total = balance = version = last_balance = last_version = 0
    for row in await session.execute(_ENTRIES, {"wallet_id": wallet_id}):
        total += row.amount
        findings = []
        if row.version != version + 1:
            findings.append(Finding.MISSING_VERSION)
        if row.corrected:
            findings.append(Finding.CORRECTED_ORPHAN)
            row_balance = balance + row.amount
        else:
            row_balance = row.balance_after
            if row.balance_after != balance + row.amount:
                findings.append(Finding.WRONG_RUNNING_BALANCE)
        orphan = row.version > wallet.version and row.transfer_sum == row.amount
        if orphan:
            findings.append(Finding.ORPHAN_ENTRY)
        elif row.transfer_sum != 0:
            findings.append(Finding.UNBALANCED_TRANSFER)
        elif row.version > wallet.version:
            findings.append(Finding.NOT_IN_BALANCE)
        if not orphan:
            last_balance, last_version = row.balance_after, row.version
        balance, version = row_balance, row.version
        lines.append(
            Line(
                entry_id=row.id,
                transfer_id=row.transfer_id,
                version=row.version,
                reason=row.reason,
                amount=row.amount,
                balance_after=row.balance_after,
                expected=total,
                at=row.created_at,
                findings=tuple(findings),
            )
        )
    drifted = (wallet.balance, wallet.version) != (last_balance, last_version)
    return Explanation(
        wallet_id=wallet_id,
        kind=wallet.kind,
        currency=wallet.currency,
        balance=wallet.balance,
        version=wallet.version,
        ledger_sum=total,
        last_balance=last_balance,
        lines=lines,
        findings=(Finding.DRIFTED_BALANCE,) if drifted else (),
    )


async def repair(session: AsyncSession, *, correction_id: int) -> Correction:
    """Carry out a confirmed correction with the database owner's role.

    If the correction is already done, nothing changes. Locks the kill switch `adjustments`, the
    correction, then the repaired rows. Until the commit, other transactions cannot write wallets or
    escrows. Raises NotFound, InvalidMove, NotCorrectable; ProposalEnded if the confirmation is too
    old, or if one of the two admins is no admin now; NotAcknowledged if no admin has signed, after
    the confirmation, that they apply it; SwitchStopped if the correction needs the
    switch.
    """
    await killswitches.lock(session, Switch.ADJUSTMENTS)
    correction = await corrections.lock(session, correction_id)
    if correction.status is CorrectionStatus.DONE:
        return correction
    if correction.kind in corrections.DONE_BY_CONFIRMATION:
        raise errors.NotCorrectable(correction.kind, correction_id)
    corrections.require_move(correction, CorrectionStatus.DONE, ActorRole.SYSTEM)
    if correction.kind in corrections.NEEDS_SWITCH:
        await killswitches.require(session, Switch.ADJUSTMENTS)
    try:
        await session.execute(_REPAIR, {"correction_id": correction_id})
    except DBAPIError as error:
        refusal = getattr(error.orig, "sqlstate", None)
        if refusal in _NOT_CORRECTABLE:
            raise errors.NotCorrectable(correction.kind, correction_id) from error
        if refusal == _ENDED:
            raise errors.ProposalEnded("correction", correction_id) from error
        if refusal == _UNSIGNED:
            raise errors.NotAcknowledged(correction_id) from error
        raise
    await session.refresh(correction)
    applier = await _applier(session, correction)
    role = applier.staff_role(*MODERATORS) or "none"
    await corrections.record_and_notify(session, correction, applier, role=role)
    return correction


async def _applier(session: AsyncSession, correction: Correction) -> Actor:
    """Return the admin who has signed to apply a correction. `repair` has checked the role."""
    user_id = queries.required(correction.applied_by)
    return Actor(user_id, await users.roles(session, user_id), in_admin_chat=True)
