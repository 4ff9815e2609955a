"""Keep the faults that are set. A fault makes later calls of the Bot API fail or take longer."""

import itertools
from dataclasses import asdict, dataclass

from sandbox.persistence import Json

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
    """A fault: it makes later calls of a Bot API method go wrong.

    `kind` says in which way. `times` is the number of calls that must still go wrong. If `method`
    is "*", the fault is for every method. If `chat_id` is None, it is for every chat. `delay_s` and
    `retry_after` are in seconds.
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
    """All faults that are set now. A restart of the sandbox removes them."""

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, **fields: object) -> Fault:
        """Set a fault and return it.

        `fields` are the fields of `Fault` without `id`. The caller must have checked them.
        """
        fault = Fault(id=next(self._ids), **fields)  # type: ignore[arg-type]
        self._set.append(fault)
        return fault

    def take(self, method: str, chat_id: object) -> Fault | None:
        """Return the fault for a call of the Bot API, or None. Count this use of the fault.

        If several faults match the call, the oldest fault is returned. After its last use, a fault
        is removed.
        """
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
        """Return the faults in the form in which the control API shows them."""
        return [asdict(fault) for fault in self._set]
