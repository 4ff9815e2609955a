"""Test that the database closes an incident only after a later full check without a violation."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role
from db.session import sqlstate
from services.money import wallets
from services.platform.actors import Actor
from tests.factories import people, presses, rows

NOW = "SELECT clock()"


async def _check(session: AsyncSession, full_since: datetime | None, violations: int = 0) -> None:
    await session.execute(
        text("SELECT record_ledger_check(:violations, '{}', NULL, :since)"),
        {"violations": violations, "since": full_since},
    )


async def _state(session: AsyncSession, incident_id: int, by: Actor) -> str | None:
    """Close an incident with an SQL UPDATE and undo it. Return the SQLSTATE of the error."""
    nested = await session.begin_nested()
    try:
        await session.execute(
            text(
                "UPDATE incidents SET closed_at = clock(), closed_by = :by, closed_in = :press"
                " WHERE id = :id"
            ),
            {"by": by.user_id, "press": by.inbox_id, "id": incident_id},
        )
    except DBAPIError as error:
        return sqlstate(error)
    finally:
        await nested.rollback()
    return None


async def test_an_incident_is_closed_after_the_last_repair_and_violation(
    session: AsyncSession,
) -> None:
    operator, admin = await people.staff(session, Role.OPERATOR), await people.staff(session)
    blocked = await people.staff(session, Role.OPERATOR)
    await people.block(session, blocked)
    payer, taker = await people.person(session, balance=100), await people.person(session)
    before = await rows.one(session, NOW)
    incident_id = await rows.one(session, "SELECT open_incident('audit_chain_broken', '{}')")
    press = await presses.close_incident(session, operator, incident_id)
    after = await rows.one(session, NOW)
    for full_since in (before, None):
        await _check(session, full_since)
        assert await _state(session, incident_id, press) == "AD040"
    await _check(session, after)
    assert await _state(session, incident_id, press) is None
    for other in (admin, blocked):
        pressed = await presses.close_incident(session, other, incident_id)
        assert await _state(session, incident_id, pressed) == "AD040"
    assert await _state(session, incident_id, operator) == "AD061"
    await _check(session, None, violations=1)
    assert await _state(session, incident_id, press) == "AD040"
    await _check(session, after)
    assert await _state(session, incident_id, press) is None
    one, two = [(await wallets.of_user(session, who.user_id or 0)).id for who in (payer, taker)]
    await people.adjusted(session, one, two, 5)
    assert await _state(session, incident_id, press) == "AD040"
    await _check(session, await rows.one(session, NOW))
    assert await _state(session, incident_id, press) is None
