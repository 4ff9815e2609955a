"""Test what happens to an owner's channels when the owner is blocked or unblocked."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role
from services.market import channels, user_blocks
from services.platform import errors, users
from services.platform.actors import SYSTEM, Actor
from tests.factories import one_post, people, rows


async def _channel(session: AsyncSession) -> tuple[str, str | None]:
    [found] = await rows.table(session, "SELECT status, status_reason FROM channels")
    return found[0], found[1]


async def test_a_block_closes_the_channels_of_an_owner_and_unblocking_opens_them(
    session: AsyncSession,
) -> None:
    deal = await people.posted(session)
    await people.another(session, deal)
    owner_id = deal.owner.user_id or 0
    assert await user_blocks.block_by_staff(
        session, actor=deal.moderator, user_id=owner_id, reason="spam"
    )
    assert await _channel(session) == ("suspended", "owner_blocked")
    assert await one_post.claim(session, owner="worker", lease=people.LEASE) is None
    before = await rows.snapshot(session)
    assert not await user_blocks.block_by_staff(
        session, actor=deal.moderator, user_id=owner_id, reason="spam"
    )
    assert await rows.snapshot(session) == before
    for changed in (True, False):
        assert changed == await user_blocks.unblock(
            session, actor=deal.moderator, user_id=owner_id, reason="talked"
        )
    assert await _channel(session) == ("active", None)
    assert await one_post.claim(session, owner="worker", lease=people.LEASE) is not None
    notices = "SELECT kind FROM outbox WHERE user_id = :id AND kind LIKE 'person_%' ORDER BY id"
    assert await rows.table(session, notices, id=owner_id) == [
        ("person_blocked",),
        ("person_unblocked",),
    ]
    audited = await rows.table(
        session,
        "SELECT action, user_id, metadata->>'reason' FROM user_audit_logs"
        " WHERE action LIKE 'user_%blocked' ORDER BY id",
    )
    assert audited == [
        ("user_blocked", deal.moderator.user_id, "spam"),
        ("user_unblocked", deal.moderator.user_id, "talked"),
    ]


@pytest.mark.parametrize("after", ["removed", "rights lost", "rights back"])
async def test_unblocking_opens_only_channels_that_the_block_closed(
    session: AsyncSession, after: str
) -> None:
    deal = await people.deal(session)
    owner_id, chat_id = deal.owner.user_id or 0, deal.channel.chat_id
    if after != "removed":
        await channels.record_rights_lost(session, chat_id=chat_id, reason="bot_removed")
    await user_blocks.block_by_staff(session, actor=deal.moderator, user_id=owner_id, reason="x")
    if after == "removed":
        await channels.remove(session, actor=deal.owner, channel_id=deal.channel.id)
    if after == "rights back":
        await channels.record_rights_restored(session, chat_id=chat_id)
        assert await _channel(session) == ("suspended", "owner_blocked")
    await user_blocks.unblock(session, actor=deal.moderator, user_id=owner_id, reason="x")
    assert (await _channel(session))[0] == {
        "removed": "removed",
        "rights lost": "suspended",
        "rights back": "active",
    }[after]


async def test_only_admins_block_and_not_in_their_own_matters(session: AsyncSession) -> None:
    deal = await people.deal(session)
    whom = deal.owner.user_id or 0
    staff = Actor(whom, deal.moderator.roles, in_admin_chat=True)
    for change in (user_blocks.block_by_staff, user_blocks.unblock):
        for actor in (deal.advertiser, await people.staff(session, Role.OPERATOR)):
            with pytest.raises(errors.AccessDenied):
                await change(session, actor=actor, user_id=whom, reason="x")
        with pytest.raises(errors.OwnMoney):
            await change(session, actor=staff, user_id=whom, reason="x")
        with pytest.raises(errors.NotFound):
            await change(session, actor=deal.moderator, user_id=999_999, reason="x")


async def test_an_admin_does_not_give_a_blocked_colleague_the_role_back(
    session: AsyncSession,
) -> None:
    head = await people.staff(session, Role.SUPER_ADMIN)
    dismissed, friend = [await people.staff(session) for _ in range(2)]
    whom = dismissed.user_id or 0
    await user_blocks.block_by_staff(session, actor=head, user_id=whom, reason="took money")
    with pytest.raises(errors.AccessDenied):
        await user_blocks.unblock(session, actor=friend, user_id=whom, reason="a friend")
    assert await users.roles(session, whom) == frozenset()
    assert await user_blocks.unblock(session, actor=head, user_id=whom, reason="it was not so")
    assert await users.roles(session, whom) == {Role.ADMIN}


async def test_an_admin_unblocks_the_only_super_admin(session: AsyncSession) -> None:
    head = await people.staff(session, Role.SUPER_ADMIN)
    whom = head.user_id or 0
    await user_blocks.block(session, actor=SYSTEM, user_id=whom, role="system")
    admin = await people.staff(session)
    assert await user_blocks.unblock(session, actor=admin, user_id=whom, reason="a test payment")
    assert await users.roles(session, whom) == {Role.SUPER_ADMIN}
