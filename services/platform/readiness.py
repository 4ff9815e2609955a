"""Read from the database what a process reports in its HTTP readiness check."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import alerts, heartbeats, killswitches


async def read_state(session: AsyncSession) -> dict[str, Any]:
    """Return whether a scheduler and a bot are alive, the kill switches, and the firing alerts.

    The state of a switch is "enabled", "disabled", or "missing" for a switch without a row.
    """
    switches = await killswitches.overview(session)
    alive = await heartbeats.count_alive(session)
    return {
        "scheduler": alive[heartbeats.SCHEDULER] > 0,
        "bot": alive[heartbeats.BOT] > 0,
        "switches": {
            state.key.value: "missing"
            if state.missing
            else "enabled"
            if state.enabled
            else "disabled"
            for state in switches
        },
        "alerts": list(await alerts.names_firing(session)),
    }
