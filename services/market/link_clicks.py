"""Read the tracked links that work, and count the clicks on them, for the redirect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Integer, LargeBinary, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger

from db import queries
from db.models.results import TrackedLink

BATCH = 5_000
"""How many links one read returns, and how many rows of clicks one call takes, at most."""
FIRST = (datetime(1970, 1, 1, tzinfo=UTC), "")
"""The position before the first link (`read`)."""

Position = tuple[datetime, str]


@dataclass(frozen=True)
class Link:
    """A tracked link that an admin has approved. `works_until` may be past."""

    token: str
    target_id: int
    url: str
    works_until: datetime


@dataclass(frozen=True)
class Clicks:
    """The requests of one person, or of all programs, for a placement on one day in UTC."""

    target_id: int
    day: date
    hash: bytes | None
    """The person. None means programs."""
    count: int


async def read(session: AsyncSession, after: Position) -> tuple[list[Link], Position]:
    """Return up to BATCH links that were changed behind a position, and the next position.

    A position is a time of change and a token.
    """
    rows = await session.execute(
        select(
            TrackedLink.token,
            TrackedLink.campaign_target_id,
            TrackedLink.url,
            TrackedLink.works_until,
            TrackedLink.changed_at,
        )
        .where(
            TrackedLink.changed_at >= after[0],  # without it, no index is used
            tuple_(TrackedLink.changed_at, TrackedLink.token) > tuple_(*after),
        )
        .order_by(TrackedLink.changed_at, TrackedLink.token)
        .limit(BATCH)
    )
    found = rows.all()
    links = [Link(token, id_, url, until) for token, id_, url, until, _ in found if until]
    return links, (found[-1].changed_at, found[-1].token) if found else after


async def now(session: AsyncSession) -> datetime:
    """Return the time of the database."""
    return await queries.now(session)


async def salt(session: AsyncSession, day: date, proposed: bytes) -> bytes:
    """Return the salt of today or tomorrow. It becomes `proposed` (32 bytes) if there is none."""
    found = await session.scalar(select(func.click_salt(day, proposed, type_=LargeBinary)))
    return bytes(found or b"")


async def count_channels(session: AsyncSession) -> int:
    """Count again what ads have brought in the channels with new clicks or newly paid ads.

    Returns the number of channels. Locks their rows of `channel_clicks`, by id.
    """
    counted = await session.execute(select(func.count_channel_clicks(type_=Integer)))
    return counted.scalar_one()


async def count_lost(session: AsyncSession, number: int) -> None:
    """Store that a number of clicks, at least one, could not be counted. Locks the minute's row."""
    await session.execute(_COUNT_LOST, {"number": number})


_COUNT_LOST = text("SELECT count_lost_clicks(:number)")
_RECORD = text(
    "SELECT recorded, refused FROM record_clicks(:target_ids, :days, :hashes, :counts)"
).columns(recorded=BigInteger, refused=BigInteger)


async def record(session: AsyncSession, clicks: Sequence[Clicks]) -> int:
    """Count clicks, and return how many came too late. Takes at most BATCH rows.

    Locks the sums of the days. The same call again counts no click twice.
    """
    statement = _RECORD.bindparams(
        target_ids=[each.target_id for each in clicks],
        days=[each.day for each in clicks],
        hashes=[each.hash for each in clicks],
        counts=[each.count for each in clicks],
    )
    row = (await session.execute(statement)).one()
    return int(row.refused)
