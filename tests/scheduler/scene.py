"""Set up PostgreSQL, the sandbox, and workers of the scheduler for a test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
from sqlalchemy import make_url, text

from bot.admin_chat import AdminChat
from bot.telegram.answers import create_notice_bot
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import Sender
from db.models.formats import Ending
from db.models.operations import Switch
from scheduler import dispatch, notice_delivery
from scheduler.breaker import Breaker
from scheduler.dispatch import PostingWorker
from services.market import acceptance_rules, campaigns, channels, moderation, registration
from services.market.creatives import Creative
from services.platform import killswitches
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import payments, people
from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient

AD = "Fresh bread every morning"
NO_REDIS = "redis://127.0.0.1:1/0"
Row = dict[str, Any]


@dataclass
class Scene:
    """A marketplace for one test: an advertiser, an owner with a channel, and a moderator."""

    database: Database
    superuser_url: str
    """The URL of a superuser, connected to another database of the same server."""
    world: SandboxClient
    actors: dict[str, Actor] = field(default_factory=dict)
    channel_id: int = 0
    campaign_id: int = 0
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    async def populate(self, *, creative: Creative) -> None:
        """Register the people, connect the channel, and activate a campaign with this ad."""
        async with self.database.sessions.begin() as session:
            for name in ("advertiser", "owner"):
                user = await registration.register(
                    session,
                    telegram_id=self.world.ids[name],
                    language="en",
                    currency=people.CURRENCY,
                )
                self.actors[name] = Actor(user.id)
            await payments.deposit(
                session,
                user_id=self.id_of("advertiser"),
                amount=100_000,
                key="charge",
                source="telegram",
            )
            self.actors["moderator"] = await people.staff(session)
            self.channel_id = await self._connect(session, self.world.ids["channel"])
            bought = await campaigns.create(
                session,
                actor=self.actors["advertiser"],
                name="Bakery",
                creative=creative,
                total_budget=100_000,
            )
            await campaigns.activate(
                session, actor=self.actors["advertiser"], campaign_id=bought.id
            )
            self.campaign_id = bought.id
        # The notices of this set-up are not needed.
        await self.database.as_owner("DELETE FROM outbox")

    def id_of(self, name: str) -> int:
        """Return a person's id in the database."""
        user_id = self.actors[name].user_id
        assert user_id is not None
        return user_id

    async def another_channel(self) -> int:
        """Connect another channel of the owner, and return its id in the database."""
        made = await self.world.control("channels", owner_id=self.world.ids["owner"], title="More")
        await self.world.control(
            f"chats/{made['id']}/members",
            user_id="bot",
            status="administrator",
            can_post_messages=True,
        )
        async with self.database.sessions.begin() as session:
            return await self._connect(session, made["id"])

    async def _connect(self, session: Any, chat_id: int) -> int:
        connected = await channels.connect(
            session,
            actor=self.actors["owner"],
            chat_id=chat_id,
            title="Daily",
            username=None,
            subscribers=1_000,
        )
        await channels.set_terms(
            session,
            actor=self.actors["owner"],
            channel_id=connected.id,
            price=people.PRICE,
            promised_hours=0,
            topic="news",
        )
        await acceptance_rules.set(
            session,
            actor=self.actors["owner"],
            channel_id=connected.id,
            rule=acceptance_rules.Rule(0, None),
        )
        return connected.id

    async def approve(
        self,
        *,
        promised_hours: int = 0,
        channel_id: int | None = None,
        ending: Ending = Ending.LEFT,
    ) -> int:
        """Submit and approve a placement, and return its id."""
        channel_id = channel_id or self.channel_id
        async with self.database.sessions.begin() as session:
            await channels.set_terms(
                session,
                actor=self.actors["owner"],
                channel_id=channel_id,
                price=people.PRICE,
                promised_hours=promised_hours,
                topic="news",
                ending=ending,
            )
            target = await campaigns.submit_target(
                session,
                actor=self.actors["advertiser"],
                campaign_id=self.campaign_id,
                channel_id=channel_id,
                publish_at=None,
                fee_bps=people.FEE_BPS,
            )
        async with self.database.sessions.begin() as session:
            await moderation.approve(session, actor=self.actors["moderator"], target_id=target.id)
        return target.id

    def posting_worker(
        self,
        owner: str = "worker",
        *,
        seconds: float = 5,
        lease: float = 30,
        api_url: str | None = None,
    ) -> PostingWorker:
        """Return a new worker that publishes posts.

        `seconds` is the timeout of a request, and `lease` the duration of a claim in seconds.
        """
        sender = Sender(token=BOT_TOKEN, api_url=api_url or self.world.url, seconds=seconds)
        limiter = RateLimiter(NO_REDIS)
        self.closing += [sender.close, limiter.close]
        return PostingWorker(
            self.database.sessions,
            sender,
            limiter,
            Breaker(),
            owner,
            timedelta(seconds=lease),
            asyncio.Event(),
        )

    def outbox_worker(
        self, *, api_url: str | None = None, admin_chat_id: int | None = None
    ) -> notice_delivery.OutboxWorker:
        """Return a new worker that delivers notices."""
        admin_chat = AdminChat(admin_chat_id or self.world.ids["group"], self.database.sessions)
        bot = create_notice_bot(BOT_TOKEN, api_url or self.world.url, admin_chat)
        limiter = RateLimiter(NO_REDIS)
        self.closing += [bot.session.close, limiter.close]
        return notice_delivery.OutboxWorker(
            self.database.sessions,
            limiter,
            bot,
            admin_chat,
            people.CURRENCY,
            asyncio.Event(),
        )

    async def dispatch(self, posting_worker: PostingWorker | None = None, **more: Any) -> None:
        """Let a worker send the due posts, and wait until the sends have ended."""
        posting_worker = posting_worker or self.posting_worker(**more)
        await dispatch.dispatch(posting_worker)
        await asyncio.gather(*posting_worker.under_way)

    async def fault(self, method: str, kind: str, **more: Any) -> None:
        """Let the next call of a Bot API method fail with this kind of fault."""
        await self.world.control("faults", method=method, kind=kind, **more)

    async def set_switch(self, key: Switch, *, enabled: bool) -> killswitches.SwitchChange:
        """Allow or forbid the operations of a kill switch."""
        async with self.database.sessions.begin() as session:
            return await people.set_switch(session, key, enabled=enabled)

    @asynccontextmanager
    async def database_away(self) -> AsyncIterator[None]:
        """Close all connections to the database, and refuse new ones within the `with` block."""
        name = make_url(self.database.url).database
        connection = await asyncpg.connect(self.superuser_url)
        try:
            await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
            )
            yield
        finally:
            await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            await connection.close()
            # The clients notice the end of their connections a moment later.
            await asyncio.sleep(0.2)

    async def rows(self, sql: str, **values: Any) -> list[Row]:
        """Run a query and return its rows."""
        async with self.database.sessions.begin() as session:
            return [dict(row) for row in (await session.execute(text(sql), values)).mappings()]

    async def job(self, target_id: int) -> Row:
        """Return a placement's post job, and the statuses of the placement and its escrow."""
        found = await self.rows(
            """
            SELECT j.status, j.attempts, j.claim_no, j.message_id, j.last_error, j.lease_owner,
                j.due_at > clock() AS waits, e.status AS escrow, t.status AS target
            FROM post_jobs j
            JOIN campaign_targets t ON t.id = j.campaign_target_id
            JOIN escrows e ON e.campaign_target_id = t.id
            WHERE t.id = :target_id
            """,
            target_id=target_id,
        )
        assert len(found) == 1
        return found[0]

    async def until_sending(self, target_id: int) -> None:
        """Wait until a worker has claimed the post, but at most 8 seconds."""
        for _ in range(400):
            if (await self.job(target_id))["status"] == "sending":
                return
            await asyncio.sleep(0.02)
        raise AssertionError("nobody claimed the post")

    async def until_begun(self, target_id: int) -> None:
        """Wait until a worker has claimed the post and may begin to send."""
        await self.until_sending(target_id)
        while await self.rows("SELECT id FROM post_jobs WHERE unsent_claim_no IS NOT NULL"):
            await asyncio.sleep(0.02)

    async def published(self) -> list[Row]:
        """Return every message that the bot has ever sent to a channel."""
        found: list[Row] = (await self.world.see("published"))["published"]
        return found

    async def until_published(self) -> None:
        """Wait until the bot has published a message, but at most 8 seconds."""
        for _ in range(400):
            if await self.published():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("nothing was published")

    async def messages(self, chat: str) -> list[Row]:
        """Return all messages of a chat, each with its current content."""
        shown = await self.world.see(f"chats/{self.world.ids[chat]}/messages")
        found: list[Row] = shown["messages"]
        return found
