"""Ask Telegram about connected channels, each once a day and after an update about a change."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog
from aiogram import Bot

from bot import metrics
from bot.telegram import channel_reader
from bot.telegram.channel_reader import Lost, NotRead
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import ANSWER_SECONDS
from db.session import Sessions
from scheduler import error_isolation
from services.market import channel_facts
from services.market.channel_facts import DueChannel
from services.money import payout_waits

BATCH = 5
"""One tick asks about at most this many channels, one after the other."""
MAX_SLOT_WAIT_SECONDS = 3.0
"""A request waits at most this time for its permission from the rate limiter."""
TICK_LIMIT = BATCH * channel_reader.REQUESTS * (MAX_SLOT_WAIT_SECONDS + ANSWER_SECONDS) + 60.0
"""A tick hangs if it lasts more seconds than this."""
TRY_AGAIN = timedelta(minutes=10)
"""Without an answer, Telegram is asked again after this time."""

log = structlog.get_logger(__name__)


async def read_due_channels(
    sessions: Sessions,
    bot: Bot,
    limiter: RateLimiter,
    ads_wait: Callable[[], bool],
    stopping: asyncio.Event,
) -> None:
    """Ask Telegram about the channels that are due, and store the answers.

    Nothing is asked while ads wait. After an answer with status 429, the rest waits for the time
    that Telegram demands. Then the admins are reminded of payouts that wait for them.
    """
    if not ads_wait():
        async with sessions.begin() as session:
            due = await channel_facts.claim_due(session, limit=BATCH)
        await _read_claimed(sessions, bot, limiter, due, lambda: stopping.is_set() or ads_wait())
    async with sessions.begin() as session:
        await payout_waits.remind(session)


async def _read_claimed(
    sessions: Sessions,
    bot: Bot,
    limiter: RateLimiter,
    due: list[DueChannel],
    must_wait: Callable[[], bool],
) -> None:
    pause: timedelta | None = None
    for channel in due:
        with error_isolation.isolate_errors("channel facts", channel_id=channel.id):
            if pause is None and must_wait():
                pause = timedelta()
            if pause is not None:
                async with sessions.begin() as session:
                    await channel_facts.postpone(session, channel, pause)
            else:
                pause = await _read(sessions, bot, limiter, channel)


async def _read(
    sessions: Sessions, bot: Bot, limiter: RateLimiter, channel: DueChannel
) -> timedelta | None:
    """Ask about one channel. Return how long the other channels must wait, or None."""

    async def wait_for_slot() -> bool:
        # A request that publishes nothing does not count against the channel's limits of messages.
        return not await limiter.wait(
            channel.chat_id, within=MAX_SLOT_WAIT_SECONDS, parts=0, answer=True
        )

    answer = await channel_reader.read(
        bot, channel.chat_id, channel.owner_telegram_id, wait_for_slot=wait_for_slot
    )
    if isinstance(answer, NotRead):
        return await _try_again(sessions, limiter, channel, answer)
    async with sessions.begin() as session:
        if isinstance(answer, Lost):
            await channel_facts.record_lost(session, channel, reason=answer.reason)
            log.warning("Channel lost", channel_id=channel.id, reason=answer.reason)
        else:
            await channel_facts.record(session, channel, answer)
    return None


async def _try_again(
    sessions: Sessions, limiter: RateLimiter, channel: DueChannel, answer: NotRead
) -> timedelta | None:
    """Let Telegram be asked again. Return how long the other channels must wait, or None."""
    log.warning("Channel not read", channel_id=channel.id, cause=answer.error)
    wait = channel_facts.READ_EVERY if answer.is_refusal else TRY_AGAIN
    if answer.retry_after is not None:
        await limiter.cool_down(channel.chat_id, answer.retry_after)
        wait = answer.retry_after
    elif not answer.is_refusal:
        metrics.count_telegram_error("channel")
    async with sessions.begin() as session:
        await channel_facts.postpone(session, channel, wait)
    return answer.retry_after
