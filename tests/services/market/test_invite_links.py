"""Test the links with which buyers can look into private channels."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Channel
from services.market import channels, invite_links
from services.platform import errors
from services.platform.channel_errors import InviteLinkWrong
from tests.factories import people

HASH = "AbCd_-0123456789"
LINK = f"https://t.me/+{HASH}"


@pytest.mark.parametrize(
    "typed",
    [
        LINK,
        f"  t.me/+{HASH}/ ",
        f"http://telegram.me/joinchat/{HASH}",
        f"https://t.me/joinchat/{HASH}",
    ],
)
def test_each_form_of_an_invite_link_is_read(typed: str) -> None:
    assert invite_links.parse(typed) == LINK


@pytest.mark.parametrize(
    "typed",
    [
        *("", "daily", "https://t.me/daily", f"https://t.me/{HASH}", "https://t.me/+79991234567"),
        *(f"https://t.me.evil.example/+{HASH}", f"https://evil.example/t.me/+{HASH}"),
        *(f"{LINK}?x=1", f"{LINK} and more", f"javascript:{LINK}", f"{LINK}\n{LINK}"),
        *("https://t.me/+short", f"https://t.me/+{'a' * 65}", f"https://t.me/+{HASH}{' ' * 300}"),
    ],
)
def test_nothing_else_is_an_invite_link(typed: str) -> None:
    with pytest.raises(InviteLinkWrong):
        invite_links.parse(typed)


async def _link(session: AsyncSession, channel: Channel) -> str | None:
    """Return the stored invite link of a channel."""
    await session.refresh(channel)
    return channel.invite_link


async def test_an_owner_sets_and_removes_the_link(session: AsyncSession) -> None:
    owner = await people.person(session)
    channel = await people.channel(session, owner)
    await invite_links.set(session, actor=owner, channel_id=channel.id, typed=LINK)
    assert await _link(session, channel) == LINK
    stranger = await people.person(session)
    with pytest.raises(errors.NotChannelOwner):
        await invite_links.set(session, actor=stranger, channel_id=channel.id, typed=LINK)
    with pytest.raises(errors.NotChannelOwner):
        await invite_links.remove(session, actor=stranger, channel_id=channel.id)
    with pytest.raises(errors.NotFound):
        await invite_links.remove(session, actor=owner, channel_id=0)
    await invite_links.remove(session, actor=owner, channel_id=channel.id)
    assert await _link(session, channel) is None
    actions = await session.scalars(
        text("SELECT action FROM user_audit_logs WHERE action LIKE 'invite%' ORDER BY id")
    )
    assert actions.all() == ["invite_link_set", "invite_link_removed"]


async def test_a_new_owner_begins_without_the_link(session: AsyncSession) -> None:
    owner = await people.person(session)
    for is_removed in (False, True):
        channel = await people.channel(session, owner)
        await invite_links.set(session, actor=owner, channel_id=channel.id, typed=LINK)
        if is_removed:
            await channels.remove(session, actor=owner, channel_id=channel.id)
        await people.take_over(session, channel)
        assert channel.owner_id != owner.user_id
        assert channel.invite_link is None


async def test_the_database_refuses_another_address(session: AsyncSession) -> None:
    channel = await people.channel(session, await people.person(session))
    change = text(
        "UPDATE channels SET invite_link = 'https://evil.example/+0123456789' WHERE id = :id"
    )
    with pytest.raises(IntegrityError, match="ck_channels_invite_link"):
        async with session.begin_nested():
            await session.execute(change, {"id": channel.id})
