"""Faults that somebody asked for: what goes wrong with the next calls of a method."""

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
    """One fault; `times` counts down, `method` "*" is every method, `chat_id` None every chat."""

    id: int
    method: str
    kind: str
    chat_id: int | str | None = None
    times: int = 1
    delay_s: float | None = None
    retry_after: int | None = None
    description: str | None = None
    error_code: int | None = None

    def fits(self, method: str, chat_id: object) -> bool:
        """Whether this call is one of those that it waits for."""
        return (
            self.times > 0
            and self.method.lower() in {"*", method.lower()}
            and self.chat_id in {None, chat_id}
        )


class Faults:
    """The faults that are set; they live as long as the process."""

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, **fields: object) -> Fault:
        """Set a fault; the fields are those of `Fault`, checked by the caller."""
        fault = Fault(id=next(self._ids), **fields)  # type: ignore[arg-type]
        self._set.append(fault)
        return fault

    def take(self, method: str, chat_id: object) -> Fault | None:
        """The first fault set for this call, used up by one."""
        for fault in self._set:
            if fault.fits(method, chat_id):
                fault.times -= 1
                if fault.times == 0:
                    self._set.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Everything works again."""
        self._set.clear()

    def listed(self) -> list[Json]:
        """As the control API shows them."""
        return [asdict(fault) for fault in self._set]
