"""Blocked people: nothing new of theirs begins, what is live runs its course, and they may look."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import User
from services.market import channels
from services.platform import audit, errors, outbox
from services.platform.actors import MODERATORS, Actor


async def block(
    session: AsyncSession, *, actor: Actor, user_id: int, role: str, **facts: audit.Fact
) -> bool:
    """Block a person and suspend their channels; False when they were blocked already.

    The clock cancels and refunds what they have bought and is not out. Locks the person even then,
    as who asks for their money finds it, and their channels. `facts` are written with it.
    """
    if not await _set(session, user_id, blocked=True):
        return False
    await audit.record(
        session, actor=actor, action="user_blocked", role=role, blocked_user_id=user_id, **facts
    )
    await channels.suspend_of(session, owner_id=user_id)
    await outbox.add(session, user_id=user_id, kind="person_blocked", payload={})
    return True


async def block_by_staff(session: AsyncSession, *, actor: Actor, user_id: int, reason: str) -> bool:
    """Block a person by hand. Raises AccessDenied, OwnMoney, NotFound."""
    role = actor.require_staff(*MODERATORS, action="user_block")
    _require_another(actor, user_id)
    return await block(session, actor=actor, user_id=user_id, role=role, reason=reason)


async def unblock(session: AsyncSession, *, actor: Actor, user_id: int, reason: str) -> bool:
    """Let a person in again and open the channels that only the block had closed.

    False when they were not blocked. Locks the person, their channels. Raises AccessDenied,
    OwnMoney, NotFound.
    """
    role = actor.require_staff(*MODERATORS, action="user_unblock")
    _require_another(actor, user_id)
    if not await _set(session, user_id, blocked=False):
        return False
    await audit.record(
        session,
        actor=actor,
        action="user_unblocked",
        role=role,
        unblocked_user_id=user_id,
        reason=reason,
    )
    await channels.reopen_of(session, owner_id=user_id)
    await outbox.add(session, user_id=user_id, kind="person_unblocked", payload={})
    return True


async def _set(session: AsyncSession, user_id: int, *, blocked: bool) -> bool:
    """Lock a person and write the flag; False when it says so already. Raises NotFound."""
    person = await session.scalar(
        select(User)
        .where(User.id == user_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if person is None:
        raise errors.NotFound("user", user_id)
    if person.blocked == blocked:
        return False
    person.blocked = blocked
    await session.flush()
    return True


def _require_another(actor: Actor, user_id: int) -> None:
    if actor.user_id == user_id:
        raise errors.OwnMoney(user_id)
