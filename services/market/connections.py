"""Let an administrator of a channel ask its creator to connect the channel."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Channel, ChannelStatus
from db.models.connections import ConnectionRequest
from services.market import channels
from services.platform import errors, outbox, users
from services.platform.actors import Actor
from services.platform.channel_errors import ConnectionLinkWrong, ConnectYourself

LINK_TIME = timedelta(days=7)
CONFIRMED = "connection_confirmed"
"""The kind of the message to the administrator whose request was confirmed."""
_TOKEN_BYTES = 24


async def start(session: AsyncSession, *, actor: Actor, chat_id: int, title: str) -> str:
    """Record the request of a channel's administrator, and return the token for the creator.

    The caller has checked with Telegram that the actor is an administrator and that the bot may
    post there. The database has only a digest of the token. An earlier token of the actor for this
    channel is void. Raises AccessDenied, PersonBlocked; ConnectYourself if the channel is connected
    already.
    """
    user_id = actor.require_user(action="connection_start")
    if await users.first_blocked(session, user_id):
        raise errors.PersonBlocked(user_id)
    connected = await channels.by_chat(session, chat_id)
    if connected is not None and connected.status is not ChannelStatus.REMOVED:
        raise ConnectYourself(chat_id)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    values = {"title": title, "token_hash": _digest(token)}
    await session.execute(
        insert(ConnectionRequest)
        .values(chat_id=chat_id, started_by=user_id, **values)
        .on_conflict_do_update(
            index_elements=["chat_id", "started_by"],
            set_=values
            | {"expires_at": func.clock() + LINK_TIME, "ended_at": None}
            | {"created_at": func.clock()},
        )
    )
    return token


async def find(session: AsyncSession, token: str) -> ConnectionRequest:
    """Return the request with a token. Raises ConnectionLinkWrong if the link cannot be used."""
    found = await session.execute(
        select(ConnectionRequest, (ConnectionRequest.expires_at <= func.clock()).label("late"))
        .where(ConnectionRequest.token_hash == _digest(token))
        .execution_options(populate_existing=True)
    )
    row = found.one_or_none()
    if row is None:
        raise ConnectionLinkWrong("unknown")
    if row.ConnectionRequest.ended_at is not None:
        raise ConnectionLinkWrong("used")
    if row.late:
        raise ConnectionLinkWrong("expired")
    request: ConnectionRequest = row.ConnectionRequest
    return request


async def confirm(
    session: AsyncSession,
    *,
    actor: Actor,
    token: str,
    title: str,
    username: str | None,
    subscribers: int,
    auto_delete_seconds: int | None,
) -> Channel:
    """Connect the channel of a request in the name of its creator, and notify who has asked.

    The caller has checked with Telegram that the actor is the creator and that the bot may post
    there. Takes an advisory lock on the token, then locks the channel. Raises ConnectionLinkWrong;
    ConnectYourself if the channel belongs to somebody else here; the errors of `channels.connect`.
    """
    # Of two presses at once, the second one waits, and finds the used link.
    await queries.lock_key(session, f"connection:{_digest(token)}")
    request = await find(session, token)
    known = await channels.by_chat(session, request.chat_id)
    if known is not None and known.owner_id != actor.user_id:
        raise ConnectYourself(request.chat_id)
    channel = await channels.connect(
        session,
        actor=actor,
        chat_id=request.chat_id,
        title=title,
        username=username,
        subscribers=subscribers,
        auto_delete_seconds=auto_delete_seconds,
    )
    request.ended_at = await queries.now(session)
    await session.flush()
    await outbox.add(
        session,
        user_id=request.started_by,
        kind=CONFIRMED,
        payload={"channel_id": channel.id},
        key=f"{CONFIRMED}:{request.token_hash}",
    )
    return channel


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
