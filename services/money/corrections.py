"""Repairs of the books: proposed by one admin, confirmed by another, each with a reason.

What the ledger's one way in can do is done by the confirmation: an adjustment, a payout that is
missing. What its guards forbid waits for the owner's role (`reconciliation.repair`).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget
from db.models.money import (
    Correction,
    CorrectionKind,
    CorrectionStatus,
    Escrow,
    LedgerEntry,
    Reason,
    Wallet,
    WalletKind,
)
from db.money import MAX_AMOUNT
from services.money import incomplete_settlements, ledger
from services.money.ledger import Leg
from services.platform import audit, errors, outbox, transitions
from services.platform.actors import MODERATORS, Actor
from services.platform.transitions import ActorRole

REASON_LIMIT = 500
OPEN = (CorrectionStatus.PROPOSED, CorrectionStatus.CONFIRMED)
BY_CONFIRMATION = (CorrectionKind.ADJUSTMENT, CorrectionKind.MISSING_PAYOUT)
"""What is done at once when it is confirmed; the others take the owner's role."""


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
    """Propose to move an amount (minor units) between wallets; with the same key: the first one.

    Held money is no wallet for this: it moves by hold, payout and refund alone. Raises
    AccessDenied, InvalidText, InvalidAmount, NotFound, NotCorrectable, OwnMoney,
    IdempotencyConflict.
    """
    if not 1 <= amount <= MAX_AMOUNT:
        raise errors.InvalidAmount(amount)
    for wallet_id in (from_wallet, to_wallet):
        if (await _wallet(session, wallet_id)).kind is WalletKind.ESCROW:
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
    """Propose to set a drifted balance to the wallet's last entry; open already: the first one.

    Raises AccessDenied, InvalidText, NotFound, OwnMoney.
    """
    await _wallet(session, wallet_id)
    return await _propose(
        session, actor, reason, kind=CorrectionKind.BALANCE_RESET, wallet_id=wallet_id
    )


async def propose_orphan(
    session: AsyncSession, *, actor: Actor, entry_id: int, reason: str
) -> Correction:
    """Propose to balance an orphan entry, which the correction names; open already: the first one.

    Raises AccessDenied, InvalidText, NotFound, NotCorrectable, OwnMoney.
    """
    entry = await session.get(LedgerEntry, entry_id)
    if entry is None:
        raise errors.NotFound("entry", entry_id)
    wallet = await _wallet(session, entry.wallet_id)
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
    """Propose to post the payout of a release whose money never moved; open already: the first one.

    Only for a post that is out: otherwise the escrow is held again. Raises AccessDenied,
    InvalidText, NotFound, NotCorrectable, OwnMoney.
    """
    await incomplete_settlements.lock(session, CorrectionKind.MISSING_PAYOUT, target_id)
    return await _propose(
        session, actor, reason, kind=CorrectionKind.MISSING_PAYOUT, target_id=target_id
    )


async def propose_escrow_reversal(
    session: AsyncSession, *, actor: Actor, target_id: int, reason: str
) -> Correction:
    """Propose to hold an escrow again that is settled without its money having moved.

    Raises AccessDenied, InvalidText, NotFound, NotCorrectable, OwnMoney.
    """
    await incomplete_settlements.lock(session, CorrectionKind.ESCROW_REVERSAL, target_id)
    return await _propose(
        session, actor, reason, kind=CorrectionKind.ESCROW_REVERSAL, target_id=target_id
    )


async def confirm(
    session: AsyncSession, *, actor: Actor, correction_id: int, reason: str
) -> Correction:
    """Confirm what another admin has proposed, and do it if the application may.

    Confirmed before: the first result. Locks the correction, for a missing payout its target, then
    the wallets. Raises AccessDenied, InvalidText, NotFound, SamePerson, OwnMoney, InvalidMove,
    NotCorrectable, InsufficientFunds, CurrencyMismatch.
    """
    role = actor.require_staff(*MODERATORS, action="correction_confirm")
    reason = _require_reason(reason)
    correction = await lock(session, correction_id)
    if actor.user_id == correction.proposed_by:
        raise errors.SamePerson("correction_confirm")
    await _require_not_own(session, actor, correction)
    if correction.status in {CorrectionStatus.CONFIRMED, CorrectionStatus.DONE}:
        return correction
    at_once = correction.kind in BY_CONFIRMATION
    wanted = CorrectionStatus.DONE if at_once else CorrectionStatus.CONFIRMED
    require_move(correction, wanted, ActorRole(role.value))
    if correction.kind is CorrectionKind.ADJUSTMENT:
        await _adjust(session, actor, correction)
    elif correction.kind is CorrectionKind.MISSING_PAYOUT:
        await incomplete_settlements.post_missing_payout(session, actor, correction)
    moment = await queries.now(session)
    correction.status = wanted
    correction.confirmed_by = actor.user_id
    correction.confirm_reason = reason
    correction.done_at = moment if at_once else None
    await session.flush()
    await record_and_notify(session, correction, actor, role=role)
    return correction


async def drop(
    session: AsyncSession, *, actor: Actor, correction_id: int, reason: str
) -> Correction:
    """Let a correction go that was not done; dropped before: the first result.

    Who proposed it may do so too. Raises AccessDenied, InvalidText, NotFound, OwnMoney,
    InvalidMove.
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


async def queue(session: AsyncSession, *, limit: int, offset: int) -> Sequence[Correction]:
    """Return corrections that wait for somebody, oldest first."""
    rows = await session.scalars(
        select(Correction)
        .where(Correction.status.in_(OPEN))
        .order_by(Correction.id)
        .limit(limit)
        .offset(offset)
    )
    return rows.all()


async def lock(session: AsyncSession, correction_id: int) -> Correction:
    """Lock a correction. Raises NotFound."""
    correction = await session.get(
        Correction, correction_id, with_for_update=True, populate_existing=True
    )
    if correction is None:
        raise errors.NotFound("correction", correction_id)
    return correction


def require_move(correction: Correction, wanted: CorrectionStatus, who: ActorRole) -> None:
    """Refuse a move that does not exist. Raises InvalidMove."""
    transitions.require(
        transitions.CORRECTION,
        "correction",
        correction.id,
        status=correction.status,
        wanted=wanted,
        role=who,
    )


async def record_and_notify(
    session: AsyncSession,
    correction: Correction,
    actor: Actor,
    *,
    role: str,
    why: str | None = None,
) -> None:
    """Record what became of a correction, and owe the admin chat the word.

    `why` is a reason that the correction itself has no place for.
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
        reason=why,
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
    session: AsyncSession, actor: Actor, reason: str, *, key: str | None = None, **what: Any
) -> Correction:
    """Write a proposal, or find the one that is open for the same trouble (or has the key)."""
    role = actor.require_staff(*MODERATORS, action="correction_propose")
    wanted = Correction(**what, key=key, reason=_require_reason(reason))
    await _require_not_own(session, actor, wanted)
    made: Correction | None = await session.scalar(
        insert(Correction)
        .values(**what, key=key, reason=wanted.reason, proposed_by=actor.user_id)
        .on_conflict_do_nothing()
        .returning(Correction)
    )
    if made is not None:
        await record_and_notify(session, made, actor, role=role)
        return made
    same = (
        Correction.key == key
        if key is not None
        else Correction.status.in_(OPEN)
        & (Correction.kind == what["kind"])
        & or_(
            *(
                getattr(Correction, name) == what[name]
                for name in ("wallet_id", "target_id")
                if name in what
            )
        )
        & (func.coalesce(Correction.entry_id, 0) == what.get("entry_id", 0))
    )
    first: Correction = (await session.scalars(select(Correction).where(same))).one()
    if any(getattr(first, name) != value for name, value in what.items()):
        raise errors.IdempotencyConflict(key or "")
    return first


def _require_reason(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LIMIT:
        raise errors.InvalidText("reason", REASON_LIMIT, len(reason))
    return reason


async def _wallet(session: AsyncSession, wallet_id: int) -> Wallet:
    wallet: Wallet | None = await session.get(Wallet, wallet_id, populate_existing=True)
    if wallet is None:
        raise errors.NotFound("wallet", wallet_id)
    return wallet


async def _require_not_own(session: AsyncSession, actor: Actor, correction: Correction) -> None:
    """Nobody repairs their own money, nor the platform's on their other side. Raises OwnMoney."""
    concerned: set[int | None] = set()
    for wallet_id in (correction.wallet_id, correction.other_wallet_id):
        if wallet_id is not None:
            wallet = await _wallet(session, wallet_id)
            concerned |= {wallet.user_id, wallet.counterparty_id}
            if wallet.kind is WalletKind.ESCROW:
                concerned |= await _parties(session, Escrow.wallet_id == wallet_id)
    if correction.target_id is not None:
        concerned |= await _parties(session, CampaignTarget.id == correction.target_id)
    if actor.user_id in concerned:
        raise errors.OwnMoney(correction.target_id or correction.wallet_id or 0)


async def _parties(session: AsyncSession, which: Any) -> set[int | None]:
    """Return the advertiser and the owner of a placement."""
    rows = await session.execute(
        select(Campaign.advertiser_id, CampaignTarget.owner_id)
        .join(CampaignTarget, CampaignTarget.campaign_id == Campaign.id)
        .outerjoin(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
        .where(which)
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
