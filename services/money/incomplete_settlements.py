"""Repair placements whose escrow was released or refunded without a transfer of money."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import TargetStatus
from db.models.corrections import Correction, CorrectionKind
from db.models.money import EscrowStatus, LedgerTransfer, Reason
from db.models.posting import PostJobStatus
from services.money import escrow
from services.platform import errors
from services.platform.actors import Actor


async def lock(
    session: AsyncSession, kind: CorrectionKind, target_id: int
) -> queries.LockedPlacement:
    """Lock a placement whose escrow has a final status but no payout or refund in the ledger.

    `kind` is the kind of correction for this fault. Locks the placement, its post job, then its
    escrow. Raises NotFound; NotCorrectable if the placement does not have this fault.
    """
    placement = await queries.lock_placement(session, target_id)
    if placement is None:
        raise errors.NotFound("target", target_id)
    settlement_id = await session.scalar(
        select(LedgerTransfer.id).where(
            LedgerTransfer.reference_id == target_id,
            LedgerTransfer.reason.in_((Reason.PAYOUT, Reason.REFUND)),
        )
    )
    settled = placement.escrow is not None and placement.escrow.status is not EscrowStatus.HELD
    if settlement_id is not None or not settled:
        raise errors.NotCorrectable(kind, target_id)
    if kind is CorrectionKind.MISSING_PAYOUT and not _is_released_and_published(placement):
        raise errors.NotCorrectable(kind, target_id)
    return placement


def _is_released_and_published(placement: queries.LockedPlacement) -> bool:
    return (
        placement.escrow is not None
        and placement.escrow.status is EscrowStatus.RELEASED
        and placement.job is not None
        and placement.job.status is PostJobStatus.SUCCESS
    )


async def post_missing_payout(session: AsyncSession, actor: Actor, correction: Correction) -> None:
    """Pay the owner of a placement whose escrow was released without a transfer.

    Locks the placement, then the wallets. Raises NotFound, NotCorrectable.
    """
    target_id = queries.required(correction.target_id)
    placement = await lock(session, correction.kind, target_id)
    held = queries.required(placement.escrow)
    await escrow.post_release(
        session, placement, held, returned=held.returned, actor_id=actor.user_id
    )
    placement.target.status = TargetStatus.POSTED
    await session.flush()
