"""Hold the price of a placement in an escrow, and later release or refund the escrow."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db import queries
from db.models.campaigns import CampaignTarget, TargetStatus
from db.models.money import Escrow, EscrowStatus, Reason, WalletKind
from db.models.operations import Switch
from db.models.posting import SEEN_BY_ADMIN, PostCheck, PostJob, PostJobStatus, Verdict
from services.money import complaint_holds, fees, ledger, payout_waits, unchecked_time, wallets
from services.money.ledger import Leg
from services.platform import audit, errors, killswitches, outbox, transitions
from services.platform.actors import SYSTEM
from services.platform.channel_errors import PayoutWaits
from services.platform.complaint_errors import ComplaintOpen
from services.platform.transitions import ActorRole

REFUNDABLE = (PostJobStatus.FAILED, PostJobStatus.CANCELLED)
"""The statuses of a post job that allow a refund."""


async def hold(session: AsyncSession, *, target_id: int) -> Escrow:
    """Hold the price of a pending placement in an escrow.

    If the price is already held, returns the existing escrow. Locks the kill switch `new_escrows`,
    the placement, its post job, its escrow, then the wallets. Raises SwitchStopped, NotFound,
    InvalidMove, OpenLoss, InsufficientFunds; EscrowNotHeld if the escrow was released or refunded.
    Source: test INT-ES-01 of the safety plan.
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
    """Pay the owner of a post that stayed as promised, and pay the platform's fee.

    The escrow must be held, and `release_due_at` must be in the past. The post must be published
    without a broken promise. Unless the promised hours are 0, a check at `release_due_at` or later
    must have found the post `present` or `stayed`. The time for complaints must be over. After a
    split (a decision about a complaint), the same transfer returns a part to the advertiser.

    Locks the kill switch `payouts` (at a split also `refunds`), the placement, its post job, its
    escrow, then the wallets. Raises SwitchStopped, NotFound, EscrowNotHeld, PostNotProven;
    ComplaintOpen; PayoutWaits if the channel has another creator than the owner, and no admin has
    decided.
    """
    is_split = await complaint_holds.is_split(session, target_id)
    switches = (Switch.PAYOUTS, Switch.REFUNDS) if is_split else (Switch.PAYOUTS,)
    await killswitches.lock(session, *switches)
    placement, escrow = await _lock_held(session, target_id)
    returned = await complaint_holds.share(session, escrow)
    # A decision may have taken effect after the switches were locked. The next tick carries it out.
    if await complaint_holds.has_open(session, target_id) or (returned and not is_split):
        raise ComplaintOpen(target_id)
    await _require_proof(session, placement, escrow)
    if await session.scalar(
        select(CampaignTarget.id).where(CampaignTarget.id == target_id, payout_waits.is_waiting())
    ):
        raise PayoutWaits(target_id)
    for switch in switches:
        await killswitches.require(session, switch)
    target = placement.target
    transitions.require(
        transitions.TARGET,
        "target",
        target_id,
        status=target.status,
        wanted=TargetStatus.POSTED,
        role=ActorRole.SYSTEM,
    )
    paid = escrow.amount - returned
    fee = fees.fee_of(paid, target.fee_bps)
    await post_release(session, placement, escrow, returned=returned)
    await _settle(session, placement, EscrowStatus.RELEASED, TargetStatus.POSTED, returned=returned)
    await audit.record(
        session,
        actor=SYSTEM,
        action="escrow_released",
        role="system",
        target_id=target_id,
        amount=paid,
        fee=fee,
        returned=returned,
    )
    unchecked = await unchecked_time.longest(
        session, target_id=target_id, ends_at=escrow.release_due_at
    )
    payload = {
        "target_id": target_id,
        "amount": paid - fee,
        "returned": returned,
        "alterations": await _count_checks(
            session, target_id, PostCheck.verdict == Verdict.ALTERED
        ),
        "unclear": await _count_checks(session, target_id, PostCheck.verdict == Verdict.UNKNOWN),
        "decided": await _count_checks(session, target_id, PostCheck.evidence == SEEN_BY_ADMIN),
        "unchecked_minutes": unchecked // timedelta(minutes=1),
    }
    for receiver, user_id in (
        ("owner", target.owner_id),
        ("advertiser", placement.campaign.advertiser_id),
    ):
        await outbox.add(
            session,
            user_id=user_id,
            kind="target_paid",
            payload=payload | {"to": receiver},
            key=f"target_paid:{target_id}:{receiver}",
        )


async def _count_checks(
    session: AsyncSession, target_id: int, condition: ColumnElement[bool]
) -> int:
    """Return how many checks of a placement's post meet a condition."""
    count: int | None = await session.scalar(
        select(func.count())
        .select_from(PostCheck)
        .join(PostJob, PostJob.id == PostCheck.post_job_id)
        .where(PostJob.campaign_target_id == target_id, condition)
    )
    return count or 0


async def post_release(
    session: AsyncSession,
    placement: queries.LockedPlacement,
    escrow: Escrow,
    *,
    returned: int,
    actor_id: int | None = None,
) -> None:
    """Write a release to the ledger: the owner's payout and the platform's fee.

    After a split, the part `returned` (minor units, else 0) goes back to the advertiser, and the
    fee is that of the other part. The caller must have locked the placement, and must set the
    statuses in the same transaction. Locks the wallets. Raises NotFound and the errors of
    `ledger.post`.
    """
    await ledger.post(
        session,
        key=f"payout:{escrow.campaign_target_id}",
        reason=Reason.PAYOUT,
        reference_id=escrow.campaign_target_id,
        legs=await _release_legs(session, placement, escrow, returned),
        actor_id=actor_id,
    )


async def _release_legs(
    session: AsyncSession, placement: queries.LockedPlacement, escrow: Escrow, returned: int
) -> list[Leg]:
    owner_id = placement.target.owner_id
    owner = await wallets.of_user(session, owner_id)
    paid = escrow.amount - returned
    fee = fees.fee_of(paid, placement.target.fee_bps)
    legs = [
        Leg(escrow.wallet_id, -escrow.amount, Reason.ESCROW_RELEASE),
        Leg(owner.id, paid - fee, Reason.PAYOUT),
    ]
    if returned:
        advertiser = await wallets.of_user(session, placement.campaign.advertiser_id)
        legs.append(Leg(advertiser.id, returned, Reason.REFUND))
    if fee:
        revenue_id = await ledger.open_wallet(
            session, WalletKind.REVENUE, currency=owner.currency, counterparty_id=owner_id
        )
        legs.append(Leg(revenue_id, fee, Reason.FEE))
    return legs


async def refund(session: AsyncSession, *, target_id: int) -> None:
    """Return the whole escrow of a failed or cancelled post to the advertiser.

    Locks the kill switch `refunds`, the placement, its post job, its escrow, then the wallets.
    Raises SwitchStopped, NotFound, EscrowNotHeld, PostNotFailed.
    """
    await killswitches.lock(session, Switch.REFUNDS)
    placement, escrow = await _lock_held(session, target_id)
    if placement.job is None or placement.job.status not in REFUNDABLE:
        status = "none" if placement.job is None else placement.job.status
        raise errors.PostNotFailed(target_id, status)
    await killswitches.require(session, Switch.REFUNDS)
    await refund_locked(session, placement, escrow)


async def refund_locked(
    session: AsyncSession, placement: queries.LockedPlacement, escrow: Escrow
) -> None:
    """Refund the escrow of a placement that the caller has locked.

    The caller must check that the escrow is held and that the post permits a refund. Locks the
    wallets. Raises InvalidMove, NotFound.
    """
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


async def list_releasable(
    session: AsyncSession, *, limit: int, with_splits: bool = True
) -> Sequence[int]:
    """Return the ids of at most `limit` placements to release now, the earliest due first.

    Placements with an open complaint are left out. `with_splits` is False while nothing may be
    refunded, and leaves out those of which a part goes back to the advertiser.
    """
    proof = _proving_check(PostJob.id, Escrow.release_due_at)
    rows = await session.scalars(
        select(Escrow.campaign_target_id)
        .join(PostJob, PostJob.campaign_target_id == Escrow.campaign_target_id)
        .join(CampaignTarget, CampaignTarget.id == Escrow.campaign_target_id)
        .where(
            Escrow.status == EscrowStatus.HELD,
            Escrow.release_due_at <= func.clock(),
            PostJob.sent_at + CampaignTarget.complaint_window <= func.clock(),
            ~complaint_holds.is_complained(),
            or_(literal(with_splits), ~complaint_holds.has_split()),
            PostJob.status == PostJobStatus.SUCCESS,
            PostJob.breach.is_(None),
            or_(CampaignTarget.promised_hours == 0, proof),
            ~payout_waits.is_waiting(),
        )
        .order_by(Escrow.release_due_at)
        .limit(limit)
    )
    return rows.all()


async def list_refundable(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Return the ids of at most `limit` placements to refund now, the oldest failure first."""
    rows = await session.scalars(
        select(PostJob.campaign_target_id)
        .where(PostJob.status.in_(REFUNDABLE), ~PostJob.settled)
        .order_by(PostJob.updated_at)
        .limit(limit)
    )
    return rows.all()


async def _lock_held(
    session: AsyncSession, target_id: int
) -> tuple[queries.LockedPlacement, Escrow]:
    """Lock a placement with a held escrow."""
    placement = await queries.lock_placement(session, target_id)
    if placement is None:
        raise errors.NotFound("target", target_id)
    escrow = placement.escrow
    if escrow is None or escrow.status is not EscrowStatus.HELD:
        raise errors.EscrowNotHeld(target_id, escrow.status if escrow else None)
    return placement, escrow


async def _require_proof(
    session: AsyncSession, placement: queries.LockedPlacement, escrow: Escrow
) -> None:
    """Raise PostNotProven unless the post is proven to have stayed as promised."""
    target_id = placement.target.id
    if placement.job is None or placement.job.status is not PostJobStatus.SUCCESS:
        raise errors.PostNotProven(target_id, "not_posted")
    if escrow.release_due_at is None or escrow.release_due_at > await queries.now(session):
        raise errors.PostNotProven(target_id, "promised_hours")
    window = placement.target.complaint_window
    if queries.required(placement.job.sent_at) + window > await queries.now(session):
        raise errors.PostNotProven(target_id, "complaint_window")
    proof = select(_proving_check(placement.job.id, escrow.release_due_at))
    if placement.target.promised_hours > 0 and not await session.scalar(proof):
        raise errors.PostNotProven(target_id, "not_seen")
    if placement.job.breach is not None:
        raise errors.PostNotProven(target_id, "breach")


def _proving_check(
    job_id: int | InstrumentedAttribute[int],
    release_due_at: datetime | InstrumentedAttribute[datetime | None],
) -> ColumnElement[bool]:
    """Build the SQL condition for a check that proves that a post stayed."""
    return (
        select(PostCheck.id)
        .where(
            PostCheck.post_job_id == job_id,
            PostCheck.verdict.in_([Verdict.PRESENT, Verdict.STAYED]),
            PostCheck.checked_at >= release_due_at,
        )
        .exists()
    )


async def _settle(
    session: AsyncSession,
    placement: queries.LockedPlacement,
    escrow_status: EscrowStatus,
    target_status: TargetStatus,
    *,
    returned: int = 0,
) -> None:
    """Write the final statuses of a locked escrow and its locked target."""
    await session.execute(
        update(Escrow)
        .where(Escrow.campaign_target_id == placement.target.id)
        .values(status=escrow_status, returned=returned, settled_at=func.clock())
    )
    placement.target.status = target_status
    await session.flush()
