"""Let the owners of a chaos run answer to ads: at once, twice, late, with a refusal, or never.

Managers of the channel answer too: one, two at once, at once with the owner, and while their work
is ended. Some advertisers change their ad after the owner has accepted it.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from db.session import Sessions
from services.market import agreements, moderation, placement_versions
from services.platform.actors import Actor
from services.platform.agreement_errors import NotAgreed, VersionChanged
from tests.chaos import manager_answers
from tests.chaos.ad_texts import with_text
from tests.chaos.manager_answers import Manager, ManagerAnswers, Question

WAYS = (
    *("accept", manager_answers.ONE, "accept_twice", "decline", manager_answers.TWO, "accept"),
    *(manager_answers.WITH_OWNER, "accept_late", "never", manager_answers.ENDED, "change"),
)
"""How the owners and the managers answer, one way after the other."""
COUNTED = (*WAYS, manager_answers.REFUSED_ENDED)
"""The counts that must not be 0 at the end of a run."""
TWICE = 2


@dataclass
class Answers:
    """The answers of the owners and managers of one run."""

    counts: Counter[str] = field(default_factory=Counter)
    _managers: ManagerAnswers = field(default_factory=ManagerAnswers)
    _ways: Iterator[str] = field(default_factory=lambda: itertools.cycle(WAYS))

    async def give(
        self,
        sessions: Sessions,
        *,
        owner: Actor,
        advertiser: Actor,
        moderator: Actor,
        target_id: int,
        channel_id: int,
        managers: tuple[Manager, ...] = (),
    ) -> int | None:
        """Answer to a placement in the next way, and return the version that may be approved.

        Before a late answer, and after a change of the ad, an admin tries to approve. Raises
        RuntimeError if this succeeds. Without managers, the owner accepts in their place.
        """
        way = next(self._ways)
        if way in manager_answers.WAYS and managers:
            question = Question(sessions, channel_id, owner, managers, target_id)
            is_accepted = await self._managers.give(way, question)
            self.counts[way] += 1
            self.counts[manager_answers.REFUSED_ENDED] = self._managers.ended
            return 1 if is_accepted else None
        self.counts[way] += way not in manager_answers.WAYS
        if way == "never":
            return None
        if way == "decline":
            async with sessions.begin() as session:
                await agreements.decline(session, actor=owner, target_id=target_id, reason="other")
            return None
        if way == "accept_late":
            await self._approve_too_early(sessions, moderator, target_id)
        version = 1
        await self._accept(sessions, owner, target_id, version, twice=way == "accept_twice")
        if way == "change":
            await self._change(sessions, advertiser, target_id)
            await self._approve_too_early(sessions, moderator, target_id)
            version = 2
            await self._accept(sessions, owner, target_id, version)
        return version

    @staticmethod
    async def _accept(
        sessions: Sessions, owner: Actor, target_id: int, version: int, *, twice: bool = False
    ) -> None:
        async def accept() -> bool:
            async with sessions.begin() as session:
                return await agreements.accept(
                    session, actor=owner, target_id=target_id, version=version
                )

        times = TWICE if twice else 1
        if sum(await asyncio.gather(*(accept() for _ in range(times)))) != 1:
            message = f"placement {target_id} was not accepted exactly once"
            raise RuntimeError(message)

    @staticmethod
    async def _change(sessions: Sessions, advertiser: Actor, target_id: int) -> None:
        async with sessions.begin() as session:
            row = await moderation.get_details(session, target_id=target_id)
            await placement_versions.change_ad(
                session,
                actor=advertiser,
                target_id=target_id,
                version=1,
                creative=with_text(row.creative, f"{row.creative.messages[0].text}, changed"),
            )

    @staticmethod
    async def _approve_too_early(sessions: Sessions, moderator: Actor, target_id: int) -> None:
        try:
            async with sessions.begin() as session:
                await moderation.approve(session, actor=moderator, target_id=target_id)
        except (NotAgreed, VersionChanged):
            return
        message = f"placement {target_id} was approved before its owner had answered"
        raise RuntimeError(message)
