"""Claim due posts, send each post once outside any transaction, and record the outcome.

Every write names the claim, so a process that was paused longer than its lease changes nothing.
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

from bot import metrics, switches
from bot.batcher import Batcher
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.send_outcomes import NotSent, Refused, SendOutcome, Sent, Uncertain
from bot.telegram.sender import Sender
from db import correlation
from db.models.operations import Switch
from db.session import Sessions
from scheduler.breaker import Breaker
from services.platform import actors
from services.posts import posting
from services.posts.posting import Claim

MAX_POSTS_UNDER_WAY = 16
"""One process handles at most this many posts at the same time."""
CLAIMING_SECONDS = 10.0
"""One tick claims posts for at most this time."""
CAPACITY_WAIT_SECONDS = 1.0
"""A tick waits at most this time until half of MAX_POSTS_UNDER_WAY is free."""
GATHER_SECONDS = 0.5
"""If one post may be claimed, a tick waits at most this time until more may be claimed."""
TICK_SECONDS = 0.25
"""The interval of the tick. The tick waits for a post that is due within this time."""
MAX_SLOT_WAIT_SECONDS = 3.0
"""A claimed post waits at most this time for a send permission, and is then queued again."""
MAX_BATCH = 32
"""At most this many posts are recorded in one transaction."""
LEAD_SECONDS = 0.15
"""This long before the send, the database is asked whether the post may be sent.

Within this time, the database must answer, and the connection to Telegram must open.
"""
RECORD_RETRY_SECONDS = 0.5
"""The pause between two attempts to record an outcome while the database is not available."""
_OUTCOMES = {Sent: "sent", Refused: "refused", NotSent: "not_sent", Uncertain: "uncertain"}
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
    """The tasks that send the claimed posts."""
    behind: asyncio.Event = field(default_factory=asyncio.Event)
    """The event is set while more posts are due than this process may claim."""
    begin_send: Batcher[Claim, bool] = field(init=False)
    """The batcher that marks a post as being sent. The result is True if the post may be sent."""
    record_published: Batcher[posting.PublishedPost, bool] = field(init=False)
    """The batcher that records a published post. The result is False if the claim is not valid."""

    def __post_init__(self) -> None:
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
    """Claim the due posts, and start one task for each post.

    While Telegram is down, no post is claimed.
    """
    until = time.monotonic() + CLAIMING_SECONDS
    while time.monotonic() < until and not worker.stopping.is_set():
        is_due = worker.behind.is_set() or await _wait_until_due(worker)
        # Telegram is asked without a due post too. Otherwise the end of an outage is not noticed.
        may_send = await worker.breaker.allows_sending(worker.sender)
        await worker.breaker.announce(worker.sessions, worker.sender)
        if not (is_due and may_send):
            worker.behind.clear()
            return
        if not (capacity := await _wait_for_capacity(worker)):
            return
        # This time is read before the claim, so that it is not later than the end of the lease in
        # the database.
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
    """Wait at most TICK_SECONDS for a due post. Return whether a post is due now."""
    async with worker.sessions.begin() as session:
        seconds = await posting.seconds_until_due(session)
    if seconds is None or seconds > TICK_SECONDS:
        return False
    await asyncio.sleep(max(seconds, 0))
    return True


async def _wait_for_capacity(worker: PostingWorker) -> int:
    """Wait until half of MAX_POSTS_UNDER_WAY is free. Return how many posts may be claimed."""
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
    """Publish one claimed post, and log any error. After an error, the tick `rescue` takes over."""
    with correlation.correlated(claim.correlation_id, origin=claim.origin_id):
        try:
            await _publish(worker, claim, lease_ends)
        except Exception:
            log.exception(
                "Worker error", tick="posts", job_id=claim.job_id, target_id=claim.target_id
            )


async def _publish(worker: PostingWorker, claim: Claim, lease_ends: float) -> None:
    """Send a claimed post and record the outcome. `lease_ends` is a time of `time.monotonic()`."""
    if claim.creative is None:
        outcome: SendOutcome = Refused("the stored ad cannot be read", rights_lost=False)
        recorded = await _record_outcome(worker, claim, outcome, until=lease_ends)
        _log_outcome(claim, outcome, recorded=recorded)
        return
    max_wait = min(MAX_SLOT_WAIT_SECONDS, worker.lease.total_seconds() / 4)
    messages = len(claim.creative.messages)
    slot = await worker.limiter.acquire(
        claim.chat_id, within=max_wait, ad=True, messages=messages, parts=messages
    )
    if slot.wait > 0:
        retry_after = timedelta(seconds=slot.wait)
        outcome = NotSent("waits for a slot in the limits", counts=False, retry_after=retry_after)
        await _record_outcome(worker, claim, outcome, until=lease_ends)
        return
    # The database is asked as late as possible: until then, a stopped kill switch has an effect,
    # and the post does not become uncertain if the process dies. But the answer must be there when
    # the slot begins, because no other message can use the slot.
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
    # This is read before the breaker counts the outcome. So the failure that opens the breaker
    # uses an attempt of its post, and the failures that come after it do not.
    spare_attempt = worker.breaker.open
    worker.breaker.record(outcome)
    recorded = await _record_outcome(
        worker, claim, outcome, spare_attempt=spare_attempt, until=lease_ends
    )
    _log_outcome(claim, outcome, recorded=recorded)
    if isinstance(outcome, NotSent):
        await _apply_restrictions(worker, claim, outcome)


async def _may_send(worker: PostingWorker, claim: Claim) -> bool:
    """Return whether a post may be sent now, and mark such a post as being sent."""
    if worker.stopping.is_set() or worker.breaker.open:
        return False
    try:
        return await worker.begin_send(claim)
    except DATABASE_ERRORS:
        # Without a result nothing is sent, so the post does not become uncertain.
        log.warning("Worker error", tick="posts", job_id=claim.job_id, target_id=claim.target_id)
        return False


async def _apply_restrictions(worker: PostingWorker, claim: Claim, outcome: NotSent) -> None:
    """Do what Telegram's answer requires after a send that did not happen."""
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
    """Record the outcome of a send. Return False if the claim is no longer valid.

    While the database is not available, the write is repeated until `until`, a time of
    `time.monotonic()`.
    """
    if isinstance(outcome, Sent):
        # If the transaction that several posts share fails, this post is recorded below in a
        # transaction of its own. So a post that cannot be recorded does not delay the others.
        with contextlib.suppress(*DATABASE_ERRORS):
            return await worker.record_published(_published(claim, outcome))
    write = partial(_write_outcome, claim=claim, outcome=outcome, spare_attempt=spare_attempt)
    return await _write_with_retries(worker, write, until=until)


async def _write_with_retries(
    worker: PostingWorker, write: Callable[[AsyncSession], Awaitable[bool]], *, until: float
) -> bool:
    """Call `write` until the database accepts the transaction.

    After `until`, a time of `time.monotonic()`, the database's error is raised.
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
        recorded = await posting.record_published(session, [_published(claim, outcome)])
        return claim.job_id in recorded
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


def _published(claim: Claim, sent: Sent) -> posting.PublishedPost:
    return posting.PublishedPost(claim, sent.message_id, sent.other_ids)


def _log_outcome(claim: Claim, outcome: SendOutcome, *, recorded: bool) -> None:
    metrics.POSTS.labels(_OUTCOMES[type(outcome)]).inc()
    if isinstance(outcome, Uncertain) or (isinstance(outcome, NotSent) and outcome.counts):
        metrics.count_telegram_error("post")
    ids = {"job_id": claim.job_id, "target_id": claim.target_id, "recorded": recorded}
    if isinstance(outcome, Sent):
        log.info("Ad published", **ids, message_id=outcome.message_id)
    else:
        log.warning(
            "Telegram send failed",
            **ids,
            outcome=type(outcome).__name__,
            cause=outcome.error.partition(":")[0],
        )
