"""Test what happens to an owner's channels when the owner is blocked or unblocked."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind, Role, UserRole
from services.market import channels, staff_requests, user_blocks
from services.platform import errors, users
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import one_post, people, presses, rows


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


async def test_one_person_neither_blocks_nor_unblocks_a_colleague(session: AsyncSession) -> None:
    head = await people.staff(session, Role.SUPER_ADMIN)
    dismissed, friend = [await people.staff(session) for _ in range(2)]
    whom = dismissed.user_id or 0
    for change, kind, role in (
        (user_blocks.block_by_staff, RequestKind.BLOCK_STAFF, frozenset()),
        (user_blocks.unblock, RequestKind.UNBLOCK_STAFF, {Role.ADMIN}),
    ):
        before = await rows.snapshot(session)
        for confirmed in (False, True):
            with pytest.raises(errors.AccessDenied):
                await change(
                    session, actor=friend, user_id=whom, reason="a friend", confirmed=confirmed
                )
        with pytest.raises(errors.TwoSuperAdminsNeeded):
            await change(session, actor=head, user_id=whom, reason="alone")
        assert await rows.snapshot(session) == before
        await people.decide_block(session, kind, dismissed)
        assert await change(session, actor=head, user_id=whom, reason="both", confirmed=True)
        assert await users.roles(session, whom) == role


async def _asked(session: AsyncSession, who: Actor, kind: RequestKind, whom: Actor) -> int:
    """Let a person ask in a shell to block or unblock somebody, and return the request's id."""
    request = await staff_requests.create(
        session,
        actor=who,
        kind=kind,
        arguments={},
        reason="a reason",
        subject_telegram_id=(await users.get(session, whom.user_id or 0)).telegram_id,
        from_shell=True,
    )
    return request.id


async def _acknowledge(session: AsyncSession, who: Actor, request_id: int) -> None:
    who = await presses.press(session, who, f"request:mine:{request_id}")
    await staff_requests.acknowledge(session, actor=who, request_id=request_id)


async def _confirm(session: AsyncSession, who: Actor, request_id: int) -> None:
    who = await presses.press(session, who, f"request:yes_sure:{request_id}")
    await staff_requests.confirm(session, actor=who, request_id=request_id)


async def test_two_super_admins_block_and_unblock_a_colleague(database: Database) -> None:
    async with database.sessions.begin() as session:
        one, two, whom = [await people.staff(session, Role.SUPER_ADMIN) for _ in range(3)]
        admin = await people.staff(session)
        with pytest.raises(errors.OwnMoney):
            await _asked(session, one, RequestKind.BLOCK, one)
    kinds: dict[RequestKind, frozenset[Role]] = {
        RequestKind.BLOCK: frozenset(),
        RequestKind.UNBLOCK: frozenset({Role.SUPER_ADMIN}),
    }
    for kind, expected in kinds.items():
        async with database.sessions.begin() as session:
            asked = await _asked(session, one, kind, whom)
            await _acknowledge(session, one, asked)
            assert await users.roles(session, whom.user_id or 0) != expected
            for who, refusal in ((one, errors.SamePerson), (admin, errors.AccessDenied)):
                with pytest.raises(refusal):
                    await _confirm(session, who, asked)
        async with database.sessions.begin() as session:
            await _confirm(session, two, asked)
        async with database.sessions.begin() as session:
            assert await users.roles(session, whom.user_id or 0) == expected
    async with database.sessions.begin() as session:
        alarms = await rows.table(
            session,
            "SELECT payload, priority, user_id FROM outbox WHERE kind = 'staff_blocked'"
            " ORDER BY id",
        )
        telegram_id = (await users.get(session, whom.user_id or 0)).telegram_id
    assert alarms == [
        ({"telegram_id": telegram_id, "blocked": blocked}, 0, None) for blocked in (True, False)
    ]


async def test_a_request_to_block_ends_if_its_subject_joins_the_staff(
    session: AsyncSession,
) -> None:
    admin, person = await people.staff(session, Role.SUPER_ADMIN), await people.person(session)
    asked = await _asked(session, admin, RequestKind.BLOCK, person)
    session.add(UserRole(user_id=person.user_id, role=Role.ADMIN))
    await session.flush()
    with pytest.raises(errors.TwoSuperAdminsNeeded):
        await _acknowledge(session, admin, asked)
    assert await users.roles(session, person.user_id or 0) == {Role.ADMIN}
