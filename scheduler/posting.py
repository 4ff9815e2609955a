"""Takes due posts, sends each once outside any transaction, and records what came of it.

The order is the product's promise of exactly one message: claim (a lease, one short transaction),
wait for a place within Telegram's limits, ask once more whether it may go, send, record. Every
write names the claim, so that a worker that was paused past its lease changes nothing. Posts that
do the same at the same moment do it in one transaction.
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

from bot.limiter import Limiter
from bot.telegram import NotSent, Outcome, Refused, Sender, Sent
from db.models.operations import Switch
from db.session import Sessions
from scheduler.batcher import Batcher
from scheduler.breaker import Breaker
from services import actors, claims, killswitches, posting
from services.claims import Claim

AT_ONCE = 16
"""Posts under way at once in one process: so many may become uncertain when Telegram dies."""
TAKING_SECONDS = 10.0
"""A tick takes no more posts after this, so that one that does not end has hung."""
FULL_SECONDS = 1.0
GATHER_SECONDS = 0.5
"""Half of the places are free before more posts are taken, but for those that take longer."""
SOON_SECONDS = 0.25
"""The tick's own pause: a post that is due before the next tick is waited for."""
PATIENCE_SECONDS = 3.0
"""How long a claimed post waits for its place; a longer wait is spent in the queue."""
AHEAD_SECONDS = 0.15
"""How long before its place the last question is asked and the connection is made.

It must be long enough for both: the place is lost to everybody until the first byte leaves. It must
be short: a stop that comes later is not heard, and a death then leaves the post uncertain."""
MOST_TOGETHER = 32
"""So many posts are recorded in one transaction at most."""
RECORD_PAUSE_SECONDS = 0.5
DATABASE_TROUBLE = (SQLAlchemyError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Desk:
    """What the posts of one process share."""

    sessions: Sessions
    sender: Sender
    limiter: Limiter
    breaker: Breaker
    owner: str
    lease: timedelta
    stopping: asyncio.Event
    under_way: set[asyncio.Task[None]] = field(default_factory=set)
    """Claimed posts on their way; a stop waits for them."""
    behind: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while more posts are due than there is room for."""
    begin: Batcher[Claim, bool] = field(init=False)
    """Asks right before a send, whether it may go."""
    record_sent: Batcher[claims.Sent, bool] = field(init=False)

    def __post_init__(self) -> None:
        """Joins what posts do at the same moment into one transaction."""
        object.__setattr__(self, "begin", Batcher(self._begin, MOST_TOGETHER))
        object.__setattr__(self, "record_sent", Batcher(self._record_sent, MOST_TOGETHER))

    async def _begin(self, begun: Sequence[Claim]) -> list[bool]:
        async with self.sessions.begin() as session:
            alive = await claims.begin_sends(session, begun)
        return [claim.job_id in alive for claim in begun]

    async def _record_sent(self, sent: Sequence[claims.Sent]) -> list[bool]:
        async with self.sessions.begin() as session:
            recorded = await claims.record_sent(session, sent)
        return [post.claim.job_id in recorded for post in sent]


async def dispatch(desk: Desk) -> None:
    """Tick: takes what is due and sets each post on its way; a slow send delays no other."""
    until = time.monotonic() + TAKING_SECONDS
    while time.monotonic() < until and not desk.stopping.is_set():
        if not desk.behind.is_set() and not await _until_due(desk):
            return
        passes = await desk.breaker.lets_through(desk.sender)
        await desk.breaker.tell(desk.sessions, desk.sender)
        if not passes:
            desk.behind.clear()
            return
        if not (room := await _room(desk)):
            return
        # Read before the claim, so that this side's end of the lease is never the later one.
        lease_ends = time.monotonic() + desk.lease.total_seconds()
        async with desk.sessions.begin() as session:
            taken = await claims.take(session, owner=desk.owner, lease=desk.lease, limit=room)
        for claim in taken:
            task = asyncio.create_task(_see_through(desk, claim, lease_ends))
            desk.under_way.add(task)
            task.add_done_callback(desk.under_way.discard)
        if len(taken) == room:
            desk.behind.set()
        else:
            desk.behind.clear()
        if not taken:
            return


async def _until_due(desk: Desk) -> bool:
    """Waits for the next post, if it is due before the next tick comes."""
    async with desk.sessions.begin() as session:
        seconds = await claims.due_in(session)
    if seconds is None or seconds > SOON_SECONDS:
        return False
    await asyncio.sleep(max(seconds, 0))
    return True


async def _room(desk: Desk) -> int:
    """How many more posts may be on their way, once there is place for some.

    Many are taken at once, as each taking costs the same.
    """
    now = time.monotonic()
    until = now + FULL_SECONDS
    while (left := until - time.monotonic()) > 0 and len(desk.under_way) > AT_ONCE // 2:
        if len(desk.under_way) < AT_ONCE:
            until = min(until, now + GATHER_SECONDS)
        await asyncio.wait(desk.under_way, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    return AT_ONCE - len(desk.under_way)


async def _see_through(desk: Desk, claim: Claim, lease_ends: float) -> None:
    """Takes one claimed post to its end. What goes wrong here ends with the lease."""
    actors.correlation_id.set(claim.correlation_id)
    with structlog.contextvars.bound_contextvars(correlation_id=claim.correlation_id):
        try:
            await _handle(desk, claim, lease_ends)
        except Exception:
            log.exception("Worker error", tick="posts", job_id=claim.job_id)


async def _handle(desk: Desk, claim: Claim, lease_ends: float) -> None:
    if claim.creative is None:
        outcome: Outcome = Refused("the stored ad cannot be read", rights_lost=False)
        recorded = await _record(desk, claim, outcome, until=lease_ends)
        _report(claim, outcome, recorded=recorded)
        return
    patience = min(PATIENCE_SECONDS, desk.lease.total_seconds() / 4)
    place = await desk.limiter.place(claim.chat_id, within=patience, ad=True)
    if place.wait > 0:
        period = timedelta(seconds=place.wait)
        waits = NotSent("waits for its place", counts=False, retry_after=period)
        await _record(desk, claim, waits, until=lease_ends)
        return
    await asyncio.sleep(place.leaves - AHEAD_SECONDS - time.monotonic())
    if not await _may_send(desk, claim):
        desk.limiter.tell(claim.chat_id)
        await _keep_trying(desk, partial(posting.give_back, claim=claim), until=lease_ends)
        return
    outcome = await desk.sender.send_ad(
        claim.chat_id,
        claim.creative,
        not_before=place.leaves,
        not_after=lease_ends - desk.sender.seconds,
    )
    desk.limiter.tell(claim.chat_id)
    # Its own failure may open the breaker, and is still worth an attempt.
    spared = desk.breaker.open
    desk.breaker.note(outcome)
    recorded = await _record(desk, claim, outcome, spared=spared, until=lease_ends)
    _report(claim, outcome, recorded=recorded)
    if isinstance(outcome, NotSent):
        await _obey(desk, claim, outcome)


async def _may_send(desk: Desk, claim: Claim) -> bool:
    """Asks once more, right before the send."""
    if desk.stopping.is_set() or desk.breaker.open:
        return False
    try:
        return await desk.begin(claim)
    except DATABASE_TROUBLE:
        # Without this answer nothing is sent, which is worth knowing: the post is not uncertain.
        log.warning("Worker error", tick="posts", job_id=claim.job_id)
        return False


async def _obey(desk: Desk, claim: Claim, outcome: NotSent) -> None:
    """Does what Telegram asks of all: rest in a chat, or stop posting altogether."""
    if outcome.retry_after is not None:
        await desk.limiter.rest(claim.chat_id, outcome.retry_after)
    if outcome.stop_all:
        async with desk.sessions.begin() as session:
            await killswitches.set(
                session,
                actor=actors.SYSTEM,
                key=Switch.TELEGRAM_POSTING,
                enabled=False,
                reason=f"Telegram refuses the bot itself: {outcome.error}",
            )


async def _record(
    desk: Desk, claim: Claim, outcome: Outcome, *, spared: bool = False, until: float
) -> bool:
    """Writes down what came of a send, waiting for a database that is away; False if fenced out.

    After the lease the job is `uncertain` by another's hand and this knowledge would be refused.
    """
    if isinstance(outcome, Sent):
        # Alone when that goes wrong: one that cannot be recorded must not hold others up.
        with contextlib.suppress(*DATABASE_TROUBLE):
            return await desk.record_sent(claims.Sent(claim, outcome.message_id))
    write = partial(_write, claim=claim, outcome=outcome, spared=spared)
    return await _keep_trying(desk, write, until=until)


async def _keep_trying(
    desk: Desk, write: Callable[[AsyncSession], Awaitable[bool]], *, until: float
) -> bool:
    while True:
        try:
            async with desk.sessions.begin() as session:
                return await write(session)
        except DATABASE_TROUBLE:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(RECORD_PAUSE_SECONDS)


async def _write(session: AsyncSession, claim: Claim, outcome: Outcome, *, spared: bool) -> bool:
    if isinstance(outcome, Sent):
        return await posting.record_sent(session, claim, message_id=outcome.message_id)
    if isinstance(outcome, Refused):
        return await posting.record_refused(
            session, claim, error=outcome.error, rights_lost=outcome.rights_lost
        )
    if isinstance(outcome, NotSent):
        return await posting.record_not_sent(
            session,
            claim,
            error=outcome.error,
            counts=outcome.counts and not spared,
            retry_after=outcome.retry_after,
        )
    return await posting.record_uncertain(session, claim, error=outcome.error)


def _report(claim: Claim, outcome: Outcome, *, recorded: bool) -> None:
    ids = {"job_id": claim.job_id, "target_id": claim.target_id, "recorded": recorded}
    if isinstance(outcome, Sent):
        log.info("Ad published", **ids, message_id=outcome.message_id)
    else:
        # Telegram's words may repeat the ad's; they are kept with the job, not in the log.
        log.warning(
            "Telegram send failed",
            **ids,
            outcome=type(outcome).__name__,
            cause=outcome.error.partition(":")[0],
        )
