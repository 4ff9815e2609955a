"""Set the links with which buyers can look into private channels."""

import re

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel
from services.market import channels
from services.platform import audit
from services.platform.actors import Actor
from services.platform.channel_errors import InviteLinkWrong

LENGTH = 200
"""A longer text is no link."""
# A link with digits alone opens the chat with the person who has this telephone number.
_LINK = re.compile(
    r"(?:https?://)?(?:t\.me|telegram\.me)/(?:\+|joinchat/)(?![0-9]+$)([A-Za-z0-9_-]{10,64})/?"
)


def parse(typed: str) -> str:
    """Return a typed invite link of Telegram in its usual form. Raises InviteLinkWrong."""
    found = _LINK.fullmatch(typed.strip()) if len(typed) <= LENGTH else None
    if found is None:
        raise InviteLinkWrong
    return f"https://t.me/+{found.group(1)}"


async def set(  # noqa: A001 - called as invite_links.set
    session: AsyncSession, *, actor: Actor, channel_id: int, typed: str
) -> Channel:
    """Set the invite link that buyers of a channel see, as its owner or manager.

    Locks the channel. Raises NotFound, NotChannelOwner, InviteLinkWrong.
    """
    return await _set(session, actor, channel_id, parse(typed))


async def remove(session: AsyncSession, *, actor: Actor, channel_id: int) -> Channel:
    """Remove the invite link of a channel, as its owner or manager.

    Locks the channel. Raises NotFound, NotChannelOwner.
    """
    return await _set(session, actor, channel_id, None)


async def _set(session: AsyncSession, actor: Actor, channel_id: int, link: str | None) -> Channel:
    channel, role = await channels.lock_managed(session, actor, channel_id)
    channel.invite_link = link
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="invite_link_set" if link else "invite_link_removed",
        role=role,
        channel_id=channel_id,
    )
    return channel
