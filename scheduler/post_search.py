"""Search channels for posts whose send has an unknown outcome.

The admins are asked about posts that are not found.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.telegram.message_lookup import FoundMessages, LookupResult, Probe
from bot.telegram.rate_limits import KEPT_FOR_ALARMS, KEPT_FOR_SEARCHES, PER_MINUTE
from db import queries
from scheduler import error_isolation
from scheduler.dispatch import PostingWorker
from services.market import channels
from services.platform import chat_migrations
from services.posts import restored_posts, uncertain_posts
from services.posts.uncertain_posts import UncertainPost

BATCH = 8
EMPTY_IDS_AT_END = 8
"""A search ends after this many ids in a row without a message, above all known ids."""
EMPTY_IDS_AT_END_OF_RESTORED = 40
"""EMPTY_IDS_AT_END for the search for a post of a restored backup.

Since the backup, people may have deleted many messages in a row.
"""
MAX_PROBES = 60
"""The most message ids in one search. Telegram allows this number in 3 minutes."""
MAX_SLOT_WAIT_SECONDS = 65.0
"""A request waits at most this time for its permission from the rate limiter.

Telegram allows 20 requests a minute in one channel.
"""
CARDS = 20
RESERVED_FORWARDS = -(2**60)
"""The chat id under which the rate limiter counts the forwards that use a reserved slot.

No chat of Telegram has an id of this size.
"""
PART_OF_ALBUM = "only a part of the album is in the channel"
OTHER_OWN_MESSAGE = "another message of the bot may be the altered ad"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SearchResult:
    """The result of one search.

    If `message_ids` is empty and `absent` is False, nothing is proven.
    """

    message_ids: tuple[int, ...] = ()
    """The ids of all messages of the post that was found, in the order of an album's items."""
    absent: bool = False
    highest_seen_id: int = 0
    """The highest id at which the search found a message."""
    rights_lost: bool = False
    searched_upto: int | None = None
    """The messages up to this id are certainly those of others, and the search has to go on."""
    evidence: str = ""


@dataclass(frozen=True)
class Search:
    """The worker and the settings with which one process searches for posts."""

    worker: PostingWorker
    probe_gap: timedelta
    """The shortest time between two searches that together prove a post absent."""
    admin_chat_id: int
    """The admin chat in the settings. The bot compares forwarded copies there with the ad."""

    @property
    def max_tick_seconds(self) -> float:
        """The longest possible time of one search, in seconds."""
        return (3 * MAX_PROBES + 2) * (MAX_SLOT_WAIT_SECONDS + self.worker.sender.seconds)


async def search_due_posts(search: Search) -> None:
    """Search for each uncertain post whose search is due, and record the results."""
    async with search.worker.sessions.begin() as session:
        await restored_posts.begin_searches(session)
        due = await uncertain_posts.claim_due(session, limit=BATCH)
        origins = await queries.origins(session, [post.target_id for post in due])
        forward_to = await chat_migrations.current_chat_id(session, search.admin_chat_id)

    async def search_and_record(post: UncertainPost) -> None:
        origin = origins[post.target_id]
        with error_isolation.isolate_errors("probes", origin=origin, job_id=post.job_id):
            result = await _search_channel(search.worker, post, forward_to=forward_to)
            await _record_result(search, post, result)

    async with asyncio.TaskGroup() as searches:
        for post in due:
            searches.create_task(search_and_record(post))


async def ask_admins(worker: PostingWorker) -> None:
    """Ask the admins about each post whose state the bot could not find out in time."""
    async with worker.sessions.begin() as session:
        cards = await uncertain_posts.escalate_due(session, limit=CARDS)
    if cards:
        log.warning("Uncertain posts were escalated to the admins", cards=cards)


async def _search_channel(
    worker: PostingWorker, post: UncertainPost, *, forward_to: int
) -> SearchResult:
    """Search for a post at the message ids above the highest id before its send.

    The result is not `absent` if the bot's rights changed, or if the search met an unknown message
    of the bot.
    """
    rights = await worker.sender.get_bot_rights(post.chat_id)
    if rights is None or not rights.may_post:
        evidence = (
            "the bot's rights are unknown" if rights is None else "the bot has lost its rights"
        )
        return SearchResult(rights_lost=rights is not None, evidence=evidence)
    empty_at_end = EMPTY_IDS_AT_END_OF_RESTORED if post.restored else EMPTY_IDS_AT_END
    found = FoundMessages(post.creative)
    highest_seen_id, other_own_message = post.known_message_id, False
    message_id = highest_seen_id
    for message_id in range(highest_seen_id + 1, highest_seen_id + 1 + MAX_PROBES):
        if message_id > max(highest_seen_id, post.last_message_id) + empty_at_end:
            problem = _doubt(found, other_own_message=other_own_message)
            absent = problem is None and (
                await worker.sender.get_bot_rights(post.chat_id) == rights
            )
            evidence = problem or "absent"
            return SearchResult(absent=absent, highest_seen_id=highest_seen_id, evidence=evidence)
        probe, editable = await _probe_and_compare(worker, post, message_id, forward_to)
        if probe.result is LookupResult.OURS:
            highest_seen_id = message_id
            found.add(message_id, probe)
            if found.whole:
                return SearchResult(
                    message_ids=found.whole, highest_seen_id=message_id, evidence=probe.evidence
                )
        if probe.result is LookupResult.UNKNOWN:
            return SearchResult(highest_seen_id=highest_seen_id, evidence=probe.evidence)
        if probe.result is LookupResult.ANOTHERS:
            highest_seen_id = message_id
            other_own_message |= editable and not rights.may_edit_others
    # At an id below a known one, no message can appear any more.
    searched_upto = min(message_id, max(highest_seen_id, post.last_message_id))
    return SearchResult(
        highest_seen_id=highest_seen_id,
        searched_upto=searched_upto
        if post.restored and _doubt(found, other_own_message=other_own_message) is None
        else None,
        evidence="too many posts to look through",
    )


def _doubt(found: FoundMessages, *, other_own_message: bool) -> str | None:
    """Return why a search that has found no whole post does not prove that there is none."""
    if found.is_partial:
        return PART_OF_ALBUM
    return OTHER_OWN_MESSAGE if other_own_message else None


async def _probe_and_compare(
    worker: PostingWorker, post: UncertainPost, message_id: int, forward_to: int
) -> tuple[Probe, bool]:
    """Return what is at a message id, and whether the bot may edit the message there."""
    if message_id in post.ids_of_others:
        return Probe(LookupResult.ANOTHERS, "the post of another job"), False
    probe = await _probe(worker, post, message_id)
    if probe.result is not LookupResult.CANDIDATE:
        return probe, False
    return await _compare_forwarded(worker, post, message_id, forward_to), True


async def _probe(worker: PostingWorker, post: UncertainPost, message_id: int) -> Probe:
    if not await _wait_for_slot(worker, post.chat_id):
        return Probe(LookupResult.UNKNOWN, "waits for a slot in the limits")
    probe = await worker.sender.probe(post.chat_id, message_id)
    if probe.retry_after is not None:
        await worker.limiter.cool_down(post.chat_id, probe.retry_after)
    return probe


async def _compare_forwarded(
    worker: PostingWorker, post: UncertainPost, message_id: int, forward_to: int
) -> Probe:
    if not await _wait_for_slot(worker, forward_to, parts=await _parts_of_forward(worker)):
        return Probe(LookupResult.UNKNOWN, "waits for a slot in the limits")
    probe = await worker.sender.compare_forwarded(
        post.chat_id, message_id, post.creative, through=forward_to
    )
    if probe.retry_after is not None:
        await worker.limiter.cool_down(forward_to, probe.retry_after)
    return probe


async def _parts_of_forward(worker: PostingWorker) -> int:
    """Return how many messages must fit into the admin chat's minute for a forward.

    KEPT_FOR_SEARCHES forwards a minute use slots that alarms and notices leave free. So many alarms
    do not stop the search. The other forwards leave the slots of the alarms free.
    """
    wait = await worker.limiter.wait(
        RESERVED_FORWARDS, within=0, parts=PER_MINUTE - KEPT_FOR_SEARCHES + 1
    )
    return 1 if wait == 0 else 1 + KEPT_FOR_ALARMS


async def _wait_for_slot(worker: PostingWorker, chat_id: int, *, parts: int = 1) -> bool:
    """Wait for the permission for one request in a chat. Return False if there is none in time."""
    slot = asyncio.ensure_future(
        worker.limiter.wait(chat_id, within=MAX_SLOT_WAIT_SECONDS, parts=parts)
    )
    stop = asyncio.ensure_future(worker.stopping.wait())
    try:
        await asyncio.wait({slot, stop}, return_when=asyncio.FIRST_COMPLETED)
        return slot.done() and not slot.result() and not worker.stopping.is_set()
    finally:
        slot.cancel()
        stop.cancel()


async def _record_result(search: Search, post: UncertainPost, result: SearchResult) -> None:
    async with search.worker.sessions.begin() as session:
        if result.message_ids:
            recorded = await uncertain_posts.record_found(
                session, post, message_ids=result.message_ids
            )
        elif result.absent:
            recorded = await uncertain_posts.record_absent(
                session, post, gap=search.probe_gap, highest_seen_id=result.highest_seen_id
            )
        else:
            recorded = await uncertain_posts.record_unknown(
                session,
                post,
                highest_seen_id=result.highest_seen_id,
                searched_upto=result.searched_upto,
            )
        if result.rights_lost:
            await channels.record_rights_lost(session, chat_id=post.chat_id, reason="no_post_right")
    log.info(
        "Uncertain post looked for",
        job_id=post.job_id,
        found=bool(result.message_ids),
        absent=result.absent,
        recorded=recorded,
        # Telegram's error text may repeat the ad's text; its code is enough.
        cause=result.evidence.partition(":")[0],
    )
