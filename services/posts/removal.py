"""Take posts down after their promised hours: claim, delete once, and record the outcome.

A deletion with an unknown outcome is not repeated before the bot has looked for the post.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ARRAY, BigInteger, ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget, Channel
from db.models.operations import Switch
from db.models.posting import PostJob
from db.models.removals import Removal, RemovalStatus
from services.platform import audit, killswitches, leases, outbox
from services.platform.actors import SYSTEM

LATEST = timedelta(hours=47, minutes=55)
"""How long after its publication the bot tries to delete a post. Telegram allows 48 hours."""
LOOK_INTERVAL = timedelta(minutes=5)
"""The time from an uncertain deletion to the first look, and from each look to the next one."""
LEASE = timedelta(minutes=2)
TOO_LATE = "too late"
"""The error of a removal that was not made within LATEST."""


@dataclass(frozen=True)
class DueRemoval:
    """A post that is due to be deleted or, if this is uncertain, to be looked for."""

    removal_id: int
    target_id: int
    chat_id: int
    message_ids: tuple[int, ...]
    """The ids of the post's messages: more than one for an album."""
    is_uncertain: bool
    is_late: bool
    """Whether Telegram no longer lets the bot delete the post."""
    origin_id: str | None


@dataclass(frozen=True)
class RemovalClaim:
    """The right of one process to delete a post once, and to record the outcome."""

    removal: DueRemoval
    claim_no: int
    owner: str


async def list_due(session: AsyncSession, *, limit: int) -> Sequence[DueRemoval]:
    """Return up to `limit` due removals, the earliest due first. Locks nothing."""
    rows = await session.execute(
        select(
            Removal.id,
            PostJob.campaign_target_id,
            Channel.chat_id,
            func.array_prepend(
                func.coalesce(PostJob.message_id, 0),
                PostJob.other_message_ids,
                type_=ARRAY(BigInteger),
            ),
            Removal.status == RemovalStatus.UNCERTAIN,
            PostJob.sent_at + LATEST <= func.clock(),
            PostJob.correlation_id,
        )
        .join(PostJob, PostJob.id == Removal.post_job_id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .where(
            Removal.status.in_([RemovalStatus.PLANNED, RemovalStatus.UNCERTAIN]),
            Removal.due_at <= func.clock(),
        )
        .order_by(Removal.due_at, Removal.id)
        .limit(limit)
    )
    return [DueRemoval(*row[:3], tuple(row[3]), *row[4:]) for row in rows]


async def claim(session: AsyncSession, due: DueRemoval, *, owner: str) -> RemovalClaim | None:
    """Claim a planned removal right before its request. Return None if nothing may be deleted now.

    Takes the shared lock of the kill switch `telegram_posting`, then locks the removal.
    """
    await killswitches.lock(session, Switch.TELEGRAM_POSTING)
    if not await killswitches.are_running(session, Switch.TELEGRAM_POSTING):
        return None
    claim_no = await session.scalar(
        update(Removal)
        .where(
            Removal.id == due.removal_id,
            Removal.status == RemovalStatus.PLANNED,
            Removal.due_at <= func.clock(),
        )
        .values(
            status=RemovalStatus.DELETING,
            claim_no=Removal.claim_no + 1,
            lease_owner=owner,
            lease_until=func.now() + LEASE,
        )
        .returning(Removal.claim_no)
        .execution_options(synchronize_session=False)
    )
    return None if claim_no is None else RemovalClaim(due, claim_no, owner)


async def record(
    session: AsyncSession,
    claim: RemovalClaim,
    status: RemovalStatus,
    *,
    error: str = "",
    due_in: timedelta = timedelta(),
) -> bool:
    """Record the outcome of a claimed removal. Return False if the claim is no longer valid.

    `due_in` is the time to the next try or look. Notifies the people if the removal has ended.
    Locks the removal.
    """
    is_claimed = (
        (Removal.status == RemovalStatus.DELETING)
        & (Removal.claim_no == claim.claim_no)
        & (Removal.lease_owner == claim.owner)
    )
    return await _move(session, claim.removal, is_claimed, status, error=error, due_in=due_in)


async def begin_look(session: AsyncSession, due: DueRemoval) -> bool:
    """Let one process look for the post of an uncertain removal. Return False for the others.

    Locks the removal.
    """
    return await _move(session, due, _is_uncertain(), RemovalStatus.UNCERTAIN, due_in=LOOK_INTERVAL)


async def record_look(session: AsyncSession, due: DueRemoval, *, is_there: bool | None) -> None:
    """Record what a look for the post of an uncertain removal has found. None: nothing clear.

    A post that is there is deleted at the next try. A post that is gone was deleted. Locks the
    removal.
    """
    if is_there is False:
        await _move(session, due, Removal.status == RemovalStatus.UNCERTAIN, RemovalStatus.DONE)
    elif is_there:
        await _move(session, due, Removal.status == RemovalStatus.UNCERTAIN, RemovalStatus.PLANNED)
    elif due.is_late:
        await record_late(session, due)


async def record_late(session: AsyncSession, due: DueRemoval) -> None:
    """End a removal for which it is too late, and ask the owner to delete the post.

    Locks the removal.
    """
    is_open = Removal.status.in_([RemovalStatus.PLANNED, RemovalStatus.UNCERTAIN])
    await _move(session, due, is_open, RemovalStatus.REFUSED, error=TOO_LATE)


async def rescue_abandoned(session: AsyncSession) -> int:
    """Mark removals as uncertain whose process died after the claim. Return how many.

    Locks the removals.
    """
    rescued = await session.scalars(
        update(Removal)
        .where(
            Removal.status == RemovalStatus.DELETING,
            leases.has_ended(Removal.lease_until, LEASE),
        )
        .values(
            status=RemovalStatus.UNCERTAIN,
            lease_owner=None,
            lease_until=None,
            due_at=func.clock() + LOOK_INTERVAL,
            last_error="the process was gone before it could record the outcome",
        )
        .returning(Removal.id)
        .execution_options(synchronize_session=False)
    )
    return len(rescued.all())


def _is_uncertain() -> ColumnElement[bool]:
    return (Removal.status == RemovalStatus.UNCERTAIN) & (Removal.due_at <= func.clock())


async def _move(
    session: AsyncSession,
    due: DueRemoval,
    condition: ColumnElement[bool],
    status: RemovalStatus,
    *,
    error: str = "",
    due_in: timedelta = timedelta(),
) -> bool:
    """Change the status of a removal that meets the condition. Return False if it does not."""
    has_ended = status in {RemovalStatus.DONE, RemovalStatus.REFUSED}
    moved = await session.scalar(
        update(Removal)
        .where(Removal.id == due.removal_id, condition)
        .values(
            status=status,
            lease_owner=None,
            lease_until=None,
            due_at=func.clock() + due_in,
            last_error=error or None,
            ended_at=func.clock() if has_ended else None,
        )
        .returning(Removal.id)
        .execution_options(synchronize_session=False)
    )
    if moved is None:
        return False
    if has_ended:
        await _tell(session, due, status)
    return True


async def _tell(session: AsyncSession, due: DueRemoval, status: RemovalStatus) -> None:
    kind = "post_removed" if status is RemovalStatus.DONE else "removal_refused"
    await audit.record(session, actor=SYSTEM, action=kind, role="system", target_id=due.target_id)
    people = (
        await session.execute(
            select(CampaignTarget.owner_id, Campaign.advertiser_id)
            .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
            .where(CampaignTarget.id == due.target_id)
        )
    ).one()
    told = {"owner": people.owner_id, "advertiser": people.advertiser_id}
    if status is RemovalStatus.REFUSED:
        del told["advertiser"]
    for party, user_id in told.items():
        link = {} if status is RemovalStatus.DONE else {"message_id": due.message_ids[0]}
        await outbox.add(
            session,
            user_id=user_id,
            kind=kind,
            payload={"target_id": due.target_id, "to": party} | link,
            key=f"{kind}:{due.target_id}:{party}",
        )
