"""Do what Telegram does by itself when time passes."""

import asyncio

from sandbox.telegram.state import State

_INTERVAL = 1.0  # real seconds


async def run(state: State) -> None:
    """Act on the time that has passed, again and again, until the server stops."""
    while not state.notifier.closed:
        act(state)
        state.commit()
        await asyncio.sleep(_INTERVAL)


def act(state: State) -> None:
    """Delete the messages whose auto-delete timer has ended, and the updates that have expired.

    As in Telegram, the bot gets no update about a deletion.
    """
    now = state.now()
    for message in [each for each in state.timed_messages() if (each.deletes_at or now) <= now]:
        state.delete_message(message)
    state.drop_expired_updates()
