"""Test that the audit log records refused operations."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role
from services.platform import audit, errors
from services.platform.actors import Actor
from tests.factories import people, rows


async def test_a_refusal_is_audited_with_role_and_chat(session: AsyncSession) -> None:
    actor = Actor(
        (await people.person(session)).user_id, frozenset({Role.ADMIN}), in_admin_chat=False
    )
    await audit.record_denied(
        session, actor=actor, action="kill_switch", error=errors.AccessDenied("kill_switch")
    )
    assert await rows.table(
        session,
        "SELECT action, user_id, role, metadata FROM user_audit_logs"
        " WHERE action = 'access_denied'",
    ) == [
        (
            "access_denied",
            actor.user_id,
            "admin",
            {"refused": "kill_switch", "error": "AccessDenied", "in_admin_chat": False},
        )
    ]
