"""Define the `adtech launch` commands: the launch, phase by phase."""

from collections.abc import Awaitable, Callable

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot import launch_facts
from bot.cli.commands import DATABASE, LAUNCH, command
from bot.cli.shell import (
    REFUSED,
    Person,
    read_all_settings,
    read_settings,
    request,
    run_all,
    run_once,
    staff,
)
from bot.cli.tables import out, print_rows
from bot.screens import launch as screens
from bot.texts import DEFAULT_LANGUAGE, Texts
from db import queries
from db.models.operations import Switch
from db.models.users import RequestKind, RequestStatus, StaffRequest
from db.session import Sessions
from services.launch import criteria, gate
from services.launch.checks import Facts
from services.launch.gate import Launch
from services.market import staff_requests
from services.platform import proposals
from services.platform.actors import OPERATORS, Actor

GROUP = LAUNCH
_CRITERIA_COLUMNS = ("criterion", "now", "limit", "met")
_NEEDS = (
    f"{DATABASE}, and the other settings of the bot. The person of --as presses “That was me” in"
    " the admin chat"
)

app = typer.Typer(
    no_args_is_help=True,
    help="Launch the product, phase by phase. Switches and signatures need a person in the chat.",
)


@command(app, group=GROUP, example="adtech launch status", needs=DATABASE)
def status() -> None:
    """Show the phase of the launch, its checks, and what to do now."""
    _print(run_once(gate.read))


@command(app, group=GROUP, example="adtech launch check --as 12345", needs=_NEEDS)
def check(person: Person) -> None:
    """Repeat the first check that has not passed, and go on from there.

    The first call in a phase makes a request: press "That was me" in the admin chat, and run the
    same command again. Exit with status 1 if a check does not pass. Run it on the machine of the
    bot, because it asks the bot's health page.
    """

    async def repeat(session: AsyncSession, actor: Actor, facts: Facts) -> Launch:
        return await gate.check(session, actor=actor, facts=facts)

    _run(person, gate.phase_to_check, repeat)


@command(app, "next", group=GROUP, example="adtech launch next --as 12345", needs=_NEEDS)
def begin_next(person: Person) -> None:
    """Begin the next phase with its first check.

    The first call makes a request: press "That was me" in the admin chat, and run the same command
    again. Exit with status 1 if a check does not pass. Run it on the machine of the bot, because it
    asks the bot's health page.
    """

    async def begin(session: AsyncSession, actor: Actor, facts: Facts) -> Launch:
        phase = _next_phase(await gate.read(session))
        return await gate.begin_phase(session, actor=actor, phase=phase, facts=facts)

    _run(person, _next_phase, begin)


@command(
    app,
    "criteria",
    group=GROUP,
    example="adtech launch criteria --json",
    needs=f"{DATABASE}. ROLLBACK_LIMITS and ESCROW_SLA are used",
    prints_rows=True,
)
def show_criteria() -> None:
    """Show the criteria of a rollback, with their limits and the present numbers.

    They stop everything after the launch is signed. Exit with status 1 if one is met.
    """
    configured = read_settings("DATABASE_URL", uses="ROLLBACK_LIMITS")

    async def measure(session: AsyncSession) -> list[criteria.Measured]:
        since = await criteria.signed_at(session) or await queries.now(session)
        return await criteria.measure(
            session, since=since, sla=configured.escrow_sla, limits=configured.rollback_limits
        )

    measured = run_once(measure)
    rows = [
        {"criterion": each.name, "now": each.value, "limit": each.threshold, "met": each.is_met}
        for each in measured
    ]
    print_rows(_CRITERIA_COLUMNS, rows)
    if any(each.is_met for each in measured):
        raise typer.Exit(REFUSED)


def _next_phase(launch: Launch) -> int:
    """Return the phase after the one that began last. Raises what `require_next` raises."""
    phase = 0 if launch.phase is None else launch.phase + 1
    gate.require_next(launch, phase)
    return phase


def _run(
    person: int,
    phase_of: Callable[[Launch], int],
    act: Callable[[AsyncSession, Actor, Facts], Awaitable[Launch]],
) -> None:
    """Run an act if the person has acknowledged it, and print the new state of the launch.

    Otherwise, ask for the acknowledgement. One counts for the checks of one phase, which
    `phase_of` returns.
    """
    configured = read_all_settings()
    phase, asked = run_once(lambda session: _find_request(session, person, phase_of))
    if asked is None:
        request(
            RequestKind.LAUNCH,
            {"phase": phase},
            reason=f"adtech launch: phase {phase}",
            person=person,
        )
    elif asked.status is RequestStatus.PROPOSED:
        out.print(f"Request {asked.id} still waits for “That was me” in the admin chat.")
    if asked is None or asked.status is RequestStatus.PROPOSED:
        out.print("After that, run the same command again: it checks the launch.")
        return

    async def run(sessions: Sessions) -> Launch:
        facts = await launch_facts.gather(configured)
        async with sessions.begin() as session:
            return await act(session, await staff(session, person), facts)

    launch = run_all(run)
    _print(launch)
    if launch.phase is not None and launch.first_open(launch.phase) is not None:
        raise typer.Exit(1)


async def _find_request(
    session: AsyncSession, person: int, phase_of: Callable[[Launch], int]
) -> tuple[int, StaffRequest | None]:
    """Return the phase, and the person's request to check it, or None if there is none that counts.

    Raises AccessDenied, and what `phase_of` raises.
    """
    actor = await staff(session, person)
    actor.require_staff(*OPERATORS, action="launch_check")
    phase = phase_of(await gate.read(session))
    newest = await staff_requests.find_newest(
        session,
        kind=RequestKind.LAUNCH,
        arguments={"phase": phase},
        requested_by=actor.require_user(action="launch_check"),
    )
    since = await queries.now(session) - proposals.LIFETIME
    if newest is not None and (newest.decided_at or newest.created_at) <= since:
        newest = None
    return phase, newest


def _print(launch: Launch) -> None:
    texts = Texts(DEFAULT_LANGUAGE, read_settings("DATABASE_URL").currency)
    for line in screens.lines(texts, launch):
        out.print(line, markup=False, soft_wrap=True)
    for following in _next_commands(launch):
        out.print(following, markup=False, soft_wrap=True)


def _next_commands(launch: Launch) -> list[str]:
    """Return the commands with which the launch goes on, in their order."""
    if launch.next_phase is not None:
        return ["adtech launch next --as ID"]
    failed = None if launch.phase is None else launch.first_open(launch.phase)
    if failed is None:
        return []
    verbs = {"+": "run", "-": "stop"}
    changes = [
        f'adtech killswitch {verbs[word[0]]} {word[1:]} "launch" --as ID'
        for word in failed.found.split(", ")
        if word[:1] in verbs and word[1:] in set(Switch)
    ]
    return [*changes, "adtech launch check --as ID"]
