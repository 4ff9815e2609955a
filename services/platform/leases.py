"""Acquire and release leases. A lease is a named right that only one process has at a time."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.models.operations import Lease


async def acquire(session: AsyncSession, *, name: str, owner: str, ttl: timedelta) -> int | None:
    """Acquire or prolong a lease for the process `owner`, and return the epoch of the lease.

    Returns None if another owner holds the lease. The epoch is a number that grows with each change
    of the owner. `ttl` is the length of the lease by the database's real clock. All calls for this
    lease must use the same `ttl`.
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

    `ttl` is the length of the lease, or None. If `ttl` is given, a lease whose end is more than 2 *
    `ttl` away counts as ended too. Such an end is only possible if the clock was set back.
    """
    # 1 * ttl is not enough: `now()` is the start of the transaction, and the transaction may have
    # waited for the lease's row.
    ended = until < func.now()
    return ended if ttl is None else or_(ended, until > func.now() + 2 * ttl)


async def is_held(session: AsyncSession, *, name: str, owner: str, epoch: int) -> bool:
    """Return whether `owner` holds a lease, and has held it without a break.

    `epoch` is the number that `acquire` returned to `owner`. If the epoch of the lease is higher
    now, another process has held the lease.
    """
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
    """End a lease of `owner` now. Another process can acquire it immediately."""
    await session.execute(
        update(Lease).where(Lease.name == name, Lease.owner == owner).values(held_until=func.now())
    )
