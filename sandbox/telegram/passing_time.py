"""Do what Telegram does by itself when time passes."""

import asyncio
import logging

from sandbox.telegram import audience
from sandbox.telegram.state import State

logger = logging.getLogger(__name__)
_INTERVAL = 1.0  # real seconds


async def run(state: State) -> None:
    """Act on the time that has passed, again and again, until the server stops."""
    while not state.notifier.closed:
        try:
            act(state)
            state.commit()
        except OSError:
            logger.exception("the changes of this second could not be stored yet")
        await asyncio.sleep(_INTERVAL)


def act(state: State) -> None:
    """Let views grow, timers delete messages, and updates expire.

    As in Telegram, the bot gets no update about a deletion by a timer.
    """
    now = state.now()
    for message in [each for each in state.timed_messages() if (each.deletes_at or now) <= now]:
        state.delete_message(message)
    audience.grow(state)
    state.drop_expired_updates()
