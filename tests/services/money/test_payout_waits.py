"""Test that releases wait while a channel has another creator, until an admin decides."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Escrow, EscrowStatus
from db.models.operations import OutboxMessage
from db.models.payout_waits import PayoutWait
from db.models.users import Role
from services.money import escrow, payout_waits
from services.platform import errors
from services.platform.actors import Actor
from services.platform.channel_errors import PayoutWaits
from tests.factories import people
from tests.factories.people import Deal


async def due(session: AsyncSession) -> Deal:
    """Create a placement whose release is due."""
    return await people.posted(session, promised_hours=0)


async def wait_id(session: AsyncSession, made: Deal) -> int:
    """Return the id of the newest wait for the channel of a placement."""
    query = select(PayoutWait.id).where(PayoutWait.channel_id == made.channel.id)
    found = await session.scalar(query.order_by(PayoutWait.id.desc()).limit(1))
    assert found is not None
    return int(found)


async def told(session: AsyncSession) -> list[int | None]:
    """Return the receivers of the messages about waits."""
    query = select(OutboxMessage.user_id).where(OutboxMessage.kind == payout_waits.KIND)
    return list((await session.scalars(query.order_by(OutboxMessage.id))).all())


async def status(session: AsyncSession, made: Deal) -> EscrowStatus:
    """Return the status of the escrow of a placement."""
    query = select(Escrow.status).where(Escrow.campaign_target_id == made.target.id)
    found = await session.scalar(query)
    assert found is not None
    return found


async def test_a_release_waits_until_an_admin_decides(session: AsyncSession) -> None:
    made, other = await due(session), await due(session)
    for _ in range(2):
        await payout_waits.record_other_creator(session, made.channel)
        await payout_waits.remind(session)
    assert await told(session) == [made.owner.user_id, None]
    assert await escrow.list_releasable(session, limit=9) == [other.target.id]
    with pytest.raises(PayoutWaits):
        await escrow.release(session, target_id=made.target.id)
    assert await status(session, made) is EscrowStatus.HELD
    waiting = await wait_id(session, made)
    shown = await payout_waits.get(session, waiting)
    assert (shown.placements, shown.amount, shown.ended_at) == (1, people.PRICE, None)
    assert await payout_waits.end(session, actor=made.moderator, wait_id=waiting)
    assert not await payout_waits.end(session, actor=made.moderator, wait_id=waiting)
    await escrow.release(session, target_id=made.target.id)
    await people.commit(session)
    assert await status(session, made) is EscrowStatus.RELEASED
    assert (await payout_waits.get(session, waiting)).is_ended_by_admin


async def test_a_decision_of_an_admin_counts_on_the_next_day_too(session: AsyncSession) -> None:
    made = await due(session)
    await payout_waits.record_other_creator(session, made.channel)
    await payout_waits.end(session, actor=made.moderator, wait_id=await wait_id(session, made))
    await payout_waits.record_other_creator(session, made.channel)
    assert await escrow.list_releasable(session, limit=9) == [made.target.id]


async def test_a_wait_ends_when_the_owner_is_the_creator_again(session: AsyncSession) -> None:
    made = await due(session)
    await payout_waits.record_other_creator(session, made.channel)
    first = await wait_id(session, made)
    await payout_waits.record_same_creator(session, made.channel)
    assert await escrow.list_releasable(session, limit=9) == [made.target.id]
    assert not (await payout_waits.get(session, first)).is_ended_by_admin
    await payout_waits.record_other_creator(session, made.channel)
    assert await wait_id(session, made) > first
    assert await escrow.list_releasable(session, limit=9) == []


async def test_the_admins_are_reminded_after_a_take_over_too(session: AsyncSession) -> None:
    made = await due(session)
    await payout_waits.record_other_creator(session, made.channel)
    await people.take_over(session, made.channel)
    await payout_waits.remind(session)
    assert await told(session) == [made.owner.user_id, None]
    assert await escrow.list_releasable(session, limit=9) == []


async def test_nobody_is_reminded_of_a_wait_that_has_ended(session: AsyncSession) -> None:
    made = await due(session)
    await payout_waits.record_other_creator(session, made.channel)
    await payout_waits.end(session, actor=made.moderator, wait_id=await wait_id(session, made))
    await payout_waits.remind(session)
    assert await told(session) == [made.owner.user_id]


async def test_nothing_waits_without_held_money(session: AsyncSession) -> None:
    made = await people.deal(session)
    await payout_waits.record_other_creator(session, made.channel)
    assert await told(session) == []


async def test_nobody_ends_a_wait_for_their_own_money(session: AsyncSession) -> None:
    made = await due(session)
    await payout_waits.record_other_creator(session, made.channel)
    waiting = await wait_id(session, made)
    roles = frozenset({Role.ADMIN})
    for party in (made.owner, made.advertiser):
        with pytest.raises(errors.OwnMoney):
            await payout_waits.end(
                session, actor=Actor(party.user_id, roles, in_admin_chat=True), wait_id=waiting
            )
    for stranger in (made.owner, Actor(made.moderator.user_id, roles)):
        with pytest.raises(errors.AccessDenied):
            await payout_waits.end(session, actor=stranger, wait_id=waiting)
    with pytest.raises(errors.NotFound):
        await payout_waits.end(session, actor=made.moderator, wait_id=0)


async def test_the_database_keeps_the_money_too(session: AsyncSession) -> None:
    made = await due(session)
    await payout_waits.record_other_creator(session, made.channel)
    with pytest.raises(Exception, match="wait for an admin"):
        async with session.begin_nested():
            await session.execute(
                update(Escrow)
                .where(Escrow.campaign_target_id == made.target.id)
                .values(status=EscrowStatus.RELEASED)
            )
