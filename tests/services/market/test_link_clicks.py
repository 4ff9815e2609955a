"""Test what the redirect reads from the database, and how the database counts clicks."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import sqlstate
from sandbox import embedded, logins
from services.market import campaigns, link_clicks
from services.market.link_clicks import FIRST, Clicks
from services.money import escrow
from tests.conftest import Database
from tests.factories import people, rows, tracked
from tests.factories.tracked import BUTTON, MENU, SHOP

DAYS = "SELECT day, clicks, repeats, bots FROM click_days ORDER BY campaign_target_id, day"
ANNA, BORIS = b"a" * 16, b"b" * 16


async def today(session: AsyncSession) -> date:
    """Return the day of the database in UTC."""
    return (await link_clicks.now(session)).date()


async def test_links_are_read_when_they_begin_and_when_they_stop(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await tracked.deal(session)
    assert await link_clicks.read(session, FIRST) == ([], FIRST)
    await people.approve(session, made)
    monkeypatch.setattr(link_clicks, "BATCH", 2)
    first, position = await link_clicks.read(session, FIRST)
    rest, position = await link_clicks.read(session, position)
    assert (len(first), len(rest)) == (2, 1)
    assert {link.url for link in first + rest} == {SHOP, MENU, BUTTON}
    moment = await link_clicks.now(session)
    assert all(link.target_id == made.target.id for link in first + rest)
    assert all(
        timedelta(364) < link.works_until - moment <= timedelta(365) for link in first + rest
    )
    assert await link_clicks.read(session, position) == ([], position)
    await campaigns.cancel(session, actor=made.advertiser, campaign_id=made.campaign.id)
    await escrow.refund(session, target_id=made.target.id)
    stopped, _ = await link_clicks.read(session, position)
    assert {link.works_until <= await link_clicks.now(session) for link in stopped} == {True}


async def test_a_person_counts_once_a_day(session: AsyncSession) -> None:
    made = await tracked.deal(session)
    await people.approve(session, made)
    target_id, day = made.target.id, await today(session)
    batch = [
        Clicks(target_id, day, ANNA, 3),
        Clicks(target_id, day, BORIS, 1),
        Clicks(target_id, day, None, 5),
    ]
    assert await link_clicks.record(session, batch) == 0
    assert await rows.table(session, DAYS) == [(day, 2, 2, 5)]
    # The answer about the first call was lost, so the same call comes again.
    assert await link_clicks.record(session, batch[:2]) == 0
    assert await rows.table(session, DAYS) == [(day, 2, 6, 5)]


async def test_clicks_that_are_too_late_or_for_no_link_are_refused(session: AsyncSession) -> None:
    made = await tracked.deal(session)
    unapproved = await tracked.deal(session)
    await people.approve(session, made)
    target_id, day = made.target.id, await today(session)
    late = [
        Clicks(target_id, day - timedelta(days=2), ANNA, 2),
        Clicks(target_id, day + timedelta(days=1), ANNA, 3),
        Clicks(unapproved.target.id, day, ANNA, 5),
        Clicks(2**40, day, None, 7),
    ]
    assert await link_clicks.record(session, late) == 17
    assert await rows.table(session, DAYS) == []
    most = Clicks(target_id, day, None, 10**9)
    assert await link_clicks.record(session, [replace(most, count=10**9 + 1)]) == 10**9 + 1
    assert await link_clicks.record(session, [replace(most, count=0), most]) == 0
    assert await rows.table(session, DAYS) == [(day, 0, 0, 10**9)]


async def test_yesterday_is_counted_for_six_hours_and_then_its_hashes_are_deleted(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        made = await tracked.deal(session)
        await people.approve(session, made)
        target_id, day = made.target.id, await today(session)
        await link_clicks.record(session, [Clicks(target_id, day, ANNA, 1)])
        await link_clicks.salt(session, day, bytes(32))
        moment = await link_clicks.now(session)
    midnight = timedelta(days=1) - timedelta(
        hours=moment.hour, minutes=moment.minute, seconds=moment.second
    )
    await database.forward(midnight + timedelta(hours=5, minutes=50))
    async with database.sessions.begin() as session:
        again = [Clicks(target_id, day, ANNA, 1), Clicks(target_id, day, BORIS, 1)]
        assert await link_clicks.record(session, again) == 0
        assert await purge(session) == 0
    assert await as_owner(database, "SELECT day FROM click_salts") == []
    await database.forward(timedelta(minutes=15))
    async with database.sessions.begin() as session:
        assert await link_clicks.record(session, again) == 2
        assert await purge(session, 1) == 1
        assert await purge(session) == 1
        assert await rows.table(session, DAYS) == [(day, 2, 1, 0)]
    assert await as_owner(database, "SELECT day FROM click_hashes") == []


async def as_owner(database: Database, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query of the owner's role, which may read everything."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def purge(session: AsyncSession, limit: int = 100) -> int:
    """Delete what nobody may know any more, and return the number of hashes."""
    deleted = await session.scalar(text(f"SELECT purge_clicks({limit})"))
    assert isinstance(deleted, int)
    return deleted


async def test_all_processes_use_one_salt(session: AsyncSession) -> None:
    day = await today(session)
    assert await link_clicks.salt(session, day, b"1" * 32) == b"1" * 32
    assert await link_clicks.salt(session, day, b"2" * 32) == b"1" * 32
    assert await link_clicks.salt(session, day + timedelta(days=1), b"2" * 32) == b"2" * 32
    for wrong, salt in ((day - timedelta(days=1), bytes(32)), (day, bytes(31))):
        with pytest.raises(DBAPIError) as refusal:
            async with session.begin_nested():
                await link_clicks.salt(session, wrong, salt)
        assert sqlstate(refusal.value) == "AD181"


PLANS = {
    "links": (
        "SELECT token FROM tracked_links WHERE changed_at >= now() - interval '90 s'"
        " AND (changed_at, token) > (now() - interval '90 s', '') ORDER BY changed_at, token"
    ),
    "purge": "SELECT hash FROM click_hashes WHERE day < current_date ORDER BY day LIMIT 1000",
    "recent": "SELECT campaign_target_id FROM click_days WHERE day >= current_date - 1",
    "of one placement": "SELECT * FROM click_days WHERE campaign_target_id = 5",
    "cheapest channels": (
        "SELECT channel_id FROM channel_clicks WHERE price_per_click IS NOT NULL"
        " ORDER BY price_per_click, channel_id LIMIT 10"
    ),
    "tracked ads of a channel": (
        "SELECT id FROM campaign_targets WHERE channel_id = 5 AND link_base IS NOT NULL"
    ),
}


async def drop_foreign_keys(database: Database, table: str) -> None:
    """Let a table have rows about nothing."""
    await database.as_owner(
        "DO $$ DECLARE name text; BEGIN FOR name IN SELECT conname FROM pg_constraint"
        f" WHERE conrelid = '{table}'::regclass AND contype = 'f' LOOP"
        f" EXECUTE 'ALTER TABLE {table} DROP CONSTRAINT ' || name; END LOOP; END $$"
    )


async def test_what_runs_on_the_clock_finds_its_rows_by_an_index(database: Database) -> None:
    rows_of = "FROM generate_series(1, 20000) n"
    filled = {
        "tracked_links (token, campaign_target_id, base, url, changed_at)": (
            "n, n, '', '', clock() - n * interval '1 minute'"
        ),
        "click_days": "n, current_date - n / 100, 1, 1, 1",
        "click_hashes": "current_date - n / 100, n, 'x'",
        "channel_clicks": "n, 1, 1, n % 500, clock()",
    }
    for table, values in filled.items():
        name = table.partition(" ")[0]
        await database.as_owner(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        await drop_foreign_keys(database, name)
        await database.as_owner(f"INSERT INTO {table} SELECT {values} {rows_of}")
        await database.as_owner(f"ANALYZE {name}")
    for name, query in PLANS.items():
        lines = "\n".join(row[0] for row in await as_owner(database, f"EXPLAIN {query}"))
        assert "Index" in lines, (name, lines)
        assert "Seq Scan" not in lines, (name, lines)


async def test_the_login_of_the_redirect_reaches_nothing_else(
    server: embedded.Postgres, database: Database
) -> None:
    name = str(make_url(database.url).database)
    connection = await asyncpg.connect(server.dsn(logins.REDIRECT, name))
    refused: list[Any] = [
        *("SELECT * FROM tracked_links", "SELECT * FROM click_days", "SELECT * FROM click_hashes"),
        *("SELECT * FROM click_salts", "SELECT * FROM wallets", "SELECT * FROM campaign_targets"),
        *("SELECT * FROM users", "SELECT * FROM inbox", "SELECT purge_clicks(1)"),
        *("UPDATE tracked_links SET url = ''", "INSERT INTO click_days VALUES (1, '2026-01-01')"),
        "SELECT count_failures('conflict', 1)",
        *("SELECT tracked_ad('{}', 1, '')", "SELECT post_transfer('', '', 1, NULL, '{}', '{}')"),
    ]
    try:
        for statement in refused:
            with pytest.raises(
                (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFunctionError)
            ):
                await connection.execute(statement)
        await connection.execute("SELECT token, url FROM tracked_links")
    finally:
        await connection.close()
