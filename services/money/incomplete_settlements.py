"""Escrows that are settled by their status while their money never moved: a payout cut in half."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import TargetStatus
from db.models.money import (
    Correction,
    CorrectionKind,
    EscrowStatus,
    LedgerTransfer,
    Reason,
    WalletKind,
)
from db.models.posting import PostJobStatus
from services.money import ledger, wallets
from services.money.ledger import Leg
from services.platform import errors
from services.platform.actors import Actor


async def lock(session: AsyncSession, kind: CorrectionKind, target_id: int) -> queries.Placement:
    """Lock a placement that is settled by its status and not in the ledger.

    Raises NotFound, NotCorrectable.
    """
    placement = await queries.lock_placement(session, target_id)
    if placement is None:
        raise errors.NotFound("target", target_id)
    moved = await session.scalar(
        select(LedgerTransfer.id).where(
            LedgerTransfer.reference_id == target_id,
            LedgerTransfer.reason.in_((Reason.PAYOUT, Reason.REFUND)),
        )
    )
    settled = placement.escrow is not None and placement.escrow.status is not EscrowStatus.HELD
    if moved is not None or not settled:
        raise errors.NotCorrectable(kind, target_id)
    if kind is CorrectionKind.MISSING_PAYOUT and not _is_out(placement):
        raise errors.NotCorrectable(kind, target_id)
    return placement


def _is_out(placement: queries.Placement) -> bool:
    return (
        placement.escrow is not None
        and placement.escrow.status is EscrowStatus.RELEASED
        and placement.job is not None
        and placement.job.status is PostJobStatus.SUCCESS
    )


async def post_missing_payout(session: AsyncSession, actor: Actor, correction: Correction) -> None:
    """Post what the release should have posted; the database compares it with the escrow."""
    target_id = queries.required(correction.target_id)
    placement = await lock(session, correction.kind, target_id)
    escrow, target = queries.required(placement.escrow), placement.target
    owner = await wallets.of_user(session, target.owner_id)
    legs = [
        Leg(escrow.wallet_id, -escrow.amount, Reason.ESCROW_RELEASE),
        Leg(owner.id, escrow.amount - escrow.fee, Reason.PAYOUT),
    ]
    if escrow.fee:
        revenue = await ledger.open_wallet(
            session, WalletKind.REVENUE, currency=owner.currency, counterparty_id=target.owner_id
        )
        legs.append(Leg(revenue, escrow.fee, Reason.FEE))
    await ledger.post(
        session,
        key=f"payout:{target_id}",
        reason=Reason.PAYOUT,
        reference_id=target_id,
        legs=legs,
        actor_id=actor.user_id,
    )
    target.status = TargetStatus.POSTED
    await session.flush()
