"""Let advertisers complain during a chaos run, and let owners and staff answer, or stay silent.

Each person chooses at random. Other people press at the same time, and some press twice.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from asyncpg import Record
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.complaints import ComplaintKind
from services.market import complaints
from services.platform import errors
from services.platform.actors import Actor
from tests.chaos.environment import Environment, wait_until
from tests.chaos.market import Market
from tests.chaos.owners import DATABASE_ERRORS
from tests.chaos.rounds import Rounds

OWNER, ADVERTISER, ADMIN, HEAD = "owner", "advertiser", "admin", "head"
"""The people of a complaint. The head is a super admin."""
SILENCE = "silence"
STEP_TIME = timedelta(hours=1)
"""The shortest time for a step that the product allows."""
SHORTENED = """
    WITH shortened AS (
        UPDATE complaints SET due_at = clock() + interval '60 seconds'
        WHERE status NOT IN ('decided', 'closed') AND due_at > clock() + interval '60 seconds'
        RETURNING id
    ) SELECT count(*) FROM shortened
"""
"""Leaves each person 60 seconds for a step, because a run has no hours."""
SETTINGS = {"COMPLAINT_DECISION": str(STEP_TIME // timedelta(seconds=1))}
"""The settings of a scheduler for the times of complaints."""
WINDOW = timedelta(minutes=1)
"""How long after its publication each post of this run may be complained about, at the least."""
APPEAL_TIME = timedelta(hours=48)
"""How long each side can appeal, which no setting changes."""
PERCENTS = (100, 0, 37)
"""The parts of the owner by a decision: a release, a refund and a split."""
CHOICES = {
    "asked": (
        *("owner answered", "owner answered", "owner correcting", "advertiser satisfied", SILENCE),
    ),
    "correcting": (SILENCE,),
    "answered": (*["advertiser disputed"] * 3, "advertiser satisfied", SILENCE),
    "disputed": (*["admin decided"] * 3, "advertiser satisfied", SILENCE),
    "decided": ("both accepted", "both appealed", "both appealed", SILENCE),
    "appealed": ("head decided", SILENCE),
}
"""The acts of the people of a complaint by its status. The first choice is drawn in rounds."""
COUNTED = (
    *("opened", "answered", "correcting", "corrected", "satisfied", "disputed", "decided"),
    *("accepted", "appealed", "reminded", "absorbed", "released", "refunded", "split"),
    *("silent owner", "silent", "unanswered", "appeal without an answer", "appeal decided"),
    *("both accepted", "appeal time ended"),
)
"""The events that a run must have had in its complaints, as `complaint_oracle` names them."""
WRONG = ("owner satisfied", "advertiser answered", "admin appealed", "owner decided")
"""Presses that are always refused."""
TWICE = 0.3
"""The share of the choices that come together with another press of the same moment."""
COMPLAINED = 0.8
"""The share of the live posts about which an advertiser wants to complain."""
AT_ONCE = 3
"""How many complaints are acted on at the same time."""
PAUSE_SECONDS = 0.3
MOST_OPEN = 12
"""The number of open complaints at which no further complaint is made."""
OPEN = text(
    """
    SELECT c.id, c.status, c.campaign_target_id, t.owner_id, a.advertiser_id
    FROM complaints c JOIN campaign_targets t ON t.id = c.campaign_target_id
    JOIN campaigns a ON a.id = t.campaign_id
    WHERE c.status <> 'closed' ORDER BY c.id
    """
)
POSTS = text(
    """
    SELECT t.id, a.advertiser_id
    FROM post_jobs j JOIN campaign_targets t ON t.id = j.campaign_target_id
    JOIN campaigns a ON a.id = t.campaign_id
    JOIN escrows e ON e.campaign_target_id = t.id
    WHERE j.status = 'success' AND j.breach IS NULL AND e.status = 'held'
        AND a.advertiser_id = ANY (:advertisers) AND a.advertiser_id <> t.owner_id
        AND NOT EXISTS (SELECT FROM complaints c WHERE c.campaign_target_id = t.id
            AND c.status <> 'closed')
    ORDER BY t.id
    """
)
"""The query for the posts about which their advertisers can complain."""

UNENDED = "SELECT count(*) FROM complaints WHERE status <> 'closed'"
UNDISPUTED = """
    NOT EXISTS (SELECT FROM complaints c WHERE c.campaign_target_id = j.campaign_target_id
        AND c.status <> 'closed')
"""
"""The condition that no complaint about the post of a job `j` is open."""

Act = Callable[[AsyncSession], Awaitable[Any]]
STEPS: dict[str, tuple[Callable[..., Awaitable[Any]], dict[str, Any]]] = {
    "answered": (complaints.answer, {"words": "It is as agreed.", "answer_time": STEP_TIME}),
    "correcting": (complaints.ask_correction, {"answer_time": STEP_TIME}),
    "satisfied": (complaints.say_satisfied, {}),
    "disputed": (complaints.dispute, {"staff_time": STEP_TIME}),
    "accepted": (complaints.accept, {}),
    "appealed": (complaints.appeal, {"staff_time": STEP_TIME}),
    "decided": (complaints.decide, {}),
}
"""The service of each step of a complaint, with its facts."""


@dataclass
class Complainers:
    """The people of a run who complain, answer, appeal and decide."""

    market: Market
    environment: Environment
    rng: random.Random
    presses: Counter[str] = field(default_factory=Counter)
    """How many presses of each kind were taken."""
    refused: int = 0
    """How many presses came too late, or from another person than the right one."""
    _choices: dict[str, Rounds[str]] = field(init=False)
    _percents: Rounds[int] = field(init=False)
    _chosen: dict[tuple[int, str], str] = field(default_factory=dict)
    """The act of the right person, by the id of a complaint and its status."""
    _wanted: dict[int, bool] = field(default_factory=dict)
    """Whether the advertiser of a placement wants to complain."""

    def __post_init__(self) -> None:
        self._choices = {status: Rounds(each, self.rng) for status, each in CHOICES.items()}
        self._percents = Rounds(PERCENTS, self.rng)

    @property
    def complete(self) -> bool:
        """True if every choice was drawn for each status of a complaint."""
        return all(each.completed for each in self._choices.values())

    async def run(self, ended: asyncio.Event) -> None:
        """Complain, and act on complaints, until `ended` is set."""

        async def act_again_and_again() -> None:
            while not ended.is_set():
                await self.act_once()
                await asyncio.sleep(PAUSE_SECONDS)

        async def shorten_again_and_again() -> None:
            while not ended.is_set():
                await self._shorten()
                await asyncio.sleep(1)

        acting = [act_again_and_again() for _ in range(AT_ONCE)]
        await asyncio.gather(*acting, shorten_again_and_again())

    async def run_until_complete(self, seconds: float) -> None:
        """Complain, and act on complaints, until each choice was drawn, or for `seconds`."""
        ended = asyncio.Event()

        async def is_complete() -> bool:
            return self.complete

        running = asyncio.create_task(self.run(ended))
        with contextlib.suppress(TimeoutError):
            await wait_until(is_complete, seconds, "not each choice was drawn")
        ended.set()
        await running

    async def act_on_many(self) -> None:
        """Act as often as there may be open complaints."""
        await self._shorten()
        for _ in range(MOST_OPEN):
            await self.act_once()

    async def act_once(self) -> None:
        """Make a complaint, or act on a random one. Database errors are ignored."""
        with contextlib.suppress(*DATABASE_ERRORS):
            async with self.market.sessions.begin() as session:
                open_ones = (await session.execute(OPEN)).all()
            if len(open_ones) < MOST_OPEN:
                await self._complain()
            if open_ones:
                await self._act(self.rng.choice(open_ones))

    async def _shorten(self) -> None:
        """Leave each person 60 seconds for the present step. Database errors are ignored."""
        with contextlib.suppress(*DATABASE_ERRORS):
            await self.environment.fetch(SHORTENED)

    async def _complain(self) -> None:
        ids = [actor.user_id for actor in self.market.advertisers]
        async with self.market.sessions.begin() as session:
            posts: Sequence[Record] = (await session.execute(POSTS, {"advertisers": ids})).all()
        wanted = [post for post in posts if self._wants(post.id)]
        if not wanted:
            return
        post = self.rng.choice(wanted)
        kind = self.rng.choice(list(ComplaintKind))
        words = "It is not what I bought." if kind is ComplaintKind.OTHER else None

        async def complain(session: AsyncSession) -> None:
            await complaints.open_complaint(
                session,
                actor=Actor(post.advertiser_id),
                target_id=post.id,
                kind=kind,
                words=words,
                answer_time=STEP_TIME,
            )

        # A second press opens no second complaint.
        times = 1 + (self.rng.random() < TWICE)
        await asyncio.gather(*(self._press("opened", complain) for _ in range(times)))

    def _wants(self, target_id: int) -> bool:
        return self._wanted.setdefault(target_id, self.rng.random() < COMPLAINED)

    async def _act(self, complaint: Record) -> None:
        """Do what the right person of a complaint has chosen, while others press too."""
        key = (complaint.id, complaint.status)
        if key not in self._chosen:
            self._chosen[key] = self._choices[complaint.status].draw()
        chosen = [] if self._chosen[key] == SILENCE else [self._chosen[key]]
        if self.rng.random() < TWICE:
            # Silence stays silence. Otherwise anybody may press at the same moment.
            others = CHOICES[complaint.status] if chosen else ()
            chosen.append(self.rng.choice((*others, *WRONG)))
        self.rng.shuffle(chosen)
        await asyncio.gather(*(self._do(complaint, each) for each in chosen if each != SILENCE))

    async def _do(self, complaint: Record, choice: str) -> None:
        who, act = choice.split()
        sides = [OWNER, ADVERTISER] if who == "both" else [who]
        steps = [self._step(complaint.id, self._actor(complaint, side), act) for side in sides]
        await asyncio.gather(*(self._press(act, step) for step in steps))

    def _actor(self, complaint: Record, who: str) -> Actor:
        assert self.market.moderator is not None
        staff = {ADMIN: [self.market.moderator, *self.market.heads], HEAD: self.market.heads}
        if who in staff:
            return self.rng.choice(staff[who])
        return Actor(complaint.owner_id if who == OWNER else complaint.advertiser_id)

    def _step(self, complaint_id: int, actor: Actor, act: str) -> Act:
        """Return the call of the service for a press."""
        service, facts = STEPS[act]
        if act == "decided":
            facts = {"owner_percent": self._percents.draw()}
        return partial(service, actor=actor, complaint_id=complaint_id, **facts)

    async def _press(self, name: str, act: Act) -> None:
        """Press a button once. A press that is refused, or cut by an outage, changes nothing more.

        The person presses again when the complaint still has the same status.
        """
        try:
            async with self.market.sessions.begin() as session:
                await act(session)
        except errors.DomainError:
            self.refused += 1
        except DATABASE_ERRORS:
            return
        else:
            self.presses[name] += 1
