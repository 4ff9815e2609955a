"""Test that the card of a channel has what the product knows about it."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.users import User
from services.market import calendars, channel_activity, channel_cards, channels, kept_times
from services.market.owner_records import OwnerRecord
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import people


async def test_a_new_channel_has_an_honest_card(session: AsyncSession) -> None:
    owner = await people.person(session)
    channel = await people.channel(session, owner)
    card = await channel_cards.read(session, channel.id)
    assert (card.channel, card.is_offered) == (channel, True)
    assert [each.price for each in card.formats] == [people.PRICE]
    assert card.record == OwnerRecord()
    assert (card.growth, card.activity, card.ads, card.ads_days) == (None, None, 0, 1)
    assert (card.calendar, card.free_times) == (None, [])
    with pytest.raises(errors.NotFound):
        await channel_cards.read(session, 0)


async def test_the_card_has_what_was_counted(database: Database) -> None:
    async with database.sessions.begin() as session:
        made = await people.posted(session)
        channel, now = made.channel, await queries.now(session)
        await session.execute(
            text("INSERT INTO channel_subscribers VALUES (:id, :day, 5)"),
            {"id": channel.id, "day": now.date()},
        )
        await channel_activity.note_post(
            session, chat_id=channel.chat_id, message_id=1, posted_at=now, album=None
        )
        zone = "Europe/Berlin"
        await calendars.reset(session, actor=made.owner, channel_id=channel.id, time_zone=zone)
    await database.forward(timedelta(days=10))
    async with database.sessions.begin() as session:
        card = await channel_cards.read(session, channel.id)
    assert (card.ads, card.ads_days) == (1, 10)
    assert card.growth is not None
    assert card.activity is not None
    assert card.activity.posts_a_day == 1 / 10
    assert card.calendar is not None
    assert card.calendar.time_zone == zone
    assert len(card.free_times) == kept_times.SUGGESTED
    assert min(card.free_times) > now + timedelta(days=10)
    await database.forward(timedelta(days=21))
    async with database.sessions.begin() as session:
        later = await channel_cards.read(session, channel.id)
    assert (later.ads, later.ads_days) == (0, 30)


@pytest.mark.parametrize("why", ["paused", "blocked", "removed"])
async def test_such_a_channel_is_not_offered(session: AsyncSession, why: str) -> None:
    owner = await people.person(session)
    channel = await people.channel(session, owner)
    if why == "blocked":
        (await session.get_one(User, owner.user_id)).blocked = True
        await session.flush()
    else:
        change = channels.pause if why == "paused" else channels.remove
        await change(session, actor=owner, channel_id=channel.id)
    assert not (await channel_cards.read(session, channel.id)).is_offered


async def test_a_manager_and_the_owner_see_a_channel_as_their_own(database: Database) -> None:
    async with database.sessions.begin() as session:
        owner, manager = await people.person(session), await people.person(session)
        channel = await people.channel(session, owner)
        for actor, is_own in ((owner, True), (manager, False), (Actor(None), False)):
            found = await channel_cards.is_own(session, actor=actor, channel=channel)
            assert found is is_own
    await database.as_owner(
        "INSERT INTO channel_managers (channel_id, owner_id, user_id)"
        f" VALUES ({channel.id}, {owner.user_id}, {manager.user_id})"
    )
    async with database.sessions.begin() as session:
        assert await channel_cards.is_own(session, actor=manager, channel=channel)


@pytest.mark.parametrize(
    ("price", "subscribers", "thousand"),
    [(5_000, 1_200, 4_167), (5_000, 1_000, 5_000), (1, 1_000_000, 0), (5_000, 0, None)],
)
def test_the_price_of_a_thousand_subscribers(
    price: int, subscribers: int, thousand: int | None
) -> None:
    assert channel_cards.per_thousand(price, subscribers) == thousand


async def test_the_ads_are_read_by_an_index(session: AsyncSession) -> None:
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    query = channel_cards._ADS
    explained = text(f"EXPLAIN {query.text}").bindparams(*query._bindparams.values())
    plan = await session.execute(explained, {"channel_id": 1, "period": timedelta(days=30)})
    assert "ix_post_jobs_channel_id_message_id" in "\n".join(row[0] for row in plan)
