"""Count in memory the transactions of this process that a conflict has ended."""

from collections import Counter

from db.models.operations import FailureKind

_STOPPED = "AD072"
_DEADLOCK = "40P01"
_occurred: Counter[FailureKind] = Counter()


def count(kind: FailureKind) -> None:
    """Count one failure."""
    _occurred[kind] += 1


def count_conflict(sqlstate: str) -> None:
    """Count a conflict of the database, unless a stopped kill switch caused it.

    A deadlock counts twice: as a conflict, and as a deadlock.
    """
    if sqlstate == _STOPPED:
        return
    count(FailureKind.CONFLICT)
    if sqlstate == _DEADLOCK:
        count(FailureKind.DEADLOCK)


def take() -> dict[FailureKind, int]:
    """Return what was counted since the last call, and begin again at zero."""
    taken = dict(_occurred)
    _occurred.clear()
    return taken


def give_back(taken: dict[FailureKind, int]) -> None:
    """Add counts again that could not be stored."""
    _occurred.update(taken)
