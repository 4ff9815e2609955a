"""Test the list of parked payments, and that one can be tried again."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role
from services.platform import errors, inbox, parked_updates
from tests.factories import people, rows


@pytest.mark.parametrize("kind", ["successful_payment", "refunded_payment"])
async def test_a_parked_payment_is_reported_and_can_be_retried(
    session: AsyncSession, kind: str
) -> None:
    paid = {"update_id": 1, "message": {"chat": {"id": 7}, kind: {}}}
    other = {"update_id": 2, "message": {"chat": {"id": 5}, "text": "hello"}}
    await inbox.store(session, [paid, other])
    assert await inbox.is_open(session, 1)
    for row in await inbox.claim(session, limit=9):
        await inbox.park(session, id=row.id, error="TypeError")
    assert not await inbox.is_open(session, 1)
    [parked] = await parked_updates.list_payments(session, limit=9)
    notices = "SELECT user_id, payload->>'inbox_id' FROM outbox WHERE kind = 'payment_parked'"
    assert await rows.table(session, notices) == [(None, str(parked.id))]
    operator = await people.staff(session, Role.OPERATOR)
    with pytest.raises(errors.AccessDenied):
        await parked_updates.retry_payment(
            session, actor=await people.staff(session, Role.ADMIN), inbox_id=parked.id
        )
    with pytest.raises(errors.NotFound):
        await parked_updates.retry_payment(session, actor=operator, inbox_id=parked.id + 1)
    await parked_updates.retry_payment(session, actor=operator, inbox_id=parked.id)
    with pytest.raises(errors.NotFound):
        await parked_updates.retry_payment(session, actor=operator, inbox_id=parked.id)
    [again] = await inbox.claim(session, limit=9)
    assert (again.id, again.attempts) == (parked.id, 1)
