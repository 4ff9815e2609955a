"""Test when a proposed correction of the books expires."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import WalletKind
from db.models.operations import Switch
from services.money import correction_expiry, corrections, invariants, ledger, wallets
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import people, presses, rows

STATUS = "SELECT status FROM corrections"


async def _proposed(session: AsyncSession, proposer: Actor) -> int:
    """Propose a correction of 40 minor units, and return the id of the correction."""
    giver, taker = await people.person(session, balance=100), await people.person(session)
    proposed = await presses.propose(
        corrections.propose_adjustment,
        session,
        actor=proposer,
        from_wallet=(await wallets.of_user(session, giver.user_id or 0)).id,
        to_wallet=(await wallets.of_user(session, taker.user_id or 0)).id,
        amount=40,
        reason="paid for the wrong placement",
    )
    return proposed.id


async def _confirm(session: AsyncSession, who: Actor, correction_id: int) -> None:
    who = await presses.confirm_correction(session, who, correction_id)
    await corrections.confirm(session, actor=who, correction_id=correction_id, reason="checked")


async def test_a_proposal_ends_after_72_hours(database: Database) -> None:
    async with database.sessions.begin() as session:
        proposer, confirmer = await people.staff(session), await people.staff(session)
        proposed = await _proposed(session, proposer)
    await database.forward(timedelta(hours=71, minutes=59))
    async with database.sessions.begin() as session:
        assert await correction_expiry.drop_ended(session, limit=10) == 0
    await database.forward(timedelta(minutes=2))
    with pytest.raises(errors.ProposalEnded):
        async with database.sessions.begin() as session:
            await _confirm(session, confirmer, proposed)
    async with database.sessions.begin() as session:
        assert await correction_expiry.drop_ended(session, limit=10) == 1
        assert await rows.one(session, STATUS) == "dropped"
        why = "SELECT payload->>'reason' FROM outbox WHERE payload->>'status' = 'dropped'"
        assert await rows.table(session, why) == [("ended",)]
        assert await correction_expiry.drop_ended(session, limit=10) == 0
        assert await invariants.run(session) == []


async def test_a_proposal_ends_with_its_proposers_role(database: Database) -> None:
    async with database.sessions.begin() as session:
        proposer, confirmer = await people.staff(session), await people.staff(session)
        proposed = await _proposed(session, proposer)
        await people.block(session, proposer)
    with pytest.raises(errors.ProposalEnded):
        async with database.sessions.begin() as session:
            await _confirm(session, confirmer, proposed)
    async with database.sessions.begin() as session:
        assert await correction_expiry.drop_ended(session, limit=10) == 1
        assert await rows.one(session, STATUS) == "dropped"
        assert await invariants.run(session) == []


async def test_an_adjustment_obeys_its_switch(database: Database) -> None:
    async with database.sessions.begin() as session:
        proposer, confirmer = await people.staff(session), await people.staff(session)
        proposed = await _proposed(session, proposer)
        await people.stop(session, Switch.ADJUSTMENTS)
    with pytest.raises(errors.SwitchStopped):
        async with database.sessions.begin() as session:
            await _confirm(session, confirmer, proposed)
    async with database.sessions.begin() as session:
        assert await rows.one(session, STATUS) == "proposed"
        await people.run_switches(session)
        await _confirm(session, confirmer, proposed)
    async with database.sessions.begin() as session:
        assert await rows.one(session, STATUS) == "done"
        assert await invariants.run(session) == []


async def test_the_wallet_of_a_withdrawal_is_not_adjusted(session: AsyncSession) -> None:
    proposer, person = await people.staff(session), await people.person(session, balance=100)
    mine = (await wallets.of_user(session, person.user_id or 0)).id
    held = await ledger.open_wallet(
        session, WalletKind.WITHDRAWAL, currency=people.CURRENCY, user_id=person.user_id
    )
    for one, two in ((held, mine), (mine, held)):
        with pytest.raises(errors.NotCorrectable):
            await corrections.propose_adjustment(
                session, actor=proposer, from_wallet=one, to_wallet=two, amount=5, reason="x"
            )
