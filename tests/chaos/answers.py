"""Let the owners of a chaos run answer to ads: at once, twice, late, with a refusal, or never."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from db.session import Sessions
from services.market import agreements, moderation
from services.platform.actors import Actor
from services.platform.agreement_errors import NotAgreed

WAYS = ("accept", "accept_twice", "decline", "accept", "accept_late", "never")
"""How the owners answer, one way after the other."""
ONCE_MORE = 2


@dataclass
class Answers:
    """The answers of the owners of one run."""

    counts: Counter[str] = field(default_factory=Counter)
    _ways: Iterator[str] = field(default_factory=lambda: itertools.cycle(WAYS))

    async def give(
        self, sessions: Sessions, *, owner: Actor, moderator: Actor, target_id: int
    ) -> bool:
        """Answer to a placement in the next way, and return whether it may be approved.

        Before a late answer, an admin tries to approve. Raises RuntimeError if this succeeds.
        """
        way = next(self._ways)
        self.counts[way] += 1
        if way == "never":
            return False
        if way == "decline":
            async with sessions.begin() as session:
                await agreements.decline(session, actor=owner, target_id=target_id, reason="other")
            return False
        if way == "accept_late":
            await self._approve_too_early(sessions, moderator, target_id)

        async def accept() -> bool:
            async with sessions.begin() as session:
                return await agreements.accept(session, actor=owner, target_id=target_id)

        times = ONCE_MORE if way == "accept_twice" else 1
        if sum(await asyncio.gather(*(accept() for _ in range(times)))) != 1:
            message = f"placement {target_id} was not accepted exactly once"
            raise RuntimeError(message)
        return True

    @staticmethod
    async def _approve_too_early(sessions: Sessions, moderator: Actor, target_id: int) -> None:
        try:
            async with sessions.begin() as session:
                await moderation.approve(session, actor=moderator, target_id=target_id)
        except NotAgreed:
            return
        message = f"placement {target_id} was approved before its owner had answered"
        raise RuntimeError(message)
