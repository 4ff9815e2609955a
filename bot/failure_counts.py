"""Store regularly how many transactions of the bot's process a conflict has ended."""

import asyncio

import structlog

from db.session import Sessions, is_away, is_conflict
from services.platform import failure_counts

STORE_SECONDS = 5.0
log = structlog.get_logger(__name__)


async def keep_storing(sessions: Sessions, *, seconds: float = STORE_SECONDS) -> None:
    """Store the counts every `seconds` until the task is cancelled.

    While the database is not available, the counts wait in memory.
    """
    while True:
        await asyncio.sleep(seconds)
        try:
            await failure_counts.store(sessions)
        except Exception as error:
            if not (is_away(error) or is_conflict(error)):
                log.exception("Worker error", task="failure counts")
