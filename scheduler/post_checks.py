"""Check published ads during their promised hours and at the end of these hours."""

import asyncio
import time

import structlog

from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import Sender
from db import queries
from db.models.operations import Switch
from db.models.posting import Verdict
from db.session import Sessions
from scheduler import error_isolation
from services.market import channels
from services.platform import killswitches
from services.posts import breaches, check_claims, verification

BATCH = 40
AT_ONCE = 4
BREACHES = 100
MAX_REQUESTS = 5
"""One check of an ad that is no album makes at most this many requests.

They are for the button, for the text, twice for the media, and for the bot's rights.
"""
MAX_SLOT_WAIT_SECONDS = 5.0
"""A request waits at most this time for its permission from the rate limiter."""
MAX_ALBUM_SECONDS = 150.0
"""After this time, the check of an album makes no new request, and is tried again later.

It needs up to 30 requests, and Telegram allows one a second and 20 a minute in a channel.
"""

log = structlog.get_logger(__name__)


def max_tick_seconds(sender: Sender) -> float:
    """Return the longest possible time of one run of the checks, in seconds."""
    one_ad = MAX_REQUESTS * (MAX_SLOT_WAIT_SECONDS + sender.seconds)
    # The last request of an album, and the one for the bot's rights, may begin at the end.
    album = MAX_ALBUM_SECONDS + 2 * sender.seconds
    return BATCH / AT_ONCE * max(one_ad, album) + 60


async def check_due_posts(
    sessions: Sessions, sender: Sender, limiter: RateLimiter, stopping: asyncio.Event
) -> None:
    """Check each published post whose check is due, and record the results."""
    async with sessions.begin() as session:
        due = await verification.claim_due(session, limit=BATCH)
        origins = await queries.origins(session, [post.target_id for post in due])
    slots = asyncio.Semaphore(AT_ONCE)

    async def check(post: verification.PostCheckTask) -> None:
        async with slots:
            if not stopping.is_set():
                with error_isolation.isolate_errors(
                    "live checks", origin=origins[post.target_id], job_id=post.job_id
                ):
                    await _check_post(sessions, sender, limiter, post)

    async with asyncio.TaskGroup() as checks:
        for post in due:
            checks.create_task(check(post))


async def _check_post(
    sessions: Sessions, sender: Sender, limiter: RateLimiter, post: verification.PostCheckTask
) -> None:
    """Check one published post, and record the result.

    If the rate limiter permits too few requests, or if another process has claimed the post,
    nothing is recorded.
    """
    async with sessions.begin() as session:
        renewed = await check_claims.renew_claim(session, post)
    if renewed is None:
        return
    post = renewed

    until = time.monotonic() + MAX_ALBUM_SECONDS

    async def wait_for_slot() -> bool:
        within = until - time.monotonic() if post.creative.items else MAX_SLOT_WAIT_SECONDS
        return within > 0 and not await limiter.wait(post.chat_id, within=within)

    restore = await _may_restore(sessions)
    result = await sender.check_post(
        post.chat_id,
        post.message_ids,
        post.creative,
        restore=restore,
        wait_for_slot=wait_for_slot,
    )
    if result is None:
        async with sessions.begin() as session:
            await check_claims.release_claim(session, post)
        return
    if result.retry_after is not None:
        await limiter.cool_down(post.chat_id, result.retry_after)
    async with sessions.begin() as session:
        await verification.record_check(
            session,
            job_id=post.job_id,
            verdict=result.verdict,
            evidence=result.evidence,
            altered_parts=result.altered_parts,
            restored=result.restored,
            claimed_at=post.claimed_at,
            compared=restore,
            message_id=post.message_ids[0],
        )
        if result.loss is not None:
            await channels.record_rights_lost(session, chat_id=post.chat_id, reason=result.loss)
    if result.verdict is not Verdict.PRESENT:
        log.warning("Live post is not as it should be", job_id=post.job_id, verdict=result.verdict)


async def refund_breaches(sessions: Sessions) -> None:
    """Mark posts as failed if no admin has decided about their breach in time.

    The tick `refunds` then gives the money back to the advertisers.
    """
    async with sessions.begin() as session:
        refunded = await breaches.refund_due(session, limit=BREACHES)
    if refunded:
        log.warning("Breaches without a decision are refunded", posts=refunded)


async def _may_restore(sessions: Sessions) -> bool:
    """Return whether the kill switch `telegram_posting` allows a check to restore an altered ad.

    Takes the shared lock of the switch during this call.
    """
    async with sessions.begin() as session:
        await killswitches.lock(session, Switch.TELEGRAM_POSTING)
        return await killswitches.are_running(session, Switch.TELEGRAM_POSTING)
