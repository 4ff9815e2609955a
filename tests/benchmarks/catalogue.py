"""Measure how long PostgreSQL takes for a page of the catalogue: `make bench-catalogue`.

`python -m tests.benchmarks.catalogue` offers 10⁵ generated channels, and reads the first page and a
later one with each filter in each order. The time is the one that EXPLAIN (ANALYZE) reports, the
shortest of some rounds, so that the work of other programs does not count. Prints a table, and
writes build/bench-catalogue.json.
"""

import argparse
import asyncio
import json
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects import postgresql

from sandbox import embedded
from services.market import catalogue
from services.market.catalogue import Day, Filters, Length, Limits, Order, Position
from tests.benchmarks import checks, market

CHANNELS = 100_000
QUICK = 5_000
ROUNDS = 3
LIMIT_MS = 20.0
PAGE = 9
CALENDARS = 10
"""One of so many channels has a calendar."""
_FILL = (
    "SELECT setseed(0.5)",
    """
    INSERT INTO users (id, telegram_id, language) OVERRIDING SYSTEM VALUE
    SELECT n, n,
        (ARRAY['ru', 'en', 'uk', 'de', 'fa', 'uz', 'es', 'tr'])[1 + floor(8 * random() ^ 3)]
    FROM generate_series(1, $1::bigint / 2) AS n
    """,
    """
    INSERT INTO channels
        (id, chat_id, owner_id, title, username, topic, subscribers, price, promised_hours, status)
        OVERRIDING SYSTEM VALUE
    SELECT n, -n, 1 + n % ($1::bigint / 2),
        initcap((ARRAY['daily', 'city', 'crypto', 'garden', 'chess', 'music', 'north', 'happy',
            'новости', 'рецепты', 'кино', 'смешные', 'деловые'])[1 + floor(13 * random() ^ 2)]
        || ' ' || (ARRAY['club', 'notes', 'channel', 'life', 'today', 'дня', 'мира', 'каждый'])
            [1 + floor(8 * random())] || ' ' || n),
        'name_' || n,
        (ARRAY['news', 'business', 'crypto', 'technology', 'games', 'sport', 'food', 'travel',
            'cars', 'home', 'humour', 'music', 'films', 'health', 'beauty', 'science', 'gardens'])
            [1 + floor(17 * random() ^ 2)],
        floor(exp(random() * 13))::bigint, 1, 24, 'active'
    FROM generate_series(1, $1::bigint) AS n
    """,
    """
    INSERT INTO channel_formats
        (channel_id, price, promised_hours, hours_on_top, ending, created_at)
    SELECT n, ceil(exp(random() * 13)) + 99, form.hours, form.on_top, form.ending,
        now() - random() * interval '900 days'
    FROM generate_series(1, $1::bigint) AS n
    JOIN (VALUES (24, 1, 'removed', 1), (48, 2, 'left', 2), (72, 3, 'left', 3),
        (72, 0, 'endless', 7)) AS form (hours, on_top, ending, every) ON n % form.every = 0
    """,
    """
    INSERT INTO channel_subscribers (channel_id, day, count)
    SELECT n, (clock() AT TIME ZONE 'UTC')::date - 31, ceil(exp(random() * 13))
    FROM generate_series(1, $1::bigint, 2) AS n
    """,
    f"""
    INSERT INTO channel_calendars (channel_id, time_zone, weekdays)
    SELECT n, 'UTC', CASE WHEN n % 3 = 0 THEN '{{6,7}}' ELSE '{{1,2,3,4,5,6,7}}' END::smallint[]
    FROM generate_series(1, $1::bigint, {CALENDARS}) AS n
    """,
)
_REFRESH = "SELECT count(refresh_listing(id)) FROM channels WHERE id <= $1::bigint"
_CLICKS = """
    UPDATE listings SET click_price = 1 + channel_id * 7 % 900
    WHERE channel_id <= $1 AND random() < .3
"""
_SUNDAY = datetime(2030, 1, 6, tzinfo=UTC)
FILTERS: dict[str, Filters] = {
    "none": Filters(),
    "common topic": Filters(topic="news"),
    "rare topic": Filters(topic="other"),
    "common language": Filters(language="ru"),
    "rare language": Filters(language="tr"),
    "price": Filters(price=Limits(most=150)),
    "subscribers": Filters(subscribers=Limits(100_000)),
    "length": Filters(length=Length.ENDLESS),
    "favourites": Filters(favourites_of=1),
    "free day": Filters(free_on=Day(_SUNDAY, _SUNDAY + timedelta(hours=23))),
    "name": Filters(words=["name", "77"]),
    "common word": Filters(words=["daily"]),
    "beginning": Filters(words=["n"]),
    "no such word": Filters(words=["daily", "zebra"]),
    "word and more": Filters(words=["daily"], topic="other", price=Limits(most=200)),
    "cheap and large": Filters(price=Limits(most=120), subscribers=Limits(100_000)),
    "nothing fits": Filters(
        topic="other", language="tr", price=Limits(most=200), subscribers=Limits(100_000)
    ),
    "all at once": Filters(
        topic="food", language="ru", price=Limits(100, 5_000), length=Length.TWO_DAYS
    ),
}
"""The filters that are measured, by their names."""


async def fill(connection: asyncpg.Connection, channels: int) -> None:
    """Offer generated channels. The connection is a superuser's, in an empty database."""
    await connection.execute("SET session_replication_role = replica")  # no triggers
    for statement in _FILL:
        await connection.execute(statement, *([channels] if "$1" in statement else []))
    await connection.execute("INSERT INTO favourite_channels VALUES (1, 1), (1, 2), (1, 3)")
    await connection.execute("ANALYZE")
    await connection.fetchval(_REFRESH, channels)
    await connection.execute(_CLICKS, channels)
    await connection.execute("VACUUM ANALYZE")


def sql(query: Select[*tuple[Any, ...]]) -> str:
    """Return a query of the catalogue as text, with its values in it."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # it has no annotations
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def queries(filters: Filters, order: Order, after: Position | None) -> list[str]:
    """Return the queries that find the channels of one page."""
    found = [sql(catalogue.ids(filters, order, PAGE, after))]
    if filters.free_on:
        found = [sql(catalogue.ids(filters, order, catalogue.EXAMINED, after))]
        examined = range(1, catalogue.EXAMINED * CALENDARS, CALENDARS)  # all have a calendar
        found.append(sql(catalogue.free_on(list(examined), filters.free_on)))
    return found


async def _milliseconds(connection: asyncpg.Connection, texts: Sequence[str]) -> float:
    total = 0.0
    for statement in texts:
        rounds: list[float] = []
        for _ in range(ROUNDS):
            plan = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}")
            times = [re.match(r"Execution Time: ([0-9.]+) ms", row[0]) for row in plan]
            rounds.extend(float(each[1]) for each in times if each)
        total += min(rounds)
    return total


async def _later(connection: asyncpg.Connection, order: Order) -> Position:
    """Return the position in the middle of an order."""
    column = f"by_{order.value}"
    row = await connection.fetchrow(
        f"SELECT {column}, channel_id FROM listings ORDER BY 1, 2"
        " OFFSET (SELECT count(*) / 2 FROM listings) LIMIT 1"
    )
    return Position(*row)


async def measure(folder: Path, channels: int) -> dict[str, float]:
    """Offer `channels` channels, and return the milliseconds of each page by its name."""
    server = await embedded.start_postgres(folder / "postgres", settings=checks.SERVER)
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER))
    figures: dict[str, float] = {}
    try:
        market.migrate(server)
        checks.show(f"offering {channels:,} channels")
        await fill(connection, channels)
        for order in Order:
            later = await _later(connection, order)
            for name, filters in FILTERS.items():
                for page, after in (("first", None), ("later", later)):
                    texts = queries(filters, order, after)
                    figures[f"{order.value}, {name}, {page}"] = await _milliseconds(
                        connection, texts
                    )
    finally:
        await connection.close()
        await server.stop()
    return figures


def main() -> None:
    """Measure, print the slowest pages, and write the results into a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK:,} channels")
    channels = QUICK if parser.parse_args().quick else CHANNELS
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder), channels))
    slowest = sorted(figures, key=lambda name: -figures[name])
    for name in slowest[:12]:
        checks.show(f"{name}: {figures[name]:.1f} ms")
    longest = figures[slowest[0]]
    output = Path("build") / "bench-catalogue.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps({"catalogue_page_ms": longest, "channels": channels}, indent=2))
    checks.show(f"longest of {len(figures)}: {longest:.1f} ms (limit {LIMIT_MS:.0f} ms)")
    if longest > LIMIT_MS:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
