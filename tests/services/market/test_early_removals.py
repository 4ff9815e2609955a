"""Test that a channel with early removals is not offered until the staff have looked."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel
from db.models.users import Role
from services.market import catalogue, channels, early_removals, owner_suspensions, user_blocks
from services.platform import errors
from services.platform.actors import Actor
from services.platform.removal_errors import RemovedEarly
from tests.conftest import Database
from tests.factories import people, rows
from tests.factories.removals import remove_early

TOLD = (
    "SELECT kind, user_id FROM outbox WHERE kind IN ('channel_suspended', 'early_removals',"
    " 'channel_offered_again', 'placement_channel_suspended') ORDER BY id"
)


@pytest.fixture
async def deal(database: Database) -> people.Deal:
    """Return a deal whose owner has removed two posts early."""
    async with database.sessions.begin() as session:
        made = await people.deal(session, balance=100_000)
    await remove_early(database, made, 2)
    return made


async def _suspend(database: Database) -> int:
    async with database.sessions.begin() as session:
        return await early_removals.suspend_due(session)


async def _state(database: Database, deal: people.Deal) -> tuple[str, str | None, bool]:
    """Return the status of the channel, its reason, and whether the staff must look."""
    async with database.sessions.begin() as session:
        row = await channels.get(session, deal.channel.id)
        return row.status, row.status_reason, row.removed_early_at is not None


async def _connect(session: AsyncSession, deal: people.Deal, who: Actor, **more: Any) -> Channel:
    return await channels.connect(
        session,
        actor=who,
        chat_id=deal.channel.chat_id,
        title="Daily",
        username=None,
        subscribers=5,
        **more,
    )


async def _offer(database: Database, deal: people.Deal, who: Actor | None = None) -> None:
    async with database.sessions.begin() as session:
        await early_removals.offer_again(
            session, actor=who or deal.moderator, channel_id=deal.channel.id, reason="explained"
        )


async def _set_terms(session: AsyncSession, deal: people.Deal, who: Actor) -> Channel:
    return await channels.set_terms(
        session, actor=who, channel_id=deal.channel.id, price=5, promised_hours=1, topic="news"
    )


SUSPENDED = ("suspended", "removed_early", True)


async def test_the_third_early_removal_in_30_days_suspends_the_channel(
    database: Database, deal: people.Deal
) -> None:
    assert await _suspend(database) == 0
    await remove_early(database, deal, 1)
    assert [await _suspend(database) for _ in range(2)] == [1, 0]
    assert await _state(database, deal) == SUSPENDED
    async with database.sessions.begin() as session:
        assert await rows.table(session, TOLD) == [
            ("channel_suspended", deal.owner.user_id),
            ("placement_channel_suspended", deal.advertiser.user_id),
            ("early_removals", None),
        ]
        assert not await catalogue.of_channels(session, [deal.channel.id])
        found = await early_removals.get(session, deal.channel.id)
        audited = await rows.one(
            session, "SELECT metadata FROM user_audit_logs WHERE action = 'channel_suspended'"
        )
    removed = [removal.target_id for removal in found.removals]
    assert removed == sorted(removed, reverse=True)
    assert audited == {
        "channel_id": deal.channel.id,
        "reason": "removed_early",
        "target_ids": removed,
    }
    with pytest.raises(errors.ChannelNotUsable):
        async with database.sessions.begin() as session:
            await people.another(session, deal)


async def test_removals_of_more_than_30_days_ago_do_not_count(
    database: Database, deal: people.Deal
) -> None:
    await database.forward(timedelta(days=30))
    await remove_early(database, deal, 2)
    assert await _suspend(database) == 0
    await remove_early(database, deal, 1)
    assert await _suspend(database) == 1


@pytest.mark.parametrize("is_paused", [False, True])
async def test_an_admin_lets_it_be_offered_again(
    database: Database, deal: people.Deal, *, is_paused: bool
) -> None:
    if is_paused:
        async with database.sessions.begin() as session:
            await channels.pause(session, actor=deal.owner, channel_id=deal.channel.id)
            await channels.resume(session, actor=deal.owner, channel_id=deal.channel.id)
    await remove_early(database, deal, 1)
    if is_paused:
        async with database.sessions.begin() as session:
            await channels.pause(session, actor=deal.owner, channel_id=deal.channel.id)
    assert await _suspend(database) == 1
    for _ in range(2):
        await _offer(database, deal)
    assert await _state(database, deal) == ("paused" if is_paused else "active", None, False)
    async with database.sessions.begin() as session:
        facts = await rows.table(
            session,
            "SELECT user_id, role, metadata FROM user_audit_logs"
            " WHERE action = 'channel_offered_again'",
        )
        told = await rows.table(session, TOLD)
        if is_paused:
            await channels.resume(session, actor=deal.owner, channel_id=deal.channel.id)
    assert facts == [
        (deal.moderator.user_id, "admin", {"channel_id": deal.channel.id, "reason": "explained"})
    ]
    assert told[-1] == ("channel_offered_again", deal.owner.user_id)
    # What an admin has looked at does not count any more.
    assert await _suspend(database) == 0
    await remove_early(database, deal, 2)
    assert await _suspend(database) == 0
    await remove_early(database, deal, 1)
    assert await _suspend(database) == 1


async def test_only_an_admin_who_is_not_the_owner_decides(
    database: Database, deal: people.Deal
) -> None:
    await remove_early(database, deal, 1)
    await _suspend(database)
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
    mine = Actor(deal.owner.user_id, frozenset({Role.ADMIN}), in_admin_chat=True)
    for who, refusal in (
        (deal.owner, errors.AccessDenied),
        (operator, errors.AccessDenied),
        (mine, errors.OwnMoney),
    ):
        with pytest.raises(refusal):
            await _offer(database, deal, who)
    with pytest.raises(errors.NotFound):
        async with database.sessions.begin() as session:
            await early_removals.offer_again(
                session, actor=deal.moderator, channel_id=0, reason="explained"
            )
    assert await _state(database, deal) == SUSPENDED


async def test_no_act_of_the_owner_ends_the_suspension(
    database: Database, deal: people.Deal
) -> None:
    await remove_early(database, deal, 1)
    await _suspend(database)
    chat_id = deal.channel.chat_id
    async with database.sessions.begin() as session:
        await _connect(session, deal, deal.owner)
        await _set_terms(session, deal, deal.owner)
    assert await _state(database, deal) == SUSPENDED
    async with database.sessions.begin() as session:  # the rights are taken and given back
        await channels.record_rights_lost(session, chat_id=chat_id, reason="no_post_right")
    assert await _state(database, deal) == ("suspended", "no_post_right", True)
    async with database.sessions.begin() as session:
        await channels.record_rights_restored(session, chat_id=chat_id)
    assert await _state(database, deal) == SUSPENDED
    async with database.sessions.begin() as session:  # connected again without the event
        await channels.record_rights_lost(session, chat_id=chat_id, reason="no_post_right")
        await _connect(session, deal, deal.owner)
    assert await _state(database, deal) == SUSPENDED
    restored = "SELECT count(*) FROM user_audit_logs WHERE action = 'channel_restored'"
    async with database.sessions.begin() as session:
        assert await rows.one(session, restored) == 0
    for act in (channels.pause, channels.resume):
        with pytest.raises(errors.InvalidMove):
            async with database.sessions.begin() as session:
                await act(session, actor=deal.owner, channel_id=deal.channel.id)
    async with database.sessions.begin() as session:
        await channels.remove(session, actor=deal.owner, channel_id=deal.channel.id)
    with pytest.raises(RemovedEarly):
        async with database.sessions.begin() as session:
            await _connect(session, deal, deal.owner)
    await _offer(database, deal)
    async with database.sessions.begin() as session:
        await _connect(session, deal, deal.owner)
        assert (await _set_terms(session, deal, deal.owner)).status == "active"


async def test_a_removal_and_a_new_connection_before_the_check_help_nothing(
    database: Database, deal: people.Deal
) -> None:
    await remove_early(database, deal, 1)
    async with database.sessions.begin() as session:
        await channels.remove(session, actor=deal.owner, channel_id=deal.channel.id)
        await _connect(session, deal, deal.owner)
    assert await _suspend(database) == 1
    assert await _state(database, deal) == ("pending", None, True)
    with pytest.raises(RemovedEarly):
        async with database.sessions.begin() as session:
            await _set_terms(session, deal, deal.owner)


async def test_a_block_and_its_end_do_not_end_the_suspension(
    database: Database, deal: people.Deal
) -> None:
    await remove_early(database, deal, 1)
    await _suspend(database)
    owner_id = deal.owner.user_id or 0
    async with database.sessions.begin() as session:
        await user_blocks.block(
            session, actor=deal.moderator, user_id=owner_id, reason="x", role="admin"
        )
    await _offer(database, deal)
    assert await _state(database, deal) == ("suspended", "owner_blocked", False)
    async with database.sessions.begin() as session:
        await owner_suspensions.restore_all_of_unblocked(session, owner_id=owner_id)
    assert await _state(database, deal) == ("active", None, False)


async def test_another_creator_begins_anew(database: Database, deal: people.Deal) -> None:
    await remove_early(database, deal, 1)
    await _suspend(database)
    async with database.sessions.begin() as session:
        creator = await people.person(session)
        former = deal.owner.user_id
        with pytest.raises(errors.ChannelTaken):
            await _connect(session, deal, creator)
        await _connect(session, deal, creator, former_owner_id=former)
    assert await _state(database, deal) == ("pending", None, False)
    async with database.sessions.begin() as session:
        assert (await _set_terms(session, deal, creator)).status == "active"
    assert await _suspend(database) == 0
    async with database.sessions.begin() as session:  # the former owner comes back
        await _connect(session, deal, deal.owner, former_owner_id=creator.user_id)
    assert await _suspend(database) == 1
