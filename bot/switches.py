"""Stop kill switches. Handlers, the command line and the scheduler all use these functions.

A kill switch allows or forbids one kind of action, for example deposits. First the stop is
committed, and from then on new actions are refused. Only then does the program wait for the actions
that are under way. Therefore a database session that hangs cannot delay the refusal.
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
    """Stop a kill switch, and wait until no action that it forbids can commit any more.

    Raises AccessDenied if the actor may not stop it, and NotFound if its row is missing. If the
    wait is not successful, the result's `settled` is False (see `settle_stop`).
    """
    async with sessions.begin() as session:
        change = await killswitches.stop(session, actor=actor, key=key, reason=reason)
    return await settle_stop(sessions, change)


async def settle_stop(sessions: Sessions, change: SwitchChange) -> SwitchChange:
    """Wait for the actions that were under way when a kill switch was stopped.

    The wait has a transaction of its own. If a database session keeps such an action open and may
    not be ended, the result's `settled` is False. New actions are refused nevertheless.
    """
    try:
        async with sessions.begin() as session:
            return await killswitches.settle(session, change)
    except DBAPIError as error:
        if not is_conflict(error):
            raise
        return replace(change, settled=False)
