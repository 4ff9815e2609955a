"""Stop kill switches. Handlers, the command line and the scheduler all use these functions.

A kill switch allows or forbids one kind of action, for example deposits. A stop has two steps.
First the stop is committed: from then on, new actions are refused. Then the program waits until the
actions that had begun before have ended. If a database session hangs, it delays only the second
step.
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
    """Stop a kill switch, and wait until all actions that it forbids have ended.

    Raises AccessDenied if the actor is not allowed to stop the switch, and NotFound if the switch
    has no row. If the program cannot wait until all actions have ended, the result's `settled` is
    False (see `settle_stop`).
    """
    async with sessions.begin() as session:
        change = await killswitches.stop(session, actor=actor, key=key, reason=reason)
    return await settle_stop(sessions, change)


async def settle_stop(sessions: Sessions, change: SwitchChange) -> SwitchChange:
    """Wait for the actions that had begun before a kill switch was stopped.

    The wait has a separate transaction. The program may be unable to end a database session in
    which such an action hangs. The result's `settled` is then False. New actions are refused in
    this case too.
    """
    try:
        async with sessions.begin() as session:
            return await killswitches.settle(session, change)
    except DBAPIError as error:
        if not is_conflict(error):
            raise
        return replace(change, settled=False)
