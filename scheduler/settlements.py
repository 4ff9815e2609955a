"""Release and refund due escrows, and credit due deposits."""

from collections.abc import Awaitable, Callable, Mapping

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot import metrics
from db import queries
from db.models.operations import Switch
from db.session import Sessions
from scheduler import error_isolation
from services.money import deposits, escrow
from services.platform import errors, killswitches

BATCH = 100

log = structlog.get_logger(__name__)


async def release_due(sessions: Sessions) -> None:
    """Release the escrows of published posts whose promised hours are over."""

    async def release(session: AsyncSession, target_id: int) -> None:
        await escrow.release(session, target_id=target_id)

    async with sessions.begin() as session:
        with_splits = await killswitches.are_running(session, Switch.REFUNDS)
        ids = await escrow.list_releasable(session, limit=BATCH, with_splits=with_splits)
        origins = await queries.origins(session, ids)
    await _settle_each(sessions, "release", origins, release)


async def refund_due(sessions: Sessions) -> None:
    """Refund the escrows of posts that failed or were cancelled."""

    async def refund(session: AsyncSession, target_id: int) -> None:
        await escrow.refund(session, target_id=target_id)

    async with sessions.begin() as session:
        origins = await queries.origins(session, await escrow.list_refundable(session, limit=BATCH))
    await _settle_each(sessions, "refund", origins, refund)


async def credit_due(sessions: Sessions) -> None:
    """Credit the deposits that arrived while a kill switch forbade deposits."""
    async with sessions.begin() as session:
        credited = await deposits.credit_due(session)
    if credited:
        log.info("Deposits credited", deposits=credited)


async def _settle_each(
    sessions: Sessions,
    action: str,
    origins: Mapping[int, str | None],
    settle: Callable[[AsyncSession, int], Awaitable[None]],
) -> None:
    """Settle each escrow in a transaction of its own, until a kill switch forbids this.

    `origins` maps the ids of placements to the ids of their approvals.
    """
    for target_id, origin in origins.items():
        with error_isolation.isolate_errors(action, origin=origin, target_id=target_id):
            try:
                with metrics.measuring(action):
                    async with sessions.begin() as session:
                        await settle(session, target_id)
            except errors.SwitchStopped:
                return
            except errors.DomainError as refusal:
                # Since the list was read, another process has settled the escrow, or a fact about
                # the placement has changed.
                log.info("Settlement refused", what=action, target_id=target_id, why=str(refusal))
            else:
                log.info("Settled", what=action, target_id=target_id)
