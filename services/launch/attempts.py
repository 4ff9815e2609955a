"""Try to move money while a kill switch forbids it, and prove that nothing has changed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.session import sqlstate
from services.platform import errors

TABLES = (
    *("wallets", "ledger_transfers", "ledger_entries", "escrows", "post_jobs"),
    *("campaign_targets", "campaigns", "deposits", "withdrawals"),
)
"""The tables that a blocked attempt leaves as they were."""
NOT_REFUSED = "not refused"
Digests = Mapping[str, str]


@dataclass(frozen=True)
class Attempt:
    """The result of an attempt: what ended it, and the tables before and after."""

    ended_by: str
    """The name of the refusal and its switch, the SQLSTATE of a database error, or NOT_REFUSED."""
    before: Digests
    after: Digests

    def was_blocked_by(self, switch: Switch) -> bool:
        """Return whether this switch refused the attempt, and every table is as it was."""
        return self.ended_by == _refusal(switch) and self.before == self.after


async def attempt(session: AsyncSession, act: Callable[[], Awaitable[object]]) -> Attempt:
    """Run an act within a savepoint, and always undo it.

    An act that no switch refuses therefore moves no money either.
    """
    before = await digests(session)
    savepoint = await session.begin_nested()
    try:
        await act()
        ended_by = NOT_REFUSED
    except errors.SwitchStopped as refusal:
        ended_by = _refusal(Switch(refusal.key))
    except errors.DomainError as refusal:
        ended_by = type(refusal).__name__
    except DBAPIError as error:
        ended_by = sqlstate(error)
        await savepoint.rollback()
    after = await digests(session)
    if savepoint.is_active:
        await savepoint.rollback()
    return Attempt(ended_by, before, after)


async def digests(session: AsyncSession) -> Digests:
    """Return the number of rows and a digest of all rows for each table of TABLES."""
    found = {}
    for table in TABLES:
        sums = "count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)"
        found[table] = str(await session.scalar(text(f"SELECT {sums} FROM {table} t")))  # noqa: S608 - TABLES
    return found


def _refusal(switch: Switch) -> str:
    return f"SwitchStopped: {switch.value}"
