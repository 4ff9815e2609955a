"""Store the faults that make calls of the Bot API go wrong."""

import itertools
from dataclasses import asdict, dataclass

from sandbox.telegram.persistence import Json

KINDS = frozenset(
    {
        "refuse_before",
        "cut_after",
        "error",
        "error_after",
        "timeout_before",
        "timeout_after",
        "garbage",
        "html_502",
        "slow",
    }
)


@dataclass
class Fault:
    """A fault, which makes the next `times` calls of a method go wrong.

    `kind` says how the calls go wrong. The method "*" means every method. If `chat_id` is None, the
    fault is for every chat. `delay_s` and `retry_after` are in seconds.
    """

    id: int
    method: str
    kind: str
    chat_id: int | str | None = None
    times: int = 1
    delay_s: float | None = None
    retry_after: int | None = None
    description: str | None = None
    error_code: int | None = None

    def matches(self, method: str, chat_id: object) -> bool:
        """Return whether the fault applies to a call of this method in this chat."""
        return (
            self.times > 0
            and self.method.lower() in {"*", method.lower()}
            and self.chat_id in {None, chat_id}
        )


class Faults:
    """All current faults, which a restart of the sandbox removes."""

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, **fields: object) -> Fault:
        """Set and return a fault with `fields` that the caller has checked."""
        fault = Fault(id=next(self._ids), **fields)  # type: ignore[arg-type]  # the caller has checked them
        self._set.append(fault)
        return fault

    def take(self, method: str, chat_id: object) -> Fault | None:
        """Return the oldest fault for a call and count its use, or return None."""
        for fault in self._set:
            if fault.matches(method, chat_id):
                fault.times -= 1
                if fault.times == 0:
                    self._set.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        self._set.clear()

    def as_json(self) -> list[Json]:
        """Return the faults in the JSON form of the control API."""
        return [asdict(fault) for fault in self._set]
