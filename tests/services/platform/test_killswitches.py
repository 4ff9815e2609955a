"""Kill switches: who may set them, what is kept of it, and who runs them after an incident."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.users import Role
from services.money import incidents, incremental_check
from services.money.invariants import Violation
from services.platform import errors, killswitches
from services.platform.actors import SYSTEM, Actor
from services.platform.killswitches import SwitchChange
from tests.conftest import Database
from tests.factories import people, rows

BREAK = "UPDATE wallets SET balance = balance + 1 WHERE kind = 'user'"
REPAIR = "UPDATE wallets SET balance = balance - 1 WHERE kind = 'user'"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SUPER_ADMIN])
@pytest.mark.parametrize("key", Switch)
async def test_stop_and_run(session: AsyncSession, key: Switch, role: Role) -> None:
    operator = await people.staff(session, role)
    for enabled in (False, True):
        before = await rows.snapshot(session)
        change = await killswitches.set(
            session, actor=operator, key=key, enabled=enabled, reason="drill"
        )
        assert change == SwitchChange(key, enabled, changed=True, sends_under_way=0)
        assert await killswitches.are_running(session, key) is enabled
        assert rows.grown(before, await rows.snapshot(session)) == {
            "outbox": 1,
            "user_audit_logs": 1,
        }
        again = await rows.snapshot(session)
        change = await killswitches.set(
            session, actor=operator, key=key, enabled=enabled, reason="again"
        )
        assert not change.changed
        assert await rows.snapshot(session) == again
    assert await rows.table(
        session,
        "SELECT action, role, metadata->>'key' FROM user_audit_logs WHERE user_id = :id"
        " ORDER BY id",
        id=operator.user_id,
    ) == [("kill_switch_stopped", role, key), ("kill_switch_run", role, key)]


async def test_others_set_nothing(session: AsyncSession) -> None:
    operator = await people.staff(session, Role.OPERATOR)
    outside = Actor(operator.user_id, operator.roles, in_admin_chat=False)
    nobody, admin = await people.person(session), await people.staff(session, Role.ADMIN)
    before = await rows.snapshot(session)
    for actor in (outside, nobody, admin):
        with pytest.raises(errors.AccessDenied):
            await killswitches.set(
                session, actor=actor, key=Switch.PAYOUTS, enabled=False, reason="x"
            )
    assert await rows.snapshot(session) == before


async def test_a_missing_row_counts_as_stopped(database: Database) -> None:
    await database.as_owner("DELETE FROM kill_switches WHERE key = 'payouts'")
    async with database.sessions.begin() as session:
        states = {state.key: state for state in await killswitches.overview(session)}
        assert list(states) == list(Switch)
        assert (states[Switch.PAYOUTS].missing, states[Switch.PAYOUTS].enabled) == (True, False)
        assert not await killswitches.are_running(session, Switch.PAYOUTS)
        assert not await killswitches.are_running(session, Switch.PAYOUTS, Switch.REFUNDS)
        with pytest.raises(errors.SwitchStopped):
            await killswitches.require(session, Switch.PAYOUTS)
        with pytest.raises(errors.NotFound):
            await killswitches.set(
                session, actor=SYSTEM, key=Switch.PAYOUTS, enabled=True, reason="x"
            )


async def test_stopping_posting_says_what_is_under_way(session: AsyncSession) -> None:
    for _ in range(2):
        await people.approved(session)
        await people.claimed(session)
    for key, sends in ((Switch.TELEGRAM_POSTING, 2), (Switch.WORKER_POST, 2), (Switch.REFUNDS, 0)):
        change = await killswitches.set(
            session, actor=SYSTEM, key=key, enabled=False, reason="drill"
        )
        assert change.sends_under_way == sends


async def test_every_switch_has_a_lock_of_its_own(session: AsyncSession) -> None:
    locks = await rows.one(
        session,
        "SELECT count(DISTINCT hashtext(key)) FROM unnest(CAST(:keys AS text[])) AS key",
        keys=list(Switch),
    )
    assert locks == len(Switch)


async def _incident(database: Database) -> tuple[int, Actor, Actor]:
    """Have the ledger's check freeze everything; return the incident and two operators."""
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


async def _set(database: Database, actor: Actor, *, enabled: bool) -> None:
    async with database.sessions.begin() as session:
        await killswitches.set(
            session, actor=actor, key=Switch.PAYOUTS, enabled=enabled, reason="after repair"
        )


async def test_who_repaired_does_not_run_what_was_frozen(database: Database) -> None:
    incident_id, one, two = await _incident(database)
    for actor in (one, two, SYSTEM):
        with pytest.raises(errors.IncidentOpen):
            await _set(database, actor, enabled=True)
    with pytest.raises(errors.IncidentOpen):  # it is still broken
        async with database.sessions.begin() as session:
            await incidents.close_incident(session, actor=one, incident_id=incident_id)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        await incidents.close_incident(session, actor=one, incident_id=incident_id)
    with pytest.raises(errors.SamePerson):
        await _set(database, one, enabled=True)
    await _set(database, two, enabled=True)
    # That freeze is over: a later stop is an ordinary one.
    await _set(database, two, enabled=False)
    await _set(database, one, enabled=True)


async def test_who_may_close_an_incident(database: Database) -> None:
    incident_id, one, _ = await _incident(database)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        admin = await people.staff(session, Role.ADMIN)
    for actor in (admin, Actor(one.user_id, one.roles, in_admin_chat=False)):
        with pytest.raises(errors.AccessDenied):
            async with database.sessions.begin() as session:
                await incidents.close_incident(session, actor=actor, incident_id=incident_id)
    for _ in range(2):
        async with database.sessions.begin() as session:
            await incidents.close_incident(session, actor=one, incident_id=incident_id)
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT user_id FROM user_audit_logs WHERE action = 'incident_closed'",
        ) == [(one.user_id,)]
        with pytest.raises(errors.NotFound):
            await incidents.close_incident(session, actor=one, incident_id=999_999)


async def test_a_new_violation_is_a_new_incident(database: Database) -> None:
    incident_id, one, _ = await _incident(database)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        await incidents.close_incident(session, actor=one, incident_id=incident_id)
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
        await incidents.close_incident(session, actor=actor, incident_id=incident_id)


async def test_a_large_ledger_is_checked_in_full_before_an_incident_is_closed(
    database: Database,
) -> None:
    incident_id, one, two = await _incident(database)
    many = incremental_check.SCHEDULED.deposits + 1  # more than one scheduled check looks at
    await database.as_owner(
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference)"
        " SELECT $1, 5, 'USD', 'manual', n::text FROM generate_series(1, $2::bigint) n",
        one.user_id,
        many,
    )
    with pytest.raises(errors.IncidentOpen):
        await _close(database, one, incident_id)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        opened = await rows.one(session, "SELECT opened_at FROM incidents")
        done = opened + timedelta(minutes=1)
        await session.execute(
            text(
                "INSERT INTO corrections (kind, wallet_id, proposed_by, reason)"
                " SELECT 'balance_reset', id, :one, 'x' FROM wallets LIMIT 1"
            ),
            {"one": one.user_id},
        )
        await session.execute(
            text(
                "UPDATE corrections SET status = 'done', confirmed_by = :two, confirm_reason = 'x',"
                " done_at = :done"
            ),
            {"two": two.user_id, "done": done},
        )
    for began in (opened - timedelta(seconds=1), done - timedelta(seconds=1), None):
        async with database.sessions.begin() as session:
            await incidents.record_check(session, [], full_since=began)
        with pytest.raises(errors.NotChecked):
            await _close(database, one, incident_id)
    broken = Violation("zero_sum", "seen later", [{"ref": 1}])
    for violations, refused in (([], False), ([broken], True), ([], False)):
        async with database.sessions.begin() as session:
            await incidents.record_check(session, violations, full_since=done)
        async with database.sessions() as session:  # looked at, not kept
            if refused:
                with pytest.raises(errors.NotChecked):
                    await incidents.close_incident(session, actor=one, incident_id=incident_id)
            else:
                await incidents.close_incident(session, actor=one, incident_id=incident_id)
    await database.as_owner(BREAK)
    async with database.sessions.begin() as session:  # and what is new is looked at again
        assert await incidents.check_ledger_invariant(session)
    with pytest.raises(errors.IncidentOpen):
        await _close(database, one, incident_id)
    await database.as_owner(REPAIR)
    async with database.sessions.begin() as session:
        await incidents.record_check(session, [], full_since=done)
    await _close(database, one, incident_id)
