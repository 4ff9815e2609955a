"""Test which rows and which kill switches an operation locks."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.users import RequestKind, Role
from services.market import campaigns, cancellations, channels, moderation, staff_requests
from services.money import (
    deposits,
    escrow,
    incidents,
    ledger,
    payment_claims,
    stuck_escrows,
    wallets,
    withdrawals,
)
from services.platform import errors, killswitches, roles
from tests.conftest import Database
from tests.factories import breakage, one_post, payments, people, rows

MONEY_TABLES = (
    *("users", "campaign_targets", "campaigns", "post_jobs", "escrows"),
    *("deposits", "withdrawals", "wallets"),
)
Act = Callable[[AsyncSession], Awaitable[Any]]


async def _locked_tables(database: Database, *tables: str) -> set[str]:
    """Return which of the given tables have a locked row."""
    found = set()
    connection = await asyncpg.connect(database.owner_url)
    try:
        for table in tables:
            try:
                async with connection.transaction():
                    await connection.execute(f"SELECT FROM {table} FOR NO KEY UPDATE NOWAIT")
            except asyncpg.LockNotAvailableError:
                found.add(table)
    finally:
        await connection.close()
    return found


async def _assert_locks(database: Database, act: Act, *tables: str) -> None:
    """Run an operation, assert that a row of each table is locked, and roll back."""
    session = database.sessions()
    try:
        await session.begin()
        try:
            await act(session)
        except errors.DomainError as refusal:
            assert not isinstance(refusal, errors.NotFound)  # noqa: PT017 - any other is meant
        assert await _locked_tables(database, *tables) == set(tables)
    finally:
        await session.rollback()
        await session.close()


async def test_a_decision_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        await escrow.hold(session, target_id=deal.target.id)
    # The escrow exists, so the acts write nothing. The found locks come from their reads.
    await _assert_locks(
        database,
        partial(escrow.hold, target_id=deal.target.id),
        *("campaign_targets", "escrows"),
    )
    await _assert_locks(
        database,
        partial(moderation.reject, actor=deal.moderator, target_id=deal.target.id, reason="no"),
        *("campaign_targets", "escrows"),
    )


async def test_a_settlement_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session)
    for settle in (escrow.release, escrow.refund):  # both acts are refused
        await _assert_locks(
            database,
            partial(settle, target_id=deal.target.id),
            *("campaign_targets", "post_jobs", "escrows"),
        )


async def test_a_cancellation_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.approved(session)
    await _assert_locks(  # it is too late to cancel
        database,
        partial(
            cancellations.cancel, actor=deal.advertiser, target_id=deal.target.id, reason="plans"
        ),
        *("campaign_targets", "post_jobs", "escrows"),
    )


async def test_the_record_of_a_send_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
        claim = await people.claimed(session)
        stale = dataclasses.replace(claim, claim_no=claim.claim_no + 1)
    # The claim is invalid, so nothing is written: the target is locked before all others.
    await _assert_locks(
        database,
        partial(one_post.record_published, claim=stale, message_id=10),
        "campaign_targets",
    )


async def test_a_submission_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    await _assert_locks(
        database,
        lambda session: people.another(session, deal, decide=False),
        "campaigns",  # without the lock, two submissions could use the same part of the budget
    )


async def test_the_end_of_a_campaign_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session)
    await _assert_locks(
        database,
        partial(campaigns.cancel, actor=deal.advertiser, campaign_id=deal.campaign.id),
        *("campaign_targets", "campaigns"),
    )


async def test_a_reversed_payment_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        payer = await people.person(session)
        await people.block(session, payer)
    reversed_outside = partial(
        payments.reverse,
        external_reference="once",
        user_id=payer.user_id or 0,
        amount=5,
        source="telegram",
    )
    # The person is blocked already: their row is not written, but it is locked.
    await _assert_locks(database, reversed_outside, "users")
    async with database.sessions.begin() as session:
        wallet = await wallets.of_user(session, payer.user_id or 0)
    await _assert_locks(database, partial(ledger.lock_wallet, wallet_id=wallet.id), "wallets")


async def test_a_withdrawal_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=100)
        admin = await people.staff(session)
        waiting = await withdrawals.request(session, actor=person, amount=40, key="first")
        await people.block(session, person)
    # Both are refused; the person is locked, so that nobody blocks them at the same time.
    await _assert_locks(
        database, partial(withdrawals.request, actor=person, amount=40, key="second"), "users"
    )
    await _assert_locks(
        database,
        partial(withdrawals.approve, actor=admin, withdrawal_id=waiting.id),
        *("users", "withdrawals"),
    )
    # It is not approved, so nothing is written.
    await _assert_locks(
        database,
        partial(payment_claims.claim, actor=admin, withdrawal_id=waiting.id),
        "withdrawals",
    )


async def test_a_payment_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        payer = await people.person(session)
        await people.stop(session, Switch.DEPOSITS)
    assert payer.user_id is not None
    arrives = partial(
        payments.deposit, user_id=payer.user_id, amount=5, key="once", source="telegram"
    )
    async with database.sessions.begin() as session:
        await arrives(session)
    await _assert_locks(database, arrives, "deposits")


async def test_an_act_on_a_channel_locks_its_rows(database: Database) -> None:
    async with database.sessions.begin() as session:
        owner = await people.person(session)
        place = await people.channel(session, owner)
    await _assert_locks(
        database, partial(channels.resume, actor=owner, channel_id=place.id), "channels"
    )


async def test_setting_a_switch_locks_its_rows(database: Database) -> None:
    await _assert_locks(
        database,
        partial(people.set_switch, key=Switch.PAYOUTS, enabled=True),
        "kill_switches",
    )


async def test_closing_an_incident_locks_its_rows(database: Database) -> None:
    await database.as_owner(
        "INSERT INTO incidents (kind, details, closed_at) VALUES ('ledger_violation', '{}', now())"
    )
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        incident_id = await rows.one(session, "SELECT id FROM incidents")
    await _assert_locks(
        database,
        partial(incidents.close_incident, actor=operator, incident_id=incident_id),
        "incidents",
    )


async def _switches_of(database: Database, act: Act) -> set[str]:
    """Return the keys of the kill switches that an operation locks."""
    async with database.sessions() as session:
        try:
            await act(session)
        except errors.DomainError as refusal:
            assert not isinstance(refusal, errors.NotFound)  # noqa: PT017 - any other is meant
        held = await rows.table(
            session,
            "SELECT k.key FROM pg_locks l JOIN kill_switches k"
            " ON l.objid = hashtext(k.key)::oid AND l.classid = :space"
            " WHERE l.locktype = 'advisory' AND l.mode = 'ShareLock' AND l.granted"
            " AND l.pid = pg_backend_pid()",
            space=killswitches.LOCK_SPACE,
        )
        await session.rollback()
    return {key for (key,) in held}


async def _rows_locked_before_switches(
    database: Database, act: Act, switches: set[Switch]
) -> set[str]:
    """Return the tables whose rows an operation locks before its kill switches."""
    space = {"space": killswitches.LOCK_SPACE}
    exclusive = text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))")
    async with database.sessions() as holder:
        for key in switches:
            await holder.execute(exclusive, space | {"key": key.value})
        waiting = asyncio.create_task(_switches_of(database, act))
        while not await rows.one(
            holder, "SELECT count(*) FROM pg_locks WHERE classid = :space AND NOT granted", **space
        ):
            assert not waiting.done(), "the act did not wait for its switches"
            await asyncio.sleep(0.01)
        locked = await _locked_tables(database, *MONEY_TABLES)
        await holder.rollback()
        await waiting
    return locked


async def test_an_act_locks_its_switches_before_any_row(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session)
        waiting = await people.deal(session)
        await people.approved(session)
        claim = await people.claimed(session)
        payer = await people.person(session, balance=100)
        asked = await withdrawals.request(session, actor=payer, amount=40, key="form")
    assert payer.user_id is not None
    pay = partial(payments.deposit, user_id=payer.user_id, amount=5, key="k", source="telegram")
    ask = partial(deposits.check_payable, user_id=payer.user_id, amount=5, currency="USD")
    approve = partial(moderation.approve, actor=waiting.moderator, target_id=waiting.target.id)
    acts: list[tuple[Act, set[Switch]]] = [
        (approve, {Switch.NEW_ESCROWS}),
        (partial(escrow.hold, target_id=waiting.target.id), {Switch.NEW_ESCROWS}),
        (partial(escrow.release, target_id=deal.target.id), {Switch.PAYOUTS}),
        (partial(escrow.refund, target_id=deal.target.id), {Switch.REFUNDS}),
        (
            partial(
                cancellations.cancel,
                actor=deal.advertiser,
                target_id=deal.target.id,
                reason="plans",
            ),
            {Switch.REFUNDS},
        ),
        (pay, {Switch.DEPOSITS}),
        (ask, {Switch.DEPOSITS}),
        (deposits.credit_due, {Switch.DEPOSITS}),
        (
            partial(withdrawals.approve, actor=waiting.moderator, withdrawal_id=asked.id),
            {Switch.WITHDRAWALS},
        ),
        (
            partial(one_post.claim, owner="w", lease=people.LEASE),
            {Switch.TELEGRAM_POSTING, Switch.WORKER_POST},
        ),
        (partial(one_post.may_send, claim=claim), {Switch.TELEGRAM_POSTING}),
        (stuck_escrows.refund_stuck_escrows, {Switch.REFUNDS, Switch.WORKER_WATCHDOGS}),
    ]
    for act, expected in acts:
        assert await _rows_locked_before_switches(database, act, expected) == set(), act
        assert await _switches_of(database, act) == expected, act


async def test_a_grant_locks_its_person(database: Database) -> None:
    async with database.sessions.begin() as session:
        head, person = await people.staff(session, Role.SUPER_ADMIN), await people.person(session)
        await people.block(session, person)
    assert person.user_id is not None
    grant = partial(roles.grant, actor=head, user_id=person.user_id, role=Role.ADMIN)
    await _assert_locks(database, grant, "users")  # the person is blocked, so nothing is written


async def test_a_decision_about_a_request_locks_it(database: Database) -> None:
    async with database.sessions.begin() as session:
        admin = await people.staff(session)
        made = await staff_requests.create(
            session,
            actor=admin,
            kind=RequestKind.CLAWBACK,
            arguments={"charge_id": "x"},
            reason="a letter of the bank",
            from_shell=True,
        )
    # The requester may not confirm it, so nothing is written.
    await _assert_locks(
        database,
        partial(staff_requests.confirm, actor=admin, request_id=made.id),
        "staff_requests",
    )


async def _is_locked_in_order(
    database: Database, act: Act, table: str, first: int, last: int
) -> bool:
    """Return whether an operation locks the row `first` before the row `last`."""
    row = f"SELECT FROM {table} WHERE id = $1 FOR NO KEY UPDATE NOWAIT"
    moved = "UPDATE {} SET currency = currency" if table == "wallets" else "UPDATE {} SET key = key"
    # The update moves the first row behind the last one in the table.
    await breakage.run_unguarded(database, f"{moved.format(table)} WHERE id = {first}")
    holder = await asyncpg.connect(database.owner_url)
    other = await asyncpg.connect(database.owner_url)
    try:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute(row, first)
        waiting = asyncio.create_task(_rolled_back(database, act))
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not waiting.done(), "the act did not wait for the row"
            await asyncio.sleep(0.01)
        try:
            await other.execute(row, last)
        except asyncpg.LockNotAvailableError:
            return False
        finally:
            await transaction.rollback()
            await waiting
    finally:
        await holder.close()
        await other.close()
    return True


async def _rolled_back(database: Database, act: Act) -> None:
    """Run an operation without index scans, and roll it back."""
    async with database.sessions() as session:
        # PostgreSQL then reads the rows of a table in the order in which they are stored.
        for scan in ("indexscan", "bitmapscan"):
            await session.execute(text(f"SET LOCAL enable_{scan} = off"))
        await act(session)
        await session.rollback()


async def test_rows_of_one_table_are_locked_in_the_order_of_their_ids(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        other = await people.another(session, deal, decide=False)
        person, admin = await people.person(session, balance=100), await people.staff(session)
        asked = await withdrawals.request(session, actor=person, amount=40, key="form")
        mine = "SELECT id FROM wallets WHERE user_id = :id ORDER BY id"
        (first,), (last,) = await rows.table(session, mine, id=person.user_id)
    cancel = partial(campaigns.cancel, actor=deal.advertiser, campaign_id=deal.campaign.id)
    give_back = partial(withdrawals.return_money, actor=admin, withdrawal_id=asked.id, reason="no")
    targets = (deal.target.id, other.id)
    assert await _is_locked_in_order(database, cancel, "campaign_targets", *targets)
    assert await _is_locked_in_order(database, give_back, "wallets", first, last)
