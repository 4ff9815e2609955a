"""Looks for uncertain posts in their channels, and asks the admins about what stays unknown."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.telegram.message_lookup import LookupResult, Probe
from scheduler import error_isolation
from scheduler.dispatch import PostingWorker
from services.market import channels
from services.platform import chat_migrations
from services.posts import uncertain_posts
from services.posts.uncertain_posts import UncertainPost

BATCH = 8
HOLES = 8
"""So many ids in a row without a message above all that is known are the end of the channel."""
MOST = 60
"""Ids that one search asks for: three minutes' worth of what one channel allows."""
PATIENCE_SECONDS = 65.0
"""Telegram allows 20 requests a minute in one channel: a long search waits for the next minute."""
CARDS = 20

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Finding:
    """What a search found out; without an id and not absent, nothing."""

    message_id: int | None = None
    absent: bool = False
    seen_up_to: int = 0
    """The highest id that was there."""
    rights_lost: bool = False
    evidence: str = ""


@dataclass(frozen=True)
class Search:
    """What the searches of one process share."""

    desk: PostingWorker
    gap: timedelta
    """Between two looks in vain that together prove that a post is absent."""
    admin_chat_id: int
    """Through it posts are read in channels where they must not be probed."""

    @property
    def longest(self) -> float:
        """How many seconds a tick may take when everything is answered at the last moment."""
        return (MOST + 2) * (PATIENCE_SECONDS + self.desk.sender.seconds)


async def look_for_uncertain(search: Search) -> None:
    """Tick: looks for each uncertain post that is due, and records what was found."""
    async with search.desk.sessions.begin() as session:
        due = await uncertain_posts.take_due(session, limit=BATCH)
        through = await chat_migrations.current_chat_id(session, search.admin_chat_id)

    async def look(doubt: UncertainPost) -> None:
        with error_isolation.isolate_errors("probes", job_id=doubt.job_id):
            finding = await find(search.desk, doubt, through=through)
            await _record(search, doubt, finding)

    async with asyncio.TaskGroup() as looks:
        for doubt in due:
            looks.create_task(look(doubt))


async def ask_admins(desk: PostingWorker) -> None:
    """Tick: sends a card to the admin chat for each post that stays unknown for too long."""
    async with desk.sessions.begin() as session:
        asked = await uncertain_posts.escalate_due(session, limit=CARDS)
    if asked:
        log.warning("Posts of which nobody knows are the admins' now", cards=asked)


async def find(desk: PostingWorker, doubt: UncertainPost, *, through: int) -> Finding:
    """Asks for the ids above the last known one until the post is found or the channel ends.

    The bot's rights are read before and after: without them its own posts look like others'.
    """
    standing = await desk.sender.get_bot_rights(doubt.chat_id)
    if standing is None:
        return Finding(evidence="the bot's rights are unknown")
    if not standing.may_post:
        return Finding(rights_lost=True, evidence="the bot has lost its rights")
    seen = doubt.known_message_id
    for message_id in range(seen + 1, seen + 1 + MOST):
        if message_id > max(seen, doubt.last_message_id) + HOLES:
            after = await desk.sender.get_bot_rights(doubt.chat_id)
            return Finding(absent=after == standing, seen_up_to=seen, evidence="absent")
        if standing.may_edit_others:
            probe = await _compare(desk, doubt, message_id, through)
        else:
            probe = await _probe(desk, doubt, message_id)
        if probe.trace is LookupResult.OURS:
            return Finding(message_id=message_id, seen_up_to=message_id, evidence=probe.evidence)
        if probe.trace is LookupResult.UNKNOWN:
            return Finding(seen_up_to=seen, evidence=probe.evidence)
        if probe.trace is LookupResult.ANOTHERS:
            seen = message_id
    return Finding(seen_up_to=seen, evidence="too many posts to look through")


async def _probe(desk: PostingWorker, doubt: UncertainPost, message_id: int) -> Probe:
    if not await _turn(desk, doubt.chat_id):
        return Probe(LookupResult.UNKNOWN, "waits for its turn")
    probe = await desk.sender.probe(doubt.chat_id, message_id, doubt.creative)
    if probe.retry_after is not None:
        await desk.limiter.rest(doubt.chat_id, probe.retry_after)
    return probe


async def _compare(
    desk: PostingWorker, doubt: UncertainPost, message_id: int, through: int
) -> Probe:
    if not await _turn(desk, through):
        return Probe(LookupResult.UNKNOWN, "waits for its turn")
    probe = await desk.sender.compare_forwarded(
        doubt.chat_id, message_id, doubt.creative, through=through
    )
    if probe.retry_after is not None:
        await desk.limiter.rest(through, probe.retry_after)
    return probe


async def _turn(desk: PostingWorker, chat_id: int) -> bool:
    """Waits for a place within Telegram's limits; not through a stop."""
    waiting = asyncio.ensure_future(desk.limiter.turn(chat_id, within=PATIENCE_SECONDS))
    stop = asyncio.ensure_future(desk.stopping.wait())
    try:
        await asyncio.wait({waiting, stop}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.done() and not waiting.result() and not desk.stopping.is_set()
    finally:
        waiting.cancel()
        stop.cancel()


async def _record(search: Search, doubt: UncertainPost, finding: Finding) -> None:
    async with search.desk.sessions.begin() as session:
        if finding.message_id is not None:
            recorded = await uncertain_posts.record_found(
                session, doubt, message_id=finding.message_id
            )
        elif finding.absent:
            recorded = await uncertain_posts.record_absent(
                session, doubt, gap=search.gap, seen_up_to=finding.seen_up_to
            )
        else:
            recorded = await uncertain_posts.record_unknown(
                session, doubt, seen_up_to=finding.seen_up_to
            )
        if finding.rights_lost:
            await channels.rights_lost(session, chat_id=doubt.chat_id, reason="no_post_right")
    log.info(
        "Uncertain post looked for",
        job_id=doubt.job_id,
        found=finding.message_id is not None,
        absent=finding.absent,
        recorded=recorded,
        # Telegram's words may repeat the ad's; their code is enough.
        cause=finding.evidence.partition(":")[0],
    )
