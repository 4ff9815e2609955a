"""Define the limits of the criteria of a rollback, and read the setting that changes them."""

from collections.abc import Mapping

CHANGEABLE = {
    "conflicts": 10,
    "approve_timeouts": 5,
    "deadlocks": 3,
    "escrow_past_sla": 1,
    "failed_without_refund": 3,
    "telegram_errors": 5,
}
"""The limits that ROLLBACK_LIMITS may change, with their usual values."""
FIXED = {"ledger_violations": 1, "invariant_check_failed": 1}
"""The limits that nothing changes: the first wrong row of the ledger stops everything."""
DEFAULTS = CHANGEABLE | FIXED
LARGEST = 1_000_000


def parse(text: str) -> Mapping[str, int]:
    """Return the limit of each criterion. `text` is for example `conflicts=20,deadlocks=5`.

    A criterion that `text` does not name keeps its usual limit. Raises ValueError.
    """
    limits = dict(DEFAULTS)
    changed = set()
    for part in (part.strip() for part in text.split(",")):
        name, _, number = (word.strip() for word in part.partition("="))
        if not part:
            continue
        if name in FIXED:
            raise ValueError(f"cannot change {name}: it is always {FIXED[name]}")
        if name not in CHANGEABLE:
            raise ValueError(f"must have only these names: {', '.join(CHANGEABLE)}")
        if name in changed:
            raise ValueError(f"must name {name} once")
        if not (number.isascii() and number.isdecimal() and 0 < int(number) <= LARGEST):
            raise ValueError(f"must have a whole number from 1 to {LARGEST} behind {name}=")
        limits[name] = int(number)
        changed.add(name)
    return limits
