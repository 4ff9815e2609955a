"""Test that a met criterion of a rollback stops money and posting, and an unmet one does not."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.screens import launch as launch_screens
from bot.texts import LANGUAGES, Texts
from db.models.operations import Switch
from sandbox import embedded
from services.launch import criteria
from services.launch.criteria import CRITERIA, INCIDENT
from services.launch.rollback_limits import CHANGEABLE, DEFAULTS
from services.money import incidents
from services.platform import killswitches
from services.posts import posting, telegram_outage
from tests.conftest import Database, checked_database
from tests.factories import launch_walk, people, rows
from tests.factories.launch_walk import Walk
from tests.kept_databases import KeptDatabases

SLA = timedelta(hours=24)
Harm = Callable[[Database], Awaitable[None]]


@pytest.fixture
async def signed(kept_databases: KeptDatabases) -> AsyncIterator[Walk]:
    """Return a signed launch, in which every switch runs."""
    async with checked_database(kept_databases, embedded.DATABASE) as database:
        walk = await launch_walk.start(database)
        await walk.pass_all()
        await walk.sign_all()
        yield walk


async def watch(database: Database, limits: Mapping[str, int] = DEFAULTS) -> list[str]:
    """Run the watch once, and return the names of the criteria that it acted on."""
    async with database.sessions.begin() as session:
        met = await criteria.stop_if_met(session, sla=SLA, limits=limits)
    return [measured.name for measured in met]


async def stopped(database: Database) -> set[Switch]:
    """Return the switches that do not run."""
    async with database.sessions.begin() as session:
        return {state.key for state in await killswitches.overview(session) if not state.enabled}


def counted(kind: str, *numbers: int) -> Harm:
    """Return a function that counts failures: now, a minute ago, and so on."""

    async def count(database: Database) -> None:
        for ago, number in enumerate(numbers):
            if number:
                await database.as_owner(
                    "INSERT INTO failure_counts (kind, minute, occurred)"
                    " VALUES ($1, date_trunc('minute', now()) - $2 * interval '1 minute', $3)",
                    kind,
                    ago,
                    number,
                )

    return count


async def break_ledger(database: Database, *, repair: bool = False) -> None:
    """Let the scheduled check find a violation, or let it find none."""
    await change_wallets(database, "balance + 1")
    if repair:
        await change_wallets(database, "balance - 1")
    async with database.sessions.begin() as session:
        await incidents.check_ledger_invariant(session)
    if not repair:
        await change_wallets(database, "balance - 1")


async def change_wallets(database: Database, balance: str) -> None:
    """Change the balance of one wallet without an entry in the ledger."""
    await database.as_owner("ALTER TABLE wallets DISABLE TRIGGER USER")
    await database.as_owner(
        f"UPDATE wallets SET balance = {balance} WHERE id = (SELECT min(id) FROM wallets)"
    )
    await database.as_owner("ALTER TABLE wallets ENABLE TRIGGER USER")


async def repaired_ledger(database: Database) -> None:
    """Let the scheduled check run after a repair."""
    await break_ledger(database, repair=True)


def held_for(time: timedelta) -> Harm:
    """Return a function that lets an escrow without a published post be held for this time."""

    async def hold(database: Database) -> None:
        async with database.sessions.begin() as session:
            await people.approved(session)
        await database.forward(time)

    return hold


def failed(number: int, *, wait: timedelta = timedelta(minutes=3)) -> Harm:
    """Return a function that lets posts fail, whose escrows nobody refunds."""

    async def fail(database: Database) -> None:
        for _ in range(number):
            async with database.sessions.begin() as session:
                await people.approved(session)
                claim = await people.claimed(session)
                await posting.record_refused(session, claim, error="gone", rights_lost=False)
        await database.forward(wait)

    return fail


def telegram_away(time: timedelta) -> Harm:
    """Return a function that lets an outage of Telegram last for this time."""

    async def begin(database: Database) -> None:
        async with database.sessions.begin() as session:
            await telegram_outage.begin(session)
        await database.forward(time)

    return begin


@dataclass(frozen=True)
class Case:
    """A criterion, with a state of the database that meets it, and a state that just does not."""

    name: str
    met: Harm
    below: Harm


CASES = (
    Case("conflicts", counted("conflict", 0, 10, 10, 10), counted("conflict", 99, 10, 9, 10)),
    Case(
        "approve_timeouts",
        counted("approve_timeout", 0, 3, 2, 0, 0, 0, 4),
        counted("approve_timeout", 0, 3, 1, 0, 0, 0, 0),
    ),
    Case("ledger_violations", break_ledger, repaired_ledger),
    Case("deadlocks", counted("deadlock", 0, 2, 1), counted("deadlock", 0, 1, 1, 0, 0, 0, 9)),
    Case("invariant_check_failed", break_ledger, repaired_ledger),
    Case(
        "escrow_past_sla",
        held_for(SLA + timedelta(minutes=6)),
        held_for(SLA + timedelta(minutes=4)),
    ),
    Case("failed_without_refund", failed(3), failed(2)),
    Case(
        "telegram_errors",
        telegram_away(timedelta(minutes=6)),
        telegram_away(timedelta(minutes=4)),
    ),
)


def test_each_criterion_has_a_case() -> None:
    assert [case.name for case in CASES] == [criterion.name for criterion in CRITERIA]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_criterion_stops_all_money_and_posting_and_is_named_once(
    signed: Walk, case: Case
) -> None:
    database = signed.database
    assert await watch(database) == []
    await case.met(database)
    assert case.name in await watch(database)
    assert await stopped(database) == set(Switch)
    # A second run does nothing while the incident is open.
    assert await watch(database) == []
    async with database.sessions.begin() as session:
        told = await rows.table(
            session,
            "SELECT payload FROM outbox WHERE kind = 'rollback_criterion'"
            " AND payload->>'criterion' = :name",
            name=case.name,
        )
        opened = await rows.table(
            session,
            "SELECT id FROM incidents WHERE kind = :kind AND closed_at IS NULL AND details ? :name",
            kind=INCIDENT,
            name=case.name,
        )
    assert len(told) == len(opened) == 1
    for language in LANGUAGES:
        text = launch_screens.criterion_met(Texts(language, "USD"), told[0][0]).text
        assert "{" not in text
        assert "\n" in text
        assert "/" in text.splitlines()[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_just_below_a_criterion_nothing_stops(signed: Walk, case: Case) -> None:
    await case.below(signed.database)
    assert await watch(signed.database) == []
    assert await stopped(signed.database) == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_higher_limit_lets_the_same_harm_pass(signed: Walk, case: Case) -> None:
    higher = {name: 99 * (name in CHANGEABLE) or limit for name, limit in DEFAULTS.items()}
    await case.met(signed.database)
    met = await watch(signed.database, higher)
    assert (case.name in met) is (case.name not in CHANGEABLE)


async def test_a_spike_that_does_not_increase_is_no_criterion(signed: Walk) -> None:
    await counted("approve_timeout", 0, 5, 0, 0, 0, 0, 5)(signed.database)
    assert await watch(signed.database) == []


async def test_nothing_is_watched_before_the_last_signature(database: Database) -> None:
    await counted("conflict", 0, 99, 99, 99)(database)
    assert await watch(database) == []
    assert await stopped(database) == set()


async def test_a_switch_without_a_row_keeps_no_other_one_running(signed: Walk) -> None:
    row = "kill_switches WHERE key = 'new_escrows'"
    await signed.database.as_owner(f"DELETE FROM {row}")
    await counted("deadlock", 0, 3)(signed.database)
    assert await watch(signed.database) == ["deadlocks"]
    assert await stopped(signed.database) == set(Switch)


async def test_a_criterion_acts_again_after_its_incident_is_closed(signed: Walk) -> None:
    await counted("deadlock", 0, 3)(signed.database)
    assert await watch(signed.database) == ["deadlocks"]
    await signed.database.as_owner(
        "ALTER TABLE incidents DISABLE TRIGGER USER;"
        " UPDATE incidents SET closed_at = clock();"
        " ALTER TABLE incidents ENABLE TRIGGER USER"
    )
    assert await watch(signed.database) == ["deadlocks"]


async def test_a_lower_limit_stops_earlier(signed: Walk) -> None:
    await counted("deadlock", 0, 1)(signed.database)
    assert await watch(signed.database) == []
    assert await watch(signed.database, DEFAULTS | {"deadlocks": 1}) == ["deadlocks"]
