"""Test that the listing of a channel counts what belongs to this channel alone."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import catalogue, format_changes, formats
from services.market.terms import Terms
from services.money import escrow
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import people
from tests.factories.people import Deal

REFRESH = "UPDATE channels SET facts_at = clock()"
TRIGGERS = "ALTER TABLE users {} TRIGGER USER"


async def _record(database: Database, channel_id: int) -> tuple[int, int] | None:
    """Return how many placements of a listed channel were kept and broken, or None."""
    await database.as_owner(REFRESH)
    async with database.sessions.begin() as session:
        found = await catalogue.of_channels(session, [channel_id])
    return (found[0].listing.kept, found[0].listing.broken) if found else None


async def _kept(database: Database) -> Deal:
    async with database.sessions.begin() as session:
        made = await people.posted(session, promised_hours=0)
        await escrow.release(session, target_id=made.target.id)
    return made


async def test_an_owners_other_channel_has_a_record_of_its_own(database: Database) -> None:
    made = await _kept(database)
    async with database.sessions.begin() as session:
        other = await people.channel(session, made.owner)
    assert await _record(database, made.channel.id) == (1, 0)
    assert await _record(database, other.id) == (0, 0)


async def test_an_alteration_counts_for_its_own_placement(database: Database) -> None:
    first, second = await _kept(database), await _kept(database)
    async with database.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO post_checks (post_job_id, verdict, evidence) SELECT id, CASE"
                " campaign_target_id WHEN :altered THEN 'altered' ELSE 'present' END, 'x'"
                " FROM post_jobs"
            ),
            {"altered": first.target.id},
        )
    assert await _record(database, first.channel.id) == (1, 1)
    assert await _record(database, second.channel.id) == (1, 0)


async def test_a_record_ends_after_90_days(database: Database) -> None:
    made = await _kept(database)
    await database.forward(timedelta(days=89, hours=23))
    assert await _record(database, made.channel.id) == (1, 0)
    await database.forward(timedelta(hours=2))
    assert await _record(database, made.channel.id) == (0, 0)


async def test_a_channel_of_a_blocked_owner_is_not_listed(database: Database) -> None:
    made = await _kept(database)
    await database.as_owner(TRIGGERS.format("DISABLE"))
    await database.as_owner(f"UPDATE users SET blocked = true WHERE id = {made.owner.user_id}")
    await database.as_owner(TRIGGERS.format("ENABLE"))
    assert await _record(database, made.channel.id) is None


async def test_a_retired_format_is_not_listed(session: AsyncSession) -> None:
    owner: Actor = await people.person(session)
    place = await people.channel(session, owner, price=500, promised_hours=24)
    await format_changes.put(session, actor=owner, channel_id=place.id, terms=Terms(100, 48))
    [cheap] = [row for row in await formats.of_channel(session, place.id) if row.price == 100]
    [offer] = await catalogue.of_channels(session, [place.id])
    assert (offer.listing.price, offer.listing.lengths) == (100, 3)
    await format_changes.retire(session, actor=owner, channel_id=place.id, format_id=cheap.id)
    [offer] = await catalogue.of_channels(session, [place.id])
    assert (offer.listing.price, offer.listing.lengths) == (500, 1)
