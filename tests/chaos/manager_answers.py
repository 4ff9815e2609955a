"""Let the managers of channels answer to ads during a chaos run.

One of them answers, two at once, one at once with the owner, or one whose work the owner ends.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass, field

from db.session import Sessions
from services.market import agreements, managers
from services.platform import errors
from services.platform.actors import Actor
from services.platform.agreement_errors import AlreadyAnswered

ONE, TWO = "a manager accepts", "two managers answer at once"
WITH_OWNER, ENDED = "a manager and the owner accept at once", "a manager is ended meanwhile"
WAYS = (ONE, TWO, WITH_OWNER, ENDED)
REFUSED_ENDED = "an ended manager is refused"
COUNTED = (*WAYS, REFUSED_ENDED)
"""The counts that must not be 0 at the end of a run."""
END_DELAYS = (0.0, 0.0, 0.02)
"""How long the owner waits with the end, in seconds, one time after the other."""


@dataclass(frozen=True)
class Manager:
    """A manager of a channel, with the id at Telegram."""

    telegram_id: int
    actor: Actor


@dataclass(frozen=True)
class Question:
    """A placement about which a channel's owner and two managers are asked."""

    sessions: Sessions
    channel_id: int
    owner: Actor
    managers: tuple[Manager, ...]
    target_id: int

    async def accept(self, actor: Actor) -> bool:
        """Accept as a person. Return False if the placement was accepted before."""
        async with self.sessions.begin() as session:
            return await agreements.accept(session, actor=actor, target_id=self.target_id)

    async def decline(self, actor: Actor) -> bool:
        """Decline as a person. Return False if the placement was declined before."""
        async with self.sessions.begin() as session:
            return await agreements.decline(
                session, actor=actor, target_id=self.target_id, reason="other"
            )

    async def name(self, manager: Manager) -> None:
        """Make a person a manager. Nothing changes for a present manager."""
        async with self.sessions.begin() as session:
            await managers.name(
                session,
                actor=self.owner,
                channel_id=self.channel_id,
                telegram_id=manager.telegram_id,
            )

    async def end(self, manager: Manager, delay: float) -> bool:
        """End the work of a manager after `delay` seconds."""
        await asyncio.sleep(delay)
        async with self.sessions.begin() as session:
            await managers.end(
                session,
                actor=self.owner,
                channel_id=self.channel_id,
                telegram_id=manager.telegram_id,
            )
        return False


@dataclass
class ManagerAnswers:
    """The answers of the managers of one run."""

    ended: int = 0
    """How many times an ended manager was refused."""
    _locks: dict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    """The locks by channel: another placement must not end a manager who is expected to answer."""
    _ends: int = 0

    async def give(self, way: str, question: Question) -> bool:
        """Answer in a way, and return whether the placement is accepted.

        Raises RuntimeError if not exactly one answer counts, or if an ended manager can answer.
        """
        first, second = question.managers
        async with self._locks[question.channel_id]:
            for manager in question.managers:
                await question.name(manager)
            if way == TWO:
                answers = question.accept(first.actor), question.decline(second.actor)
                return (await self._one_of(question, *answers)) == 0
            if way == WITH_OWNER:
                await self._one_of(
                    question, question.accept(first.actor), question.accept(question.owner)
                )
            elif way == ENDED:
                await self._end_meanwhile(question, first)
            else:
                await self._one_of(question, question.accept(first.actor))
            return True

    async def _one_of(self, question: Question, *answers: Awaitable[bool]) -> int:
        """Give answers at once, and return the number of the only one that counts."""
        results = await asyncio.gather(*answers, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, AlreadyAnswered):
                raise result
        if results.count(True) != 1:
            message = f"placement {question.target_id} was not answered exactly once: {results}"
            raise RuntimeError(message)
        return results.index(True)

    async def _end_meanwhile(self, question: Question, manager: Manager) -> None:
        """Let a manager accept while the owner ends the manager's work.

        If the end came first, the manager is refused from then on, and the owner accepts.
        """
        self._ends += 1
        delay = END_DELAYS[self._ends % len(END_DELAYS)]
        answer, end = await asyncio.gather(
            question.accept(manager.actor), question.end(manager, delay), return_exceptions=True
        )
        for result in (answer, end):
            if isinstance(result, BaseException) and not isinstance(result, errors.NotFound):
                raise result
        try:
            await question.accept(manager.actor)
        except errors.NotFound:
            self.ended += 1
        else:
            message = f"an ended manager could still answer to placement {question.target_id}"
            raise RuntimeError(message)
        if answer is not True:
            await self._one_of(question, question.accept(question.owner))
