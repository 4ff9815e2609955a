"""Stop kill switches, which allow or forbid one kind of action."""

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
            return await killswitches.settle(session, change)
    except DBAPIError as error:
        if not is_conflict(error):
            raise
        return replace(change, settled=False)
