"""Test when a proposed correction of the books expires."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import WalletKind
from db.models.operations import Switch
from scheduler import watchdogs
from services.money import correction_expiry, corrections, invariants, ledger, wallets
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import breakage, people, presses, rows

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


async def _drift(database: Database) -> tuple[Actor, Actor, int]:
    """Break the balance of a wallet, and return two admins and the wallet's id."""
    async with database.sessions.begin() as session:
        proposer, confirmer = await people.staff(session), await people.staff(session)
        person = await people.person(session, balance=100)
        wallet = (await wallets.of_user(session, person.user_id or 0)).id
    drift = "UPDATE wallets SET balance = balance + 7 WHERE kind = 'user' AND balance > 0"
    await breakage.run_unguarded(database, drift)
    return proposer, confirmer, wallet


async def test_a_confirmed_repair_ends_72_hours_after_its_confirmation(database: Database) -> None:
    proposer, confirmer, wallet = await _drift(database)
    async with database.sessions.begin() as session:
        proposed = await presses.propose(
            corrections.propose_balance_reset,
            session,
            actor=proposer,
            wallet_id=wallet,
            reason="drift",
        )
    await database.forward(timedelta(hours=70))
    async with database.sessions.begin() as session:
        await _confirm(session, confirmer, proposed.id)
    await database.forward(timedelta(hours=71, minutes=59))
    async with database.sessions.begin() as session:
        assert await correction_expiry.drop_ended(session, limit=10) == 0
    await database.forward(timedelta(minutes=2))
    with pytest.raises(errors.ProposalEnded):
        await breakage.execute_correction(database, proposed)
    await watchdogs.drop_ended_proposals(database.sessions)
    async with database.sessions.begin() as session:
        assert await rows.one(session, STATUS) == "dropped"
        why = "SELECT payload->>'reason' FROM outbox WHERE payload->>'status' = 'dropped'"
        assert await rows.table(session, why) == [("not_repaired",)]
        audited = "SELECT role, user_id FROM user_audit_logs WHERE action = 'correction_dropped'"
        assert await rows.table(session, audited) == [("system", None)]
        assert await correction_expiry.drop_ended(session, limit=10) == 0
    again = await breakage.confirmed_correction(database, proposer, confirmer, "reset", wallet)
    assert again.id != proposed.id
    await breakage.execute_correction(database, again)
    async with database.sessions.begin() as session:
        assert await invariants.run(session) == []


async def test_a_repair_is_applied_until_72_hours_after_its_confirmation(
    database: Database,
) -> None:
    proposer, confirmer, wallet = await _drift(database)
    confirmed = await breakage.confirmed_correction(database, proposer, confirmer, "reset", wallet)
    await database.forward(timedelta(hours=71, minutes=59))
    await breakage.execute_correction(database, confirmed)
    async with database.sessions.begin() as session:
        assert await rows.one(session, STATUS) == "done"
        assert await invariants.run(session) == []


@pytest.mark.parametrize("leaver", ["proposer", "confirmer"])
async def test_a_confirmed_repair_ends_with_the_role_of_either_admin(
    database: Database, leaver: str
) -> None:
    proposer, confirmer, wallet = await _drift(database)
    confirmed = await breakage.confirmed_correction(database, proposer, confirmer, "reset", wallet)
    left = proposer if leaver == "proposer" else confirmer
    async with database.sessions.begin() as session:
        assert await correction_expiry.drop_ended(session, limit=10) == 0
        await people.block(session, left)
    with pytest.raises(errors.ProposalEnded):
        await breakage.execute_correction(database, confirmed)
    async with database.sessions.begin() as session:
        assert await correction_expiry.drop_ended(session, limit=10) == 1
        assert await rows.one(session, STATUS) == "dropped"
        third, fourth = await people.staff(session), await people.staff(session)
    repair = await breakage.confirmed_correction(database, third, fourth, "reset", wallet)
    await breakage.execute_correction(database, repair)
    async with database.sessions.begin() as session:
        assert await invariants.run(session) == []


async def test_only_the_database_dates_a_confirmation(database: Database) -> None:
    proposer, confirmer, wallet = await _drift(database)
    confirmed = await breakage.confirmed_correction(database, proposer, confirmer, "reset", wallet)
    async with breakage.as_owner(database) as session:
        changed = (
            "UPDATE corrections SET confirmed_at = 'infinity' RETURNING confirmed_at < clock()"
        )
        assert await rows.one(session, changed)
    await breakage.execute_correction(database, confirmed)
    async with database.sessions.begin() as session:
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
