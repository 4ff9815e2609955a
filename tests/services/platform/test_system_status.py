"""Test that the status names what needs a human, and nothing else."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.readiness import REVISION
from db.models.operations import Switch
from db.models.users import Role
from services.money import incidents
from services.platform import heartbeats, killswitches, leases, system_status
from services.platform.system_status import Line, State, needs_human
from tests.conftest import Database
from tests.factories import breakage, people

SLA = timedelta(hours=24)


async def _read(database: Database, revision: str = REVISION) -> Mapping[str, Line]:
    async with database.sessions.begin() as session:
        lines = await system_status.read(session, sla=SLA, revision=revision)
    assert needs_human(lines) == any(line.state is not State.OK for line in lines)
    return {line.name: line for line in lines}


def _urgent(lines: Mapping[str, Line]) -> set[str]:
    return {name for name, line in lines.items() if line.state is not State.OK}


@pytest.fixture(autouse=True)
async def empty_outbox(database: Database) -> None:
    """Delete the template database's messages, because their age depends on the other tests."""
    await database.as_owner("DELETE FROM outbox")


@pytest.fixture
async def working(database: Database) -> Database:
    """Return a database with a living scheduler and bot, and a fresh check of the ledger."""
    async with database.sessions.begin() as session:
        await heartbeats.beat(session, owner="one", name="scheduler")
        await leases.acquire(session, name="polling", owner="bot", ttl=timedelta(hours=1))
        assert await incidents.check_ledger_invariant(session) == []
    return database


async def test_dead_processes_and_a_missing_check_need_a_human(database: Database) -> None:
    assert _urgent(await _read(database)) == {
        *("schedulers_alive", "scheduler_heartbeat_age", "bot", "last_ledger_check_age"),
    }


async def test_a_dead_bot_is_told_from_a_bot_that_takes_no_updates(working: Database) -> None:
    assert (await _read(working))["bot"].value == "takes_updates"

    await working.as_owner(FAULTS["bot"])
    assert (await _read(working))["bot"].value == "does_not_run"

    async with working.sessions.begin() as session:
        await heartbeats.beat(session, owner="two", name=heartbeats.BOT)
    assert (await _read(working))["bot"].value == "takes_no_updates"

    late = heartbeats.HEARTBEAT_LATE.total_seconds() + 1
    await working.as_owner(f"UPDATE heartbeats SET beat_at = now() - interval '{late} seconds'")
    assert (await _read(working))["bot"].value == "does_not_run"


async def test_nothing_needs_a_human_while_everything_works(working: Database) -> None:
    async with working.sessions.begin() as session:
        await people.approved(session)
        await killswitches.set(
            session,
            actor=await people.staff(session, Role.OPERATOR),
            key=Switch.PAYOUTS,
            enabled=False,
            reason="a drill",
        )
    lines = await _read(working)
    assert _urgent(lines) == set()
    assert (lines["payouts"].value, lines["payouts"].detail) == ("STOPPED", "a drill")
    assert (lines["posts_due"].value, lines["escrows_held"].value) == (1, 1)
    assert lines["money_held"].value == people.PRICE
    assert lines["schema_revision"].value == REVISION


async def test_waiting_posts_refunds_and_checks_become_late(working: Database) -> None:
    async with working.sessions.begin() as session:
        await people.failed(session)
        await people.approved(session)
    await working.forward(timedelta(minutes=11))
    lines = await _read(working)
    assert _urgent(lines) == {
        *("posts_oldest_due_age", "oldest_refund_due_age", "oldest_entry_without_link_age"),
        "last_ledger_check_age",
    }
    assert (lines["dead_letters"].value, lines["dead_letters_of_a_day"].value) == (1, 1)
    assert lines["posts_oldest_due_age"].value >= 11 * 60
    await working.forward(timedelta(hours=24))
    assert "escrows_stuck" in _urgent(await _read(working))


FAULTS = {
    "inbox_oldest_age": """
        INSERT INTO inbox (update_id, lane, payload, received_at)
        VALUES (1, 1, '{}', now() - interval '2 minutes')
    """,
    "parked_payments": """
        INSERT INTO inbox (update_id, lane, payload, failed_at)
        VALUES (1, 1, '{"message": {"successful_payment": {}}}', now())
    """,
    "outbox_oldest_age": """
        INSERT INTO outbox (kind, payload, due_at)
        VALUES ('switch_changed', '{}', now() - interval '6 minutes')
    """,
    "open_incidents": "INSERT INTO incidents (kind, details) VALUES ('telegram_down', '{}')",
    "alerts_firing": """
        INSERT INTO alerts (name, watcher, firing, value, in_chat, sent_out)
        VALUES ('redis_away', 'scheduler', true, 1, true, true)
    """,
    "refunds": "DELETE FROM kill_switches WHERE key = 'refunds'",
    "bot": "UPDATE leases SET held_until = now() - interval '1 minute'",
    "schedulers_alive": "UPDATE heartbeats SET beat_at = now() - interval '2 minutes'",
}


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_has_its_line(working: Database, name: str) -> None:
    assert name not in _urgent(await _read(working))
    await working.as_owner("ALTER TABLE kill_switches DISABLE TRIGGER USER")
    await working.as_owner(FAULTS[name])
    assert name in _urgent(await _read(working))


async def test_broken_rules_are_named_with_their_rows(working: Database) -> None:
    async with working.sessions.begin() as session:
        placement = (await people.approved(session)).target.id
    change = f"UPDATE campaign_targets SET status = '{{}}' WHERE id = {placement}"
    await breakage.run_unguarded(working, change.format("expired"))
    async with working.sessions.begin() as session:
        assert await incidents.check_ledger_invariant(session)
    lines = await _read(working)
    await breakage.run_unguarded(working, change.format("approved"))
    assert lines["ledger_violations"].detail == "held_is_undecided: 1"
    opened = lines["open_incidents"].detail or ""
    assert opened.endswith(f" ledger_violation: held_is_undecided ({placement})")


async def test_a_part_that_cannot_be_read_is_unknown_and_hides_no_other(working: Database) -> None:
    logins = "adtech_bot, adtech_clock, adtech_reports"
    await working.as_owner("REVOKE SELECT ON withdrawals FROM " + logins)
    lines = await _read(working)
    await working.as_owner("GRANT SELECT ON withdrawals TO " + logins)
    assert _urgent(lines) == {"withdrawals_waiting"}
    assert (lines["withdrawals_waiting"].state, lines["withdrawals_waiting"].value) == (
        State.UNKNOWN,
        None,
    )


async def test_an_older_schema_needs_a_human(working: Database) -> None:
    assert _urgent(await _read(working, revision="9999")) == {"schema_revision"}


async def test_a_database_that_does_not_answer_leaves_each_line_unknown(working: Database) -> None:
    switches = {switch.value for switch in Switch}
    names = set(await _read(working)) - switches
    assert {line.name for line in system_status.unknown()} == names
