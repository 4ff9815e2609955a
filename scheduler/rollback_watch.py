"""Watch the criteria of a rollback after the launch is signed."""

from collections.abc import Mapping
from datetime import timedelta

import structlog

from db.session import Sessions
from services.launch import criteria

log = structlog.get_logger(__name__)


async def watch(sessions: Sessions, sla: timedelta, limits: Mapping[str, int]) -> None:
    """Stop all money and posting if a criterion of a rollback is met.

    `sla` is ESCROW_SLA, and `limits` is ROLLBACK_LIMITS. The tick "stops" waits for the actions
    that are under way.
    """
    async with sessions.begin() as session:
        met = await criteria.stop_if_met(session, sla=sla, limits=limits)
    for measured in met:
        log.critical(
            "Rollback criterion met",
            criterion=measured.name,
            value=measured.value,
            threshold=measured.threshold,
        )
