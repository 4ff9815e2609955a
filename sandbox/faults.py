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
    """One fault: the way in which later calls of a Bot API method go wrong.

    `times` is the number of calls that the fault still affects. `method` "*" means every method,
    and `chat_id` None means every chat. `delay_s` and `retry_after` are seconds.
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
    """The faults that are set now. Each call of the Bot API looks for its fault here.

    The faults are not stored: a restart of the sandbox removes them.
    """

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, **fields: object) -> Fault:
        """Set a fault and return it.

        The fields are those of `Fault`. The caller must check them before the call.
        """
        fault = Fault(id=next(self._ids), **fields)  # type: ignore[arg-type]
        self._set.append(fault)
        return fault

    def take(self, method: str, chat_id: object) -> Fault | None:
        """Return the fault that applies to a call. If several apply, it is the oldest one.

        Returns None if no fault applies. Each call of this function uses the fault once. After its
        last use, the fault is removed.
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
