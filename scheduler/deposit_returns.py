"""Give deposits in Stars back: ask Telegram to refund their payments, and record the answers."""

import asyncio
import time

import structlog
from aiogram import Bot

from bot.telegram import star_refunds
from bot.telegram.star_refunds import Refund, RefundResult
from db.session import Sessions
from scheduler import error_isolation
from services.money import return_attempts
from services.money.return_attempts import DueReturn, ReturnClaim

BATCH = 20
TICK_SECONDS = 2.0
TICK_LIMIT = BATCH * (star_refunds.SECONDS + 5.0) + 60
"""The longest possible time of one tick, in seconds."""

log = structlog.get_logger(__name__)


async def give_back_due(sessions: Sessions, bot: Bot, owner: str, stopping: asyncio.Event) -> None:
    """Ask Telegram once about each return that is due, and record the answers.

    Before that, returns of processes that died become uncertain, and uncertain ones that Telegram's
    list of Stars does not have are due again.
    """
    async with sessions.begin() as session:
        rescued = await return_attempts.rescue_abandoned(session)
        again = await return_attempts.ask_again(session, bot_id=bot.id)
        due = await return_attempts.list_due(session, limit=BATCH)
    if rescued or again:
        log.warning("Returns of deposits are uncertain", rescued=rescued, asked_again=again)
    for each in due:
        if stopping.is_set():
            return
        with error_isolation.isolate_errors(
            "deposit returns", origin=each.origin_id, return_id=each.return_id
        ):
            await _give_back(sessions, bot, each, owner)


async def _give_back(sessions: Sessions, bot: Bot, due: DueReturn, owner: str) -> None:
    lease_ends = time.monotonic() + return_attempts.LEASE.total_seconds()
    async with sessions.begin() as session:
        claim = await return_attempts.claim(session, due, owner=owner)
    if claim is None:
        return
    # If the process ends before the answer is recorded, the return becomes uncertain.
    if time.monotonic() + star_refunds.SECONDS > lease_ends:
        refund = Refund(RefundResult.NOT_MADE, "the lease was too old to ask under")
    else:
        refund = await star_refunds.refund(
            bot, telegram_id=due.telegram_id, charge_id=due.charge_id
        )
    is_recorded = await _record(sessions, claim, refund)
    log.info(
        "Telegram was asked to refund a payment",
        return_id=due.return_id,
        result=refund.result,
        recorded=is_recorded,
    )


async def _record(sessions: Sessions, claim: ReturnClaim, refund: Refund) -> bool:
    """Record an answer. Return False if the claim is no longer valid."""
    async with sessions.begin() as session:
        if refund.result is RefundResult.REFUNDED:
            return await return_attempts.record_refunded(session, claim)
        if refund.result is RefundResult.REFUSED:
            return await return_attempts.record_refused(session, claim, error=refund.evidence)
        if refund.result is RefundResult.NOT_MADE:
            return await return_attempts.record_not_asked(
                session, claim, error=refund.evidence, due_in=refund.retry_after
            )
        return await return_attempts.record_uncertain(session, claim, error=refund.evidence)
