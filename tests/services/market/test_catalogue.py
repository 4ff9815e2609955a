"""Test that buyers find the channels on offer by their present data, in each order."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.audience import ChannelSubscribers
from db.models.campaigns import Channel
from db.models.formats import Ending
from services.market import (
    calendars,
    catalogue,
    channels,
    favourites,
    format_changes,
    formats,
    user_blocks,
)
from services.market.catalogue import Day, Filters, Length, Limits, Order, Page, Position
from services.market.terms import Terms
from services.money import escrow
from services.platform import errors
from services.platform.actors import Actor
from tests.benchmarks import catalogue as benchmark
from tests.conftest import Database
from tests.factories import people


async def _offer(
    session: AsyncSession, price: int = 100, subscribers: int = 1_000, **values: Any
) -> Channel:
    """Offer a channel of a new owner, with other values than the usual ones."""
    place = await people.channel(session, await people.person(session), price=price)
    await session.execute(
        update(Channel).where(Channel.id == place.id).values(subscribers=subscribers, **values)
    )
    await session.refresh(place)
    return place


async def _find(
    session: AsyncSession, order: Order = Order.PRICE, size: int = 8, **filters: Any
) -> list[int]:
    found = await catalogue.page(session, filters=Filters(**filters), order=order, size=size)
    return _ids(found)


def _ids(page: Page) -> list[int]:
    return [offer.channel.id for offer in page.offers]


def _owner(place: Channel) -> Actor:
    return Actor(place.owner_id)


async def test_a_channel_is_listed_while_it_is_on_offer(session: AsyncSession) -> None:
    place = await _offer(session)
    owner = _owner(place)
    assert await _find(session) == [place.id]
    await channels.pause(session, actor=owner, channel_id=place.id)
    assert await _find(session) == []
    await channels.resume(session, actor=owner, channel_id=place.id)
    assert await _find(session) == [place.id]
    admin = await people.staff(session)
    await user_blocks.block_by_staff(session, actor=admin, user_id=place.owner_id, reason="spam")
    assert await _find(session) == []
    await user_blocks.unblock(session, actor=admin, user_id=place.owner_id, reason="a mistake")
    assert await _find(session) == [place.id]
    await channels.remove(session, actor=owner, channel_id=place.id)
    assert await _find(session) == []


async def test_a_new_price_and_a_new_name_are_listed_at_once(session: AsyncSession) -> None:
    place = await _offer(session, price=500, subscribers=3_000)
    owner = _owner(place)
    [offer] = await catalogue.of_channels(session, [place.id])
    assert (offer.listing.price, offer.listing.price_per_1000) == (500, 167)
    await format_changes.put(session, actor=owner, channel_id=place.id, terms=Terms(90, 48, 2))
    [offer] = await catalogue.of_channels(session, [place.id])
    assert (offer.listing.price, offer.listing.lengths) == (90, Length.DAY | Length.TWO_DAYS)
    await session.execute(
        update(Channel).where(Channel.id == place.id).values(title="Garden", username="green_days")
    )
    for words in (["gard"], ["green", "day"], ["garden", "green"]):
        assert await _find(session, words=words) == [place.id], words
    assert await _find(session, words=["garden", "daisy"]) == []


async def test_each_order_begins_with_the_best_and_ends_with_what_is_not_known(
    session: AsyncSession,
) -> None:
    cheap = await _offer(session, price=100, subscribers=2_000)
    dear = await _offer(session, price=100, subscribers=1_000)
    empty = await _offer(session, price=100, subscribers=0)
    assert await _find(session, Order.PRICE) == [cheap.id, dear.id, empty.id]
    assert await _find(session, Order.AGE) == [empty.id, dear.id, cheap.id]
    assert await _find(session, Order.CLICKS) == [cheap.id, dear.id, empty.id]
    assert await _find(session, Order.RECORD) == [cheap.id, dear.id, empty.id]
    today = (await queries.now(session)).astimezone(UTC).date()
    for place, before, days in ((cheap, 4_000, 30), (dear, 500, 45), (empty, 500, 46)):
        day = today - timedelta(days=days)
        session.add(ChannelSubscribers(channel_id=place.id, day=day, count=before))
    await session.flush()
    await session.execute(update(Channel).values(facts_at=await queries.now(session)))
    assert await _find(session, Order.GROWTH) == [dear.id, cheap.id, empty.id]
    found = await catalogue.of_channels(session, [dear.id, cheap.id, empty.id])
    assert [offer.listing.growth for offer in found] == [1_000, -500, None]


async def test_the_price_of_a_click_is_the_measured_one(database: Database) -> None:
    async with database.sessions.begin() as session:
        first, second = [await _offer(session) for _ in range(2)]
    measured = "INSERT INTO channel_clicks VALUES ($1, 2, 30, 150, clock())"
    await database.as_owner(measured, second.id)
    await database.as_owner("SELECT refresh_listing($1)", second.id)
    async with database.sessions.begin() as session:
        found = await catalogue.page(session, filters=Filters(), order=Order.CLICKS, size=8)
        assert [(each.channel.id, each.listing.click_price) for each in found.offers] == [
            (second.id, 150),
            (first.id, None),
        ]


async def test_a_kept_placement_is_better_than_none_and_a_broken_one_is_worse(
    session: AsyncSession,
) -> None:
    fresh = await _offer(session)
    kept = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=kept.target.id)
    await session.execute(update(Channel).values(facts_at=await queries.now(session)))
    assert await _find(session, Order.RECORD) == [kept.channel.id, fresh.id]
    [offer] = await catalogue.of_channels(session, [kept.channel.id])
    assert (offer.listing.kept, offer.listing.broken) == (1, 0)
    await people.take_over(session, kept.channel)
    heir = Actor(kept.channel.owner_id)
    await channels.set_terms(
        session,
        actor=heir,
        channel_id=kept.channel.id,
        price=1,
        promised_hours=1,
        topic="news",
    )
    [offer] = await catalogue.of_channels(session, [kept.channel.id])
    assert offer.listing.kept == 0, "the new owner has sold nothing yet"


async def test_a_removed_post_counts_against_the_owner(database: Database) -> None:
    async with database.sessions.begin() as session:
        gone = await people.posted(session)
    await database.as_owner("UPDATE post_jobs SET status = 'failed', last_error = 'removed'")
    await database.as_owner("UPDATE channels SET facts_at = clock()")
    async with database.sessions.begin() as session:
        [offer] = await catalogue.of_channels(session, [gone.channel.id])
        assert (offer.listing.kept, offer.listing.broken) == (0, 1)
        fresh = await _offer(session)
        assert await _find(session, Order.RECORD) == [fresh.id, gone.channel.id]


async def test_each_filter_leaves_what_meets_it(session: AsyncSession) -> None:
    news = await _offer(session, price=100, subscribers=500)
    food = await _offer(session, price=200, subscribers=5_000, topic="Еда ", language="ru")
    other = await _offer(session, price=300, subscribers=50_000, topic="gardens")
    owner = _owner(other)
    endless = Terms(900, formats.ENDLESS_HOURS, 0, Ending.ENDLESS)
    await format_changes.put(session, actor=owner, channel_id=other.id, terms=endless)
    for filters, wanted in (
        ({"topic": "news"}, [news]),
        ({"topic": "food"}, [food]),
        ({"topic": "other"}, [other]),
        ({"language": "ru"}, [food]),
        ({"language": "en", "topic": "news"}, [news]),
        ({"price": Limits(most=200)}, [food, news]),
        ({"price": Limits(200, 299)}, [food]),
        ({"subscribers": Limits(5_000)}, [other, food]),
        ({"length": Length.ENDLESS}, [other]),
        ({"length": Length.DAY}, [other, food, news]),
        ({"length": Length.LONGER}, []),
    ):
        found = await _find(session, **filters)
        assert found == [place.id for place in wanted], filters
    alternatives = [Filters(length=Length.LONGER), Filters(language="de"), Filters(topic="news")]
    assert await catalogue.first_found(session, alternatives) == 2
    assert await catalogue.first_found(session, alternatives[:2]) is None


async def test_favourites_are_a_persons_own(session: AsyncSession) -> None:
    place, _ = await _offer(session), await _offer(session)
    buyer, stranger = await people.person(session), await people.person(session)
    for _ in range(2):
        await favourites.mark(session, actor=buyer, channel_id=place.id, marked=True)
    assert await favourites.is_marked(session, user_id=buyer.user_id or 0, channel_id=place.id)
    assert await _find(session, favourites_of=buyer.user_id) == [place.id]
    assert await _find(session, favourites_of=stranger.user_id) == []
    for _ in range(2):
        await favourites.mark(session, actor=buyer, channel_id=place.id, marked=False)
    assert await _find(session, favourites_of=buyer.user_id) == []
    with pytest.raises(errors.NotFound):
        await favourites.mark(session, actor=buyer, channel_id=999_999, marked=True)


async def test_a_day_without_a_free_time_hides_a_channel(session: AsyncSession) -> None:
    always, weekly = await _offer(session), await _offer(session, price=200)
    owner = _owner(weekly)
    await calendars.reset(session, actor=owner, channel_id=weekly.id, time_zone="UTC")
    monday = await _next_monday(session)
    for weekday in range(1, 7):
        await calendars.set_weekday(
            session, actor=owner, channel_id=weekly.id, weekday=weekday, is_open=False
        )
    days = [
        Day(begin, begin + timedelta(hours=23, minutes=59))
        for begin in (monday + timedelta(days=each) for each in range(7))
    ]
    found = [await _find(session, free_on=day) for day in days]
    assert found == [[always.id]] * 6 + [[always.id, weekly.id]]


async def _next_monday(session: AsyncSession) -> datetime:
    now = (await queries.now(session)).astimezone(UTC)
    day: date = now.date() + timedelta(days=8 - now.isoweekday())
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


async def test_a_long_search_for_a_free_day_goes_on_with_the_next_page(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "EXAMINED", 2)
    places = [await _offer(session, price=100 + number) for number in range(5)]
    for place in places[:3]:
        owner = _owner(place)
        await calendars.reset(session, actor=owner, channel_id=place.id, time_zone="UTC")
    past = datetime(2000, 1, 1, tzinfo=UTC)
    await session.execute(
        text("UPDATE channel_calendars SET ads_a_day = 1, days_off = '{2000-01-01}'")
    )
    day = Filters(free_on=Day(past, past + timedelta(hours=23)))
    pages: list[list[int]] = []
    after: Position | None = None
    while not pages or after:
        page = await catalogue.page(session, filters=day, order=Order.PRICE, size=8, after=after)
        pages.append(_ids(page))
        after = page.next
    assert pages == [[], [places[3].id], [places[4].id]]


async def test_pages_neither_repeat_nor_lose_a_channel(session: AsyncSession) -> None:
    places = [await _offer(session, price=100 + 10 * number) for number in range(6)]
    twin = await _offer(session, price=130)
    first = await catalogue.page(session, filters=Filters(), order=Order.PRICE, size=4)
    assert _ids(first) == [place.id for place in places[:4]]
    owner = _owner(places[0])
    await channels.pause(session, actor=owner, channel_id=places[0].id)
    await _offer(session, price=105)
    late = await _offer(session, price=145)
    second = await catalogue.page(
        session, filters=Filters(), order=Order.PRICE, size=4, after=first.next
    )
    assert first.next == Position(130, places[3].id)
    assert _ids(second) == [twin.id, places[4].id, late.id, places[5].id]
    assert second.next is None


_LISTINGS = """
    INSERT INTO listings
        (channel_id, topic, language, price, lengths, subscribers, offered_at, words)
    SELECT n, 'topic ' || n % 20, 'ru', n, 1, n, clock(), to_tsvector('simple', 'number ' || n)
    FROM generate_series(1, 3000) AS n
"""


async def test_each_page_is_read_by_an_index(database: Database) -> None:
    await database.as_owner("ALTER TABLE listings DROP CONSTRAINT fk_listings_channel_id")
    for statement in (_LISTINGS, "ANALYZE listings"):
        await database.as_owner(statement)
    async with database.sessions.begin() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        formats_of = "EXPLAIN SELECT FROM channel_formats WHERE channel_id = 1"  # refresh_listing
        assert "Index" in "".join([row[0] for row in await session.execute(text(formats_of))])
        for order in Order:
            for filters in benchmark.FILTERS.values():
                for query in benchmark.queries(filters, order, Position(5, 5)):
                    plan = [row[0] for row in await session.execute(text(f"EXPLAIN {query}"))]
                    assert not [line for line in plan if "Seq Scan" in line], (query, plan)
