"""Give each update, command and tick an id, which its log lines and rows carry.

The columns `correlation_id` get the id from a setting of the transaction (`adtech.correlation_id`).
The setting travels with the statement BEGIN, so it costs no round trip.
"""

import contextlib
import re
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import asyncpg
import structlog

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
"""The id of the update, command or tick that runs now."""
origin_id: ContextVar[str | None] = ContextVar("origin_id", default=None)
"""The id of the earlier work that is continued now: in a payout, the id of the approval."""
_PLAIN = re.compile(r"[\w-]{1,100}", re.ASCII)


def new_id(kind: str = "") -> str:
    """Return a new id. If it has a kind, the kind is its first part."""
    number = uuid.uuid4().hex[:12]
    return f"{kind.replace(' ', '-')}-{number}" if kind else number


@contextlib.contextmanager
def correlated(own: str, *, origin: str | None = None) -> Iterator[None]:
    """Set the id, and the id of the earlier work, for the `with` block and its log lines."""
    tokens = correlation_id.set(own), origin_id.set(origin)
    facts = {"correlation_id": own} | ({"origin_id": origin} if origin else {})
    try:
        with structlog.contextvars.bound_contextvars(**facts):
            yield
    finally:
        correlation_id.reset(tokens[0])
        origin_id.reset(tokens[1])


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection whose transactions know the id of the work that began them."""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """Run a statement. A BEGIN also sets the id in the new transaction."""
        if not args and query.startswith("BEGIN"):
            query += setting()
        status: str = await super().execute(query, *args, **options)
        return status


def setting() -> str:
    """Return the statement that sets the present id in a transaction, or an empty text."""
    own = correlation_id.get()
    if own is None or not is_id(own):
        return ""
    return f" SET LOCAL adtech.correlation_id = '{own}';"


def is_id(text: str) -> bool:
    """Return whether a text can be an id: 1 to 100 letters, digits, `_` and `-`."""
    return _PLAIN.fullmatch(text) is not None
