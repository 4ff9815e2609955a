"""Propose and confirm corrections (repairs of the books), which need two admins."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget
from db.models.corrections import Correction, CorrectionKind, CorrectionStatus
from db.models.money import Escrow, LedgerEntry, Reason, Wallet, WalletKind
from db.models.operations import Switch
from services.money import correction_notices, incomplete_settlements, ledger, wallets
from services.money.ledger import Leg
from services.platform import audit, errors, killswitches, outbox, proposals, transitions
from services.platform.actors import MODERATORS, Actor
from services.platform.transitions import ActorRole

REASON_LIMIT = 500
OPEN = (CorrectionStatus.PROPOSED, CorrectionStatus.CONFIRMED)
NEEDS_SWITCH = (
    CorrectionKind.ADJUSTMENT,
    CorrectionKind.MISSING_PAYOUT,
    CorrectionKind.ESCROW_REVERSAL,
)
"""The kinds of corrections that the kill switch `adjustments` can forbid."""
DONE_BY_CONFIRMATION = (CorrectionKind.ADJUSTMENT, CorrectionKind.MISSING_PAYOUT)
"""The kinds of corrections that `confirm` carries out."""


async def propose_adjustment(
    session: AsyncSession,
    *,
    actor: Actor,
    from_wallet: int,
    to_wallet: int,
    amount: int,
    reason: str,
    key: str | None = None,
) -> Correction:
    """Propose to move an amount (minor units) from one wallet to another.

    A second call with the same key and content returns the first proposal. Wallets of escrows and
    withdrawals are refused. Raises AccessDenied, InvalidText, InvalidAmount, NotFound,
    NotCorrectable, OwnMoney, IdempotencyConflict.
    """
    wallets.require_amount(amount)
    for wallet_id in (from_wallet, to_wallet):
        if (await _get_wallet(session, wallet_id)).kind in wallets.BOUND_TO_ROWS:
            raise errors.NotCorrectable(CorrectionKind.ADJUSTMENT, wallet_id)
    if from_wallet == to_wallet:
        raise errors.NotCorrectable(CorrectionKind.ADJUSTMENT, to_wallet)
    return await _propose(
        session,
        actor,
        reason,
        key=key,
        kind=CorrectionKind.ADJUSTMENT,
        wallet_id=from_wallet,
        other_wallet_id=to_wallet,
        amount=amount,
    )


async def propose_balance_reset(
    session: AsyncSession, *, actor: Actor, wallet_id: int, reason: str
) -> Correction:
    """Propose to set a wallet's balance to the balance after the wallet's last entry.

    If such a correction of the wallet is open, returns that correction. Raises AccessDenied,
    InvalidText, NotFound, OwnMoney.
    """
    await _get_wallet(session, wallet_id)
    return await _propose(
        session, actor, reason, kind=CorrectionKind.BALANCE_RESET, wallet_id=wallet_id
    )


async def propose_orphan(
    session: AsyncSession, *, actor: Actor, entry_id: int, reason: str
) -> Correction:
    """Propose to balance an orphan entry: an entry that no other entry balances.

    If a correction of the entry is open, returns that correction. Raises AccessDenied, InvalidText,
    NotFound, NotCorrectable, OwnMoney.
    """
    entry = await session.get(LedgerEntry, entry_id)
    if entry is None:
        raise errors.NotFound("entry", entry_id)
    wallet = await _get_wallet(session, entry.wallet_id)
    if wallet.kind is WalletKind.ESCROW or entry.version <= wallet.version:
        raise errors.NotCorrectable(CorrectionKind.ORPHAN_ENTRY, entry_id)
    return await _propose(
        session,
        actor,
        reason,
        kind=CorrectionKind.ORPHAN_ENTRY,
        wallet_id=wallet.id,
        entry_id=entry_id,
        amount=entry.amount,
    )


async def propose_missing_payout(
    session: AsyncSession, *, actor: Actor, target_id: int, reason: str
) -> Correction:
    """Propose to pay the owner of a placement whose escrow was released without a payout.

    The ad must be published. If a correction of this payout is open, returns that correction. Locks
    the placement, its post job, then its escrow. Raises AccessDenied, InvalidText, NotFound,
    NotCorrectable, OwnMoney.
    """
    await incomplete_settlements.lock(session, CorrectionKind.MISSING_PAYOUT, target_id)
    return await _propose(
        session, actor, reason, kind=CorrectionKind.MISSING_PAYOUT, target_id=target_id
    )


async def propose_escrow_reversal(
    session: AsyncSession, *, actor: Actor, target_id: int, reason: str
) -> Correction:
    """Propose to set an escrow back to `held` if it was released or refunded without a transfer.

    If a reversal of the escrow is open, returns that correction. Locks the placement, its post job,
    then its escrow. Raises AccessDenied, InvalidText, NotFound, NotCorrectable, OwnMoney.
    """
    await incomplete_settlements.lock(session, CorrectionKind.ESCROW_REVERSAL, target_id)
    return await _propose(
        session, actor, reason, kind=CorrectionKind.ESCROW_REVERSAL, target_id=target_id
    )


async def confirm(
    session: AsyncSession, *, actor: Actor, correction_id: int, reason: str
) -> Correction:
    """Confirm another admin's correction. Carry out a correction of a kind in DONE_BY_CONFIRMATION.

    If the correction is already confirmed, nothing changes. Locks the kill switch `adjustments`,
    the correction, the placement of a missing payout, then the wallets. Raises AccessDenied,
    InvalidText, NotFound, SamePerson, OwnMoney, InvalidMove, ProposalEnded, SwitchStopped,
    NotCorrectable, InsufficientFunds, CurrencyMismatch.
    """
    role = actor.require_staff(*MODERATORS, action="correction_confirm")
    reason = _require_reason(reason)
    await killswitches.lock(session, Switch.ADJUSTMENTS)
    correction = await lock(session, correction_id)
    if actor.user_id == correction.proposed_by:
        raise errors.SamePerson("correction_confirm")
    await _require_not_own(session, actor, correction)
    if correction.status in {CorrectionStatus.CONFIRMED, CorrectionStatus.DONE}:
        return correction
    done = correction.kind in DONE_BY_CONFIRMATION
    status = CorrectionStatus.DONE if done else CorrectionStatus.CONFIRMED
    require_move(correction, status, ActorRole(role.value))
    await proposals.require_open(
        session,
        "correction",
        correction_id,
        proposed_by=correction.proposed_by,
        proposed_at=correction.created_at,
        roles=MODERATORS,
    )
    if correction.kind in NEEDS_SWITCH:
        await killswitches.require(session, Switch.ADJUSTMENTS)
    if correction.kind is CorrectionKind.ADJUSTMENT:
        await _adjust(session, actor, correction)
    elif correction.kind is CorrectionKind.MISSING_PAYOUT:
        await incomplete_settlements.post_missing_payout(session, actor, correction)
    now = await queries.now(session)
    correction.status = status
    correction.confirmed_by, correction.confirmed_in = actor.user_id, actor.inbox_id
    correction.confirm_reason = reason
    correction.done_at = now if done else None
    await session.flush()
    await record_and_notify(session, correction, actor, role=role)
    if done:
        await correction_notices.notify_people(session, correction)
    return correction


async def require_repairable(
    session: AsyncSession, *, actor: Actor, correction_id: int
) -> Correction:
    """Return a confirmed correction that the database owner's role can apply in a person's name.

    Locks the correction. Raises AccessDenied, NotFound, OwnMoney, InvalidMove; NotCorrectable if
    the confirmation itself carries out such a correction.
    """
    actor.require_staff(*MODERATORS, action="correction_apply")
    correction = await lock(session, correction_id)
    await _require_not_own(session, actor, correction)
    if correction.kind in DONE_BY_CONFIRMATION:
        raise errors.NotCorrectable(correction.kind, correction_id)
    require_move(correction, CorrectionStatus.DONE, ActorRole.SYSTEM)
    return correction


async def drop(
    session: AsyncSession, *, actor: Actor, correction_id: int, reason: str
) -> Correction:
    """Refuse a correction that is not done, and set its status to `dropped`.

    The proposer can refuse their own correction. A second call changes nothing. Locks the
    correction. Raises AccessDenied, InvalidText, NotFound, OwnMoney, InvalidMove.
    """
    role = actor.require_staff(*MODERATORS, action="correction_drop")
    reason = _require_reason(reason)
    correction = await lock(session, correction_id)
    await _require_not_own(session, actor, correction)
    if correction.status is CorrectionStatus.DROPPED:
        return correction
    require_move(correction, CorrectionStatus.DROPPED, ActorRole(role.value))
    correction.status = CorrectionStatus.DROPPED
    await session.flush()
    await record_and_notify(session, correction, actor, role=role, why=reason)
    return correction


async def list_open(session: AsyncSession, *, limit: int, offset: int) -> Sequence[Correction]:
    """Return a page of the proposed and confirmed corrections, the oldest first."""
    rows = await session.scalars(
        select(Correction)
        .where(Correction.status.in_(OPEN))
        .order_by(Correction.id)
        .limit(limit)
        .offset(offset)
    )
    return rows.all()


async def lock(session: AsyncSession, correction_id: int) -> Correction:
    """Lock and return a correction. Raises NotFound."""
    correction = await session.get(
        Correction, correction_id, with_for_update=True, populate_existing=True
    )
    if correction is None:
        raise errors.NotFound("correction", correction_id)
    return correction


def require_move(correction: Correction, status: CorrectionStatus, role: ActorRole) -> None:
    """Raise InvalidMove if the role must not change a correction's status to `status`."""
    transitions.require(
        transitions.CORRECTION,
        "correction",
        correction.id,
        status=correction.status,
        wanted=status,
        role=role,
    )


async def record_and_notify(
    session: AsyncSession,
    correction: Correction,
    actor: Actor,
    *,
    role: str,
    why: str | None = None,
) -> None:
    """Write the audit row of a correction's new status, and notify the admin chat.

    `why` is the reason of a refusal, or None. Otherwise, the audit row has the reason of the
    confirmation, or of the proposal.
    """
    await audit.record(
        session,
        actor=actor,
        action=f"correction_{correction.status}",
        role=role,
        correction_id=correction.id,
        kind=correction.kind.value,
        wallet_id=correction.wallet_id,
        other_wallet_id=correction.other_wallet_id,
        amount=correction.amount,
        entry_id=correction.entry_id,
        target_id=correction.target_id,
        applied_by=correction.applied_by,
        reason=why or correction.confirm_reason or correction.reason,
    )
    await outbox.add(
        session,
        user_id=None,
        kind="correction_changed",
        payload={
            "correction_id": correction.id,
            "kind": correction.kind.value,
            "status": correction.status.value,
            "reason": why,
        },
        key=f"correction_{correction.status}:{correction.id}",
    )


async def _propose(
    session: AsyncSession, actor: Actor, reason: str, *, key: str | None = None, **columns: Any
) -> Correction:
    """Insert a proposal, or return the same proposal that exists already."""
    role = actor.require_staff(*MODERATORS, action="correction_propose")
    values = columns | {"key": key, "reason": _require_reason(reason)}
    await _require_not_own(session, actor, Correction(**values))
    values |= {"proposed_by": actor.user_id, "proposed_in": actor.inbox_id}
    inserted: Correction | None = await session.scalar(
        insert(Correction).values(**values).on_conflict_do_nothing().returning(Correction)
    )
    if inserted is not None:
        await record_and_notify(session, inserted, actor, role=role)
        return inserted
    is_same = (
        Correction.key == key
        if key is not None
        else Correction.status.in_(OPEN)
        & (Correction.kind == columns["kind"])
        & or_(
            *(
                getattr(Correction, name) == columns[name]
                for name in ("wallet_id", "target_id")
                if name in columns
            )
        )
        & (func.coalesce(Correction.entry_id, 0) == columns.get("entry_id", 0))
    )
    first: Correction = (await session.scalars(select(Correction).where(is_same))).one()
    if any(getattr(first, name) != value for name, value in columns.items()):
        raise errors.IdempotencyConflict(key or "")
    return first


def _require_reason(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LIMIT:
        raise errors.InvalidText("reason", REASON_LIMIT, len(reason))
    return reason


async def _get_wallet(session: AsyncSession, wallet_id: int) -> Wallet:
    wallet: Wallet | None = await session.get(Wallet, wallet_id, populate_existing=True)
    if wallet is None:
        raise errors.NotFound("wallet", wallet_id)
    return wallet


async def _require_not_own(session: AsyncSession, actor: Actor, correction: Correction) -> None:
    user_ids: set[int | None] = set()
    for wallet_id in (correction.wallet_id, correction.other_wallet_id):
        if wallet_id is not None:
            wallet = await _get_wallet(session, wallet_id)
            user_ids |= {wallet.user_id, wallet.counterparty_id}
            if wallet.kind is WalletKind.ESCROW:
                user_ids |= await _find_parties(session, Escrow.wallet_id == wallet_id)
    if correction.target_id is not None:
        user_ids |= await _find_parties(session, CampaignTarget.id == correction.target_id)
    if actor.user_id in user_ids:
        raise errors.OwnMoney(correction.target_id or correction.wallet_id or 0)


async def _find_parties(session: AsyncSession, condition: ColumnElement[bool]) -> set[int | None]:
    rows = await session.execute(
        select(Campaign.advertiser_id, CampaignTarget.owner_id)
        .join(CampaignTarget, CampaignTarget.campaign_id == Campaign.id)
        .outerjoin(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
        .where(condition)
    )
    return {user_id for row in rows for user_id in row}


async def _adjust(session: AsyncSession, actor: Actor, correction: Correction) -> None:
    wallet_id = queries.required(correction.wallet_id)
    other_wallet_id = queries.required(correction.other_wallet_id)
    amount = queries.required(correction.amount)
    await ledger.post(
        session,
        key=f"correction:{correction.id}",
        reason=Reason.ADJUSTMENT,
        reference_id=correction.id,
        legs=[
            Leg(wallet_id, -amount, Reason.ADJUSTMENT),
            Leg(other_wallet_id, amount, Reason.ADJUSTMENT),
        ],
        actor_id=actor.user_id,
    )
