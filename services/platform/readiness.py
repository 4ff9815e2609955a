"""Read from the database what a process reports in its HTTP readiness check."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import heartbeats, killswitches


async def read_state(session: AsyncSession) -> dict[str, Any]:
    """Return whether a scheduler is alive, and the state of each kill switch.

    A state is "enabled", "disabled", or "missing" for a switch without a row.
    """
    switches = await killswitches.overview(session)
    return {
        "scheduler": await heartbeats.is_alive(session, name="scheduler"),
        "switches": {
            state.key.value: "missing"
            if state.missing
            else "enabled"
            if state.enabled
            else "disabled"
            for state in switches
        },
    }
