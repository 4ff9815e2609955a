"""Run a bot with PostgreSQL and the sandbox, so that tests can press its buttons."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiogram import Bot
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bot import inbox_worker, kept_buttons, storage
from bot.admin_chat import AdminChat
from bot.context import Dependencies
from bot.polling import Poller
from bot.settings import Settings
from bot.telegram.answers import create_bot
from db.models.operations import OutboxMessage, Switch
from db.models.users import Role, UserRole
from handlers import routers
from scheduler import notices
from services.market import campaigns, channels, registration
from services.market.creatives import Creative
from services.platform import outbox, users
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import payments, people
from tests.sandbox.raw_world import BOT_TOKEN, SandboxClient, begin

NO_REDIS = "redis://127.0.0.1:1/0"
PATIENCE = 60.0
AD = "Fresh bread every morning"
PROVIDER_TOKEN = "1:TEST:provider"
Row = dict[str, Any]
Message = dict[str, Any]


@dataclass
class Marketplace:
    """A running bot with its sandbox, whose people and chats have names such as `advertiser`."""

    world: SandboxClient
    database: Database
    bot: Bot
    dependencies: Dependencies
    worker: inbox_worker.InboxWorker

    def chat(self, name: str) -> int:
        """Return the Telegram id of a person or chat."""
        return self.world.ids[name]

    async def say(self, who: str, words: str, *, where: str | None = None, **more: Any) -> None:
        """Let a person write to the bot, and wait until the bot has handled the text."""
        await self.world.control(
            f"users/{self.chat(who)}/send",
            chat_id=self.chat(where or who),
            text=words,
            **more,
        )
        await self.settle()

    async def send_photo(self, who: str, caption: str = "Our bread", **more: Any) -> None:
        """Let a person send a photo to the bot, and wait until the bot has handled the photo."""
        await self.world.control(
            f"users/{self.chat(who)}/send",
            chat_id=self.chat(who),
            photo=True,
            caption=caption,
            **more,
        )
        await self.settle()

    async def press(self, who: str, button: str, *, where: str | None = None, **more: Any) -> str:
        """Let a person press a button, and return the bot's alert or an empty text."""
        answer = await self.world.control(
            f"users/{self.chat(who)}/press",
            chat_id=self.chat(where or who),
            button=button,
            **more,
        )
        await self.settle()
        return answer.get("text") or ""

    async def press_forged(self, who: str, data: str, *, where: str | None = None) -> str:
        """Let a person send callback data that the bot never offered, and return the alert."""
        button = {"text": "forged", "callback_data": data}
        await self.world.call(
            "sendMessage",
            chat_id=self.chat(where or who),
            text="a message with a forged button",
            reply_markup={"inline_keyboard": [[button]]},
        )
        return await self.press(who, "forged", where=where)

    async def pay(self, who: str) -> Row:
        """Let a person pay the newest invoice, and wait until the bot has handled the payment."""
        paid = await self.world.control(f"users/{self.chat(who)}/pay")
        await self.settle()
        return paid

    async def pick(self, who: str, channel: str) -> None:
        """Let a person choose a channel from the list in Telegram's app."""
        await self.world.control(
            f"users/{self.chat(who)}/choose_channel",
            button="📺 Choose a channel",
            channel_id=self.chat(channel),
        )
        await self.settle()

    async def settle(self) -> None:
        """Wait until the bot has stored and handled every update."""
        async with asyncio.timeout(PATIENCE):
            while await self._waiting():
                await asyncio.sleep(0.01)

    async def _waiting(self) -> bool:
        if self.world.state.updates or self.worker._tasks:
            return True
        rows = await self.rows(
            "SELECT count(*) AS n FROM inbox WHERE done_at IS NULL AND failed_at IS NULL"
        )
        # A row counts as handled after its commit, but the answer to the person comes later.
        return bool(rows[0]["n"] or self.worker._tasks)

    async def messages(self, where: str) -> list[Message]:
        """Return all messages of a chat, each with its current content."""
        shown = await self.world.see(f"chats/{self.chat(where)}/messages")
        found: list[Message] = shown["messages"]
        return found

    async def last(self, where: str) -> str:
        """Return the newest text that the bot sent to a chat, or an empty text."""
        own = [m for m in await self.messages(where) if m["from"] == self.bot.id]
        return str(own[-1]["text"] or own[-1]["caption"]) if own else ""

    async def buttons(self, where: str) -> list[str]:
        """Return the buttons under the bot's newest message in a chat."""
        own = [m for m in await self.messages(where) if m["from"] == self.bot.id]
        return [button["text"] for row in own[-1]["buttons"] or [] for button in row]

    async def configure_admin_chat(self, chat_id: int) -> None:
        """Set the admin chat's id as a restart with another setting would."""
        admin_chat = self.dependencies.admin_chat
        admin_chat.configured_id = chat_id
        # The bot reads the id all the time. Only the newest read counts, so an earlier one that is
        # still under way cannot put the former id back.
        async with self.database.sessions.begin() as session:
            await admin_chat.refresh(session)

    async def deliver(self) -> None:
        """Send all unsent messages of the outbox, without Telegram's limits."""
        async with self.database.sessions.begin() as session:
            while waiting := await outbox.claim(session, limit=100):
                for owed in waiting:
                    await self._send(session, owed)

    async def _send(self, session: AsyncSession, owed: OutboxMessage) -> None:
        chat_id, language = self.dependencies.admin_chat.id, "en"
        if owed.user_id is not None:
            user = await users.get(session, owed.user_id)
            chat_id, language = user.telegram_id, user.language
        cards = await notices.read(session, [owed])
        notice = await notices.render(session, owed, language, people.CURRENCY, cards=cards)
        notice = kept_buttons.add(BOT_TOKEN, owed, notice)
        for method in notice.methods(chat_id):
            sent = await self.bot(method)
        await outbox.record_sent(session, {owed.id: sent.message_id})

    async def rows(self, sql: str, **values: Any) -> list[Row]:
        """Run a query and return its rows."""
        async with self.database.sessions.begin() as session:
            return [dict(row) for row in (await session.execute(text(sql), values)).mappings()]

    async def value(self, sql: str, **values: Any) -> Any:
        """Run a query with one row and one value, and return the value."""
        (row,) = await self.rows(sql, **values)
        (found,) = row.values()
        return found

    async def balance(self, who: str) -> int:
        """Return the amount that a person can spend, in minor units."""
        found: int = await self.value(
            "SELECT balance FROM wallets JOIN users ON users.id = user_id"
            " WHERE telegram_id = :id AND kind = 'user'",
            id=self.chat(who),
        )
        return found

    async def withdrawal_statuses(self) -> list[str]:
        """Return the status of each withdrawal, ordered by id."""
        found = await self.rows("SELECT status FROM withdrawals ORDER BY id")
        return [row["status"] for row in found]

    async def everything(self) -> Mapping[str, Any]:
        """Return a digest of each table that a refusal must not change."""
        found = {}
        for table in (
            *("wallets", "ledger_transfers", "ledger_entries", "campaigns", "channels"),
            *("campaign_targets", "escrows", "post_jobs", "deposits", "kill_switches"),
        ):
            rows = "md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
            found[table] = await self.value(f"SELECT {rows} FROM {table} t")
        return found

    async def refusals(self) -> list[Row]:
        """Return the audit rows of refused operations, oldest first."""
        return await self.rows(
            "SELECT user_id, metadata->>'refused' AS refused, metadata->>'error' AS error"
            " FROM user_audit_logs WHERE action = 'access_denied' ORDER BY id"
        )

    async def set_switch(self, key: Switch, *, enabled: bool) -> None:
        """Allow or forbid the operations of a kill switch."""
        async with self.database.sessions.begin() as session:
            await people.set_switch(session, key, enabled=enabled)

    async def actor(self, who: str) -> Actor:
        """Return a person as an actor, and register the person if necessary."""
        async with self.database.sessions.begin() as session:
            user = await registration.register(
                session,
                telegram_id=self.chat(who),
                language="en",
                currency=people.CURRENCY,
            )
            return Actor(user.id)

    async def give(self, who: str, amount: int) -> None:
        """Record a deposit for a person, in minor units."""
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
        """Give a person a staff role."""
        actor = await self.actor(who)
        async with self.database.sessions.begin() as session:
            session.add(UserRole(user_id=actor.user_id, role=role))

    async def hire_newcomer(self, name: str, role: Role) -> None:
        """Add a new person with a staff role to the admin chat."""
        person = await self.world.control("users", first_name=name)
        self.world.ids[name] = person["id"]
        await self.employ(name, role)
        await self.world.control(
            f"chats/{self.chat('group')}/members", user_id=person["id"], status="member"
        )

    async def submitted(self, *, hours: int = 24) -> None:
        """Create a pending placement for $50, and deliver its card to the admin chat.

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
            async with people.funded(session, advertiser, people.PRICE):
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

    async def submit(self) -> None:
        """Let the advertiser buy a placement with buttons, and deliver the card about it."""
        await self.press("advertiser", "🛒 Buy a placement")
        await self.press("advertiser", "Daily")
        await self.press("advertiser", "⚡ As soon as approved")
        await self.press("advertiser", "✅ Submit")
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
            "environment": "development",
        }
    )
