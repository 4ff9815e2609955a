"""Test that each distinct fault gets its own incident, and that the staff read of each once."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from bot.screens import operators as screens
from bot.texts import Texts
from db.models.operations import Switch
from db.models.users import Role
from sandbox import embedded
from services.money import incidents, wallets
from services.money.invariants import Violation
from services.platform import errors, killswitches
from tests.conftest import Database
from tests.factories import breakage, people, rows
from tests.factories.attack import LOGIN

_MONEY = killswitches.STOPPED_BY_INCIDENT


def _violation(name: str, *refs: int) -> Violation:
    return Violation(name, "a rule is broken", [{"ref": ref, "amount": 7} for ref in refs])


async def _raise_alarm(database: Database, *violations: Violation) -> None:
    async with database.sessions.begin() as session:
        await incidents.raise_alarm(session, violations)


async def _named(database: Database, sql: str) -> list[dict[str, list[Any]]]:
    """Return, for each incident that a query finds, the refs of its rows by the fault's name."""
    async with database.sessions.begin() as session:
        found = await rows.table(session, sql)
    return [
        {name: [row["ref"] for row in offenders] for name, offenders in details.items()}
        for (details,) in found
    ]


async def _open(database: Database) -> list[dict[str, list[Any]]]:
    return await _named(
        database, "SELECT details FROM incidents WHERE closed_at IS NULL ORDER BY id"
    )


async def _told(database: Database, kind: str = "ledger_violation") -> list[dict[str, list[Any]]]:
    return await _named(
        database,
        "SELECT (SELECT coalesce(jsonb_object_agg(fault->>'name', fault->'rows'), '{}')"
        " FROM jsonb_array_elements(payload->'violations') AS fault) FROM outbox"
        f" WHERE kind = '{kind}' AND user_id IS NULL AND priority = 0 ORDER BY id",
    )


@pytest.mark.parametrize(
    ("second", "new"),
    [
        (_violation("zero_sum", 1), None),
        (_violation("zero_sum", 2, 1), None),
        (_violation("wallet_balance", 1), {"wallet_balance": [1]}),
        (_violation("zero_sum", 3), {"zero_sum": [3]}),
        (_violation("zero_sum", 1, 3, 2), {"zero_sum": [3]}),
        (_violation("deposit_unknown_to_telegram", 9), {"deposit_unknown_to_telegram": [9]}),
    ],
    ids=["the same", "the same rows", "another rule", "another row", "a row more", "a deposit"],
)
async def test_an_open_incident_hides_no_other_fault(
    database: Database, second: Violation, new: dict[str, list[Any]] | None
) -> None:
    first = {"zero_sum": [1, 2]}
    await _raise_alarm(database, _violation("zero_sum", 1, 2))
    for _ in range(2):
        await _raise_alarm(database, second)
        expected = [first, new] if new else [first]
        assert await _open(database) == expected
        assert await _told(database) == expected


async def test_facts_that_change_while_a_fault_remains_are_no_new_fault(
    database: Database,
) -> None:
    for amount in (1, 2):
        violation = Violation("zero_sum", "wrong", [{"ref": 1, "amount": amount}])
        await _raise_alarm(database, violation)
    assert await _open(database) == await _told(database) == [{"zero_sum": [1]}]


async def test_a_fault_that_comes_again_after_its_incident_was_closed_is_told_again(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
    for times in (1, 2):
        await _raise_alarm(database, _violation("zero_sum", 1))
        assert len(await _told(database)) == times
        async with database.sessions.begin() as session:
            (opened,) = await incidents.open_incidents(session)
            await breakage.close_incident(session, operator, opened.id)
    async with database.sessions.begin() as session:
        audited = "SELECT count(*) FROM user_audit_logs WHERE action = 'incident_opened'"
        assert await rows.one(session, audited) == 2


@pytest.mark.parametrize("first", [0, 1])
async def test_money_stays_stopped_until_each_incident_is_closed_and_no_closer_runs_it(
    database: Database, first: int
) -> None:
    async with database.sessions.begin() as session:
        closers = [await people.staff(session, Role.OPERATOR) for _ in range(2)]
        runner = await people.staff(session, Role.OPERATOR)
    await _raise_alarm(database, _violation("zero_sum", 1))
    await _raise_alarm(database, _violation("zero_sum", 2))
    async with database.sessions.begin() as session:
        opened = [incident.id for incident in await incidents.open_incidents(session)]
    for number, closer in zip((first, 1 - first), closers, strict=True):
        async with database.sessions.begin() as session:
            running = {state.key for state in await killswitches.overview(session) if state.enabled}
            assert not running & set(_MONEY)
            with pytest.raises(errors.IncidentOpen):
                await killswitches.run(session, actor=runner, key=Switch.PAYOUTS, reason="resolved")
        async with database.sessions.begin() as session:
            await breakage.close_incident(session, closer, opened[number])
    for closer in closers:
        with pytest.raises(errors.SamePerson):
            async with database.sessions.begin() as session:
                await killswitches.run(session, actor=closer, key=Switch.PAYOUTS, reason="resolved")
    async with database.sessions.begin() as session:
        await killswitches.run(session, actor=runner, key=Switch.PAYOUTS, reason="resolved")


async def test_three_people_are_enough_for_a_repair_and_two_are_not(database: Database) -> None:
    async with database.sessions.begin() as session:
        one, two = [await people.staff(session, Role.SUPER_ADMIN) for _ in range(2)]
        third = await people.staff(session, Role.OPERATOR)
        person = await people.person(session, balance=100)
        wallet = (await wallets.of_user(session, person.user_id or 0)).id
    change = f"UPDATE wallets SET balance = balance + 1 WHERE id = {wallet}"
    await breakage.run_unguarded(database, change)
    async with database.sessions.begin() as session:
        await incidents.check_ledger_invariant(session)
        (opened,) = await incidents.open_incidents(session)
    # One of the two who sign also applies the repair and closes the incident.
    signed = await breakage.confirmed_correction(database, one, two, "reset", wallet, applier=one)
    await breakage.execute_correction(database, signed)
    async with database.sessions.begin() as session:
        await breakage.close_incident(session, one, opened.id)
    for key in _MONEY:
        for signer in (one, two):
            with pytest.raises(errors.SamePerson):
                async with database.sessions.begin() as session:
                    await killswitches.run(session, actor=signer, key=key, reason="resolved")
        async with database.sessions.begin() as session:
            await killswitches.run(session, actor=third, key=key, reason="resolved")


@pytest.mark.parametrize("login", ["bot", "clock"])
async def test_nobody_can_open_an_incident_in_silence(
    server: embedded.Postgres, database: Database, login: str
) -> None:
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(LOGIN[login], name))
    facts: dict[str, Any] = {"audit_chain_file_shrunk": [{"ref": "x"}]}
    for details in ({}, facts, facts):
        await connection.execute(
            "SELECT open_incident('audit_chain_broken', $1)", json.dumps(details)
        )
    await connection.close()
    assert await _told(database, "audit_chain_broken") == [{}, {"audit_chain_file_shrunk": ["x"]}]


async def test_two_checks_at_the_same_time_open_one_incident(database: Database) -> None:
    async with database.sessions.begin() as session:
        await incidents.raise_alarm(session, [_violation("zero_sum", 1)])
        other = asyncio.create_task(_raise_alarm(database, _violation("zero_sum", 1)))
        await asyncio.sleep(0.2)
    await other
    assert await _open(database) == await _told(database) == [{"zero_sum": [1]}]


async def test_an_incident_under_way_delays_no_other_fault(database: Database) -> None:
    async with database.sessions.begin() as session:
        await incidents.raise_alarm(session, [_violation("zero_sum", 1)])
        await asyncio.wait_for(_raise_alarm(database, _violation("zero_sum", 2)), 5)
    assert await _open(database) == [{"zero_sum": [1]}, {"zero_sum": [2]}]


async def test_many_open_incidents_fit_on_one_screen(database: Database) -> None:
    for ref in range(25):
        await _raise_alarm(database, _violation("zero_sum", ref))
    async with database.sessions.begin() as session:
        opened = await incidents.open_incidents(session)
    for language, more in (("en", "5 more are listed"), ("ru", "Ещё 5 появятся")):
        screen = screens.incidents(Texts(language, "USD"), opened)
        assert screen.text.count("zero_sum (") == 20
        assert more in screen.text
