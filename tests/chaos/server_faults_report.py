"""Judge what was seen while the database server refused work, and show it as a table."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MINUTE = 60.0
LONGEST_RESUME_SECONDS = 10.0
"""How long after the end of a fault both processes may need until they work again, in seconds."""
HARMLESS = (
    "The database is back",
    "The event loop is held",  # other work keeps this machine busy
    "Star transaction recorded without its update",  # the scheduler was faster than the bot
    "Star transaction of an unknown person stored as an update",
)
"""Warnings that do not say that something is wrong."""
OTHER_SERVICES = ("Redis", "Telegram")
MUST_BE_ZERO = (
    *("duplicates", "lost", "moved_on_unknown", "unresolved"),
    *("charges_unlike_books", "invariant_violations"),
)
SHOWN = (
    *("seed", "payments", "targets", "published", "paid", "restarts_of_the_server"),
    *(*MUST_BE_ZERO, "pending_updates", "updates", "exits", "seconds"),
)
SHOWN_OF_FAULT = (
    *("payments", "updates", "resumed_after_s", "answered_after_s", "finished_after_s"),
    *("alarms", "ends", "lines_per_minute"),
)
Json = dict[str, Any]


@dataclass
class Observed:
    """The observations during and after one fault."""

    name: str
    seconds: float = 0.0
    resumed_after_s: float = 0.0
    """After how many seconds from the end of the fault both processes worked again."""
    answered_after_s: float = 0.0
    """Likewise until every update of the fault had been handled."""
    finished_after_s: float = 0.0
    """Likewise for posts and money too."""
    payments: int = 0
    """How many payments Telegram made during the fault."""
    updates: int = 0
    """How many messages and presses people sent during the fault."""
    lines: dict[str, list[str]] = field(default_factory=dict)
    """Each program's warnings and errors, from the begin of the fault on."""
    told: list[str] = field(default_factory=list)
    """The messages in the admin chat."""
    refused: list[str] = field(default_factory=list)
    """The answers to people who tried to pay during the fault, and could not."""

    def figures(self) -> Json:
        """Return everything that was seen, and what is counted in it."""
        return vars(self) | {
            "alarms": sum(text.startswith("🚨") for text in self.told),
            "ends": sum(text.startswith("✅ Over") for text in self.told),
            "lines_per_minute": max(map(most_in_a_minute, self.lines.values()), default=0),
        }


def most_in_a_minute(lines: list[str]) -> int:
    """Return how many lines of a log within one minute at most say that something is wrong."""
    times = sorted(_times(lines))
    return max((sum(0 <= at - begin < MINUTE for at in times) for begin in times), default=0)


def _times(lines: list[str]) -> Iterator[float]:
    """Yield the time of each line that says that something is wrong, in seconds."""
    last = 0.0
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            yield last  # a line of a traceback, or of a library
            continue
        if entry["event"] in HARMLESS or entry.get("what") in OTHER_SERVICES:
            continue
        last = datetime.fromisoformat(entry["timestamp"]).timestamp()
        yield last


def problems(figures: Json) -> list[str]:
    """Return a line for each figure that shows a problem."""
    lines = [f"{name}: {figures[name]}" for name in MUST_BE_ZERO if figures[name]]
    updates = figures["updates"]
    if updates["stored"] != updates["sent"] or figures["pending_updates"]:
        lines.append(f"{updates['sent']} updates were sent, {updates['stored']} were stored")
    lines += [
        f"{updates[name]} updates are {name}" for name in ("failed", "undone") if updates[name]
    ]
    lines += [f"{name} ended with {status}" for name, status in figures["exits"].items()]
    for fault in figures["faults"]:
        lines += [f"{fault['name']}: {problem}" for problem in _problems_of(fault)]
    return lines


def _problems_of(fault: Json) -> Iterator[str]:
    if not fault["payments"] or not fault["updates"]:
        yield "nobody paid or wrote"
    if fault["alarms"] != 1 or fault["ends"] != 1:
        yield f"{fault['alarms']} alarms, and {fault['ends']} messages that it is over"
    if fault["lines_per_minute"] > 1:
        yield f"{fault['lines_per_minute']} lines in a minute"
    if fault["resumed_after_s"] > LONGEST_RESUME_SECONDS:
        yield f"it worked again only after {fault['resumed_after_s']} s"


def table(figures: Json) -> str:
    """Format the figures as a table."""
    lines = [_row(name, figures[name]) for name in SHOWN]
    for fault in figures["faults"]:
        lines += ["", f"{fault['name']}, {fault['seconds']:.0f} s"]
        lines += [_row(name, fault[name]) for name in SHOWN_OF_FAULT]
    return "\n".join(lines)


def _row(name: str, value: object) -> str:
    return f"{name.replace('_', ' '):<32} {value}"
