"""Write audit rows, which say who did an act or was refused an act."""

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id, origin_id
from db.models.users import UserAuditLog
from services.platform import errors
from services.platform.actors import Actor

Fact = int | str | bool | None


async def record(
    session: AsyncSession, *, actor: Actor, action: str, role: str, **facts: Fact
) -> None:
    """Write the audit row of an act, in the same transaction as the act.

    `role` is the role in which the actor did the act. `facts` must not contain personal data. If
    the act continues earlier work, the row also names the id of that work.
    """
    if (origin := origin_id.get()) is not None:
        facts = {**facts, "origin_id": origin}
    await session.execute(
        insert(UserAuditLog.__table__).values(  # type: ignore[arg-type]  # a Table at run time
            action=action,
            user_id=actor.user_id,
            role=role,
            metadata=facts,
            correlation_id=correlation_id.get(),
        )
    )


async def record_denied(
    session: AsyncSession, *, actor: Actor, action: str, error: errors.DomainError
) -> None:
    """Write the audit row of an act that was refused with `error`.

    The caller must open a new transaction for this row.
    """
    roles = ",".join(sorted(actor.roles)) or "none"
    await record(
        session,
        actor=actor,
        action="access_denied",
        role=roles,
        refused=action,
        error=type(error).__name__,
        in_admin_chat=actor.in_admin_chat,
    )
