"""Grant and revoke staff roles, and apply the setting SUPER_ADMIN_IDS."""

from collections.abc import Collection

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role, User, UserRole
from services.platform import audit, errors
from services.platform.actors import Actor

_RECONCILE = text("SELECT reconcile_super_admins(:user_ids)")


async def grant(session: AsyncSession, *, actor: Actor, user_id: int, role: Role) -> bool:
    """Grant a role to a person. Return False if the person already had the role.

    Locks the person (shared). Raises AccessDenied, NotFound, PersonBlocked.
    """
    actor_role = actor.require_staff(Role.SUPER_ADMIN, action="role_grant")
    person = await session.get(
        User, user_id, with_for_update={"read": True}, populate_existing=True
    )
    if person is None:
        raise errors.NotFound("user", user_id)
    if person.blocked:
        raise errors.PersonBlocked(user_id)
    return await _insert(session, actor, user_id, role, actor_role=actor_role)


async def revoke(session: AsyncSession, *, actor: Actor, user_id: int, role: Role) -> bool:
    """Take a role from a person. Return False if the person did not have the role.

    Locks the row of the role. Raises AccessDenied.
    """
    actor_role = actor.require_staff(Role.SUPER_ADMIN, action="role_revoke")
    return await _delete(session, actor, user_id, role, actor_role=actor_role)


async def reconcile_super_admins(session: AsyncSession, user_ids: Collection[int]) -> None:
    """Grant the role of a super admin to the users in SUPER_ADMIN_IDS.

    Revokes the role from users who got it from this setting and are missing there now. Decisions of
    two people stay. Needs the database role `adtech_intake`.
    """
    await session.execute(_RECONCILE, {"user_ids": list(user_ids)})


async def staff(
    session: AsyncSession, *, limit: int | None = None, offset: int = 0
) -> list[tuple[User, frozenset[Role]]]:
    """Return the people with a role, even blocked people, and the roles of each person.

    With a `limit`, they are at most so many people after the first `offset`, by their user id.
    """
    page = (
        select(UserRole.user_id)
        .distinct()
        .order_by(UserRole.user_id)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    rows = await session.execute(
        select(User, UserRole.role)
        .join(UserRole, UserRole.user_id == User.id)
        .join(page, page.c.user_id == User.id)
        .order_by(User.id, UserRole.role)
    )
    people: dict[User, set[Role]] = {}
    for user, role in rows:
        people.setdefault(user, set()).add(role)
    return [(user, frozenset(roles)) for user, roles in people.items()]


async def _insert(
    session: AsyncSession, actor: Actor, user_id: int, role: Role, *, actor_role: str
) -> bool:
    inserted = await session.scalar(
        insert(UserRole)
        .values(user_id=user_id, role=role, granted_by=actor.user_id)
        .on_conflict_do_nothing(index_elements=["user_id", "role"])
        .returning(UserRole.id)
    )
    if inserted is None:
        return False
    await _record(session, actor, "role_granted", user_id, role, actor_role=actor_role)
    return True


async def _delete(
    session: AsyncSession, actor: Actor, user_id: int, role: Role, *, actor_role: str
) -> bool:
    deleted = await session.scalar(
        delete(UserRole)
        .where(UserRole.user_id == user_id, UserRole.role == role)
        .returning(UserRole.id)
    )
    if deleted is None:
        return False
    await _record(session, actor, "role_revoked", user_id, role, actor_role=actor_role)
    return True


async def _record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    user_id: int,
    role: Role,
    *,
    actor_role: str,
) -> None:
    await audit.record(
        session,
        actor=actor,
        action=action,
        role=actor_role,
        staff_user_id=user_id,
        staff_role=role.value,
    )
