"""Take down the posts whose format says so, after their owners were paid."""

import time
from collections.abc import Mapping
from datetime import timedelta

import structlog

from bot.telegram.message_lookup import LookupResult
from bot.telegram.post_deletion import DeletionResult
from db.models.removals import RemovalStatus
from db.session import Sessions
from scheduler import error_isolation
from scheduler.dispatch import PostingWorker
from services.market import creatives
from services.posts import removal
from services.posts.removal import DueRemoval

BATCH = 20
RETRY_INTERVAL = timedelta(minutes=1)
"""The time to the next try after a deletion that was certainly not made."""
MAX_SLOT_WAIT_SECONDS = 5.0

_STATUSES: Mapping[DeletionResult, tuple[RemovalStatus, timedelta]] = {
    DeletionResult.GONE: (RemovalStatus.DONE, timedelta()),
    DeletionResult.REFUSED: (RemovalStatus.REFUSED, timedelta()),
    DeletionResult.NOT_MADE: (RemovalStatus.PLANNED, RETRY_INTERVAL),
    DeletionResult.UNCERTAIN: (RemovalStatus.UNCERTAIN, removal.LOOK_INTERVAL),
}
_FOUND = {LookupResult.CANDIDATE: True, LookupResult.NOTHING: False}
"""Whether the post is there, by the result of a probe. Other results prove nothing."""

log = structlog.get_logger(__name__)


def max_tick_seconds(worker: PostingWorker) -> float:
    """Return the longest possible time of one run of the removals, in seconds."""
    one_post = creatives.MOST_ITEMS * (MAX_SLOT_WAIT_SECONDS + worker.sender.seconds)
    return BATCH * one_post + 60


async def remove_due_posts(worker: PostingWorker) -> None:
    """Delete each post whose removal is due, and look for those whose deletion is uncertain."""
    async with worker.sessions.begin() as session:
        await removal.rescue_abandoned(session)
        due = await removal.list_due(session, limit=BATCH)
    for each in due:
        if worker.stopping.is_set():
            return
        ids = {"removal_id": each.removal_id, "target_id": each.target_id}
        with error_isolation.isolate_errors("removals", origin=each.origin_id, **ids):
            if each.is_uncertain:
                await _look(worker, each)
            elif each.is_late:
                await _give_up(worker.sessions, each)
            else:
                await _delete(worker, each)


async def _delete(worker: PostingWorker, due: DueRemoval) -> None:
    """Delete a post with one request, and record the outcome."""
    if await worker.limiter.wait(due.chat_id, within=MAX_SLOT_WAIT_SECONDS):
        return
    lease_ends = time.monotonic() + removal.LEASE.total_seconds()
    async with worker.sessions.begin() as session:
        claim = await removal.claim(session, due, owner=worker.owner)
    if claim is None:
        return
    # If the process ends before the outcome is recorded, the removal becomes uncertain.
    deletion = await worker.sender.delete_post(
        due.chat_id, due.message_ids, not_after=lease_ends - worker.sender.seconds
    )
    status, due_in = _STATUSES[deletion.result]
    async with worker.sessions.begin() as session:
        await removal.record(
            session,
            claim,
            status,
            error=deletion.evidence,
            due_in=deletion.retry_after or due_in,
        )
    if deletion.retry_after is not None:
        await worker.limiter.cool_down(due.chat_id, deletion.retry_after)
    if status is not RemovalStatus.DONE:
        log.warning("Post was not taken down", removal_id=due.removal_id, result=deletion.result)


async def _look(worker: PostingWorker, due: DueRemoval) -> None:
    """Find out whether the post of an uncertain removal is still there. Nothing is deleted.

    An album is there as long as one of its messages is, so that what is left of it is deleted. If
    one look gives no answer, nothing is known about the album, and all is looked at again later.
    """
    if await worker.limiter.wait(due.chat_id, within=MAX_SLOT_WAIT_SECONDS):
        return
    async with worker.sessions.begin() as session:
        if not await removal.begin_look(session, due):
            return
    is_there: bool | None = False
    for number, message_id in enumerate(due.message_ids):
        if number and await worker.limiter.wait(due.chat_id, within=MAX_SLOT_WAIT_SECONDS):
            is_there = None
            break
        probe = await worker.sender.probe(due.chat_id, message_id)
        is_there = _FOUND.get(probe.result)
        if is_there is not False:
            break
    async with worker.sessions.begin() as session:
        await removal.record_look(session, due, is_there=is_there)


async def _give_up(sessions: Sessions, due: DueRemoval) -> None:
    async with sessions.begin() as session:
        await removal.record_late(session, due)
