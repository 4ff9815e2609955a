"""Append-only record of who did what, or was refused what."""

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import UserAuditLog
from services.platform import errors
from services.platform.actors import Actor, correlation_id

Fact = int | str | bool | None


async def record(
    session: AsyncSession, *, actor: Actor, action: str, role: str, **facts: Fact
) -> None:
    """Write what was done, in the transaction that does it. Facts are ids and words only."""
    await session.execute(
        insert(UserAuditLog.__table__).values(  # type: ignore[arg-type]  # a Table at run time
            action=action,
            user_id=actor.user_id,
            role=role,
            metadata=facts,
            correlation_id=correlation_id.get(),
        )
    )


async def denied(
    session: AsyncSession, *, actor: Actor, action: str, error: errors.DomainError
) -> None:
    """Write a refusal, in a transaction of its own, since the refused one rolled back."""
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
