"""Looks at published ads while their promised hours run, and once at the end."""

import asyncio

import structlog

from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import Sender
from db.models.operations import Switch
from db.models.posting import Verdict
from db.session import Sessions
from scheduler import error_isolation
from services.market import channels
from services.platform import killswitches
from services.posts import verification

BATCH = 40
AT_ONCE = 4
PATIENCE_SECONDS = 5.0

log = structlog.get_logger(__name__)


def longest(sender: Sender) -> float:
    """How many seconds a tick may take when Telegram answers everything at the last moment."""
    return BATCH / AT_ONCE * (PATIENCE_SECONDS + sender.seconds) + 60


async def look_at_due(
    sessions: Sessions, sender: Sender, limiter: RateLimiter, stopping: asyncio.Event
) -> None:
    """Tick: looks at each live post whose look is due and records what was seen."""
    async with sessions.begin() as session:
        due = await verification.take_due(session, limit=BATCH)
    places = asyncio.Semaphore(AT_ONCE)

    async def look(post: verification.PostCheckTask) -> None:
        async with places:
            if not stopping.is_set():
                with error_isolation.isolate_errors("live checks", job_id=post.job_id):
                    await _look(sessions, sender, limiter, post)

    async with asyncio.TaskGroup() as looks:
        for post in due:
            looks.create_task(look(post))


async def _look(
    sessions: Sessions, sender: Sender, limiter: RateLimiter, post: verification.PostCheckTask
) -> None:
    if await limiter.turn(post.chat_id, within=PATIENCE_SECONDS):
        return
    restore = await _may_restore(sessions)
    seen = await sender.check_post(post.chat_id, post.message_id, post.creative, restore=restore)
    if seen.retry_after is not None:
        await limiter.rest(post.chat_id, seen.retry_after)
    async with sessions.begin() as session:
        await verification.record_check(
            session,
            job_id=post.job_id,
            verdict=seen.verdict,
            evidence=seen.evidence,
            taken_at=post.taken_at,
            compared=restore,
        )
        if seen.rights_lost:
            await channels.rights_lost(session, chat_id=post.chat_id, reason="posting_refused")
    if seen.verdict is not Verdict.PRESENT:
        log.warning("Live post is not as it should be", job_id=post.job_id, verdict=seen.verdict)


async def _may_restore(sessions: Sessions) -> bool:
    """Whether posting runs: a look that puts an altered ad right is an act in the channel."""
    async with sessions.begin() as session:
        await killswitches.lock(session, Switch.TELEGRAM_POSTING)
        return await killswitches.running(session, Switch.TELEGRAM_POSTING)
