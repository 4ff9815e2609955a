"""Acquire and release leases, which only one process at a time can have."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.models.operations import Lease


async def acquire(session: AsyncSession, *, name: str, owner: str, ttl: timedelta) -> int | None:
    """Acquire or prolong a lease for the process `owner`, and return the epoch of the lease.

    The epoch grows with each change of the owner. Returns None if another owner holds the lease.
    All calls must use the same `ttl`, the length by the database's real clock.
    """
    acquired = await session.execute(
        upsert(Lease)
        .values(name=name, owner=owner, held_until=func.now() + ttl)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={
                "owner": owner,
                "held_until": func.now() + ttl,
                "epoch": Lease.epoch + case((Lease.owner != owner, 1), else_=0),
            },
            where=or_(Lease.owner == owner, has_ended(Lease.held_until, ttl)),
        )
        .returning(Lease.epoch)
    )
    return acquired.scalar_one_or_none()


def has_ended(
    until: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    ttl: timedelta | None,
) -> ColumnElement[bool]:
    """Build the SQL condition that a lease has ended by the real clock of the database.

    If `ttl` is given, an end that is more than 2 * `ttl` away counts as ended too.
    """
    # 1 * ttl is not enough: `now()` is the start of the transaction, and the transaction may have
    # waited for the lease's row.
    ended = until < func.now()
    return ended if ttl is None else or_(ended, until > func.now() + 2 * ttl)


async def is_held(session: AsyncSession, *, name: str, owner: str, epoch: int) -> bool:
    """Return whether `owner` has held a lease without a break since `acquire` returned `epoch`."""
    held = await session.scalar(
        select(Lease.name).where(
            Lease.name == name,
            Lease.owner == owner,
            Lease.epoch == epoch,
            Lease.held_until > func.now(),
        )
    )
    return held is not None


async def release(session: AsyncSession, *, name: str, owner: str) -> None:
    """End a lease of `owner` now, so that another process can acquire the lease."""
    await session.execute(
        update(Lease).where(Lease.name == name, Lease.owner == owner).values(held_until=func.now())
    )
