"""Talk to a bot that runs with PostgreSQL and the sandbox, and read what it has done."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiogram import Bot
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bot import inbox_worker, kept_buttons
from bot.context import Dependencies
from db.models.operations import OutboxMessage, Switch
from db.models.users import Role, UserRole
from scheduler import notices
from services.market import registration
from services.platform import outbox, users
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import payments, people
from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient

PATIENCE = 60.0
Row = dict[str, Any]
Message = dict[str, Any]


@dataclass
class BotWorld:
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

    async def pay(self, who: str, *, outdated: bool = False) -> Row:
        """Let a person pay the newest invoice, and wait until the bot has handled the payment.

        An `outdated` device still shows the Pay button of an invoice that is paid.
        """
        paid = await self.world.control(f"users/{self.chat(who)}/pay", outdated=outdated)
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
