"""Test which error `ledger.post` raises if the database refuses a transfer."""

import pytest

from db.models.money import Reason
from services.money import ledger, wallets
from services.money.ledger import Leg
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import people


def _id(who: Actor) -> int:
    assert who.user_id is not None
    return who.user_id


async def test_refusals_of_the_database_become_domain_errors(database: Database) -> None:
    async with database.sessions.begin() as session:
        one, two = [await people.person(session, balance=100) for _ in range(2)]
        mine = (await wallets.of_user(session, _id(one))).id
        theirs = (await wallets.of_user(session, _id(two))).id
    reason = Reason.ADJUSTMENT

    async with database.sessions.begin() as session:
        done = await people.adjusted(session, mine, theirs, 5)

    async def post(*legs: tuple[int, int], key: str) -> ledger.Posted:
        async with database.sessions.begin() as session:
            return await ledger.post(
                session,
                key=key,
                reason=reason,
                reference_id=done.id,
                legs=[Leg(wallet, amount, reason) for wallet, amount in legs],
            )

    same = f"correction:{done.id}"
    assert not (await post((mine, -5), (theirs, 5), key=same)).created
    with pytest.raises(errors.IdempotencyConflict):
        await post((mine, -6), (theirs, 6), key=same)
    with pytest.raises(errors.InsufficientFunds) as short:
        await post((mine, -96), (theirs, 96), key="l")
    assert (short.value.user_id, short.value.needed, short.value.balance) == (one.user_id, 96, 95)
    with pytest.raises(errors.InvalidTransfer):
        await post((mine, -5), (theirs, 6), key="l")
    with pytest.raises(errors.InvalidTransfer):
        await post((mine, -5), (999_999, 5), key="l")
    with pytest.raises(errors.InvalidAmount):
        await post((mine, 2**63 - 1), (theirs, 1 - 2**63), key="l")
