"""Claim due posts, send each of them one time outside any transaction, and record the outcome.

The order of the steps guarantees exactly one message. The steps are: claim the post (a lease, in
one short transaction), wait for a slot (Telegram's limits then permit one message), ask the
database again whether the post may be sent, send the post, and record the outcome. Every write
names the claim, so a process that was paused longer than its lease changes nothing. Posts that do
the same step at the same time share a transaction.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import switches
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import NotSent, Refused, Sender, SendOutcome, Sent
from db.models.operations import Switch
from db.session import Sessions
from scheduler.batcher import Batcher
from scheduler.breaker import Breaker
from services.platform import actors
from services.posts import posting
from services.posts.posting import Claim

MAX_POSTS_UNDER_WAY = 16
"""The most posts that one process handles at the same time.

If Telegram fails, all of these posts may become uncertain (it is unknown if they are published)."""
CLAIMING_SECONDS = 10.0
"""A tick claims no more posts after this time. A tick that still does not end has hung."""
CAPACITY_WAIT_SECONDS = 1.0
"""The longest time that a tick waits until half of MAX_POSTS_UNDER_WAY is free."""
GATHER_SECONDS = 0.5
"""The longest time of this wait if the process may already claim at least one more post."""
TICK_SECONDS = 0.25
"""The pause between two ticks. A tick waits for a post that is due before the next tick."""
MAX_SLOT_WAIT_SECONDS = 3.0
"""The longest time that a claimed post waits for its slot. Then the post is queued again."""
MAX_BATCH = 32
"""The most posts that are recorded in one transaction."""
LEAD_SECONDS = 0.15
"""The time before the slot at which the task asks whether its post may be sent, and connects.

The time must be long enough for both steps, because no other message can use the slot meanwhile.
The time must be short too: a stop that comes later has no effect, and if the process dies later,
the post becomes uncertain."""
RECORD_RETRY_SECONDS = 0.5
"""The pause between two attempts to record an outcome while the database is not available."""
DATABASE_ERRORS = (SQLAlchemyError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PostingWorker:
    """The connections, limits and shared state with which one process publishes posts."""

    sessions: Sessions
    sender: Sender
    limiter: RateLimiter
    breaker: Breaker
    owner: str
    lease: timedelta
    stopping: asyncio.Event
    under_way: set[asyncio.Task[None]] = field(default_factory=set)
    """The tasks that send the claimed posts. A stop waits for these tasks."""
    behind: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while more posts are due than this process may claim."""
    begin_send: Batcher[Claim, bool] = field(init=False)
    """Marks a post right before its send. The result is whether the post may be sent."""
    record_published: Batcher[posting.PublishedPost, bool] = field(init=False)
    """Records a published post. The result is False if the claim is no longer valid."""

    def __post_init__(self) -> None:
        """Create the two batchers, which let several posts share one transaction."""
        object.__setattr__(self, "begin_send", Batcher(self._begin_sends, MAX_BATCH))
        object.__setattr__(self, "record_published", Batcher(self._record_published, MAX_BATCH))

    async def _begin_sends(self, claims: Sequence[Claim]) -> list[bool]:
        async with self.sessions.begin() as session:
            begun = await posting.begin_sends(session, claims)
        return [claim.job_id in begun for claim in claims]

    async def _record_published(self, published: Sequence[posting.PublishedPost]) -> list[bool]:
        async with self.sessions.begin() as session:
            recorded = await posting.record_published(session, published)
        return [post.claim.job_id in recorded for post in published]


async def dispatch(worker: PostingWorker) -> None:
    """Claim the due posts, and start one task for each, so that no send delays another."""
    until = time.monotonic() + CLAIMING_SECONDS
    while time.monotonic() < until and not worker.stopping.is_set():
        if not worker.behind.is_set() and not await _wait_until_due(worker):
            return
        may_send = await worker.breaker.allows_sending(worker.sender)
        await worker.breaker.announce(worker.sessions, worker.sender)
        if not may_send:
            worker.behind.clear()
            return
        if not (capacity := await _wait_for_capacity(worker)):
            return
        # Read before the claim, so that the lease ends here no later than in the database.
        lease_ends = time.monotonic() + worker.lease.total_seconds()
        async with worker.sessions.begin() as session:
            claims = await posting.claim_due(
                session, owner=worker.owner, lease=worker.lease, limit=capacity
            )
        for claim in claims:
            task = asyncio.create_task(_process_claim(worker, claim, lease_ends))
            worker.under_way.add(task)
            task.add_done_callback(worker.under_way.discard)
        if len(claims) == capacity:
            worker.behind.set()
        else:
            worker.behind.clear()
        if not claims:
            return


async def _wait_until_due(worker: PostingWorker) -> bool:
    """Wait for the next post if it is due before the next tick; return whether a post is due."""
    async with worker.sessions.begin() as session:
        seconds = await posting.seconds_until_due(session)
    if seconds is None or seconds > TICK_SECONDS:
        return False
    await asyncio.sleep(max(seconds, 0))
    return True


async def _wait_for_capacity(worker: PostingWorker) -> int:
    """Wait until about half of MAX_POSTS_UNDER_WAY is free; return how many posts may be claimed.

    One claim costs the same for one post as for many, so posts are claimed together. The wait
    lasts at most CAPACITY_WAIT_SECONDS, or at most GATHER_SECONDS if at least one post may already
    be claimed. The result is 0 if no task ended in time.
    """
    now = time.monotonic()
    until = now + CAPACITY_WAIT_SECONDS
    while (left := until - time.monotonic()) > 0 and len(
        worker.under_way
    ) > MAX_POSTS_UNDER_WAY // 2:
        if len(worker.under_way) < MAX_POSTS_UNDER_WAY:
            until = min(until, now + GATHER_SECONDS)
        await asyncio.wait(worker.under_way, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    return MAX_POSTS_UNDER_WAY - len(worker.under_way)


async def _process_claim(worker: PostingWorker, claim: Claim, lease_ends: float) -> None:
    """Publish one claimed post under its correlation id, and log any error.

    After an error nothing is recorded: another tick rescues the post when its lease has ended.
    """
    actors.correlation_id.set(claim.correlation_id)
    with structlog.contextvars.bound_contextvars(correlation_id=claim.correlation_id):
        try:
            await _publish(worker, claim, lease_ends)
        except Exception:
            log.exception("Worker error", tick="posts", job_id=claim.job_id)


async def _publish(worker: PostingWorker, claim: Claim, lease_ends: float) -> None:
    """Wait for a slot, send the post if it may still be sent, and record the outcome.

    `lease_ends` is a time of `time.monotonic()`.
    """
    if claim.creative is None:
        outcome: SendOutcome = Refused("the stored ad cannot be read", rights_lost=False)
        recorded = await _record_outcome(worker, claim, outcome, until=lease_ends)
        _log_outcome(claim, outcome, recorded=recorded)
        return
    max_wait = min(MAX_SLOT_WAIT_SECONDS, worker.lease.total_seconds() / 4)
    slot = await worker.limiter.acquire(claim.chat_id, within=max_wait, ad=True)
    if slot.wait > 0:
        retry_after = timedelta(seconds=slot.wait)
        outcome = NotSent("waits for a slot in the limits", counts=False, retry_after=retry_after)
        await _record_outcome(worker, claim, outcome, until=lease_ends)
        return
    # The question is asked as late as possible: then a stop still has an effect, and few posts
    # become uncertain if the process dies. It is asked early enough to be answered when the slot
    # begins, because no other message may use the slot until the first byte is sent.
    await asyncio.sleep(slot.send_at - LEAD_SECONDS - time.monotonic())
    if not await _may_send(worker, claim):
        worker.limiter.confirm(claim.chat_id)
        release = partial(posting.release_claim, claim=claim)
        await _write_with_retries(worker, release, until=lease_ends)
        return
    outcome = await worker.sender.send_ad(
        claim.chat_id,
        claim.creative,
        not_before=slot.send_at,
        not_after=lease_ends - worker.sender.seconds,
    )
    worker.limiter.confirm(claim.chat_id)
    # This is read before the breaker counts the outcome. The failure that opens the breaker uses
    # an attempt of its post, and the failures after it do not.
    spare_attempt = worker.breaker.open
    worker.breaker.record(outcome)
    recorded = await _record_outcome(
        worker, claim, outcome, spare_attempt=spare_attempt, until=lease_ends
    )
    _log_outcome(claim, outcome, recorded=recorded)
    if isinstance(outcome, NotSent):
        await _apply_restrictions(worker, claim, outcome)


async def _may_send(worker: PostingWorker, claim: Claim) -> bool:
    """Mark the post as being sent right before the send; return whether it may be sent."""
    if worker.stopping.is_set() or worker.breaker.open:
        return False
    try:
        return await worker.begin_send(claim)
    except DATABASE_ERRORS:
        # Without a result nothing is sent, so the post does not become uncertain.
        log.warning("Worker error", tick="posts", job_id=claim.job_id)
        return False


async def _apply_restrictions(worker: PostingWorker, claim: Claim, outcome: NotSent) -> None:
    """Pause a chat for all processes, or stop posting, if Telegram's answer requires it.

    To stop posting, the system changes the kill switch `telegram_posting`.
    """
    if outcome.retry_after is not None:
        await worker.limiter.cool_down(claim.chat_id, outcome.retry_after)
    if outcome.stop_all:
        await switches.stop_switch(
            worker.sessions,
            actor=actors.SYSTEM,
            key=Switch.TELEGRAM_POSTING,
            reason=f"Telegram refuses the bot itself: {outcome.error}",
        )


async def _record_outcome(
    worker: PostingWorker,
    claim: Claim,
    outcome: SendOutcome,
    *,
    spare_attempt: bool = False,
    until: float,
) -> bool:
    """Record the outcome of a send; return False if the claim is no longer valid.

    While the database is not available, the write is repeated until `until`, the end of the lease.
    After that another process makes the job `uncertain`, and this outcome would be refused.
    """
    if isinstance(outcome, Sent):
        # If the shared transaction fails, this post is recorded below in a transaction of its own:
        # a post that cannot be recorded must not delay the others.
        with contextlib.suppress(*DATABASE_ERRORS):
            return await worker.record_published(posting.PublishedPost(claim, outcome.message_id))
    write = partial(_write_outcome, claim=claim, outcome=outcome, spare_attempt=spare_attempt)
    return await _write_with_retries(worker, write, until=until)


async def _write_with_retries(
    worker: PostingWorker, write: Callable[[AsyncSession], Awaitable[bool]], *, until: float
) -> bool:
    """Call `write` in a transaction of its own until the database accepts the transaction.

    `until` is a time of `time.monotonic()`. After this time, the error of the database is raised.
    """
    while True:
        try:
            async with worker.sessions.begin() as session:
                return await write(session)
        except DATABASE_ERRORS:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(RECORD_RETRY_SECONDS)


async def _write_outcome(
    session: AsyncSession, claim: Claim, outcome: SendOutcome, *, spare_attempt: bool
) -> bool:
    if isinstance(outcome, Sent):
        post = posting.PublishedPost(claim, outcome.message_id)
        return claim.job_id in await posting.record_published(session, [post])
    if isinstance(outcome, Refused):
        return await posting.record_refused(
            session,
            claim,
            error=outcome.error,
            rights_lost=outcome.rights_lost,
            gone=outcome.gone,
        )
    if isinstance(outcome, NotSent):
        return await posting.record_not_sent(
            session,
            claim,
            error=outcome.error,
            counts=outcome.counts and not spare_attempt,
            retry_after=outcome.retry_after,
        )
    return await posting.record_uncertain(session, claim, error=outcome.error)


def _log_outcome(claim: Claim, outcome: SendOutcome, *, recorded: bool) -> None:
    ids = {"job_id": claim.job_id, "target_id": claim.target_id, "recorded": recorded}
    if isinstance(outcome, Sent):
        log.info("Ad published", **ids, message_id=outcome.message_id)
    else:
        # Telegram's error text may repeat the ad's text. It is stored with the job, not logged.
        log.warning(
            "Telegram send failed",
            **ids,
            outcome=type(outcome).__name__,
            cause=outcome.error.partition(":")[0],
        )
