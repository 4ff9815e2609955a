"""Run a bot with PostgreSQL and the sandbox, so that tests can press its buttons."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from bot import inbox_worker, storage
from bot.admin_chat import AdminChat
from bot.context import Dependencies
from bot.polling import Poller
from bot.settings import Settings
from bot.telegram.answers import create_bot
from db import queries
from handlers import routers
from services.market import acceptance_rules, campaigns, channels
from services.market.creatives import Creative
from tests.conftest import Database
from tests.factories import people
from tests.handlers.bot_world import BotWorld
from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient, begin

NO_REDIS = "redis://127.0.0.1:1/0"
AD = "Fresh bread every morning"
PROVIDER_TOKEN = "1:TEST:provider"


class Marketplace(BotWorld):
    """A running bot whose people buy and sell placements."""

    async def submitted(
        self, *, hours: int = 24, on_top: int = 0, publish_in: timedelta | None = None
    ) -> None:
        """Create a pending placement for $50, and deliver its card to the admin chat.

        Without `publish_in`, the post is published as soon as possible.

        Money that is missing in the advertiser's wallet is there only during the submission.
        """
        for person in ("advertiser", "owner"):
            await self.say(person, "/start")
        await self.world.promote(can_post_messages=True)
        await self.settle()
        advertiser, owner = await self.actor("advertiser"), await self.actor("owner")
        async with self.database.sessions.begin() as session:
            connected = await channels.connect(
                session,
                actor=owner,
                chat_id=self.chat("channel"),
                title="Daily",
                username=None,
                subscribers=1_000,
            )
            await channels.set_terms(
                session,
                actor=owner,
                channel_id=connected.id,
                price=people.PRICE,
                promised_hours=hours,
                hours_on_top=on_top,
                topic="news",
            )
            await acceptance_rules.set(
                session, actor=owner, channel_id=connected.id, rule=acceptance_rules.Rule(0, None)
            )
            bought = await campaigns.create(
                session,
                actor=advertiser,
                name="Bakery",
                creative=Creative(kind="text", text=AD),
                total_budget=10_000,
            )
            await campaigns.activate(session, actor=advertiser, campaign_id=bought.id)
            publish_at = None
            if publish_in is not None:
                publish_at = await queries.now(session) + publish_in
            async with people.funded(session, advertiser, people.PRICE):
                await campaigns.submit_target(
                    session,
                    actor=advertiser,
                    campaign_id=bought.id,
                    channel_id=connected.id,
                    publish_at=publish_at,
                    fee_bps=people.FEE_BPS,
                )
        await self.deliver()

    async def connect_channel(self, *, price: str = "50", hours: str = "24") -> None:
        """Let the owner connect the channel with buttons."""
        await self.say("owner", "/start")
        await self.press("owner", "📺 My channels")
        await self.press("owner", "➕ Connect a channel")
        await self.pick("owner", "channel")
        for answer in (price, hours, "news"):
            await self.say("owner", answer)

    async def make_campaign(self, *, budget: str = "100", active: bool = True) -> None:
        """Let the advertiser create a campaign with buttons."""
        await self.say("advertiser", "/start")
        await self.press("advertiser", "📣 Campaigns")
        await self.press("advertiser", "➕ New campaign")
        await self.say("advertiser", "Bakery")
        await self.say("advertiser", AD)
        await self.press("advertiser", "Skip")
        await self.say("advertiser", budget)
        await self.press("advertiser", "💾 Save")
        if active:
            await self.press("advertiser", "🚀 Activate")

    async def buy(self) -> None:
        """Let the advertiser buy a placement with buttons."""
        await self.press("advertiser", "🛒 Buy a placement")
        await self.press("advertiser", "Daily")
        await self.press("advertiser", "🛒 Buy here")
        await self.press("advertiser", "⚡ As soon as approved")
        await self.press("advertiser", "✅ Submit")

    async def submit(self) -> None:
        """Let the advertiser buy a placement and the owner accept, and deliver the admins' card."""
        await self.buy()
        await self.deliver()
        await self.press("owner", "✅ Accept")
        await self.deliver()


@asynccontextmanager
async def open_marketplace(
    database: Database, folder: Path, *, redis_url: str = NO_REDIS
) -> AsyncIterator[Marketplace]:
    """Run the sandbox and the bot, by default without Redis."""
    async with begin(folder / "telegram") as world:
        await world.populate()
        await world.control(f"chats/{world.ids['channel']}/members", user_id="bot", status="left")
        await world.updates()
        async with running_bot(world, database, redis_url) as marketplace:
            yield marketplace


@asynccontextmanager
async def running_bot(
    world: SandboxClient, database: Database, redis_url: str = NO_REDIS
) -> AsyncIterator[Marketplace]:
    """Run the bot in a sandbox that already runs."""
    admin_chat = AdminChat(world.ids["group"], database.sessions)
    bot = create_bot(BOT_TOKEN, world.url, admin_chat)
    redis = storage.connect(redis_url)
    dependencies = Dependencies(
        database.sessions,
        settings_for(world, database),
        storage.FormStorage(redis),
        admin_chat,
        database.sessions,
    )
    worker = inbox_worker.InboxWorker(
        dependencies=dependencies, dispatcher=routers.dispatcher(), bot=bot
    )
    poller = Poller(sessions=database.sessions, bot=bot, worker=worker)
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    polling = asyncio.create_task(poller.run())
    try:
        yield Marketplace(world, database, bot, dependencies, worker)
    finally:
        polling.cancel()
        stop.set()
        await asyncio.wait({working, polling})
        await bot.session.close()
        await redis.close()
    assert working.exception() is None


def settings_for(world: SandboxClient, database: Database) -> Settings:
    """Return the settings for a bot that uses this sandbox and this database."""
    return Settings.model_validate(
        {
            "bot_token": BOT_TOKEN,
            "bot_api_url": world.url,
            "admin_chat_id": world.ids["group"],
            "super_admin_ids": "",
            "database_url": database.url,
            "redis_url": NO_REDIS,
            "payment_provider_token": PROVIDER_TOKEN,
            "public_url": "https://go.example.com",
            "environment": "development",
        }
    )
