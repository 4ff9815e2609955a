"""Test that an open incident blocks operations with money."""

import itertools
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from db.models.operations import Switch
from db.models.users import Role, UserRole
from services.money import escrow, incidents, incremental_check, reconciliation, wallets
from services.money.invariants import Violation
from services.platform import errors, killswitches, reports
from services.platform.actors import SYSTEM, Actor
from services.posts import posting
from tests.conftest import Database
from tests.factories import breakage, people, presses, rows

FROZEN = (Switch.NEW_ESCROWS, Switch.PAYOUTS, Switch.REFUNDS, Switch.WITHDRAWALS)
MONEY = {*FROZEN, Switch.ADJUSTMENTS}
BREAK = "UPDATE wallets SET balance = balance + 1 WHERE kind = 'user'"
REPAIR = "UPDATE wallets SET balance = balance - 1 WHERE kind = 'user'"


class Staff:
    """The two admins and two operators of a test."""

    def __init__(self, *people_: Actor) -> None:
        self.proposer, self.confirmer, self.closer, self.runner = people_


@pytest.fixture
async def staff(database: Database) -> AsyncIterator[Staff]:
    async with database.sessions.begin() as session:
        made = [await people.staff(session) for _ in range(2)]
        made += [await people.staff(session, Role.OPERATOR) for _ in range(2)]
    yield Staff(*made)
    async with database.sessions.begin() as session:
        assert all(state.enabled for state in await killswitches.overview(session))


async def _report(database: Database, name: str) -> list[dict[str, Any]]:
    async with database.sessions.begin() as session:
        return [dict(row) for row in await reports.run(session, name)]


async def _detected_and_frozen(database: Database, staff: Staff, *names: str) -> None:
    """Assert that these violations are found, open an incident and block money operations."""
    for _ in range(2):
        async with database.sessions.begin() as session:
            found = await incidents.check_ledger_invariant(session)
        assert {violation.name for violation in found} >= set(names)
    async with database.sessions.begin() as session:
        stopped = {s.key: s.reason for s in await killswitches.overview(session) if not s.enabled}
        assert stopped == dict.fromkeys(MONEY, incidents.FREEZE_REASON)
        for sql in (
            "SELECT count(*) FROM incidents WHERE closed_at IS NULL",
            "SELECT count(*) FROM outbox WHERE kind = 'ledger_violation' AND user_id IS NULL",
        ):
            assert await rows.one(session, sql) == 1
    incident = await _incident(database)
    for actor, act, error in (
        (
            staff.closer,
            lambda s: incidents.close_incident(s, actor=staff.closer, incident_id=incident),
            errors.InvariantBroken,
        ),
        (staff.runner, lambda s: _run(s, staff.runner, Switch.PAYOUTS), errors.IncidentOpen),
    ):
        refusal = await rows.refused(database.sessions, act, actor=actor, action="too_early")
        assert isinstance(refusal, error)


async def _verified_and_run(database: Database, staff: Staff) -> None:
    """Assert that all invariants hold, close the incident, and allow operations with money."""
    incident = await _incident(database)
    async with database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
    async with database.sessions.begin() as session:
        press = await presses.close_incident(session, staff.closer, incident)
        await incidents.close_incident(session, actor=press, incident_id=incident)
    # The admins who signed the repair get the right to run switches, but do not run these.
    signers = [
        Actor(admin.user_id, frozenset({Role.SUPER_ADMIN}), in_admin_chat=True)
        for admin in (staff.proposer, staff.confirmer)
    ]
    async with database.sessions.begin() as session:
        stopped = [key for key in MONEY if not await killswitches.are_running(session, key)]
        assert set(FROZEN) <= set(stopped)  # to close the incident lets nothing run
        for signer in signers:
            session.add(UserRole(user_id=signer.user_id, role=Role.SUPER_ADMIN))
    for person, key in itertools.product((staff.closer, *signers), stopped):
        with pytest.raises(errors.SamePerson):
            async with database.sessions.begin() as session:
                await _run(session, person, key)
    for key in MONEY:
        async with database.sessions.begin() as session:
            await _run(session, staff.runner, key)


async def _incident(database: Database) -> int:
    async with database.sessions.begin() as session:
        return int(await rows.one(session, "SELECT max(id) FROM incidents"))


async def _run(session: Any, actor: Actor, key: Switch) -> Any:
    return await killswitches.set(session, actor=actor, key=key, enabled=True, reason="reconciled")


async def test_ledger_invariant_violation(database: Database, staff: Staff) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=100)
        deal = await people.deal(session)
        wallet = (await wallets.of_user(session, person.user_id or 0)).id
    await breakage.run_unguarded(
        database,
        f"UPDATE wallets SET balance = balance + 1 WHERE id = {wallet}",
    )
    assert await _report(database, "drift") == [{"id": wallet, "balance": 101, "ledger_sum": 100}]
    await _detected_and_frozen(database, staff, "wallet_balance")
    with pytest.raises(errors.SwitchStopped):
        async with database.sessions.begin() as session:
            await escrow.hold(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        seen = await reconciliation.explain(session, wallet)
    assert [finding.value for finding in seen.findings] == ["drifted_balance"]
    signed = await breakage.confirmed_correction(
        database, staff.proposer, staff.confirmer, "reset", wallet
    )
    await breakage.execute_correction(database, signed)
    assert await _report(database, "drift") == []
    await _verified_and_run(database, staff)
    async with database.sessions.begin() as session:
        assert await rows.available(session, person) == 100
        await escrow.hold(session, target_id=deal.target.id)


async def test_wallet_balance_mismatch(database: Database, staff: Staff) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=100)
        wallet = (await wallets.of_user(session, person.user_id or 0)).id
    await breakage.run_unguarded(database, breakage.orphan(wallet, 40))
    assert await _report(database, "drift") == [{"id": wallet, "balance": 100, "ledger_sum": 140}]
    await _detected_and_frozen(database, staff, "wallet_balance", "zero_sum", "ledger_total")
    async with database.sessions.begin() as session:
        seen = await reconciliation.explain(session, wallet)
    (entry,) = [line for line in seen.lines if reconciliation.Finding.ORPHAN_ENTRY in line.findings]
    signed = await breakage.confirmed_correction(
        database, staff.proposer, staff.confirmer, "orphan", entry.entry_id
    )
    await breakage.execute_correction(database, signed)
    assert await _report(database, "drift") == []
    await _verified_and_run(database, staff)
    async with database.sessions.begin() as session:
        assert await rows.available(session, person) == 100
        assert (await reconciliation.explain(session, wallet)).sound


async def _cut_in_half(database: Database, target_id: int) -> None:
    """Mark an escrow as released without a transfer to the owner."""
    await breakage.run_unguarded(
        database,
        "UPDATE escrows SET status = 'released', settled_at = now()"
        f" WHERE campaign_target_id = {target_id}",
        f"UPDATE campaign_targets SET status = 'posted' WHERE id = {target_id}",
    )
    unpaid = await _report(database, "unpaid_releases")
    assert [row["campaign_target_id"] for row in unpaid] == [target_id]


async def test_partial_payout_of_a_published_post_is_completed(
    database: Database, staff: Staff
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)
    await _cut_in_half(database, deal.target.id)
    await _detected_and_frozen(database, staff, "released_is_paid_once", "escrow_wallet")
    with pytest.raises(errors.SwitchStopped):
        await breakage.confirmed_correction(
            database, staff.proposer, staff.confirmer, "payout", deal.target.id
        )
    async with database.sessions.begin() as session:
        await _run(session, staff.runner, Switch.ADJUSTMENTS)
    paid = await breakage.confirmed_correction(
        database, staff.proposer, staff.confirmer, "payout", deal.target.id
    )
    assert paid.status == "done"
    assert await _report(database, "unpaid_releases") == []
    await _verified_and_run(database, staff)
    async with database.sessions.begin() as session:
        assert await rows.available(session, deal.owner) == 4_500
        assert await rows.table(
            session,
            "SELECT w.kind, l.reason, l.amount FROM ledger_entries l"
            " JOIN wallets w ON w.id = l.wallet_id JOIN ledger_transfers t ON t.id = l.transfer_id"
            " WHERE t.key = :key ORDER BY l.amount",
            key=f"payout:{deal.target.id}",
        ) == [
            ("escrow", "escrow_release", -5_000),
            ("revenue", "fee", 500),
            ("user", "payout", 4_500),
        ]


async def test_partial_payout_of_an_unpublished_post_is_reversed(
    database: Database, staff: Staff
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.approved(session)
    await _cut_in_half(database, deal.target.id)
    await _detected_and_frozen(database, staff, "released_is_paid_once", "escrow_wallet")
    with pytest.raises(errors.NotCorrectable):
        await breakage.confirmed_correction(
            database, staff.proposer, staff.confirmer, "payout", deal.target.id
        )
    async with database.sessions.begin() as session:
        await _run(session, staff.runner, Switch.ADJUSTMENTS)
    signed = await breakage.confirmed_correction(
        database, staff.proposer, staff.confirmer, "reversal", deal.target.id
    )
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.ADJUSTMENTS)
    with pytest.raises(errors.SwitchStopped):
        await breakage.execute_correction(database, signed)
    async with database.sessions.begin() as session:
        await _run(session, staff.runner, Switch.ADJUSTMENTS)
    await breakage.execute_correction(database, signed)
    await _verified_and_run(database, staff)
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT e.status, t.status FROM escrows e"
            " JOIN campaign_targets t ON t.id = e.campaign_target_id",
        ) == [("held", "approved")]
        claim = await people.claimed(session)
        await posting.record_refused(session, claim, error="Bad Request", rights_lost=False)
    async with database.sessions.begin() as session:
        await escrow.refund(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        assert await rows.available(session, deal.advertiser) == 20_000


async def _frozen_by_incident(database: Database) -> tuple[int, Actor, Actor]:
    """Open an incident. Return the incident's id, an operator and a super admin."""
    async with database.sessions.begin() as session:
        await people.person(session, balance=100)
        one = await people.staff(session, Role.OPERATOR)
        two = await people.staff(session, Role.SUPER_ADMIN)
    await database.as_owner("ALTER TABLE wallets DISABLE TRIGGER moved_by_entries")
    await database.as_owner(BREAK)
    async with database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session)
    async with database.sessions.begin() as session:
        return await rows.one(session, "SELECT id FROM incidents"), one, two


async def test_only_operators_close_an_incident_and_only_when_the_ledger_is_sound(
    database: Database,
) -> None:
    incident_id, one, _ = await _frozen_by_incident(database)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        admin = await people.staff(session, Role.ADMIN)
    for actor in (admin, Actor(one.user_id, one.roles, in_admin_chat=False)):
        with pytest.raises(errors.AccessDenied):
            async with database.sessions.begin() as session:
                await incidents.close_incident(session, actor=actor, incident_id=incident_id)
    async with database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
    for _ in range(2):
        await _close(database, one, incident_id)
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT user_id FROM user_audit_logs WHERE action = 'incident_closed'",
        ) == [(one.user_id,)]
        with pytest.raises(errors.NotFound):
            await incidents.close_incident(session, actor=one, incident_id=999_999)


async def test_a_new_violation_is_a_new_incident(database: Database) -> None:
    incident_id, one, _ = await _frozen_by_incident(database)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
    await _close(database, one, incident_id)
    await database.as_owner(BREAK)
    async with database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session)
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT count(*) FROM incidents") == 2
        assert (
            await rows.one(session, "SELECT count(*) FROM outbox WHERE kind = 'ledger_violation'")
            == 2
        )
    await database.as_owner(REPAIR)


async def _close(database: Database, actor: Actor, incident_id: int) -> None:
    async with database.sessions.begin() as session:
        press = await presses.close_incident(session, actor, incident_id)
        await incidents.close_incident(session, actor=press, incident_id=incident_id)


async def test_a_large_ledger_is_checked_in_full_before_an_incident_is_closed(
    database: Database,
) -> None:
    incident_id, one, _ = await _frozen_by_incident(database)
    many = incremental_check.SCHEDULED.deposits + 1  # more than one scheduled check reads
    await database.as_owner(
        "INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency)"
        " SELECT 'payment', n::text, (SELECT telegram_id FROM users WHERE id = $1), 5, 'USD'"
        " FROM generate_series(1, $2::bigint) n",
        one.user_id,
        many,
    )
    await database.as_owner(
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference)"
        " SELECT $1, 5, 'USD', 'manual', n::text FROM generate_series(1, $2::bigint) n",
        one.user_id,
        many,
    )
    with pytest.raises(errors.InvariantBroken):
        await _close(database, one, incident_id)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        opened = await rows.one(session, "SELECT opened_at FROM incidents")
        done = opened + timedelta(minutes=1)
        proposer, confirmer = await people.staff(session), await people.staff(session)
    await database.as_owner(breakage.UNSIGNED)
    async with database.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO corrections (kind, wallet_id, proposed_by, reason)"
                " SELECT 'balance_reset', id, :one, 'x' FROM wallets LIMIT 1"
            ),
            {"one": proposer.user_id},
        )
        await session.execute(
            text(
                "UPDATE corrections SET status = 'done', confirmed_by = :two, confirm_reason = 'x',"
                " done_at = :done"
            ),
            {"two": confirmer.user_id, "done": done},
        )
    await database.forward(timedelta(minutes=2))
    for began in (opened - timedelta(seconds=1), done - timedelta(seconds=1), None):
        async with database.sessions.begin() as session:
            await incidents.record_check(session, [], full_since=began)
        with pytest.raises(errors.NotChecked):
            await _close(database, one, incident_id)
    broken = Violation("zero_sum", "seen later", [{"ref": 1}])
    for violations, refused in (([], False), ([broken], True), ([], False)):
        async with database.sessions.begin() as session:
            await incidents.record_check(session, violations, full_since=done)
        async with database.sessions() as session:  # checked, but not recorded
            press = await presses.close_incident(session, one, incident_id)
            with pytest.raises(errors.NotChecked) if refused else nullcontext():
                await incidents.close_incident(session, actor=press, incident_id=incident_id)
    await database.as_owner(BREAK)
    async with database.sessions.begin() as session:  # the new rows are checked again
        assert await incidents.check_ledger_invariant(session)
    with pytest.raises(errors.InvariantBroken):
        await _close(database, one, incident_id)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        await incidents.record_check(session, [], full_since=done)
    await _close(database, one, incident_id)


async def _set_payouts(database: Database, actor: Actor, *, enabled: bool) -> None:
    async with database.sessions.begin() as session:
        await killswitches.set(
            session, actor=actor, key=Switch.PAYOUTS, enabled=enabled, reason="after repair"
        )


async def test_who_closes_an_incident_does_not_run_its_switches(database: Database) -> None:
    incident_id, one, two = await _frozen_by_incident(database)
    for actor in (one, two):
        with pytest.raises(errors.IncidentOpen):
            await _set_payouts(database, actor, enabled=True)
    with pytest.raises(errors.AccessDenied):
        await _set_payouts(database, SYSTEM, enabled=True)
    with pytest.raises(errors.InvariantBroken):  # the ledger is still broken
        async with database.sessions.begin() as session:
            await incidents.close_incident(session, actor=one, incident_id=incident_id)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session) == []
    await _close(database, one, incident_id)
    with pytest.raises(errors.SamePerson):
        await _set_payouts(database, one, enabled=True)
    await _set_payouts(database, two, enabled=True)
    # The incident is closed, so a later stop is an ordinary one.
    await _set_payouts(database, two, enabled=False)
    await _set_payouts(database, one, enabled=True)
