"""Test the `adtech` commands that repair a wallet."""

from collections.abc import Collection

import pytest
from sqlalchemy import select

from db.models.operations import InboxUpdate
from db.models.users import RequestKind, Role
from services.market import staff_requests
from services.money import corrections, deposits, wallets, withdrawals
from services.platform import errors, inbox, users
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import breakage, people, presses, rows
from tests.shell import Shell


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
        f"UPDATE wallets SET balance = balance + 7 WHERE id = {wallet}",
    )
    ran = await shell.adtech("reconcile", wallet)
    assert ran.status == 1
    assert "drifted_balance" in ran.said
    assert "107" in ran.said
    assert f'adtech propose reset {wallet} "<reason>" --as ID' in ran.err
    assert "propose orphan" not in ran.err

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

    me = await _telegram_id(database, proposer.user_id)
    repair = ("repair", waiting.id, "--as", me)
    ran = await shell.adtech(*repair)
    assert (ran.status, "MIGRATION_DATABASE_URL" in ran.said) == (2, True)
    shell.environment["MIGRATION_DATABASE_URL"] = database.owner_url
    ran = await shell.adtech(*repair)
    assert ran.status == 1  # it is not confirmed yet
    assert "can't be done now" in ran.said
    async with database.sessions.begin() as session:
        confirmer = await presses.confirm_correction(session, confirmer, waiting.id)
        await corrections.confirm(session, actor=confirmer, correction_id=waiting.id, reason="seen")
    await _sign_and_apply(database, shell, proposer, waiting.id, wallet)
    assert (await shell.adtech("reconcile", wallet)).status == 0
    assert (await shell.adtech("check")).status == 0


async def test_each_fault_of_a_wallet_names_its_repair(database: Database, shell: Shell) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=100)
        wallet = (await wallets.of_user(session, person.user_id or 0)).id
    await breakage.run_unguarded(database, breakage.orphan(wallet, 50))
    async with database.sessions.begin() as session:
        ((entry, transfer),) = await rows.table(
            session,
            "SELECT id, transfer_id FROM ledger_entries WHERE version = 2"
            f" AND wallet_id = {wallet}",
        )
    ran = await shell.adtech("reconcile", wallet)
    assert ran.status == 1
    assert f'adtech propose orphan {entry} "<reason>" --as ID' in ran.err
    assert "propose reset" not in ran.err
    for undo in (f"ledger_entries WHERE id = {entry}", f"ledger_transfers WHERE id = {transfer}"):
        await breakage.run_unguarded(database, f"DELETE FROM {undo}")

    change = f"UPDATE ledger_entries SET amount = {{}} WHERE wallet_id = {wallet}"
    await breakage.run_unguarded(database, change.format(101))
    ran = await shell.adtech("reconcile", wallet)
    assert ran.status == 1
    assert "No correction repairs this: an entry is lost or was changed" in ran.err
    assert "adtech propose" not in ran.err
    await breakage.run_unguarded(database, change.format(100))


async def _sign_and_apply(
    database: Database, shell: Shell, who: Actor, correction_id: int, wallet: int
) -> None:
    """Let a person run `adtech repair`, press "That was me", and run it again."""
    repair = ("repair", correction_id, "--as", await _telegram_id(database, who.user_id))
    for said in ("has to press “That was me”", "still waits for “That was me”"):
        ran = await shell.adtech(*repair)
        assert ran.status == 0, ran.said
        assert said in ran.said
        assert "run the same command again" in ran.said
        assert (await shell.adtech("reconcile", wallet)).status == 1
    async with database.sessions.begin() as session:
        (request,) = await staff_requests.list_open(session, limit=5, offset=0)
        pressed = await presses.press(session, who, f"request:mine:{request.id}")
        await staff_requests.acknowledge(session, actor=pressed, request_id=request.id)
    for _ in range(2):
        ran = await shell.adtech(*repair)
        assert ran.status == 0, ran.said
        assert "done" in ran.said


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


async def _receive(database: Database, number: int, charge: str, provider_id: str) -> int:
    """Store the update about a payment of 500 cents by a new person, and return the person's id."""
    async with database.sessions.begin() as session:
        payer = await people.person(session)
        telegram_id = (await users.get(session, payer.user_id or 0)).telegram_id
        payment = {
            "telegram_payment_charge_id": charge,
            "provider_payment_charge_id": provider_id,
            "total_amount": 500,
            "currency": "USD",
        }
        message = {"from": {"id": telegram_id}, "successful_payment": payment}
        await inbox.store(session, [{"update_id": number, "message": message}])
        return payer.user_id or 0


@pytest.mark.parametrize("named", ["telegram's", "provider's"])
async def test_a_chargeback_is_requested_by_either_id_of_the_payment(
    database: Database, shell: Shell, named: str
) -> None:
    payer_id = await _receive(database, 1, "telegram's", "provider's")
    async with database.sessions.begin() as session:
        one, two = [await people.staff(session) for _ in range(2)]
        await deposits.deposit(
            session, user_id=payer_id, amount=500, key="telegram's", source="telegram"
        )
    ran = await shell.adtech(
        "clawback", named, "a letter", "--as", await _telegram_id(database, one.user_id)
    )
    assert ran.status == 0, ran.said
    async with database.sessions.begin() as session:
        (asked,) = await staff_requests.list_open(session, limit=5, offset=0)
        pressed = await presses.press(session, one, f"request:mine:{asked.id}")
        await staff_requests.acknowledge(session, actor=pressed, request_id=asked.id)
    async with database.sessions.begin() as session:
        pressed = await presses.press(session, two, f"request:yes_sure:{asked.id}")
        await staff_requests.confirm(session, actor=pressed, request_id=asked.id)
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT status FROM deposits") == "clawed_back"
        assert (await users.get(session, payer_id)).blocked


async def test_an_unknown_payment_is_no_chargeback(database: Database, shell: Shell) -> None:
    async with database.sessions.begin() as session:
        admin = await people.staff(session)
    ran = await shell.adtech(
        "clawback", "nobody's", "a letter", "--as", await _telegram_id(database, admin.user_id)
    )
    assert (ran.status, "no deposit with the charge nobody's" in ran.said) == (1, True)
    async with database.sessions.begin() as session:
        assert await staff_requests.list_open(session, limit=5, offset=0) == []


async def _park(database: Database, numbers: Collection[int]) -> list[int]:
    """Park updates, and return their inbox ids."""
    async with database.sessions.begin() as session:
        found = await session.scalars(
            select(InboxUpdate.id)
            .where(InboxUpdate.update_id.in_(numbers))
            .order_by(InboxUpdate.update_id)
        )
        inbox_ids = list(found)
        for inbox_id in inbox_ids:
            await inbox.park(session, id=inbox_id, error="KeyError")
        return inbox_ids


async def test_parked_payments_are_found_by_either_id(database: Database, shell: Shell) -> None:
    await _receive(database, 1, "telegram-1", "provider-1")
    await _receive(database, 2, "telegram-2", "provider-2")
    await _receive(database, 3, "telegram-3", "provider-2")
    first, second, _ = await _park(database, [1, 2, 3])
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
    me = await _telegram_id(database, operator.user_id)
    ran = await shell.adtech("parked-payments")
    for shown in ("telegram-1", "provider-1", "telegram-2", "provider-2"):
        assert shown in ran.said
    for named in ("telegram-1", "provider-1"):
        ran = await shell.adtech("parked-payments", "--charge", named)
        assert (ran.status, "telegram-1" in ran.said, "telegram-2" in ran.said) == (0, True, False)
    for named, inbox_id in (("provider-1", first), ("telegram-1", first), ("telegram-2", second)):
        ran = await shell.adtech("retry-payment", "--charge", named, "--as", me)
        assert ran.status == 0, ran.said
        async with database.sessions.begin() as session:
            asked = (await staff_requests.list_open(session, limit=9, offset=0))[-1]
            assert (asked.kind, asked.arguments) == (
                *(RequestKind.RETRY_PAYMENT, {"inbox_id": inbox_id}),
            )
    for arguments, said in (
        (("--charge", "provider-2"), "matches 2 payments"),
        (("--charge", "nobody's"), "No parked payment or refund has the id nobody's"),
        ((10**6,), "There is no parked update 1000000. They are listed by: adtech parked-payments"),
        ((), "name the payment"),
        ((first, "--charge", "provider-1"), "name the payment"),
    ):
        ran = await shell.adtech("retry-payment", *arguments, "--as", me)
        assert ran.status != 0
        assert said in ran.said


async def test_a_parked_refund_is_found_by_the_providers_id_of_its_payment(
    database: Database, shell: Shell
) -> None:
    await _receive(database, 1, "telegram-1", "provider-1")
    refund = {"telegram_payment_charge_id": "telegram-1", "total_amount": 5, "currency": "USD"}
    async with database.sessions.begin() as session:
        message = {"chat": {"id": 7}, "refunded_payment": refund}
        await inbox.store(session, [{"update_id": 2, "message": message}])
    (parked,) = await _park(database, [2])
    (shown,) = [
        line
        for line in (await shell.adtech("parked-payments", "--charge", "provider-1")).out.split(
            "\n"
        )
        if "telegram-1" in line
    ]
    assert str(parked) in shown
