"""Test how channels, their terms and the bot's rights change."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel
from db.models.posting import Verdict
from db.money import MAX_AMOUNT
from services.market import (
    catalogue,
    channels,
    moderation,
    newest_messages,
    owner_suspensions,
    user_blocks,
)
from services.market.terms import MAX_PROMISED_HOURS
from services.money import escrow
from services.platform import errors
from services.platform.actors import SYSTEM, Actor
from services.posts import verification
from tests.conftest import Database
from tests.factories import one_post, people, rows

CHAT = -1_001_234
STEPS = {"pause": channels.pause, "resume": channels.resume, "remove": channels.remove}
MOVES = {
    ("active", "pause"): "paused",
    ("paused", "pause"): "paused",
    ("paused", "resume"): "active",
    ("active", "resume"): "active",
    ("pending", "remove"): "removed",
    ("active", "remove"): "removed",
    ("paused", "remove"): "removed",
    ("suspended", "remove"): "removed",
    ("removed", "remove"): "removed",
    # ("pending", "resume") is missing, because a pending channel becomes active when it gets terms.
}


async def _connect(session: AsyncSession, owner: Actor, **values: Any) -> Channel:
    asked: dict[str, Any] = {"title": "News", "username": "news", "subscribers": 10}
    return await channels.connect(session, actor=owner, chat_id=CHAT, **(asked | values))


async def _terms(session: AsyncSession, owner: Actor, channel: Channel, **values: Any) -> Channel:
    asked: dict[str, Any] = {"price": 500, "promised_hours": 24, "topic": "news"}
    return await channels.set_terms(session, actor=owner, channel_id=channel.id, **(asked | values))


async def _in(session: AsyncSession, status: str) -> tuple[Actor, Channel]:
    owner = await people.person(session)
    channel = await _connect(session, owner)
    if status == "pending":
        return owner, channel
    await _terms(session, owner, channel)
    if status == "suspended":
        await channels.record_rights_lost(session, chat_id=CHAT, reason="kicked")
    elif status in {"paused", "removed"}:
        step = channels.pause if status == "paused" else channels.remove
        await step(session, actor=owner, channel_id=channel.id)
    return owner, channel


async def test_a_channel_is_bookable_once_it_has_terms(session: AsyncSession) -> None:
    owner = await people.person(session)
    channel = await _connect(session, owner)
    assert (channel.status, channel.price) == ("pending", None)
    assert not await catalogue.of_channels(session, [channel.id])
    channel = await _terms(session, owner, channel, topic="food")
    assert (channel.status, channel.price, channel.topic) == ("active", 500, "food")
    [offer] = await catalogue.of_channels(session, [channel.id])
    assert (offer.channel, offer.listing.price, offer.listing.topic) == (channel, 500, "food")
    assert (await channels.by_chat(session, CHAT)) is channel


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"price": 0}, errors.InvalidAmount),
        ({"price": MAX_AMOUNT + 1}, errors.InvalidAmount),
        ({"promised_hours": -1}, errors.InvalidTerms),
        ({"promised_hours": MAX_PROMISED_HOURS + 1}, errors.InvalidTerms),
        ({"topic": "gardens"}, errors.InvalidTerms),
    ],
)
async def test_invalid_terms_are_refused(
    session: AsyncSession, values: dict[str, Any], error: type[errors.DomainError]
) -> None:
    owner, channel = await _in(session, "active")
    before = await rows.snapshot(session)
    with pytest.raises(error):
        await _terms(session, owner, channel, **values)
    assert await rows.snapshot(session) == before


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", ["pending", "active", "paused", "suspended", "removed"])
async def test_only_the_allowed_moves_are_made(
    session: AsyncSession, status: str, step: str
) -> None:
    owner, channel = await _in(session, status)
    wanted = MOVES.get((status, step))
    before = await rows.snapshot(session)
    if wanted is None:
        with pytest.raises(errors.InvalidMove):
            await STEPS[step](session, actor=owner, channel_id=channel.id)
        assert await rows.snapshot(session) == before
        return
    assert (await STEPS[step](session, actor=owner, channel_id=channel.id)).status == wanted
    assert (await rows.snapshot(session) == before) == (wanted == status)


async def test_only_its_owner_changes_a_channel(session: AsyncSession) -> None:
    _, channel = await _in(session, "active")
    stranger = await people.person(session)
    before = await rows.snapshot(session)
    for step in STEPS.values():
        with pytest.raises(errors.NotChannelOwner):
            await step(session, actor=stranger, channel_id=channel.id)
        with pytest.raises(errors.NotFound):
            await step(session, actor=stranger, channel_id=999_999)
    with pytest.raises(errors.NotChannelOwner):
        await _terms(session, stranger, channel)
    with pytest.raises(errors.ChannelTaken):
        await _connect(session, stranger)
    with pytest.raises(errors.AccessDenied):
        await _connect(session, SYSTEM)
    assert await rows.snapshot(session) == before
    await people.block(session, stranger)
    with pytest.raises(errors.PersonBlocked):
        await _connect(session, stranger)


async def test_connecting_again_updates_the_channel(session: AsyncSession) -> None:
    owner, channel = await _in(session, "suspended")
    again = await _connect(session, owner, title="Evening news", username=None, subscribers=11)
    assert (again.id, again.title, again.username, again.subscribers) == (
        channel.id,
        "Evening news",
        None,
        11,
    )
    assert (again.status, again.status_reason, again.price) == ("active", None, 500)


async def test_a_removed_channel_can_be_connected_by_another_owner(session: AsyncSession) -> None:
    owner, channel = await _in(session, "removed")
    with pytest.raises(errors.ChannelNotUsable):
        await _terms(session, owner, channel)
    new_owner = await people.person(session)
    again = await _connect(session, new_owner)
    assert (again.id, again.owner_id, again.status, again.price) == (
        channel.id,
        new_owner.user_id,
        "pending",
        None,
    )


@pytest.mark.parametrize("status", ["pending", "active", "paused", "suspended", "removed"])
async def test_lost_rights_suspend_the_channel_once_and_notify(
    session: AsyncSession, status: str
) -> None:
    owner, channel = await _in(session, status)
    before = await rows.snapshot(session)
    for _ in range(2):
        await channels.record_rights_lost(session, chat_id=CHAT, reason="kicked")
    if status not in {"active", "paused"}:
        assert channel.status == status
        assert rows.grown(before, await rows.snapshot(session)) == {}
        return
    assert (channel.status, channel.status_reason) == ("suspended", "kicked")
    grown = rows.grown(before, await rows.snapshot(session))
    assert grown.pop("listings", 0) == (-1 if status == "active" else 0)
    assert grown == {"outbox": 2, "user_audit_logs": 1}
    assert await rows.table(
        session, "SELECT user_id FROM outbox WHERE kind = 'channel_suspended' ORDER BY id"
    ) == [(owner.user_id,), (None,)]
    await channels.record_rights_restored(session, chat_id=CHAT)
    await session.refresh(channel)
    assert (channel.status, channel.status_reason) == (status, None)


async def test_a_channel_without_rights_is_not_offered_when_it_gets_terms(
    session: AsyncSession,
) -> None:
    owner, channel = await _in(session, "pending")
    await channels.record_rights_lost(session, chat_id=CHAT, reason="bot_removed")
    await _terms(session, owner, channel)
    assert (channel.status, channel.status_reason) == ("suspended", "bot_removed")
    await channels.record_rights_restored(session, chat_id=CHAT)
    assert (channel.status, channel.status_reason) == ("active", None)


@pytest.mark.parametrize("reconnected", [False, True])
async def test_restored_rights_end_the_loss_in_a_pending_channel(
    session: AsyncSession, *, reconnected: bool
) -> None:
    owner, channel = await _in(session, "pending")
    await channels.record_rights_lost(session, chat_id=CHAT, reason="bot_removed")
    if reconnected:
        await _connect(session, owner)
    else:
        await channels.record_rights_restored(session, chat_id=CHAT)
    await _terms(session, owner, channel)
    assert (channel.status, channel.status_reason) == ("active", None)


async def test_a_blocked_owners_channel_stays_suspended(session: AsyncSession) -> None:
    owner, channel = await _in(session, "suspended")
    await people.block(session, owner)
    await channels.record_rights_restored(session, chat_id=CHAT)
    await session.refresh(channel)
    assert channel.status == "suspended"


@pytest.mark.parametrize("way", ["connected", "unblocked"])
async def test_a_channel_that_was_paused_is_paused_again_after_its_suspension(
    session: AsyncSession, way: str
) -> None:
    owner, channel = await _in(session, "paused")
    admin, owner_id = await people.staff(session), owner.user_id or 0
    if way == "unblocked":
        await user_blocks.block_by_staff(session, actor=admin, user_id=owner_id, reason="x")
        await user_blocks.unblock(session, actor=admin, user_id=owner_id, reason="x")
    else:
        await channels.record_rights_lost(session, chat_id=CHAT, reason="kicked")
        await _connect(session, owner)
    await session.refresh(channel)
    assert (channel.status, channel.status_reason) == ("paused", None)


@pytest.mark.parametrize("status", ["pending", "paused", "removed"])
async def test_restored_rights_open_only_channels_that_lost_rights_closed(
    session: AsyncSession, status: str
) -> None:
    _, channel = await _in(session, status)
    await channels.record_rights_restored(session, chat_id=CHAT)
    await session.refresh(channel)
    assert channel.status == status


async def test_rights_in_an_unknown_channel_change_nothing(session: AsyncSession) -> None:
    before = await rows.snapshot(session)
    await channels.record_rights_lost(session, chat_id=CHAT, reason="kicked")
    await channels.record_rights_restored(session, chat_id=CHAT)
    await newest_messages.record(session, chat_id=CHAT, message_id=5)
    assert await rows.snapshot(session) == before


async def test_the_last_message_id_only_grows(session: AsyncSession) -> None:
    _, channel = await _in(session, "active")
    for seen, highest in ((7, 7), (5, 7), (9, 9)):
        await newest_messages.record(session, chat_id=CHAT, message_id=seen)
        await session.refresh(channel)
        assert channel.last_message_id == highest


@pytest.mark.parametrize("status", ["pending", "active", "paused", "suspended"])
async def test_a_new_creator_takes_a_channel_over(session: AsyncSession, status: str) -> None:
    owner, channel = await _in(session, status)
    buyer = await people.person(session)
    with pytest.raises(errors.ChannelTaken):
        await _connect(session, buyer, former_owner_id=buyer.user_id)
    taken = await _connect(session, buyer, former_owner_id=owner.user_id)
    assert (taken.id, taken.owner_id, taken.status, taken.status_reason, taken.price) == (
        channel.id,
        buyer.user_id,
        "pending",
        None,
        None,
    )
    assert await rows.table(
        session, "SELECT user_id FROM outbox WHERE kind = 'channel_taken_over' ORDER BY id"
    ) == [(owner.user_id,), (None,)]
    with pytest.raises(errors.ChannelTaken):
        await _connect(session, owner, former_owner_id=owner.user_id)


async def test_a_take_over_leaves_published_posts_with_their_owner(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=2)
        waiting = await people.another(session, deal)
        buyer = await people.person(session)
        await channels.connect(
            session,
            actor=buyer,
            chat_id=deal.channel.chat_id,
            title="News",
            username=None,
            subscribers=1,
            former_owner_id=deal.owner.user_id,
        )
    await database.forward(timedelta(hours=2))
    async with database.sessions.begin() as session:
        assert len(await verification.claim_due(session, limit=9)) == 1
        job_id = await rows.one(session, "SELECT min(id) FROM post_jobs")
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.PRESENT, evidence="x"
        )
        await escrow.release(session, target_id=deal.target.id)
        paid = "SELECT balance FROM wallets WHERE user_id = :id AND kind = 'user'"
        assert await rows.one(session, paid, id=deal.owner.user_id) == 4_500
        assert await rows.one(session, paid, id=buyer.user_id) == 0
        # The post that waits is not published in the channel of the new owner.
        await channels.set_terms(
            session,
            actor=buyer,
            channel_id=deal.channel.id,
            price=500,
            promised_hours=24,
            topic="news",
        )
        assert await one_post.claim(session, owner="worker", lease=people.LEASE) is None
        assert waiting.owner_id == deal.owner.user_id


async def test_advertisers_are_told_once_that_a_channel_is_suspended(
    session: AsyncSession,
) -> None:
    deal = await people.posted(session)
    await people.another(session, deal, decide=False)
    for _ in range(2):
        await channels.record_rights_lost(
            session, chat_id=deal.channel.chat_id, reason="channel_gone"
        )
        await channels.record_rights_restored(session, chat_id=deal.channel.chat_id)
    told = await rows.table(
        session, "SELECT user_id FROM outbox WHERE kind = 'placement_channel_suspended'"
    )
    assert told == [(deal.advertiser.user_id,)] * 2


async def test_an_owner_who_toggles_the_rights_cannot_flood_the_admin_chat(
    session: AsyncSession,
) -> None:
    owner, _ = await _in(session, "active")
    for _ in range(5):
        await channels.record_rights_lost(session, chat_id=CHAT, reason="no_post_right")
        await channels.record_rights_restored(session, chat_id=CHAT)
    told = await rows.table(
        session,
        "SELECT user_id, count(*) FROM outbox WHERE kind = 'channel_suspended' GROUP BY user_id",
    )
    # The clock may pass a full hour during the test.
    assert dict(told) in ({owner.user_id: 5, None: 1}, {owner.user_id: 5, None: 2})


async def test_advertisers_of_finished_placements_are_not_told_of_a_suspension(
    session: AsyncSession,
) -> None:
    deal = await people.deal(session)
    await moderation.reject(
        session, actor=deal.moderator, target_id=deal.target.id, reason="not suitable"
    )
    open_placement = await people.another(session, deal, decide=False)
    await channels.record_rights_lost(session, chat_id=deal.channel.chat_id, reason="channel_gone")
    told = await rows.table(
        session, "SELECT key FROM outbox WHERE kind = 'placement_channel_suspended'"
    )
    assert told == [(f"placement_channel_suspended:{open_placement.id}",)]


async def test_the_channels_of_a_person_who_is_gone_are_suspended(session: AsyncSession) -> None:
    deal = await people.posted(session)
    owner_id = deal.owner.user_id or 0
    for _ in range(2):
        await owner_suspensions.suspend_all_of_gone(session, owner_id=owner_id)
    channel = await channels.get(session, deal.channel.id)
    await session.refresh(channel)
    assert (channel.status, channel.status_reason) == ("suspended", "owner_gone")
    # The bot has kept its rights. A report of rights changes nothing, and posts are checked.
    await channels.record_rights_restored(session, chat_id=channel.chat_id)
    assert channel.status == "suspended"
    assert (
        await rows.one(session, "SELECT count(*) FROM outbox WHERE kind = 'channel_suspended'") == 2
    )
    await session.execute(text("UPDATE post_jobs SET next_check_at = clock()"))
    assert len(await verification.claim_due(session, limit=9)) == 1


async def test_channels_are_listed_by_owner(session: AsyncSession) -> None:
    owner, channel = await _in(session, "active")
    assert owner.user_id is not None
    assert [row.id for row in await channels.of_owner(session, owner.user_id)] == [channel.id]
    assert (await channels.get_own(session, actor=owner, channel_id=channel.id)).id == channel.id
    with pytest.raises(errors.NotChannelOwner):
        await channels.get_own(session, actor=await people.person(session), channel_id=channel.id)
    await channels.remove(session, actor=owner, channel_id=channel.id)
    assert not await channels.of_owner(session, owner.user_id)
    with pytest.raises(errors.NotFound):
        await channels.get(session, 999_999)
