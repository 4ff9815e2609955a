"""Set kill switches for the entry points: handlers, the command line and the scheduler.

A stop is committed before the program waits for the acts that are under way. Therefore no session
that hangs can delay the moment from which new acts are refused.
"""

from dataclasses import replace

from sqlalchemy.exc import DBAPIError

from db.models.operations import Switch
from db.session import Sessions, is_conflict
from services.platform import killswitches
from services.platform.actors import Actor
from services.platform.killswitches import SwitchChange


async def stop_switch(
    sessions: Sessions, *, actor: Actor, key: Switch, reason: str
) -> SwitchChange:
    """Stop a switch, and wait until no act that it forbids can commit any more.

    Raises what `killswitches.stop` raises.
    """
    async with sessions.begin() as session:
        change = await killswitches.stop(session, actor=actor, key=key, reason=reason)
    return await settle_stop(sessions, change)


async def settle_stop(sessions: Sessions, change: SwitchChange) -> SwitchChange:
    """Wait for the acts that are under way when a switch was stopped, in its own transaction.

    If a session that may not be ended holds them up, the result says that the stop is not settled.
    """
    try:
        async with sessions.begin() as session:
            return await killswitches.settle(session, change)
    except DBAPIError as error:
        if not is_conflict(error):
            raise
        return replace(change, settled=False)
