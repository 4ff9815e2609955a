"""The end of an escrow: the owner is paid, or the advertiser refunded. Exactly one, once."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import CampaignTarget, TargetStatus
from db.models.money import Escrow, EscrowStatus, Reason, WalletKind
from db.models.operations import Switch
from db.models.posting import PostCheck, PostJob, PostJobStatus, Verdict
from services.money import ledger, wallets
from services.money.ledger import Leg
from services.platform import audit, errors, killswitches, outbox, transitions
from services.platform.actors import SYSTEM
from services.platform.transitions import ActorRole

REFUNDABLE = (PostJobStatus.FAILED, PostJobStatus.CANCELLED)


async def hold(session: AsyncSession, *, target_id: int) -> Escrow:
    """Hold the price of a pending target in an escrow (safety plan, INT-ES-01).

    A target whose price is held already returns the first result. Locks the switch `new_escrows`,
    the target, its job, its escrow, then the wallets. Raises SwitchStopped, NotFound, InvalidMove,
    EscrowNotHeld if the escrow was settled, InsufficientFunds.
    """
    await killswitches.lock(session, Switch.NEW_ESCROWS)
    placement = await queries.lock_placement(session, target_id)
    if placement is None:
        raise errors.NotFound("target", target_id)
    if placement.target.status is not TargetStatus.PENDING:
        raise errors.InvalidMove("target", target_id, placement.target.status, "held")
    if placement.escrow is not None:
        if placement.escrow.status is not EscrowStatus.HELD:
            raise errors.EscrowNotHeld(target_id, placement.escrow.status)
        return placement.escrow
    await killswitches.require(session, Switch.NEW_ESCROWS)
    await ledger.hold(session, target_id=target_id)
    held = await session.execute(select(Escrow).where(Escrow.campaign_target_id == target_id))
    return held.scalar_one()


async def release(session: AsyncSession, *, target_id: int) -> None:
    """Pay the owner, less the platform's fee, for a post that stayed as promised.

    Needs: escrow held, job success, payouts running, `release_due_at` passed and a `present` check
    at or after it (none for 0 promised hours). Locks the switch, target, job, escrow, wallets.
    Raises SwitchStopped, NotFound, EscrowNotHeld, PostNotProven.
    """
    await killswitches.lock(session, Switch.PAYOUTS)
    placement, escrow = await _held(session, target_id)
    await _require_proof(session, placement, escrow)
    await killswitches.require(session, Switch.PAYOUTS)
    target = placement.target
    transitions.require(
        transitions.TARGET,
        "target",
        target_id,
        status=target.status,
        wanted=TargetStatus.POSTED,
        role=ActorRole.SYSTEM,
    )
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
    )
    await _settle(session, placement, EscrowStatus.RELEASED, TargetStatus.POSTED)
    await audit.record(
        session,
        actor=SYSTEM,
        action="escrow_released",
        role="system",
        target_id=target_id,
        amount=escrow.amount,
        fee=escrow.fee,
    )
    paid = {"target_id": target_id, "amount": escrow.amount - escrow.fee}
    for person, user_id in (
        ("owner", target.owner_id),
        ("advertiser", placement.campaign.advertiser_id),
    ):
        await outbox.add(
            session,
            user_id=user_id,
            kind="target_paid",
            payload=paid | {"to": person},
            key=f"target_paid:{target_id}:{person}",
        )


async def refund(session: AsyncSession, *, target_id: int) -> None:
    """Give the advertiser everything back for a post that failed or was cancelled.

    Needs: escrow held, refunds running. `payouts` never stops refunds. Locks the switch, target,
    job, escrow, wallets. Raises SwitchStopped, NotFound, EscrowNotHeld, PostNotFailed.
    """
    await killswitches.lock(session, Switch.REFUNDS)
    placement, escrow = await _held(session, target_id)
    if placement.job is None or placement.job.status not in REFUNDABLE:
        status = "none" if placement.job is None else placement.job.status
        raise errors.PostNotFailed(target_id, status)
    await killswitches.require(session, Switch.REFUNDS)
    await refund_locked(session, placement, escrow)


async def refund_locked(
    session: AsyncSession, placement: queries.Placement, escrow: Escrow
) -> None:
    """Refund a placement that the caller has locked and found to be held and refundable."""
    target = placement.target
    transitions.require(
        transitions.TARGET,
        "target",
        target.id,
        status=target.status,
        wanted=TargetStatus.REFUNDED,
        role=ActorRole.SYSTEM,
    )
    advertiser_id = placement.campaign.advertiser_id
    advertiser = await wallets.of_user(session, advertiser_id)
    await ledger.post(
        session,
        key=f"refund:{target.id}",
        reason=Reason.REFUND,
        reference_id=target.id,
        legs=[
            Leg(escrow.wallet_id, -escrow.amount, Reason.REFUND),
            Leg(advertiser.id, escrow.amount, Reason.REFUND),
        ],
    )
    await _settle(session, placement, EscrowStatus.REFUNDED, TargetStatus.REFUNDED)
    await audit.record(
        session,
        actor=SYSTEM,
        action="escrow_refunded",
        role="system",
        target_id=target.id,
        amount=escrow.amount,
    )
    await outbox.add(
        session,
        user_id=advertiser_id,
        kind="target_refunded",
        payload={"target_id": target.id, "amount": escrow.amount},
        key=f"target_refunded:{target.id}",
    )


async def releasable(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Return targets that `release` would pay for now, longest due first."""
    proven = (
        select(PostCheck.id)
        .where(
            PostCheck.post_job_id == PostJob.id,
            PostCheck.verdict == Verdict.PRESENT,
            PostCheck.checked_at >= Escrow.release_due_at,
        )
        .exists()
    )
    rows = await session.scalars(
        select(Escrow.campaign_target_id)
        .join(PostJob, PostJob.campaign_target_id == Escrow.campaign_target_id)
        .join(CampaignTarget, CampaignTarget.id == Escrow.campaign_target_id)
        .where(
            Escrow.status == EscrowStatus.HELD,
            Escrow.release_due_at <= func.clock(),
            PostJob.status == PostJobStatus.SUCCESS,
            or_(CampaignTarget.promised_hours == 0, proven),
        )
        .order_by(Escrow.release_due_at)
        .limit(limit)
    )
    return rows.all()


async def refundable(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Return targets that `refund` would pay back now, those that ended first before."""
    rows = await session.scalars(
        select(PostJob.campaign_target_id)
        .where(PostJob.status.in_(REFUNDABLE), ~PostJob.settled)
        .order_by(PostJob.updated_at)
        .limit(limit)
    )
    return rows.all()


async def _held(session: AsyncSession, target_id: int) -> tuple[queries.Placement, Escrow]:
    """Lock a placement whose escrow is held. Raises NotFound, EscrowNotHeld."""
    placement = await queries.lock_placement(session, target_id)
    if placement is None:
        raise errors.NotFound("target", target_id)
    escrow = placement.escrow
    if escrow is None or escrow.status is not EscrowStatus.HELD:
        raise errors.EscrowNotHeld(target_id, escrow.status if escrow else None)
    return placement, escrow


async def _require_proof(
    session: AsyncSession, placement: queries.Placement, escrow: Escrow
) -> None:
    """Refuse to pay for a post that is not proven to have stayed. Raises PostNotProven."""
    target_id = placement.target.id
    if placement.job is None or placement.job.status is not PostJobStatus.SUCCESS:
        raise errors.PostNotProven(target_id, "not_posted")
    if escrow.release_due_at is None or escrow.release_due_at > await queries.now(session):
        raise errors.PostNotProven(target_id, "promised_hours")
    if placement.target.promised_hours == 0:
        return
    present = await session.scalar(
        select(PostCheck.id)
        .where(
            PostCheck.post_job_id == placement.job.id,
            PostCheck.verdict == Verdict.PRESENT,
            PostCheck.checked_at >= escrow.release_due_at,
        )
        .limit(1)
    )
    if present is None:
        raise errors.PostNotProven(target_id, "not_seen")


async def _settle(
    session: AsyncSession,
    placement: queries.Placement,
    escrow_status: EscrowStatus,
    target_status: TargetStatus,
) -> None:
    """Write both ends of what was read under its locks."""
    await session.execute(
        update(Escrow)
        .where(Escrow.campaign_target_id == placement.target.id)
        .values(status=escrow_status, settled_at=func.clock())
    )
    placement.target.status = target_status
    await session.flush()
