"""Test the roles of the staff and the correlation ids."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.users import Role
from services.platform.actors import Actor
from tests.factories import people, rows


async def test_roles_count_only_in_the_admin_chat() -> None:
    roles = frozenset({Role.OPERATOR})
    assert Actor(1, roles, in_admin_chat=True).staff_role(Role.OPERATOR) is Role.OPERATOR
    assert Actor(1, roles, in_admin_chat=True).staff_role(Role.ADMIN) is None
    assert Actor(1, roles, in_admin_chat=False).staff_role(Role.OPERATOR) is None


async def test_one_correlation_id_joins_audit_and_ledger(session: AsyncSession) -> None:
    token = correlation_id.set("press-1")
    try:
        deal = await people.approved(session)
    finally:
        correlation_id.reset(token)
    assert (
        await rows.one(
            session,
            "SELECT count(*) FROM user_audit_logs a JOIN ledger_transfers t USING (correlation_id)"
            " WHERE a.action = 'moderation_approved' AND t.reason = 'escrow_hold'"
            " AND t.reference_id = :id AND correlation_id = 'press-1'",
            id=deal.target.id,
        )
        == 1
    )
