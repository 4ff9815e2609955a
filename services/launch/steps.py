"""Define the phases of the launch with their checks, and the three signatures at the end.

Source: section 3 of the safety plan, and "Final Sign-Off" of the production checklist.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from db.models.operations import Switch

SIGN_OFF = 6
"""The number that stands for the signatures, after the phases 0 to 5."""
LAST_PHASE = 5


@dataclass(frozen=True)
class Step:
    """One check of a phase, or one signature."""

    phase: int
    name: str
    switch: Switch | None = None
    """The kill switch that a person runs before this check passes."""


def _running(phase: int, switch: Switch) -> Step:
    return Step(phase, f"{switch.value}_running", switch)


STEPS = (
    Step(0, "switch_rows"),
    Step(0, "all_stopped"),
    Step(0, "nothing_active"),
    Step(1, "still_stopped"),
    Step(1, "api_health"),
    Step(1, "schema_revision"),
    Step(1, "guards_hold"),
    Step(1, "processes_alive"),
    Step(1, "ledger_clean"),
    # With `deposits` running, only `new_escrows` can be what blocks the hold.
    _running(2, Switch.DEPOSITS),
    Step(2, "test_placement"),
    Step(2, "hold_blocked"),
    # Whatever is held from now on can be refunded.
    _running(3, Switch.REFUNDS),
    _running(3, Switch.NEW_ESCROWS),
    Step(3, "one_escrow_held"),
    Step(3, "hold_in_ledger"),
    _running(3, Switch.TELEGRAM_POSTING),
    _running(3, Switch.WORKER_POST),
    Step(3, "post_processed"),
    Step(4, "post_outcome"),
    # Only an escrow that is held, proven and due shows that `payouts` blocks the payout.
    Step(4, "payout_blocked"),
    Step(4, "escrow_fits_outcome"),
    Step(4, "wallets_match"),
    _running(5, Switch.PAYOUTS),
    Step(5, "payout_made"),
    Step(5, "ledger_after_payout"),
    _running(5, Switch.WITHDRAWALS),
    _running(5, Switch.ADJUSTMENTS),
    _running(5, Switch.WORKER_WATCHDOGS),
    Step(5, "watched"),
    Step(SIGN_OFF, "deployment_engineer"),
    Step(SIGN_OFF, "on_call_engineer"),
    Step(SIGN_OFF, "engineering_manager"),
)
"""All checks in their order. The database function `launch_steps` has the same list."""

SIGNERS = tuple(step.name for step in STEPS if step.phase == SIGN_OFF)
"""The roles that sign, each one once. Each role needs another person."""


def of_phase(phase: int) -> Sequence[Step]:
    """Return the checks of a phase, in their order."""
    return [step for step in STEPS if step.phase == phase]


def opened_until(switch: Switch) -> frozenset[Switch]:
    """Return all switches that run after the launch has run `switch`, and no others."""
    order = [step.switch for step in STEPS if step.switch is not None]
    return frozenset(order[: order.index(switch) + 1])
