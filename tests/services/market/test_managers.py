"""Test what the managers of a channel may do, and that only its owner names them."""

import pytest
from sqlalchemy import literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.agreements import PlacementAnswer
from db.models.campaigns import Channel, ChannelStatus, TargetStatus
from db.models.managers import ChannelManager
from db.models.operations import OutboxMessage
from db.models.users import Role, User, UserRole
from services.market import agreements, campaigns, channels, managers, moderation, placements
from services.platform import errors
from services.platform.actors import Actor
from services.platform.channel_errors import ManagerNotStarted
from tests.factories import people
from tests.factories.people import Deal


async def telegram_id(session: AsyncSession, who: Actor) -> int:
    """Return a person's Telegram id."""
    found = await session.scalar(select(User.telegram_id).where(User.id == who.user_id))
    assert found is not None
    return int(found)


async def manager(session: AsyncSession, owner: Actor, place: Channel) -> Actor:
    """Let the owner name a new person as manager."""
    who = await people.person(session)
    await managers.name(
        session,
        actor=owner,
        channel_id=place.id,
        telegram_id=await telegram_id(session, who),
    )
    return who


@pytest.fixture
async def asked(session: AsyncSession) -> tuple[Deal, Actor]:
    """Return a placement that waits for the owner, and a manager of its channel."""
    owner = await people.person(session)
    place = await people.asking_channel(session, owner)
    who = await manager(session, owner, place)
    advertiser = await people.person(session, balance=20_000)
    bought = await people.campaign(session, advertiser)
    target = await campaigns.submit_target(
        session,
        actor=advertiser,
        campaign_id=bought.id,
        channel_id=place.id,
        publish_at=None,
        fee_bps=0,
    )
    moderator = await people.staff(session)
    return Deal(advertiser, owner, moderator, bought, place, target), who


async def receivers(session: AsyncSession, kind: str) -> list[int | None]:
    """Return the receivers of all messages of a kind."""
    query = select(OutboxMessage.user_id).where(OutboxMessage.kind == kind)
    return list((await session.scalars(query.order_by(OutboxMessage.id))).all())


async def test_a_manager_prices_and_pauses_but_does_not_remove(session: AsyncSession) -> None:
    owner = await people.person(session)
    place = await people.channel(session, owner)
    who = await manager(session, owner, place)
    changed = await channels.set_terms(
        session, actor=who, channel_id=place.id, price=7, promised_hours=1, topic="food"
    )
    assert changed.price == 7
    for act, status in (
        (channels.pause, ChannelStatus.PAUSED),
        (channels.resume, ChannelStatus.ACTIVE),
    ):
        assert (await act(session, actor=who, channel_id=place.id)).status is status
    with pytest.raises(errors.NotChannelOwner):
        await channels.remove(session, actor=who, channel_id=place.id)
    with pytest.raises(errors.NotChannelOwner):
        await channels.get_own(session, actor=who, channel_id=place.id)
    assert [row.id for row in await managers.channels_of(session, who.user_id or 0)] == [place.id]
    roles = await session.scalars(
        text("SELECT role FROM user_audit_logs WHERE user_id = :id ORDER BY id"),
        {"id": who.user_id},
    )
    assert roles.all() == ["manager"] * 3


async def test_only_the_owner_names_and_ends_managers(session: AsyncSession) -> None:
    owner, stranger = await people.person(session), await people.person(session)
    place = await people.channel(session, owner)
    who = await manager(session, owner, place)
    theirs = await telegram_id(session, stranger)
    for actor in (who, stranger):
        with pytest.raises(errors.NotChannelOwner):
            await managers.name(session, actor=actor, channel_id=place.id, telegram_id=theirs)
        with pytest.raises(errors.NotChannelOwner):
            await managers.end(session, actor=actor, channel_id=place.id, telegram_id=theirs)
    own = await telegram_id(session, who)
    await managers.name(session, actor=owner, channel_id=place.id, telegram_id=own)
    assert await receivers(session, managers.NAMED) == [who.user_id]
    await managers.end(session, actor=owner, channel_id=place.id, telegram_id=own)
    await managers.end(session, actor=owner, channel_id=place.id, telegram_id=own)
    assert await receivers(session, managers.ENDED) == [who.user_id]
    with pytest.raises(errors.NotChannelOwner):
        await channels.pause(session, actor=who, channel_id=place.id)
    await managers.name(session, actor=owner, channel_id=place.id, telegram_id=own)
    assert await managers.list_telegram_ids(session, place.id) == [own]


async def test_nobody_becomes_manager_without_the_bot(session: AsyncSession) -> None:
    owner, blocked = await people.person(session), await people.person(session)
    place = await people.channel(session, owner)
    await people.block(session, blocked)
    for unknown in (people.number(), await telegram_id(session, blocked)):
        with pytest.raises(ManagerNotStarted):
            await managers.name(session, actor=owner, channel_id=place.id, telegram_id=unknown)
    assert await managers.list_ids(session, place.id, owner.user_id or 0) == []


async def test_a_manager_ends_with_the_owner_who_named_them(session: AsyncSession) -> None:
    owner = await people.person(session)
    place = await people.channel(session, owner)
    who = await manager(session, owner, place)
    await people.take_over(session, place)
    with pytest.raises(errors.NotChannelOwner):
        await channels.set_terms(
            session, actor=who, channel_id=place.id, price=1, promised_hours=0, topic="food"
        )
    assert await managers.channels_of(session, who.user_id or 0) == []
    assert await managers.list_telegram_ids(session, place.id) == []


async def test_somebody_manages_while_the_owner_who_named_them_has_the_channel(
    session: AsyncSession,
) -> None:
    async def manages(who: Actor) -> bool:
        return bool(await session.scalar(select(managers.manages_any(literal(who.user_id or 0)))))

    owner = await people.person(session)
    ended, removed, lost = [await people.channel(session, owner) for _ in range(3)]
    named = [await manager(session, owner, place) for place in (ended, removed, lost)]
    assert [await manages(who) for who in (*named, owner)] == [True, True, True, False]
    await managers.end(
        session,
        actor=owner,
        channel_id=ended.id,
        telegram_id=await telegram_id(session, named[0]),
    )
    assert [await manages(who) for who in named] == [False, True, True]
    await channels.remove(session, actor=owner, channel_id=removed.id)
    assert [await manages(who) for who in named] == [False, False, True]
    await people.take_over(session, lost)
    assert [await manages(who) for who in named] == [False, False, False]


async def test_managers_who_are_no_administrators_any_more_end(session: AsyncSession) -> None:
    owner = await people.person(session)
    place = await people.channel(session, owner)
    who, other = [await manager(session, owner, place) for _ in range(2)]
    kept = await telegram_id(session, other)
    await managers.end_all_but(session, channel_id=place.id, administrators=[kept])
    assert await managers.list_telegram_ids(session, place.id) == [kept]
    assert await receivers(session, managers.ENDED) == [who.user_id]
    with pytest.raises(Exception, match="never changes"):
        async with session.begin_nested():
            await session.execute(
                update(ChannelManager)
                .where(ChannelManager.user_id == who.user_id)
                .values(ended_at=None)
            )


async def test_a_manager_is_asked_and_accepts(
    session: AsyncSession, asked: tuple[Deal, Actor]
) -> None:
    made, who = asked
    assert await receivers(session, agreements.QUESTION) == [made.owner.user_id]
    assert await receivers(session, agreements.MANAGER_QUESTION) == [who.user_id]
    for person in (made.owner, who):
        user_id = person.user_id or 0
        assert await agreements.count_waiting(session, user_id) == 1
        waiting = await placements.waiting_for_owner(session, user_id=user_id, limit=5, offset=0)
        assert [row.target_id for row in waiting] == [made.target.id]
    assert await agreements.count_waiting(session, made.advertiser.user_id or 0) == 0
    assert await agreements.accept(session, actor=who, target_id=made.target.id)
    assert await receivers(session, "manager_answered") == [made.owner.user_id]
    card = await moderation.get_details(session, target_id=made.target.id)
    assert card.agreed_by == "manager"
    assert not await agreements.accept(session, actor=made.owner, target_id=made.target.id)
    answered = await session.scalar(
        select(PlacementAnswer.answered_by).where(
            PlacementAnswer.campaign_target_id == made.target.id
        )
    )
    assert answered == who.user_id
    await people.approve(session, made)
    await people.commit(session)


async def test_a_manager_declines_in_the_owners_name(
    session: AsyncSession, asked: tuple[Deal, Actor]
) -> None:
    made, who = asked
    assert await agreements.decline(session, actor=who, target_id=made.target.id, reason="topic")
    await session.refresh(made.target)
    assert made.target.status is TargetStatus.REJECTED
    details = await moderation.get_details(session, target_id=made.target.id)
    assert details.is_declined
    await people.commit(session)


async def test_a_manager_who_was_ended_answers_nothing(
    session: AsyncSession, asked: tuple[Deal, Actor]
) -> None:
    made, who = asked
    own = await telegram_id(session, who)
    await managers.end(session, actor=made.owner, channel_id=made.channel.id, telegram_id=own)
    with pytest.raises(errors.NotFound):
        await agreements.accept(session, actor=who, target_id=made.target.id)
    assert await agreements.count_waiting(session, who.user_id or 0) == 0


async def test_an_admin_does_not_approve_what_they_accepted_as_manager(
    session: AsyncSession, asked: tuple[Deal, Actor]
) -> None:
    made, who = asked
    session.add(UserRole(user_id=who.user_id, role=Role.ADMIN))
    await session.flush()
    await agreements.accept(session, actor=who, target_id=made.target.id)
    admin = Actor(who.user_id, frozenset({Role.ADMIN}), in_admin_chat=True)
    with pytest.raises(errors.OwnMoney):
        async with session.begin_nested():
            await moderation.approve(session, actor=admin, target_id=made.target.id)
    await people.approve(session, made)
    await people.commit(session)


async def test_nobody_accepts_their_own_ad_as_manager(
    session: AsyncSession, asked: tuple[Deal, Actor]
) -> None:
    made, _ = asked
    await managers.name(
        session,
        actor=made.owner,
        channel_id=made.channel.id,
        telegram_id=await telegram_id(session, made.advertiser),
    )
    with pytest.raises(errors.OwnMoney):
        await agreements.accept(session, actor=made.advertiser, target_id=made.target.id)
    with pytest.raises(errors.OwnMoney):
        await agreements.decline(
            session, actor=made.advertiser, target_id=made.target.id, reason="topic"
        )
    assert await agreements.accept(session, actor=made.owner, target_id=made.target.id)
