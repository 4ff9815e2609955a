"""Test which people may get the money of a withdrawal."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import user_blocks
from services.money import payees
from services.platform import errors
from tests.factories import payments, people


async def test_a_person_who_is_blocked_or_owes_money_is_not_paid(session: AsyncSession) -> None:
    admin, person = await people.staff(session), await people.person(session)
    id_ = person.user_id or 0
    await payees.require_payable(session, await payees.lock(session, id_))
    await payments.reverse(
        session, external_reference="unspent", user_id=id_, amount=400, source="telegram"
    )
    with pytest.raises(errors.PersonBlocked):
        await payees.require_payable(session, await payees.lock(session, id_))
    await user_blocks.unblock(session, actor=admin, user_id=id_, reason="it was never credited")
    await payees.require_payable(session, await payees.lock(session, id_))
