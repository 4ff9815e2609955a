"""Let owners break their promises about published ads during a chaos run, and log each act."""

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asyncpg import PostgresError, Record
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from services.market import channels
from tests.chaos.environment import Environment
from tests.chaos.market import Market
from tests.chaos.rounds import Rounds

ACTS = ("edit", "replace_media", "take_rights")
ACT_SECONDS = 1.0
"""The time between two broken promises while schedulers are killed, in seconds."""
LOCK_OUT_SECONDS = 2.0
SHARE = 0.3
"""The share of the live posts about which `act_on_many` breaks a promise."""
# Owners leave most posts alone that are taken down later: only a post that has stayed is deleted.
# The next check of a post with less time can come after the end of its promised hours.
LIVE = text(
    """
    SELECT ch.chat_id, j.message_id, j.other_message_ids, ch.owner_id, u.telegram_id
    FROM post_jobs j
    JOIN campaign_targets t ON t.id = j.campaign_target_id
    JOIN escrows e ON e.campaign_target_id = t.id
    JOIN channels ch ON ch.id = j.channel_id
    JOIN users u ON u.id = ch.owner_id
    WHERE j.status = 'success' AND NOT j.settled AND t.promised_hours > 0
        AND e.release_due_at > clock() + interval '6 minutes'
        AND (t.ending <> 'removed' OR t.id % 4 = 0)
    ORDER BY j.id
    """
)
"""The query for live posts that must stay for at least six more minutes."""
DATABASE_ERRORS = (SQLAlchemyError, OSError, PostgresError)


@dataclass
class Owners:
    """The owners of the channels of one run."""

    environment: Environment
    market: Market
    log: Path
    rng: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    _acts: Rounds[str] = field(init=False)

    def __post_init__(self) -> None:
        self._acts = Rounds(ACTS, self.rng)
        self.log.touch()

    async def run(self, ended: asyncio.Event) -> None:
        """Break promises about random live posts until `ended` is set. Ignores database errors."""
        while not ended.is_set():
            with contextlib.suppress(*DATABASE_ERRORS):
                if posts := await self._live():
                    await self._act(self.rng.choice(posts), self._acts.draw())
            await asyncio.sleep(ACT_SECONDS)

    async def act_on_many(self) -> None:
        """Break promises about a random part of the live posts, and then give all rights back."""
        for post in await self._live():
            if self.rng.random() < SHARE:
                await self._act(post, self._acts.draw())
        await self.give_rights_back()

    async def give_rights_back(self) -> None:
        """Give the bot its rights back in every channel that is suspended."""
        async with self.market.sessions.begin() as session:
            suspended = await session.scalars(
                text("SELECT chat_id FROM channels WHERE status = 'suspended' ORDER BY id")
            )
        for chat_id in suspended.all():
            await self._give_rights(chat_id)

    async def _live(self) -> Sequence[Record]:
        async with self.market.sessions.begin() as session:
            return (await session.execute(LIVE)).all()

    async def _act(self, post: Record, act: str) -> None:
        chat = f"chats/{post.chat_id}"
        changed_id = self.rng.choice([post.message_id, *post.other_message_ids])
        fields = {"user_id": post.telegram_id, "message_id": changed_id}
        if act == "take_rights":
            await self.environment.control(f"{chat}/members", user_id="bot", status="left")
            self._note(post, act)
            await asyncio.sleep(LOCK_OUT_SECONDS)
            await self._give_rights(post.chat_id)
            return
        if act == "edit":
            fields["text"] = f"My own things, {self.counts[act]}"
        await self.environment.control(f"{chat}/{act}", **fields)
        self._note(post, act)

    def _note(self, post: Record, act: str) -> None:
        self.counts[act] += 1
        line = {"chat_id": post.chat_id, "message_id": post.message_id, "act": act}
        with self.log.open("a") as log:
            log.write(json.dumps(line) + "\n")

    async def _give_rights(self, chat_id: int) -> None:
        """Make the bot an administrator of a channel."""
        await self.environment.control(
            f"chats/{chat_id}/members",
            user_id="bot",
            status="administrator",
            can_post_messages=True,
        )
        while True:
            with contextlib.suppress(*DATABASE_ERRORS):
                async with self.market.sessions.begin() as session:
                    await channels.record_rights_restored(session, chat_id=chat_id)
                return
            await asyncio.sleep(ACT_SECONDS)
