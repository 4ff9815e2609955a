"""Guide the staff through the launch: check a phase, begin the next one, and sign at the end.

There is one launch for each database. A check that has passed is never run again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.correlation import correlation_id
from db.session import sqlstate
from services.launch import checks, refusals
from services.launch.checks import Context, Facts
from services.launch.steps import LAST_PHASE, SIGN_OFF, STEPS, Step
from services.platform import errors
from services.platform.actors import OPERATORS, Actor

_LOCK = text("SELECT pg_advisory_xact_lock(7003, 0)")
_RECORD = text(
    "SELECT record_launch_check(:name, :passed, :evidence, :actor_id, :inbox_id, :correlation_id)"
).bindparams(bindparam("evidence", type_=JSONB))
_RESULTS = text(
    """
    SELECT DISTINCT ON (done.step) done.step, done.passed, done.evidence ->> 'found' AS found,
        done.created_at, person.telegram_id
    FROM launch_runs done LEFT JOIN users person ON person.id = done.user_id
    ORDER BY done.step, done.passed DESC, done.id DESC
    """
)
_MAY_SIGN = text(
    """
    SELECT count(DISTINCT granted.user_id) FROM user_roles granted
    JOIN users person ON person.id = granted.user_id
    WHERE granted.role IN ('operator', 'super_admin') AND NOT person.blocked AND NOT EXISTS (
        SELECT FROM launch_runs signed
        WHERE signed.phase = :sign_off AND signed.passed AND signed.user_id = person.id)
    """
)
"""Counts the people whom `require_operator` lets sign, without those who have signed."""
_BEGAN_AT = text("SELECT min(created_at) FROM launch_runs")
_REFUSED = frozenset({"AD042", "AD188"})
"""The SQLSTATEs for a person who is no operator, or who has not asked for the check."""
_SIGNED_TWICE = "AD098"


@dataclass(frozen=True)
class StepState:
    """A check or a signature, with its last result."""

    step: Step
    passed: bool | None = None
    """None if there is no result yet."""
    found: str = ""
    """The facts that the check found if it did not pass."""
    at: datetime | None = None
    by: int | None = None
    """The Telegram id of the person who asked for the check or gave the signature."""


@dataclass(frozen=True)
class Launch:
    """The state of the launch."""

    states: Sequence[StepState]
    may_sign: int | None = None
    """How many people may still sign. None if no signature is due."""

    @property
    def phase(self) -> int | None:
        """The phase that began last, or None if none has begun."""
        begun = [s.step.phase for s in self.states if s.passed is not None]
        return max((phase for phase in begun if phase <= LAST_PHASE), default=None)

    def of_phase(self, phase: int) -> list[StepState]:
        """Return the checks of a phase."""
        return [state for state in self.states if state.step.phase == phase]

    def first_open(self, phase: int) -> StepState | None:
        """Return the first check of a phase that has not passed, or None if all have passed."""
        return next((state for state in self.of_phase(phase) if not state.passed), None)

    @property
    def next_phase(self) -> int | None:
        """The phase that can begin now, or None."""
        if self.phase is None:
            return 0
        if self.phase == LAST_PHASE or self.first_open(self.phase) is not None:
            return None
        return self.phase + 1

    @property
    def may_be_signed(self) -> bool:
        """Whether all phases have passed."""
        return self.phase == LAST_PHASE and self.first_open(LAST_PHASE) is None

    @property
    def is_signed(self) -> bool:
        """Whether all three people have signed."""
        return self.first_open(SIGN_OFF) is None


async def read(session: AsyncSession) -> Launch:
    """Return the state of the launch."""
    rows: Mapping[str, Any] = {row.step: row for row in await session.execute(_RESULTS)}
    launch = Launch(
        [
            StepState(step, row.passed, row.found or "", row.created_at, row.telegram_id)
            if (row := rows.get(step.name))
            else StepState(step)
            for step in STEPS
        ]
    )
    if not launch.may_be_signed or launch.is_signed:
        return launch
    return replace(launch, may_sign=await session.scalar(_MAY_SIGN, {"sign_off": SIGN_OFF}))


def phase_to_check(launch: Launch) -> int:
    """Return the phase whose first open check is repeated.

    Raises LaunchNotBegun; LaunchPhasePassed if the phase that has begun is over.
    """
    if launch.phase is None:
        raise refusals.LaunchNotBegun
    if launch.first_open(launch.phase) is None:
        raise refusals.LaunchPhasePassed(launch.phase)
    return launch.phase


def require_next(launch: Launch, phase: int) -> None:
    """Refuse to begin a phase that is not the next one.

    Raises LaunchPhasePassed if the phase is over; LaunchCheckOpen if the phase has begun, or if a
    check before it has not passed.
    """
    for earlier in range(min(phase, LAST_PHASE + 1)):
        if (missing := launch.first_open(earlier)) is not None:
            raise refusals.LaunchCheckOpen(earlier, missing.step.name)
    if phase > LAST_PHASE:
        raise refusals.LaunchPhasePassed(LAST_PHASE)
    if launch.phase is not None and phase <= launch.phase:
        if (open_check := launch.first_open(phase)) is not None:
            raise refusals.LaunchCheckOpen(phase, open_check.step.name)
        raise refusals.LaunchPhasePassed(phase)


async def check(session: AsyncSession, *, actor: Actor, facts: Facts) -> Launch:
    """Repeat the first check that has not passed and go on, and return the new state.

    The first check that fails ends the run. The actor has asked for it: by a button in the update
    that is being handled, or by a request from a shell that counts. Locks the launch. Raises
    AccessDenied, also without such a request; what `phase_to_check` raises.
    """
    actor.require_staff(*OPERATORS, action="launch_check")
    await session.execute(_LOCK)
    launch = await read(session)
    return await _run(session, actor, launch, phase_to_check(launch), facts)


async def begin_phase(session: AsyncSession, *, actor: Actor, phase: int, facts: Facts) -> Launch:
    """Begin a phase with its first check, and return the new state.

    The actor has asked for it as for `check`. Locks the launch. Raises AccessDenied, also without
    such a request; what `require_next` raises.
    """
    actor.require_staff(*OPERATORS, action="launch_next")
    await session.execute(_LOCK)
    launch = await read(session)
    require_next(launch, phase)
    return await _run(session, actor, launch, phase, facts)


async def sign(session: AsyncSession, *, actor: Actor, role: str) -> Launch:
    """Sign the launch in a role, and return the new state. The first signature of a role counts.

    The actor has pressed the button of this signature, in the update that is being handled. Locks
    the launch. Raises AccessDenied; LaunchCheckOpen if a check has not passed; SamePerson if the
    actor has signed in another role.
    """
    actor.require_staff(*OPERATORS, action="launch_sign")
    await session.execute(_LOCK)
    launch = await read(session)
    for phase in range(LAST_PHASE + 1):
        if (missing := launch.first_open(phase)) is not None:
            raise refusals.LaunchCheckOpen(phase, missing.step.name)
    await _record(session, actor, role, passed=True, evidence={})
    return await read(session)


async def _run(
    session: AsyncSession, actor: Actor, launch: Launch, phase: int, facts: Facts
) -> Launch:
    began_at = await session.scalar(_BEGAN_AT) or await queries.now(session)
    ran_at = next(state.at for state in launch.states if state.step.name == "payouts_running")
    context = Context(facts, began_at, ran_at)
    for state in launch.of_phase(phase):
        if state.passed:
            continue
        result = await checks.run(session, state.step, context)
        evidence = {**result.evidence, "found": result.found}
        await _record(session, actor, state.step.name, passed=result.passed, evidence=evidence)
        if not result.passed:
            break
    return await read(session)


async def _record(
    session: AsyncSession, actor: Actor, name: str, *, passed: bool, evidence: Mapping[str, Any]
) -> None:
    values = {
        "name": name,
        "passed": passed,
        "evidence": dict(evidence),
        "actor_id": actor.user_id,
        "inbox_id": actor.inbox_id,
        "correlation_id": correlation_id.get(),
    }
    try:
        await session.execute(_RECORD, values)
    except DBAPIError as error:
        if sqlstate(error) in _REFUSED:
            raise errors.AccessDenied("launch_check") from error
        if sqlstate(error) == _SIGNED_TWICE:
            raise errors.SamePerson("launch_sign") from error
        raise
