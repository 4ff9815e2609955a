"""Test that a channel's creator confirms the connection that an administrator has started."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel, ChannelStatus
from db.models.connections import ConnectionRequest
from db.models.operations import OutboxMessage
from services.market import channels, connections
from services.platform import errors
from services.platform.actors import Actor
from services.platform.channel_errors import ConnectionLinkWrong, ConnectYourself
from tests.conftest import Database
from tests.factories import people

FACTS: dict[str, Any] = {
    "title": "Evening",
    "username": "evening",
    "subscribers": 5,
    "auto_delete_seconds": 86_400,
}


def chat() -> int:
    """Return the chat id of a channel that nobody has connected."""
    return -1_000_000_000_000 - people.number()


async def start(session: AsyncSession, starter: Actor, chat_id: int) -> str:
    """Let an administrator start the connection of a channel. Return the link's token."""
    return await connections.start(session, actor=starter, chat_id=chat_id, title="Morning")


async def confirm(session: AsyncSession, creator: Actor, token: str) -> Channel:
    """Let the creator use a link."""
    return await connections.confirm(session, actor=creator, token=token, **FACTS)


async def test_the_creator_owns_the_channel_that_an_administrator_has_started(
    session: AsyncSession,
) -> None:
    starter, creator, chat_id = await people.person(session), await people.person(session), chat()
    token = await start(session, starter, chat_id)
    assert await channels.by_chat(session, chat_id) is None
    stored = await session.scalar(
        select(ConnectionRequest.token_hash).where(ConnectionRequest.chat_id == chat_id)
    )
    assert stored is not None
    assert token not in stored
    channel = await confirm(session, creator, token)
    assert (channel.owner_id, channel.status) == (creator.user_id, ChannelStatus.PENDING)
    assert (channel.title, channel.auto_delete_seconds) == ("Evening", 86_400)
    told = await session.scalars(
        select(OutboxMessage.user_id).where(OutboxMessage.kind == connections.CONFIRMED)
    )
    assert told.all() == [starter.user_id]


async def test_a_link_is_used_once(session: AsyncSession) -> None:
    starter, creator = await people.person(session), await people.person(session)
    token = await start(session, starter, chat())
    await confirm(session, creator, token)
    for who in (creator, starter):
        with pytest.raises(ConnectionLinkWrong) as refused:
            await confirm(session, who, token)
        assert refused.value.why == "used"


async def test_of_two_uses_at_once_one_counts(database: Database) -> None:
    async with database.sessions.begin() as session:
        starter, creator = await people.person(session), await people.person(session)
        token = await start(session, starter, chat())

    async def use() -> None:
        async with database.sessions.begin() as session:
            await confirm(session, creator, token)

    results = await asyncio.gather(use(), use(), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [ConnectionLinkWrong]


async def test_a_link_ends_after_seven_days(session: AsyncSession) -> None:
    starter, creator = await people.person(session), await people.person(session)
    token = await start(session, starter, chat())
    request = await connections.find(session, token)
    assert request.expires_at - request.created_at == connections.LINK_TIME
    await session.execute(
        update(ConnectionRequest)
        .where(ConnectionRequest.token_hash == request.token_hash)
        .values(expires_at=request.created_at)
    )
    with pytest.raises(ConnectionLinkWrong) as refused:
        await confirm(session, creator, token)
    assert refused.value.why == "expired"


async def test_a_new_link_replaces_the_one_before(session: AsyncSession) -> None:
    starter, creator, chat_id = await people.person(session), await people.person(session), chat()
    first = await start(session, starter, chat_id)
    second = await start(session, starter, chat_id)
    for token in (first, "x" * 32, ""):
        with pytest.raises(ConnectionLinkWrong) as refused:
            await connections.find(session, token)
        assert refused.value.why == "unknown"
    assert (await confirm(session, creator, second)).owner_id == creator.user_id


async def test_a_channel_of_somebody_else_is_not_connected_by_a_link(
    session: AsyncSession,
) -> None:
    starter, creator = await people.person(session), await people.person(session)
    owner = await people.person(session)
    place = await people.channel(session, owner)
    with pytest.raises(ConnectYourself):
        await start(session, starter, place.chat_id)
    await channels.remove(session, actor=owner, channel_id=place.id)
    token = await start(session, starter, place.chat_id)
    with pytest.raises(ConnectYourself):
        await confirm(session, creator, token)
    again = await confirm(session, owner, token)
    assert (again.id, again.status) == (place.id, ChannelStatus.PENDING)


async def test_a_blocked_person_starts_nothing(session: AsyncSession) -> None:
    starter = await people.person(session)
    await people.block(session, starter)
    with pytest.raises(errors.PersonBlocked):
        await start(session, starter, chat())
