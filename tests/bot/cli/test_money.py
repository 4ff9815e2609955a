"""Test the `adtech` commands that repair a wallet."""

import pytest

from db.models.users import Role
from services.market import staff_requests
from services.money import corrections, wallets, withdrawals
from services.platform import errors, users
from tests.conftest import Database
from tests.factories import breakage, people, presses, rows
from tests.shell import Shell, shell_of


@pytest.fixture
def shell(database: Database) -> Shell:
    return shell_of(database)


async def _telegram_id(database: Database, user_id: int | None) -> int:
    async with database.sessions.begin() as session:
        return (await users.get(session, user_id or 0)).telegram_id


async def test_a_drifted_wallet_is_found_and_repaired(database: Database, shell: Shell) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=100)
        proposer, confirmer = await people.staff(session), await people.staff(session)
        operator = await people.staff(session, Role.OPERATOR)
        wallet = (await wallets.of_user(session, person.user_id or 0)).id
    ran = await shell.adtech("reconcile", wallet)
    assert ran.status == 0
    assert "Everything agrees" in ran.said
    await breakage.run_unguarded(
        database,
        f"UPDATE wallets SET balance = balance + 7 WHERE id = {wallet}",  # noqa: S608
    )
    ran = await shell.adtech("reconcile", wallet)
    assert ran.status == 1
    assert "drifted_balance" in ran.said
    assert "107" in ran.said

    asked = ("propose", "reset", wallet, "the [bold]balance[/bold] drifted", "--as")
    ran = await shell.adtech(*asked, await _telegram_id(database, operator.user_id))
    assert ran.status == 1
    assert "staff role" in ran.said
    async with database.sessions.begin() as session:
        denied = "SELECT user_id, metadata->>'refused', metadata->>'error' FROM user_audit_logs"
        assert await rows.table(session, f"{denied} WHERE action = 'access_denied'") == [
            (operator.user_id, "request_correction", "AccessDenied")
        ]
    ran = await shell.adtech(*asked, await _telegram_id(database, proposer.user_id))
    assert ran.status == 0, ran.said
    assert "That was me" in ran.said
    async with database.sessions.begin() as session:
        assert await corrections.list_open(session, limit=5, offset=0) == []
        (request,) = await staff_requests.list_open(session, limit=5, offset=0)
        pressed = await presses.press(session, proposer, f"request:mine:{request.id}")
        await staff_requests.acknowledge(session, actor=pressed, request_id=request.id)
        (waiting,) = await corrections.list_open(session, limit=5, offset=0)
        assert (waiting.status, waiting.proposed_by) == ("proposed", proposer.user_id)
    ran = await shell.adtech("corrections")
    assert ran.status == 0
    assert "the [bold]balance[/bold] drifted" in ran.said

    ran = await shell.adtech("repair", waiting.id)
    assert (ran.status, "MIGRATION_DATABASE_URL" in ran.said) == (2, True)
    shell.environment["MIGRATION_DATABASE_URL"] = database.owner_url
    ran = await shell.adtech("repair", waiting.id)
    assert ran.status == 1  # it is not confirmed yet
    assert "can't be done now" in ran.said
    async with database.sessions.begin() as session:
        confirmer = await presses.confirm_correction(session, confirmer, waiting.id)
        await corrections.confirm(session, actor=confirmer, correction_id=waiting.id, reason="seen")
    ran = await shell.adtech("repair", waiting.id)
    assert ran.status == 0, ran.said
    assert (await shell.adtech("reconcile", wallet)).status == 0
    assert (await shell.adtech("check")).status == 0


async def test_proposals_and_waiting_withdrawals_are_shown(
    database: Database, shell: Shell
) -> None:
    async with database.sessions.begin() as session:
        rich = await people.person(session, balance=500)
        other = await people.person(session)
        proposer = await people.staff(session)
        await withdrawals.request(session, actor=rich, amount=120, key="k")
        one, two = [(await wallets.of_user(session, who.user_id or 0)).id for who in (rich, other)]
        deal = await people.approved(session)
    me = await _telegram_id(database, proposer.user_id)
    ran = await shell.adtech("withdrawals")
    assert ran.status == 0
    assert "$1.20" in ran.said
    assert "requested" in ran.said
    ran = await shell.adtech("propose", "adjustment", one, two, 30, "twice", "--as", me)
    assert ran.status == 0, ran.said
    for what, which in (("payout", deal.target.id), ("reversal", deal.target.id), ("orphan", 999)):
        ran = await shell.adtech("propose", what, which, "why", "--as", me)
        assert ran.status == 0, ran.said
    ran = await shell.adtech("reconcile", 999_999)
    assert ran.status == 1
    async with database.sessions.begin() as session:
        first, *others = await staff_requests.list_open(session, limit=5, offset=0)
        pressed = await presses.press(session, proposer, f"request:mine:{first.id}")
        await staff_requests.acknowledge(session, actor=pressed, request_id=first.id)
    for request in others:
        with pytest.raises((errors.NotCorrectable, errors.NotFound)):
            async with database.sessions.begin() as session:
                await staff_requests.acknowledge(session, actor=proposer, request_id=request.id)
    async with database.sessions.begin() as session:
        assert await rows.table(session, "SELECT kind, amount, status FROM corrections") == [
            ("adjustment", 30, "proposed")
        ]
        assert await rows.available(session, other) == 0
