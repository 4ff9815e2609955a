"""Block and unblock users."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role, User
from services.market import owner_suspensions
from services.platform import audit, errors, outbox, users
from services.platform.actors import MODERATORS, Actor


async def block(
    session: AsyncSession, *, actor: Actor, user_id: int, role: str, **facts: audit.Fact
) -> bool:
    """Block a person and suspend their channels. Return False if the person was already blocked.

    `facts` are written into the audit row. Locks the person, then their channels by id. Raises
    NotFound.
    """
    if not await _set_blocked(session, user_id, blocked=True):
        return False
    await audit.record(
        session, actor=actor, action="user_blocked", role=role, blocked_user_id=user_id, **facts
    )
    await owner_suspensions.suspend_all_of_blocked(session, owner_id=user_id)
    await outbox.add(session, user_id=user_id, kind="person_blocked", payload={})
    return True


async def block_by_staff(
    session: AsyncSession, *, actor: Actor, user_id: int, reason: str, confirmed: bool = False
) -> bool:
    """Block a person for an admin. Return False if the person was already blocked.

    Two super admins together block a person with a staff role. `confirmed` says that both have
    decided it. Takes the locks of `block`. Raises AccessDenied, NotFound; OwnMoney if the actor is
    the person; TwoSuperAdminsNeeded.
    """
    role = await _require_decision(session, actor, user_id, "user_block", confirmed=confirmed)
    return await block(session, actor=actor, user_id=user_id, role=role, reason=reason)


async def unblock(
    session: AsyncSession, *, actor: Actor, user_id: int, reason: str, confirmed: bool = False
) -> bool:
    """Unblock a person and restore the channels that the block suspended.

    Two super admins together unblock a person with a staff role. `confirmed` says that both have
    decided it. Returns False if the person was not blocked. Locks the person, then their channels
    by id. Raises AccessDenied, NotFound; OwnMoney if the actor is the person; TwoSuperAdminsNeeded.
    """
    role = await _require_decision(session, actor, user_id, "user_unblock", confirmed=confirmed)
    if not await _set_blocked(session, user_id, blocked=False):
        return False
    await audit.record(
        session,
        actor=actor,
        action="user_unblocked",
        role=role,
        unblocked_user_id=user_id,
        reason=reason,
    )
    await owner_suspensions.restore_all_of_unblocked(session, owner_id=user_id)
    await outbox.add(session, user_id=user_id, kind="person_unblocked", payload={})
    return True


async def _set_blocked(session: AsyncSession, user_id: int, *, blocked: bool) -> bool:
    """Lock a person, and set or end the block. Return False if nothing changes."""
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


async def _require_decision(
    session: AsyncSession, actor: Actor, user_id: int, action: str, *, confirmed: bool
) -> str:
    """Require that the actor may block or unblock a person. Return the role in which they do it."""
    role = actor.require_staff(*MODERATORS, action=action)
    if actor.user_id == user_id:
        raise errors.OwnMoney(user_id)
    if await users.is_staff(session, user_id):
        role = actor.require_staff(Role.SUPER_ADMIN, action=action)
        if not confirmed:
            raise errors.TwoSuperAdminsNeeded(user_id)
    return role
