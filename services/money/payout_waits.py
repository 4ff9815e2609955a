"""Let releases wait while a channel has another creator than the owner who is to be paid."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    bindparam,
    exists,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.correlation import correlation_id
from db.models.campaigns import CampaignTarget, Channel
from db.models.money import Escrow, EscrowStatus
from db.models.payout_waits import PayoutWait
from db.models.users import User
from services.platform import audit, errors, outbox
from services.platform.actors import MODERATORS, SYSTEM, Actor

KIND = "payouts_wait"
"""The kind of the message to the owner and the admins."""
_END = text("SELECT end_payout_wait(:wait_id, :actor_id, :correlation_id)").bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("wait_id", "actor_id")),
    bindparam("correlation_id", type_=Text),
)


@dataclass(frozen=True)
class WaitDetails:
    """A wait with what its card shows. The amount is in minor units."""

    id: int
    channel_title: str
    owner_telegram_id: int
    placements: int
    amount: int
    ended_at: datetime | None
    is_ended_by_admin: bool


def is_waiting() -> ColumnElement[bool]:
    """Build the SQL condition that the release of a placement waits.

    The caller's query must select from `campaign_targets`.
    """
    return exists().where(
        PayoutWait.channel_id == CampaignTarget.channel_id,
        PayoutWait.owner_id == CampaignTarget.owner_id,
        PayoutWait.ended_at.is_(None),
    )


async def record_other_creator(session: AsyncSession, channel: Channel) -> None:
    """Begin a wait for a channel whose owner is not its creator any more, and notify people.

    Nothing begins if the owner has no held escrow for the channel, if a wait is open, or if an
    admin has decided that the owner is paid as agreed. The caller has locked the channel.
    """
    known = await session.scalar(
        select(PayoutWait)
        .where(PayoutWait.channel_id == channel.id, PayoutWait.owner_id == channel.owner_id)
        .order_by(PayoutWait.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if known is not None and (known.ended_at is None or known.ended_by is not None):
        return
    if not (await _held(session, channel.id, channel.owner_id)).placements:
        return
    # The ORM would write every column, and the scheduler's login may write these two alone.
    begun = await session.scalars(
        insert(PayoutWait)
        .values(channel_id=channel.id, owner_id=channel.owner_id)
        .returning(PayoutWait.id)
    )
    wait_id = begun.one()
    await audit.record(
        session,
        actor=SYSTEM,
        action="payout_wait_began",
        role="system",
        wait_id=wait_id,
        channel_id=channel.id,
    )
    await _notify(session, wait_id, channel.owner_id, "owner")


async def remind(session: AsyncSession) -> None:
    """Send the admins the card of each open wait with held money, once a day.

    A wait stays open after a new owner has taken over the channel, or somebody has removed it.
    """
    waits = await session.scalars(
        select(PayoutWait.id)
        .where(
            PayoutWait.ended_at.is_(None),
            exists().where(
                CampaignTarget.channel_id == PayoutWait.channel_id,
                CampaignTarget.owner_id == PayoutWait.owner_id,
                Escrow.campaign_target_id == CampaignTarget.id,
                Escrow.status == EscrowStatus.HELD,
            ),
        )
        .order_by(PayoutWait.id)
    )
    for wait_id in waits.all():
        await _notify(session, wait_id, None, f"{await queries.now(session):%Y-%m-%d}")


async def record_same_creator(session: AsyncSession, channel: Channel) -> None:
    """End the wait for a channel whose owner is its creator again. Locks the wait."""
    await session.execute(
        update(PayoutWait)
        .where(
            PayoutWait.channel_id == channel.id,
            PayoutWait.owner_id == channel.owner_id,
            PayoutWait.ended_at.is_(None),
        )
        .values(ended_at=func.clock())
        .execution_options(synchronize_session=False)
    )


async def end(session: AsyncSession, *, actor: Actor, wait_id: int) -> bool:
    """End a wait by an admin's decision: the owner is paid as agreed.

    Returns False if the wait has ended before. Locks the wait. Raises AccessDenied, NotFound;
    OwnMoney for the owner and for an advertiser of the placements.
    """
    actor.require_staff(*MODERATORS, action="payout_wait_end")
    await session.flush()
    code = await session.scalar(
        _END,
        {
            "wait_id": wait_id,
            "actor_id": actor.user_id,
            "correlation_id": correlation_id.get(),
        },
    )
    if code == "not_found":
        raise errors.NotFound("payout_wait", wait_id)
    if code == "own_money":
        raise errors.OwnMoney(wait_id)
    return code is None


async def get(session: AsyncSession, wait_id: int) -> WaitDetails:
    """Return a wait with its channel and the held escrows. Raises NotFound."""
    found = await session.execute(
        select(PayoutWait, Channel.title, User.telegram_id)
        .join(Channel, Channel.id == PayoutWait.channel_id)
        .join(User, User.id == PayoutWait.owner_id)
        .where(PayoutWait.id == wait_id)
        .execution_options(populate_existing=True)
    )
    row = found.one_or_none()
    if row is None:
        raise errors.NotFound("payout_wait", wait_id)
    wait: PayoutWait = row.PayoutWait
    held = await _held(session, wait.channel_id, wait.owner_id)
    return WaitDetails(
        wait.id,
        row.title,
        row.telegram_id,
        held.placements,
        held.amount,
        wait.ended_at,
        wait.ended_by is not None,
    )


@dataclass(frozen=True)
class _Held:
    placements: int
    amount: int


async def _held(session: AsyncSession, channel_id: int, owner_id: int) -> _Held:
    """Return how many escrows are held for an owner's placements in a channel, and their sum."""
    found = await session.execute(
        select(func.count(), func.coalesce(func.sum(Escrow.amount), 0))
        .select_from(Escrow)
        .join(CampaignTarget, CampaignTarget.id == Escrow.campaign_target_id)
        .where(
            CampaignTarget.channel_id == channel_id,
            CampaignTarget.owner_id == owner_id,
            Escrow.status == EscrowStatus.HELD,
        )
    )
    placements, amount = found.one()
    return _Held(int(placements), int(amount))


async def _notify(session: AsyncSession, wait_id: int, user_id: int | None, once: str) -> None:
    await outbox.add(
        session,
        user_id=user_id,
        kind=KIND,
        payload={"wait_id": wait_id, "to": "staff" if user_id is None else "owner"},
        key=f"{KIND}:{wait_id}:{once}",
    )
