"""Test that the launch goes on only after each check, and that no check moves money."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from db.models.operations import Switch
from db.models.users import Role
from db.session import create_engine, create_sessions, sqlstate
from sandbox import embedded, logins
from services.launch import criteria, gate, refusals, steps
from services.launch.steps import SIGNERS, STEPS, Step
from services.money import incidents
from services.platform import errors, killswitches
from tests.factories import people, presses, rows
from tests.factories.launch_walk import PREPARE, Walk

Undo = Callable[[], Awaitable[object]]
CHECKS = tuple(step for step in STEPS if step.phase != steps.SIGN_OFF)


def test_each_switch_is_opened_once() -> None:
    opened = [step.switch for step in STEPS if step.switch is not None]
    assert sorted(opened) == sorted(Switch)
    assert len(opened) == len(set(opened))


async def test_a_launch_passes_all_phases_and_is_signed_by_three_people(walk: Walk) -> None:
    await walk.pass_all()
    launch = await walk.read()
    assert launch.may_be_signed
    assert not launch.is_signed
    await walk.sign_all()
    assert (await walk.read()).is_signed
    async with walk.database.sessions.begin() as session:
        audit = await rows.table(
            session,
            "SELECT metadata->>'step' AS step FROM user_audit_logs WHERE action = 'launch_signed'"
            " ORDER BY id",
        )
    assert audit == [(role,) for role in SIGNERS]


async def test_the_bots_login_checks_and_signs_and_the_schedulers_login_watches(
    walk: Walk, server: embedded.Postgres
) -> None:
    name = make_url(walk.database.url).database or ""
    engines = [create_engine(server.dsn(login, name)) for login in (logins.BOT, logins.CLOCK)]
    walk.bot_sessions, clock_sessions = map(create_sessions, engines)
    await walk.pass_all()
    await walk.sign_all()
    await walk.database.as_owner("INSERT INTO failure_counts VALUES ('deadlock', now(), 3)")
    async with clock_sessions.begin() as session:
        met = await criteria.stop_if_met(session, sla=walk.facts.sla, limits=walk.facts.limits)
    assert [measured.name for measured in met] == ["deadlocks"]
    for engine in engines:
        await engine.dispose()


async def run_all(walk: Walk, *keys: str) -> Undo:
    """Run switches too early, and return a function that stops them."""
    for key in keys:
        await walk.set_switch(key, enabled=True)

    async def undo() -> None:
        for key in keys:
            await walk.set_switch(key, enabled=False)

    return undo


async def break_rows(walk: Walk, table: str, change: str, repair: str) -> Undo:
    """Change rows of a guarded table as their owner, and return a function that repairs them."""

    async def change_rows(sql: str) -> None:
        await walk.database.as_owner(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await walk.database.as_owner(sql)
        await walk.database.as_owner(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    await change_rows(change)
    return lambda: change_rows(repair)


async def break_wallet(walk: Walk) -> Undo:
    """Add one cent to a wallet without an entry, to the advertiser's wallet if there is one."""
    wallet = """WHERE id = coalesce(
        (SELECT wallet_id FROM ledger_entries WHERE reason = 'escrow_hold' AND amount < 0),
        (SELECT min(id) FROM wallets))"""
    return await break_rows(
        walk,
        "wallets",
        f"UPDATE wallets SET balance = balance + 1 {wallet}",
        f"UPDATE wallets SET balance = balance - 1 {wallet}",
    )


async def break_ledger(walk: Walk) -> Undo:
    """Break the ledger, and afterwards close the incident and run the switches again."""
    repair = await break_wallet(walk)

    async def undo() -> None:
        await repair()
        await walk.database.as_owner(
            "ALTER TABLE incidents DISABLE TRIGGER USER;"
            " UPDATE incidents SET closed_at = clock();"
            " ALTER TABLE incidents ENABLE TRIGGER USER;"
            " DELETE FROM switch_stops WHERE reason = 'ledger_invariant_violated';"
            " UPDATE kill_switches SET enabled = true WHERE reason = 'ledger_invariant_violated'"
        )

    return undo


async def remove_row(walk: Walk) -> Undo:
    """Delete the row of a switch, and return a function that puts it back."""
    await walk.database.as_owner("DELETE FROM kill_switches WHERE key = 'payouts'")
    return lambda: walk.database.as_owner(
        "INSERT INTO kill_switches (key, reason) VALUES ('payouts', 'created_stopped')"
    )


async def disable_guard(walk: Walk) -> Undo:
    """Disable a trigger of the wallets, and return a function that enables it."""
    await walk.database.as_owner("ALTER TABLE wallets DISABLE TRIGGER opened_empty")
    return lambda: walk.database.as_owner("ALTER TABLE wallets ENABLE TRIGGER opened_empty")


async def activate(walk: Walk) -> Undo:
    """Activate a campaign before the launch."""
    async with walk.database.sessions.begin() as session:
        await people.campaign(session, await people.person(session))
    return lambda: walk.database.as_owner("UPDATE campaigns SET status = 'paused'")


async def buy_twice(walk: Walk) -> Undo:
    """Approve a second placement, and return a function that cancels and refunds it."""
    await walk.submit()
    await walk.approve()
    return walk.cancel_and_refund


async def lose_first_post(walk: Walk) -> Undo:
    """Publish a second placement, and say that the post of the first one failed."""
    await walk.submit()
    await walk.approve()
    await walk.publish()
    return await break_job(walk)


async def break_job(walk: Walk) -> Undo:
    """Say that the post of the oldest placement failed, although it is published."""
    job = "WHERE id = (SELECT min(id) FROM post_jobs)"
    return await break_rows(
        walk,
        "post_jobs",
        f"UPDATE post_jobs SET status = 'failed' {job}",
        f"UPDATE post_jobs SET status = 'success' {job}",
    )


async def fake(walk: Walk, **facts: object) -> Undo:
    return walk.without(**facts)


SABOTAGE: Mapping[str, Callable[[Walk], Awaitable[Undo]]] = {
    "switch_rows": remove_row,
    "all_stopped": lambda walk: run_all(walk, "payouts"),
    "nothing_active": activate,
    "still_stopped": lambda walk: run_all(walk, "refunds"),
    "api_health": lambda walk: fake(walk, api_status=503, api_problems="redis"),
    "schema_revision": lambda walk: fake(walk, revision="9999"),
    "guards_hold": disable_guard,
    "ledger_clean": break_ledger,
    "test_placement": lambda walk: fake(walk, amount=people.PRICE - 1),
    "hold_blocked": lambda walk: run_all(walk, "new_escrows"),
    "one_escrow_held": buy_twice,
    "hold_in_ledger": lambda walk: break_rows(
        walk,
        "ledger_entries",
        "UPDATE ledger_entries SET reason = 'adjustment' WHERE reason = 'escrow_hold'",
        "UPDATE ledger_entries SET reason = 'escrow_hold' WHERE reason = 'adjustment'",
    ),
    "post_outcome": break_job,
    "payout_blocked": lambda walk: run_all(walk, "payouts"),
    "escrow_fits_outcome": lose_first_post,
    "wallets_match": break_wallet,
    "ledger_after_payout": break_ledger,
}
"""The way to break each check, by its name. Any other check fails without its preparation."""


def anchor(step: Step) -> Step:
    """Return the last step, up to this one, that somebody has to prepare.

    The launch runs the checks from there to this one without a pause.
    """
    until = CHECKS[: CHECKS.index(step) + 1]
    return [
        each
        for number, each in enumerate(until)
        if each.switch is not None
        or each.name in PREPARE
        or number == 0
        or CHECKS[number - 1].phase < each.phase
    ][-1]


@pytest.mark.parametrize("step", CHECKS, ids=lambda step: step.name)
async def test_the_launch_stops_at_a_sabotaged_check(walk: Walk, step: Step) -> None:
    start = anchor(step)
    await walk.pass_all(before=start)
    sabotage = SABOTAGE.get(step.name)
    if sabotage is None:
        assert start == step
        undo: Undo = partial(walk.prepare, step)
    else:
        await walk.prepare(start)
        undo = await sabotage(walk)
    before = await walk.digests()
    launch = await walk.go_on(step.phase)
    assert await walk.digests() == before
    failed = launch.first_open(step.phase)
    assert failed is not None
    assert (failed.step.name, failed.passed) == (step.name, False)
    assert failed.found
    later = CHECKS[CHECKS.index(step) + 1 :]
    assert all(state.passed is None for state in launch.states if state.step in later)
    async with walk.database.sessions.begin() as session:
        with pytest.raises(refusals.LaunchCheckOpen) as refused:
            await gate.begin_phase(
                session, actor=walk.operator, phase=step.phase + 1, facts=walk.facts
            )
    assert (refused.value.phase, refused.value.check) == (step.phase, step.name)
    await undo()
    launch = await walk.go_on(step.phase)
    assert next(state.passed for state in launch.states if state.step == step)


async def test_a_phase_runs_once_and_only_the_next_one_begins(walk: Walk) -> None:
    async def begin(phase: int) -> None:
        async with walk.database.sessions.begin() as session:
            await gate.begin_phase(session, actor=walk.operator, phase=phase, facts=walk.facts)

    async def check() -> None:
        async with walk.database.sessions.begin() as session:
            await gate.check(session, actor=walk.operator, facts=walk.facts)

    with pytest.raises(refusals.LaunchNotBegun):
        await check()
    with pytest.raises(refusals.LaunchCheckOpen):
        await begin(1)
    await begin(0)
    for again in (begin(0), check()):
        with pytest.raises(refusals.LaunchPhasePassed):
            await again
    await begin(1)
    with pytest.raises(refusals.LaunchCheckOpen):
        await begin(1)
    with pytest.raises(refusals.LaunchCheckOpen):
        await begin(6)


async def test_two_operators_begin_a_phase_at_once(walk: Walk) -> None:
    await walk.pass_step(STEPS[0])

    async def begin() -> object:
        async with walk.database.sessions.begin() as session:
            return await gate.begin_phase(session, actor=walk.operator, phase=1, facts=walk.facts)

    results = await asyncio.gather(begin(), begin(), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Launch", "LaunchCheckOpen"]
    async with walk.database.sessions.begin() as session:
        found = await rows.table(
            session, "SELECT step FROM launch_runs WHERE passed GROUP BY step HAVING count(*) > 1"
        )
    assert found == []


async def test_only_operators_check_and_sign(walk: Walk) -> None:
    async with walk.database.sessions.begin() as session:
        admin = await people.staff(session, Role.ADMIN)
    for act in (
        gate.begin_phase(session, actor=admin, phase=0, facts=walk.facts),
        gate.check(session, actor=admin, facts=walk.facts),
        gate.sign(session, actor=admin, role=SIGNERS[0]),
    ):
        with pytest.raises(errors.AccessDenied):
            await act


async def test_a_signature_needs_all_checks_another_person_and_the_press(walk: Walk) -> None:
    with pytest.raises(refusals.LaunchCheckOpen):
        await walk.sign(SIGNERS[0], walk.operator)
    await walk.pass_all()
    before = (await walk.read()).may_sign
    assert before is not None
    launch = await walk.sign(SIGNERS[2], walk.operator)
    assert launch.may_sign == before - 1
    with pytest.raises(errors.SamePerson):
        await walk.sign(SIGNERS[0], walk.operator)
    # A second signature in the same role writes nothing.
    async with walk.database.sessions.begin() as session:
        other = await people.staff(session, Role.SUPER_ADMIN)
    launch = await walk.sign(SIGNERS[2], other)
    assert [state.passed for state in launch.of_phase(steps.SIGN_OFF)] == [None, None, True]
    async with walk.database.sessions.begin() as session:
        pressed = await presses.press(session, other, f"launch_sign:{SIGNERS[1]}")
    with pytest.raises(DBAPIError) as refused:
        async with walk.database.sessions.begin() as session:
            await gate.sign(session, actor=pressed, role=SIGNERS[0])
    assert sqlstate(refused.value) == "AD061"
    assert not (await walk.read()).is_signed


async def open_incident(walk: Walk) -> None:
    async with walk.database.sessions.begin() as session:
        await killswitches.open_incident(session, kind="drill", details={})


async def break_and_check(walk: Walk) -> None:
    """Let the scheduled check find a violation, and repair the ledger."""
    repair = await break_wallet(walk)
    async with walk.database.sessions.begin() as session:
        await incidents.check_ledger_invariant(session)
    await repair()


async def pay_without_switch(walk: Walk) -> None:
    """Let the record of the switch say that it was stopped before the payout."""
    await break_rows(
        walk,
        "user_audit_logs",
        "UPDATE user_audit_logs SET action = 'kill_switch_stopped'"
        " WHERE action = 'kill_switch_run' AND metadata->>'key' = 'payouts'",
        "",
    )


async def count_conflicts(walk: Walk) -> None:
    await walk.database.as_owner(
        "INSERT INTO failure_counts SELECT 'deadlock', date_trunc('minute', now()), 3"
    )


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (open_incident, "incidents: 1"),
        (break_and_check, "violations: 1"),
        (pay_without_switch, "transfer "),
        (count_conflicts, "deadlocks"),
    ],
)
async def test_what_happens_while_the_launch_is_watched_stops_it(
    walk: Walk, harm: Callable[[Walk], Awaitable[None]], found: str
) -> None:
    await walk.pass_all(before=CHECKS[-1])
    await walk.watch()
    await harm(walk)
    launch = await walk.go_on(5)
    last = launch.first_open(5)
    assert last is not None
    assert last.step.name == "watched"
    assert found in last.found
