"""Let advertisers cancel approved placements during a chaos run, and count the presses."""

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.market import agreements, campaigns, cancellations, moderation
from services.market.creatives import Creative
from services.platform import errors
from services.platform.actors import Actor
from tests.chaos.market import FEE_BPS, Market
from tests.chaos.owners import DATABASE_ERRORS
from tests.chaos.rounds import Rounds

AT_ONCE, TWICE = "cancel at once", "cancel twice"
AT_THE_CUTOFF, AT_THE_CLAIM = "cancel at the cut-off", "cancel at the claim"
WAYS = (AT_ONCE, TWICE, AT_THE_CUTOFF, AT_THE_CLAIM)
"""How advertisers cancel, in rounds."""
CANCELLED, TOO_LATE = "cancelled", "too late"
COUNTED = (*WAYS, CANCELLED)
"""The counts that must not be 0 at the end of a run."""
CUTOFF = timedelta(seconds=4)
AHEAD = timedelta(seconds=12)
"""How far ahead, by the database's clock, the time of a placement is."""
AT_THE_SAME_TIME = 2
"""How many advertisers act at the same time."""
PAUSE_SECONDS = 1.0
PRESSES = 8
"""How many presses one advertiser makes around the cut-off or the claim."""
PRESS_SECONDS = 0.1
EARLIER = timedelta(seconds=0.4)
"""How long before the cut-off or the claim the first of these presses comes."""


@dataclass
class Cancellers:
    """The advertisers of a run who cancel placements."""

    market: Market
    rng: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    """How often each way was tried, and how many presses cancelled or came too late."""

    @property
    def complete(self) -> bool:
        """True if each way was tried, and a placement was cancelled."""
        return all(self.counts[name] for name in COUNTED)

    async def run(self, ended: asyncio.Event) -> None:
        """Buy placements for a time ahead, and try to cancel each, until `ended` is set."""
        ways = Rounds(WAYS, self.rng)

        async def cancel_again_and_again() -> None:
            while not ended.is_set():
                with contextlib.suppress(*DATABASE_ERRORS, errors.DomainError):
                    await self._buy_and_cancel(ways.draw())
                await asyncio.sleep(PAUSE_SECONDS)

        await asyncio.gather(*(cancel_again_and_again() for _ in range(AT_THE_SAME_TIME)))

    async def _buy_and_cancel(self, way: str) -> None:
        """Buy a placement, and press its button as the way says. One press may cancel it."""
        advertiser = self.rng.choice(self.market.advertisers)
        async with self.market.sessions.begin() as session:
            target_id, publish_at = await self._buy(session, advertiser)
        self.counts[way] += 1
        cutoff = timedelta() if way == AT_THE_CLAIM else CUTOFF
        delays = [0.0] * (1 + (way == TWICE))
        if way in {AT_THE_CUTOFF, AT_THE_CLAIM}:
            await self._wait_until(publish_at - cutoff - EARLIER)
            delays = [number * PRESS_SECONDS for number in range(PRESSES)]
        presses = [self._press(advertiser, target_id, cutoff, delay) for delay in delays]
        done = [result is True for result in await asyncio.gather(*presses, return_exceptions=True)]
        if sum(done) > 1:
            message = f"placement {target_id} was cancelled more than once"
            raise RuntimeError(message)

    async def _wait_until(self, moment: datetime) -> None:
        """Wait until the database's clock shows a moment."""
        now = moment - EARLIER
        while now < moment:
            await asyncio.sleep(PRESS_SECONDS)
            async with self.market.sessions.begin() as session:
                now = await queries.now(session)

    async def _buy(self, session: AsyncSession, advertiser: Actor) -> tuple[int, datetime]:
        """Buy a placement of a new campaign in a random channel, at a time ahead."""
        assert self.market.moderator is not None
        channel = self.rng.choice(self.market.connected)
        ad = Creative(kind="text", text=f"To be cancelled: {self.rng.getrandbits(64)}")
        campaign = await self.market.create_campaign(session, advertiser, ad)
        publish_at = await queries.now(session) + AHEAD
        target = await campaigns.submit_target(
            session,
            actor=advertiser,
            campaign_id=campaign.id,
            channel_id=channel.channel_id,
            publish_at=publish_at,
            fee_bps=FEE_BPS,
        )
        await agreements.accept(session, actor=channel.owner, target_id=target.id)
        await moderation.approve(session, actor=self.market.moderator, target_id=target.id)
        return target.id, publish_at

    async def _press(
        self, advertiser: Actor, target_id: int, cutoff: timedelta, delay: float
    ) -> bool:
        """Press the button once. Return whether this press has cancelled the placement."""
        await asyncio.sleep(delay)
        try:
            async with self.market.sessions.begin() as session:
                done = await cancellations.cancel(
                    session, actor=advertiser, target_id=target_id, reason="plans", cutoff=cutoff
                )
        except errors.DomainError:
            self.counts[TOO_LATE] += 1
            raise
        self.counts[CANCELLED] += done
        return done
