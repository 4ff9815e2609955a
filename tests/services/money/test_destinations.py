"""Test the addresses to which people are paid: typed, confirmed, changed and dropped."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.destinations import DestinationStatus, PayoutDestination, PayoutMethod
from services.money import destinations, payment_claims, withdrawal_details, withdrawals
from services.platform import errors
from services.platform.actors import Actor
from services.platform.encryption import Encryption
from services.platform.payout_errors import (
    DestinationDropped,
    DestinationMissing,
    DestinationTooNew,
    DestinationUnreadable,
)
from tests.conftest import Database
from tests.factories import people, rows
from tests.services.money.test_payout_addresses import ton_address

ADDRESS, OTHER = ton_address(), ton_address(0x11)
KEYS = Encryption([Fernet.generate_key().decode()])
TON, CARD = PayoutMethod.TON, PayoutMethod.CARD


async def typed(
    session: AsyncSession, actor: Actor, address: str = ADDRESS, method: PayoutMethod = TON
) -> PayoutDestination:
    return await destinations.type_in(session, KEYS, actor=actor, method=method, address=address)


async def confirmed(
    session: AsyncSession, actor: Actor, address: str = ADDRESS, method: PayoutMethod = TON
) -> PayoutDestination:
    row = await typed(session, actor, address, method)
    return await destinations.confirm(session, actor=actor, destination_id=row.id)


async def _withdraw(session: AsyncSession, actor: Actor, destination_id: int, key: str) -> int:
    row = await withdrawals.request(
        session, actor=actor, amount=100, key=key, destination_id=destination_id
    )
    await people.commit(session)
    return row.id


async def test_the_database_has_an_address_only_in_encrypted_form(session: AsyncSession) -> None:
    person = await people.person(session)
    row = await typed(session, person)
    assert ADDRESS not in row.ciphertext
    assert destinations.read(KEYS, row) == ADDRESS
    assert not await destinations.of_user(session, person.user_id or 0)


async def test_an_address_moved_to_another_row_is_unreadable(session: AsyncSession) -> None:
    one, other = await people.person(session), await people.person(session)
    mine, foreign = await typed(session, one), await typed(session, other, OTHER)
    foreign.ciphertext = mine.ciphertext
    with pytest.raises(DestinationUnreadable):
        destinations.read(KEYS, foreign)
    as_card = await typed(session, one, "4111111111111111", CARD)
    as_card.ciphertext = mine.ciphertext
    with pytest.raises(DestinationUnreadable):
        destinations.read(KEYS, as_card)
    with pytest.raises(DestinationUnreadable):
        destinations.read(Encryption([Fernet.generate_key().decode()]), mine)


async def test_the_first_address_can_be_used_at_once(session: AsyncSession) -> None:
    person = await people.person(session, balance=500)
    row = await confirmed(session, person)
    assert (row.status, row.is_change) == (DestinationStatus.CURRENT, False)
    assert await destinations.confirm(session, actor=person, destination_id=row.id) is row
    number = await _withdraw(session, person, row.id, "k")
    stored = await rows.one(
        session, "SELECT destination_id FROM withdrawals WHERE id = :id", id=number
    )
    assert stored == row.id
    assert not await rows.one(
        session, "SELECT count(*) FROM outbox WHERE kind = 'destination_changed'"
    )


async def test_a_changed_address_is_told_and_used_after_a_day(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=500)
        first = await confirmed(session, person)
        second = await confirmed(session, person, OTHER)
        assert second.is_change
        assert first.status is DestinationStatus.REPLACED
        assert [row.id for row in await destinations.of_user(session, person.user_id or 0)] == [
            second.id
        ]
        told = await rows.one(
            session,
            "SELECT payload FROM outbox WHERE user_id = :u AND kind = 'destination_changed'",
            u=person.user_id,
        )
        assert told == {"destination_id": second.id}
    async with database.sessions() as session:
        with pytest.raises(DestinationTooNew) as refused:
            await _withdraw(session, person, second.id, "early")
        assert refused.value.until == second.confirmed_at + timedelta(hours=24)  # type: ignore[operator]  # it is confirmed
        with pytest.raises(DestinationMissing):
            await _withdraw(session, person, first.id, "old")
    await database.forward(timedelta(hours=24))
    async with database.sessions.begin() as session:
        await _withdraw(session, person, second.id, "later")


async def test_a_second_method_of_the_same_person_is_a_change_too(session: AsyncSession) -> None:
    person = await people.person(session)
    await confirmed(session, person)
    card = await confirmed(session, person, "4111111111111111", CARD)
    assert card.is_change
    assert len(await destinations.of_user(session, person.user_id or 0)) == 2


async def test_a_dropped_address_gets_nothing(session: AsyncSession) -> None:
    person = await people.person(session, balance=500)
    admin = await people.staff(session)
    row = await confirmed(session, person)
    number = await _withdraw(session, person, row.id, "k")
    for _ in range(2):
        await destinations.drop(session, actor=person, destination_id=row.id)
    assert (
        await rows.one(
            session,
            "SELECT count(*) FROM outbox WHERE user_id IS NULL AND kind = 'destination_dropped'",
        )
        == 1
    )
    with pytest.raises(DestinationDropped):
        async with session.begin_nested():
            await withdrawals.approve(session, actor=admin, withdrawal_id=number)
    with pytest.raises(DestinationMissing):
        await _withdraw(session, person, row.id, "again")
    with pytest.raises(errors.InvalidMove):
        await destinations.confirm(session, actor=person, destination_id=row.id)
    await withdrawals.return_money(session, actor=admin, withdrawal_id=number, reason="details")
    assert await rows.available(session, person) == 500


async def test_nobody_uses_or_changes_the_address_of_another(session: AsyncSession) -> None:
    owner, thief = await people.person(session), await people.person(session, balance=500)
    row = await confirmed(session, owner)
    for act in (destinations.confirm, destinations.drop, destinations.get_own):
        with pytest.raises(DestinationMissing):
            await act(session, actor=thief, destination_id=row.id)
    with pytest.raises(DestinationMissing):
        await _withdraw(session, thief, row.id, "k")
    unconfirmed = await typed(session, thief, OTHER)
    with pytest.raises(DestinationMissing):
        await _withdraw(session, thief, unconfirmed.id, "k2")


async def test_only_the_admin_who_pays_reads_an_address(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=500)
        payer, other = await people.staff(session), await people.staff(session)
        row = await confirmed(session, person)
        number = await _withdraw(session, person, row.id, "k")

    async def read(actor: Actor) -> str:
        async with database.sessions.begin() as session:
            return await destinations.read_for_payment(session, KEYS, number, actor=actor)

    async def refuse(*actors: Actor) -> None:
        for actor in actors:
            with pytest.raises(errors.AccessDenied):
                await read(actor)

    await refuse(payer, other)
    async with database.sessions.begin() as session:
        await withdrawals.approve(session, actor=other, withdrawal_id=number)
    await refuse(payer, other)
    async with database.sessions.begin() as session:
        await payment_claims.claim(session, actor=payer, withdrawal_id=number)
    assert await read(payer) == ADDRESS
    await refuse(other, person)
    await database.forward(payment_claims.CLAIM_TTL)
    await refuse(payer)


async def test_an_address_that_is_dropped_after_the_approval_is_not_paid_to(
    session: AsyncSession,
) -> None:
    person = await people.person(session, balance=500)
    payer, other = await people.staff(session), await people.staff(session)
    row = await confirmed(session, person)
    number = await _withdraw(session, person, row.id, "k")
    await withdrawals.approve(session, actor=other, withdrawal_id=number)
    await payment_claims.claim(session, actor=payer, withdrawal_id=number)
    await destinations.drop(session, actor=person, destination_id=row.id)
    with pytest.raises(errors.AccessDenied):
        await destinations.read_for_payment(session, KEYS, number, actor=payer)
    with pytest.raises(DestinationDropped):
        await payment_claims.claim(session, actor=payer, withdrawal_id=number)
    assert (await withdrawal_details.get_details(session, number)).dropped
    await withdrawals.return_money(session, actor=payer, withdrawal_id=number, reason="details")
    assert await rows.available(session, person) == 500
