"""Store how often transactions failed because of a conflict, for all processes together."""

from sqlalchemy import text

from db import failures
from db.session import Sessions

_COUNT = text("SELECT count_failures(:kind, :number)")


async def store(sessions: Sessions) -> None:
    """Add what this process has counted to the table `failure_counts`, in one transaction.

    If the transaction fails, the counts are kept for the next call. Raises the database's error.
    """
    counted = failures.take()
    if not counted:
        return
    try:
        async with sessions.begin() as session:
            for kind, number in sorted(counted.items()):
                await session.execute(_COUNT, {"kind": kind.value, "number": number})
    except BaseException:
        failures.give_back(counted)
        raise
