"""Do what Telegram does by itself when time passes."""

import asyncio
import itertools
import logging

from sandbox.telegram import audience
from sandbox.telegram.state import State

logger = logging.getLogger(__name__)
_INTERVAL = 1.0  # real seconds
_TURNS_OF_AUDIENCE = 10
"""Posts are many, and their views grow slowly."""


async def run(state: State) -> None:
    """Act on the time that has passed, again and again, until the server stops."""
    for turn in itertools.count():
        if state.notifier.closed:
            return
        try:
            if turn % _TURNS_OF_AUDIENCE == 0:
                act(state)
            else:
                end_lifetimes(state)
            state.commit()
        except OSError:
            logger.exception("the changes of this second could not be stored yet")
        await asyncio.sleep(_INTERVAL)


def act(state: State) -> None:
    """Let views and reactions grow, timers delete messages, and updates expire."""
    audience.grow(state)
    end_lifetimes(state)


def end_lifetimes(state: State) -> None:
    """Delete the messages whose auto-delete timer has ended, and the updates that have expired.

    As in Telegram, the bot gets no update about a deletion by a timer.
    """
    now = state.now()
    for message in [each for each in state.timed_messages() if (each.deletes_at or now) <= now]:
        state.delete_message(message)
    state.drop_expired_updates()
