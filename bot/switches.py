"""Stop kill switches, which allow or forbid one kind of action.

A database session that locks a whole table, for example a migration, delays each step of a stop.
The functions here end such sessions while a stop waits.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog
from sqlalchemy.exc import DBAPIError

from db.models.operations import Switch
from db.session import Sessions, is_away, is_conflict
from services.platform import killswitches
from services.platform.actors import Actor
from services.platform.killswitches import StopOfAll, SwitchChange, SwitchHolder

NOTIFY_SECONDS = 1.3
"""If a session that cannot be ended delays a stop for longer, the staff are notified."""
CHECK_SECONDS = 0.1
"""The pause before each search for locks, while a stop waits.

`settle_stops` waits 0.4 s for the row of a switch. There must be searches within this time.
"""
log = structlog.get_logger(__name__)


async def stop_switch(
    sessions: Sessions, *, actor: Actor, key: Switch, reason: str
) -> SwitchChange:
    """Stop a kill switch at once, and then wait until all actions that it forbids have ended.

    If an action may still run, the result's `settled` is False. Raises AccessDenied if the actor
    may not stop the switch; NotFound if the switch has no row.
    """
    async with sessions.begin() as session:
        change = await killswitches.stop(session, actor=actor, key=key, reason=reason)
    return await settle_stop(sessions, change)


async def settle_stop(sessions: Sessions, change: SwitchChange) -> SwitchChange:
    """Wait for the actions that began before a kill switch was stopped.

    The wait has a separate transaction. If an action may still run, the result's `settled` is
    False.
    """
    try:
        async with sessions.begin() as session:
            settled = await killswitches.settle(session, change)
    except DBAPIError as error:
        if not is_conflict(error):
            raise
        return replace(change, settled=False)
    _log_holders(settled.holders)
    return settled


async def stop_despite_locks(
    sessions: Sessions, stop: Callable[[], Awaitable[SwitchChange]], *, notify: Callable[[], None]
) -> SwitchChange:
    """Run `stop`, which writes and commits a stop, and settle the stop (`settle_despite_locks`).

    Meanwhile, sessions that delay the stop are ended. If `stop` fails because a lock was not free
    in time, it runs again. `notify` is called once if some sessions cannot be ended and `stop` is
    delayed for longer than NOTIFY_SECONDS. Raises what `stop` raises, except for conflicts.
    """
    async with _lock_holders_ended(sessions, notify):
        change = await _retry_conflicts(stop)
    return await settle_despite_locks(sessions, change)


async def settle_despite_locks(sessions: Sessions, change: SwitchChange) -> SwitchChange:
    """Settle a stop (`settle_stop`), and end the sessions that lock whole tables and delay it.

    Needs the right to end such sessions, which the database roles of the bot and of the scheduler
    have.
    """
    async with _lock_holders_ended(sessions):
        return await settle_stop(sessions, change)


async def settle_all_despite_locks(sessions: Sessions, stop: StopOfAll) -> StopOfAll:
    """Settle a stop of all switches, and end the sessions that lock whole tables and delay it.

    The wait has a separate transaction. The result's `unsettled` has the switches whose actions
    that began before the stop may still run. Needs the right of `settle_despite_locks`.
    """
    async with _lock_holders_ended(sessions):
        try:
            async with sessions.begin() as session:
                settled = await killswitches.settle_all(session, stop)
        except DBAPIError as error:
            if not is_conflict(error):
                raise
            return replace(stop, unsettled=tuple(Switch))
    _log_holders(settled.holders)
    return settled


def _log_holders(holders: Sequence[SwitchHolder]) -> None:
    for holder in holders:
        log.warning(
            "A session held up a stop",
            pid=holder.pid,
            login=holder.login,
            program=holder.program,
            transaction_seconds=round(holder.seconds, 1),
            ended=holder.ended,
        )


async def _retry_conflicts(stop: Callable[[], Awaitable[SwitchChange]]) -> SwitchChange:
    while True:
        try:
            return await stop()
        except DBAPIError as error:
            if not is_conflict(error):
                raise


@asynccontextmanager
async def _lock_holders_ended(
    sessions: Sessions, notify: Callable[[], None] | None = None
) -> AsyncIterator[None]:
    """End the sessions that delay a stop, until the `with` block ends."""
    ending = asyncio.create_task(_end_until_cancelled(sessions, notify))
    try:
        yield
    finally:
        ending.cancel()
        [failure] = await asyncio.gather(ending, return_exceptions=True)
        if not isinstance(failure, asyncio.CancelledError):
            log.error("Sessions that hold up a stop were not ended", exc_info=failure)


async def _end_until_cancelled(sessions: Sessions, notify: Callable[[], None] | None) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        is_blocked = await end_lock_holders(sessions)
        if notify is not None and is_blocked and time.monotonic() - began > NOTIFY_SECONDS:
            notify()
            notify = None


async def end_lock_holders(sessions: Sessions) -> bool:
    """End the sessions that delay a stop; return whether some of them could not be ended.

    The result is False if the database does not answer within a second.
    """
    try:
        async with asyncio.timeout(1), sessions.begin() as session:
            ended, remaining = await killswitches.end_lock_holders(session)
    except Exception as error:
        if not (isinstance(error, TimeoutError) or is_away(error) or is_conflict(error)):
            raise
        return False
    if ended:
        log.warning("Sessions ended that held up a stop", sessions=ended)
    return remaining > 0
