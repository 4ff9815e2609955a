"""Test that what Telegram says about a channel is stored, and what a short timer causes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.audience import ChannelSubscribers
from db.models.campaigns import Channel, ChannelStatus
from db.models.operations import OutboxMessage
from services.market import auto_delete, campaigns, channel_facts, channels, managers
from services.market.channel_facts import ChannelFacts, DueChannel
from services.money import escrow
from services.platform import users
from services.platform.actors import Actor
from services.platform.channel_errors import PromiseTooLong, TimerTooShort
from tests.factories import people

DAY = 86_400
HOUR = 3_600
FACTS = ChannelFacts(
    title="Evening news",
    username="evening",
    description="All about the city",
    photo_id="unique",
    subscribers=1_300,
    auto_delete_seconds=None,
    protected=True,
    bot_rights=("can_post_messages",),
    owner_is_creator=True,
)


async def connected(session: AsyncSession, *, promised_hours: int = 24) -> Channel:
    """Connect a channel on offer."""
    return await people.channel(
        session, await people.person(session), promised_hours=promised_hours
    )


async def claim(session: AsyncSession, channel: Channel) -> DueChannel:
    """Claim the channel, about which Telegram has to be asked."""
    found = await channel_facts.claim_due(session, limit=1_000)
    return next(due for due in found if due.id == channel.id)


async def tell(session: AsyncSession, channel: Channel, **facts: Any) -> None:
    """Record another answer of Telegram about the channel, at once."""
    await channel_facts.request(session, chat_id=channel.chat_id)
    due = await claim(session, channel)
    assert await channel_facts.record(session, due, replace(FACTS, **facts))
    await session.refresh(channel)


async def notices(session: AsyncSession, kind: str) -> list[int | None]:
    """Return the receivers of all messages of a kind."""
    query = select(OutboxMessage.user_id).where(OutboxMessage.kind == kind)
    return list((await session.scalars(query.order_by(OutboxMessage.id))).all())


async def test_a_channel_is_read_once_a_day(session: AsyncSession) -> None:
    channel = await connected(session)
    await tell(session, channel)
    assert (channel.title, channel.username) == ("Evening news", "evening")
    assert (channel.description, channel.photo_id, channel.protected) == (
        "All about the city",
        "unique",
        True,
    )
    assert channel.bot_rights == ["can_post_messages"]
    assert channel.facts_at is not None
    assert channel.facts_due_at - channel.facts_at == channel_facts.READ_EVERY
    assert channel.id not in [due.id for due in await channel_facts.claim_due(session, limit=1_000)]


async def test_the_last_number_of_subscribers_of_a_day_is_kept(session: AsyncSession) -> None:
    channel = await connected(session)
    await tell(session, channel, subscribers=1_300)
    await tell(session, channel, subscribers=1_299)
    counts = select(ChannelSubscribers.count).where(ChannelSubscribers.channel_id == channel.id)
    assert (await session.scalars(counts)).all() == [1_299]
    assert channel.subscribers == 1_299


async def test_an_answer_that_is_older_than_an_update_is_not_stored(session: AsyncSession) -> None:
    channel = await connected(session)
    due = await claim(session, channel)
    await channel_facts.request(session, chat_id=channel.chat_id)
    assert not await channel_facts.record(session, due, FACTS)
    assert not await channel_facts.record_lost(session, due, reason="channel_gone")
    await channel_facts.postpone(session, due, timedelta(days=1))
    await session.refresh(channel)
    assert (channel.title, channel.status) == ("Morning news", ChannelStatus.ACTIVE)
    assert (await claim(session, channel)).id == channel.id


async def test_a_channel_is_claimed_by_one_process_until_it_is_removed(
    session: AsyncSession,
) -> None:
    channel = await connected(session)
    await claim(session, channel)
    assert await channel_facts.claim_due(session, limit=1_000) == []
    await channels.remove(session, actor=Actor(channel.owner_id), channel_id=channel.id)
    await channel_facts.request(session, chat_id=channel.chat_id)
    assert await channel_facts.claim_due(session, limit=1_000) == []


async def test_lost_rights_that_no_update_has_told_suspend_a_channel(session: AsyncSession) -> None:
    channel = await connected(session)
    await tell(session, channel, bot_rights=())
    assert (channel.status, channel.status_reason) == (ChannelStatus.SUSPENDED, "no_post_right")
    await tell(session, channel)
    assert (channel.status, channel.status_reason) == (ChannelStatus.ACTIVE, None)


async def test_a_channel_that_is_gone_is_suspended(session: AsyncSession) -> None:
    channel = await connected(session)
    due = await claim(session, channel)
    assert await channel_facts.record_lost(session, due, reason=channels.GONE)
    await session.refresh(channel)
    assert (channel.status, channel.status_reason) == (ChannelStatus.SUSPENDED, channels.GONE)
    assert await notices(session, "channel_suspended") == [channel.owner_id, None]


async def test_a_channel_with_another_creator_is_suspended_once(session: AsyncSession) -> None:
    channel = await connected(session)
    await tell(session, channel, owner_is_creator=False)
    await tell(session, channel, owner_is_creator=False)
    assert (channel.status, channel.status_reason) == (
        ChannelStatus.SUSPENDED,
        channels.NOT_CREATOR,
    )
    assert await notices(session, "channel_suspended") == [channel.owner_id, None]


@pytest.mark.parametrize(
    ("seconds", "most"),
    [(None, None), (0, None), (DAY, 23), (7 * DAY, 167), (7_199, 0), (60, 0), (90_000, 24)],
)
def test_the_proof_at_the_end_needs_an_hour(seconds: int | None, most: int | None) -> None:
    assert auto_delete.most_hours(seconds) == most


async def test_a_timer_that_is_too_short_is_told_once(session: AsyncSession) -> None:
    made = await people.deal(session)
    live = await people.posted(session)
    await tell(session, made.channel, auto_delete_seconds=DAY)
    await tell(session, live.channel, auto_delete_seconds=DAY)
    owners = [made.owner.user_id, live.owner.user_id]
    assert await notices(session, auto_delete.TOO_SHORT) == [owners[0], None, owners[1], None]
    told = [made.advertiser.user_id, live.advertiser.user_id]
    assert await notices(session, auto_delete.PLACEMENT_TOO_SHORT) == told
    await tell(session, made.channel, auto_delete_seconds=DAY)
    await tell(session, made.channel, auto_delete_seconds=None)
    await tell(session, made.channel, auto_delete_seconds=DAY)
    assert len(await notices(session, auto_delete.TOO_SHORT)) == 4
    assert await notices(session, auto_delete.PLACEMENT_TOO_SHORT) == told


async def test_a_placement_that_a_later_timer_would_cut_is_not_approved(
    session: AsyncSession,
) -> None:
    made = await people.deal(session)
    await tell(session, made.channel, auto_delete_seconds=25 * HOUR - 1)
    with pytest.raises(TimerTooShort) as caught:
        await people.approve(session, made)
    assert (caught.value.target_id, caught.value.limit) == (made.target.id, 23)
    for seconds in (0, 25 * HOUR):
        await tell(session, made.channel, auto_delete_seconds=seconds)
    assert (await people.approve(session, made)).created


async def test_a_placement_without_promised_hours_is_approved_with_any_timer(
    session: AsyncSession,
) -> None:
    made = await people.deal(session, promised_hours=0)
    await tell(session, made.channel, auto_delete_seconds=DAY)
    assert (await people.approve(session, made)).created


async def test_a_reading_finds_lost_managers_and_another_creator(session: AsyncSession) -> None:
    made = await people.posted(session, promised_hours=0)
    helper = await people.person(session)
    telegram_id = (await users.get(session, helper.user_id or 0)).telegram_id
    named = {"channel_id": made.channel.id, "telegram_id": telegram_id}
    await managers.name(session, actor=made.owner, **named)
    await tell(session, made.channel, administrators=frozenset({telegram_id}))
    assert await managers.list_telegram_ids(session, made.channel.id) == [telegram_id]
    await tell(session, made.channel, owner_is_creator=False)
    assert await managers.list_telegram_ids(session, made.channel.id) == []
    assert await escrow.list_releasable(session, limit=9) == []
    await tell(session, made.channel)
    assert await escrow.list_releasable(session, limit=9) == [made.target.id]


async def test_nobody_is_told_about_a_timer_that_is_long_enough(session: AsyncSession) -> None:
    made = await people.deal(session)
    await tell(session, made.channel, auto_delete_seconds=2 * DAY)
    assert await notices(session, auto_delete.TOO_SHORT) == []
    assert await notices(session, auto_delete.PLACEMENT_TOO_SHORT) == []


async def test_a_placement_that_would_be_deleted_early_is_not_sold(session: AsyncSession) -> None:
    made = await people.deal(session)
    await tell(session, made.channel, auto_delete_seconds=DAY)
    bought: dict[str, Any] = {
        "actor": made.advertiser,
        "campaign_id": made.campaign.id,
        "channel_id": made.channel.id,
        "publish_at": None,
        "fee_bps": 0,
    }
    with pytest.raises(PromiseTooLong) as refused:
        await campaigns.submit_target(session, **bought)
    assert (refused.value.promised_hours, refused.value.limit) == (24, 23)
    terms: dict[str, Any] = {"actor": made.owner, "channel_id": made.channel.id, "price": 1}
    with pytest.raises(PromiseTooLong):
        await channels.set_terms(session, topic="news", promised_hours=24, **terms)
    await channels.set_terms(session, topic="news", promised_hours=23, **terms)
    assert (await campaigns.submit_target(session, **bought)).promised_hours == 23


async def test_due_channels_are_found_by_an_index(session: AsyncSession) -> None:
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = await session.scalars(
        text(
            "EXPLAIN SELECT id FROM channels WHERE facts_due_at <= clock() AND status <> 'removed'"
            " ORDER BY facts_due_at LIMIT 5"
        )
    )
    assert "ix_channels_facts_due_at" in "\n".join(plan.all())
