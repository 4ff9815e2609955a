"""The bot as people meet it: buttons pressed over HTTP, updates through the inbox, PostgreSQL."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiogram import Bot
from sqlalchemy import text

from bot import inbox, storage
from bot import outbox as notices
from bot.polling import Poller
from bot.settings import Settings
from bot.telegram import plain_bot
from bot.turn import Wiring
from db.models.operations import Switch
from db.models.users import Role, UserRole
from handlers import assembly
from services import campaigns, channels, killswitches, outbox, payments, users
from services.actors import SYSTEM, Actor
from services.creatives import Creative
from tests.conftest import Database
from tests.factories import people
from tests.sandbox.raw_world import BOT_TOKEN, RawWorld, begin

NO_REDIS = "redis://127.0.0.1:1/0"
PATIENCE = 60.0
AD = "Fresh bread every morning"
PROVIDER_TOKEN = "1:TEST:provider"
Row = dict[str, Any]
Message = dict[str, Any]


@dataclass
class Marketplace:
    """One running bot with its world. People are named as in the world's `ids`."""

    world: RawWorld
    database: Database
    bot: Bot
    wiring: Wiring
    worker: inbox.Worker

    def chat(self, name: str) -> int:
        """The id of a person, or of a chat."""
        return self.world.ids[name]

    async def say(self, who: str, words: str, *, where: str | None = None, **more: Any) -> None:
        """Somebody writes; returns when the bot has dealt with it."""
        await self.world.control(
            f"users/{self.chat(who)}/send",
            chat_id=self.chat(where or who),
            text=words,
            **more,
        )
        await self.settle()

    async def send_photo(self, who: str, caption: str = "Our bread") -> None:
        """Somebody sends a photo to the bot."""
        await self.world.control(
            f"users/{self.chat(who)}/send", chat_id=self.chat(who), photo=True, caption=caption
        )
        await self.settle()

    async def press(self, who: str, button: str, *, where: str | None = None, **more: Any) -> str:
        """Somebody presses a button; returns the alert, when the bot has dealt with it."""
        answer = await self.world.control(
            f"users/{self.chat(who)}/press",
            chat_id=self.chat(where or who),
            button=button,
            **more,
        )
        await self.settle()
        return answer.get("text") or ""

    async def pay(self, who: str) -> Row:
        """Somebody pays the newest invoice."""
        paid = await self.world.control(f"users/{self.chat(who)}/pay")
        await self.settle()
        return paid

    async def pick(self, who: str, channel: str) -> None:
        """Somebody chooses a channel in Telegram's picker."""
        await self.world.control(
            f"users/{self.chat(who)}/choose_channel",
            button="📺 Choose a channel",
            channel_id=self.chat(channel),
        )
        await self.settle()

    async def settle(self) -> None:
        """Wait until every update is in the inbox and handled."""
        async with asyncio.timeout(PATIENCE):
            while await self._waiting():  # noqa: ASYNC110 - two queues and a table
                await asyncio.sleep(0.01)

    async def _waiting(self) -> bool:
        if self.world.state.updates or self.worker._tasks:
            return True
        rows = await self.rows(
            "SELECT count(*) AS n FROM inbox WHERE done_at IS NULL AND failed_at IS NULL"
        )
        # A row is done when its transaction commits; the answer to the person comes after that.
        return bool(rows[0]["n"] or self.worker._tasks)

    async def messages(self, where: str) -> list[Message]:
        """A chat as it shows itself now."""
        shown = await self.world.see(f"chats/{self.chat(where)}/messages")
        found: list[Message] = shown["messages"]
        return found

    async def last(self, where: str) -> str:
        """The newest text that the bot shows in a chat."""
        own = [m for m in await self.messages(where) if m["from"] == self.bot.id]
        return str(own[-1]["text"] or own[-1]["caption"]) if own else ""

    async def buttons(self, where: str) -> list[str]:
        """The buttons under the newest message of the bot in a chat."""
        own = [m for m in await self.messages(where) if m["from"] == self.bot.id]
        return [button["text"] for row in own[-1]["buttons"] or [] for button in row]

    async def deliver(self) -> None:
        """Send what is owed to people, as the clock does, without keeping to Telegram's limits."""
        async with self.database.sessions.begin() as session:
            for owed in await outbox.take(session, limit=100):
                chat_id, language = self.wiring.admin_chat_id, "en"
                if owed.user_id is not None:
                    user = await users.get(session, owed.user_id)
                    chat_id, language = user.telegram_id, user.language
                cards = await notices.read(session, [owed])
                notice = await notices.render(session, owed, language, people.CURRENCY, cards=cards)
                for method in notice.methods(chat_id):
                    sent = await self.bot(method)
                await outbox.sent(session, {owed.id: sent.message_id})

    async def rows(self, sql: str, **values: Any) -> list[Row]:
        """What the database holds."""
        async with self.database.sessions.begin() as session:
            return [dict(row) for row in (await session.execute(text(sql), values)).mappings()]

    async def value(self, sql: str, **values: Any) -> Any:
        """The only value of the only row."""
        (row,) = await self.rows(sql, **values)
        (found,) = row.values()
        return found

    async def everything(self) -> Mapping[str, Any]:
        """A fingerprint of all that a refusal must not change."""
        found = {}
        for table in (
            *("wallets", "ledger_transfers", "ledger_entries", "campaigns", "channels"),
            *("campaign_targets", "escrows", "post_jobs", "deposits", "kill_switches"),
        ):
            rows = "md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
            found[table] = await self.value(f"SELECT {rows} FROM {table} t")  # noqa: S608
        return found

    async def refusals(self) -> list[Row]:
        """The audit of what was refused."""
        return await self.rows(
            "SELECT user_id, metadata->>'refused' AS refused, metadata->>'error' AS error"
            " FROM user_audit_logs WHERE action = 'access_denied' ORDER BY id"
        )

    async def set_switch(self, key: Switch, *, enabled: bool) -> None:
        """Stop or run something, as the system."""
        async with self.database.sessions.begin() as session:
            await killswitches.set(session, actor=SYSTEM, key=key, enabled=enabled, reason="test")

    async def actor(self, who: str) -> Actor:
        """Somebody, registered if they are not yet."""
        async with self.database.sessions.begin() as session:
            user = await users.register(
                session,
                telegram_id=self.chat(who),
                language="en",
                currency=people.CURRENCY,
            )
            return Actor(user.id)

    async def give(self, who: str, amount: int) -> None:
        """Let somebody have money, minor units."""
        user_id = (await self.actor(who)).user_id
        assert user_id is not None
        async with self.database.sessions.begin() as session:
            await payments.deposit(
                session,
                user_id=user_id,
                amount=amount,
                key=f"charge-{people.number()}",
                source="telegram",
            )

    async def employ(self, who: str, role: Role) -> None:
        """Give somebody a staff role."""
        actor = await self.actor(who)
        async with self.database.sessions.begin() as session:
            session.add(UserRole(user_id=actor.user_id, role=role))

    async def submitted(self, *, hours: int = 24) -> None:
        """A placement for $50 waits in the admin chat; reached by services, which is quick.

        How people get there is what the journeys' own tests press.
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
                topic="news",
            )
            bought = await campaigns.create(
                session,
                actor=advertiser,
                name="Bakery",
                creative=Creative(kind="text", text=AD),
                total_budget=10_000,
            )
            await campaigns.activate(session, actor=advertiser, campaign_id=bought.id)
            await campaigns.submit_target(
                session,
                actor=advertiser,
                campaign_id=bought.id,
                channel_id=connected.id,
                publish_at=None,
                fee_bps=people.FEE_BPS,
            )
        await self.deliver()

    async def connect_channel(self, *, price: str = "50", hours: str = "24") -> None:
        """Owner connects the channel and sets its terms, by pressing."""
        await self.say("owner", "/start")
        await self.press("owner", "📺 My channels")
        await self.press("owner", "➕ Connect a channel")
        await self.pick("owner", "channel")
        for answer in (price, hours, "news"):
            await self.say("owner", answer)

    async def make_campaign(self, *, budget: str = "100", active: bool = True) -> None:
        """Advertiser makes a campaign, by pressing, and activates it."""
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

    async def submit(self) -> None:
        """Advertiser buys the only placement on offer, by pressing; its card is delivered."""
        await self.press("advertiser", "🛒 Buy a placement")
        await self.press("advertiser", "Daily")
        await self.press("advertiser", "⚡ As soon as approved")
        await self.press("advertiser", "✅ Submit")
        await self.deliver()


@asynccontextmanager
async def open_marketplace(
    database: Database, folder: Path, *, redis_url: str = NO_REDIS
) -> AsyncIterator[Marketplace]:
    """Serve a world and run the bot in it; without Redis unless an address is given."""
    async with begin(folder / "telegram") as world:
        await world.populate()
        await world.control(f"chats/{world.ids['channel']}/members", user_id="bot", status="left")
        await world.updates()
        async with running_bot(world, database, redis_url) as marketplace:
            yield marketplace


@asynccontextmanager
async def running_bot(
    world: RawWorld, database: Database, redis_url: str = NO_REDIS
) -> AsyncIterator[Marketplace]:
    """Run the bot as its process does: poll, store, work."""
    bot = plain_bot(BOT_TOKEN, world.url)
    redis = storage.connect(redis_url)
    wiring = Wiring(
        database.sessions,
        settings_for(world, database),
        storage.FormStorage(redis),
        world.ids["group"],
    )
    worker = inbox.Worker(wiring=wiring, dispatcher=assembly.dispatcher(), bot=bot)
    poller = Poller(sessions=database.sessions, bot=bot, worker=worker)
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    polling = asyncio.create_task(poller.run())
    try:
        yield Marketplace(world, database, bot, wiring, worker)
    finally:
        polling.cancel()
        stop.set()
        await asyncio.wait({working, polling})
        await bot.session.close()
        await redis.aclose()
    assert working.exception() is None


def settings_for(world: RawWorld, database: Database) -> Settings:
    """The bot's settings in this world."""
    return Settings.model_validate(
        {
            "bot_token": BOT_TOKEN,
            "bot_api_url": world.url,
            "admin_chat_id": world.ids["group"],
            "super_admin_ids": "",
            "database_url": database.url,
            "redis_url": NO_REDIS,
            "payment_provider_token": PROVIDER_TOKEN,
            "environment": "development",
        }
    )
