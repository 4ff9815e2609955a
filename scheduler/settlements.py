"""Move the money that is due because of recorded facts: releases, refunds and credits.

An escrow is the held money of one placement. A release pays it to the channel's owner, and a refund
gives it back to the advertiser. A credit adds a deposit to a person's wallet.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Sessions
from scheduler import error_isolation
from services.money import deposits, escrow
from services.platform import errors

BATCH = 100

log = structlog.get_logger(__name__)


async def release_due(sessions: Sessions) -> None:
    """Release the escrows of published posts whose promised hours are over.

    The promised hours are the time that a post must stay in its channel.
    """

    async def release(session: AsyncSession, target_id: int) -> None:
        await escrow.release(session, target_id=target_id)

    async with sessions.begin() as session:
        target_ids = await escrow.list_releasable(session, limit=BATCH)
    await _settle_each(sessions, "release", target_ids, release)


async def refund_due(sessions: Sessions) -> None:
    """Refund the escrows of posts that failed or were cancelled."""

    async def refund(session: AsyncSession, target_id: int) -> None:
        await escrow.refund(session, target_id=target_id)

    async with sessions.begin() as session:
        target_ids = await escrow.list_refundable(session, limit=BATCH)
    await _settle_each(sessions, "refund", target_ids, refund)


async def credit_due(sessions: Sessions) -> None:
    """Credit the deposits that arrived while deposits were stopped by their kill switch."""
    async with sessions.begin() as session:
        credited = await deposits.credit_due(session)
    if credited:
        log.info("Deposits credited", deposits=credited)


async def _settle_each(
    sessions: Sessions,
    action: str,
    target_ids: Sequence[int],
    settle: Callable[[AsyncSession, int], Awaitable[None]],
) -> None:
    """Release or refund the escrow of each target (a placement) in a transaction of its own.

    An error of one target is logged, and delays no other target. If the kill switch for this
    movement of money is stopped, the remaining targets wait until a later tick.
    """
    for target_id in target_ids:
        with error_isolation.isolate_errors(action, target_id=target_id):
            try:
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
