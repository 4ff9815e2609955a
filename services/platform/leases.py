"""Acquire and release leases: rows that let only one process at a time do a piece of work."""

from datetime import timedelta

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Lease


async def acquire(session: AsyncSession, *, name: str, owner: str, ttl: timedelta) -> int | None:
    """Acquire or prolong a lease; return its epoch, or None while another owner holds the lease.

    The epoch is a number that grows each time the owner changes. `ttl` is the length of the lease
    by the real clock.
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
            where=or_(Lease.owner == owner, Lease.held_until < func.now()),
        )
        .returning(Lease.epoch)
    )
    return acquired.scalar_one_or_none()


async def is_held(session: AsyncSession, *, name: str, owner: str, epoch: int) -> bool:
    """Return whether the owner still holds a lease in this epoch.

    If the epoch has grown, another owner may have held the lease in between.
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
    """Release a lease, so that another owner does not have to wait for its end."""
    await session.execute(
        update(Lease).where(Lease.name == name, Lease.owner == owner).values(held_until=func.now())
    )
