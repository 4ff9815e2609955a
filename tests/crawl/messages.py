"""Let people write messages and commands."""

import re
from dataclasses import dataclass, field

from bot.commands import PEOPLE, STAFF
from tests.crawl import cast, forms, inputs
from tests.crawl.acts import Acts, Done
from tests.crawl.cast import Person
from tests.crawl.commands import StaffCommands
from tests.crawl.inputs import Content

_COMMAND = re.compile(r"/[a-z]+(?: (?:\d+|[a-z_]+))*")
_ARGUMENTS = (
    *("", "", "99999999999999999999", "bread", "-1", "@daily_owner_en", "run payouts bread"),
    *("stop payouts bread", "payouts bread", "https://example.com/bread"),
)
_STARTS = ("buy_1", "buy_2", "buy_x", "c_1", "c_2", "c_99999999999999999999", "bread", "connect_1")


@dataclass
class Messages(Acts):
    """The messages of people. An act returns None if Telegram takes no such message."""

    albums: int = 0
    staff_commands: StaffCommands = field(init=False)

    def __post_init__(self) -> None:
        self.staff_commands = StaffCommands(self.market, self.rng)

    async def write(self, who: Person, chat: str, content: Content) -> Done | None:
        """Send a message."""
        sent = await self.attempt(
            f"users/{self.market.chat(who.name)}/send", chat_id=self.market.chat(chat), **content
        )
        if sent is None:
            return None
        words = f"writes {_short(content)} in {chat}"
        is_command = str(sent.get("text", "")).startswith("/")
        return Done(words, self._due(who, chat, is_command=is_command), is_command=is_command)

    def _due(self, who: Person, chat: str, *, is_command: bool) -> int | None:
        """Return the chat in which the bot has to react to a message, or None."""
        if chat == who.name or (chat == "group" and who.is_staff and is_command):
            return self.market.chat(chat)
        return None

    async def answer(self, who: Person, _chat: str) -> Done | None:
        """Answer the step of the open form in a way that it may take."""
        form = await forms.find_open(self.market, self.market.chat(who.name))
        if form is None:
            return None
        now = await self.market.value("SELECT clock()")
        done = await self.write(who, who.name, inputs.answer(self.rng, form.state, now))
        if done is not None:
            done.words += f" for {form.state}"
        return done

    async def write_oddly(self, who: Person, chat: str) -> Done | None:
        """Send what no step expects."""
        return await self.write(who, chat, inputs.odd(self.rng))

    async def command(self, who: Person, chat: str) -> Done | None:
        """Send a command, mostly with an argument: a known one, or one that the bot has named."""
        named = [
            command
            for number in sorted(self.rows(chat))[-8:]
            for command in _COMMAND.findall(str(self.rows(chat)[number].body.get("text")))
        ]
        kind = self.rng.random()
        if named and kind < 0.2:
            words = self.rng.choice(named) + self.rng.choice(("", " bread", " 1 bread"))
        elif chat == "group" and kind < 0.8:
            words = await self.staff_commands.next()
        elif kind < 0.4:
            words = f"/start {self.rng.choice(_STARTS)}"
        else:
            usual = STAFF if chat == "group" or kind > 0.9 else (*PEOPLE, "menu")
            command = self.rng.choice((*usual, *usual, "start", "help", "unknown"))
            words = f"/{command} {self.rng.choice(_ARGUMENTS)}".strip()
        return await self.write(who, chat, {"text": words})

    async def staff_command(self, who: Person) -> Done | None:
        """Send the command of the staff that was sent least, with fitting arguments."""
        return await self.write(who, "group", {"text": await self.staff_commands.next()})

    async def forward(self, who: Person, chat: str) -> Done | None:
        """Forward a message of a chat that the person sees."""
        places = [who.name, *cast.channel_names(self.market, who.name)]
        place = self.rng.choice(places)
        rows = [
            row.message_id
            for row in self.rows(place).values()
            if not row.service and "invoice" not in row.body
        ]
        if not rows:
            return None
        source = {"chat_id": self.market.chat(place), "message_id": self.rng.choice(rows)}
        done = await self.write(who, chat, {"forward_from": source})
        if done is not None:
            done.words = f"forwards message {source['message_id']} of {place} to {chat}"
        return done

    async def album(self, who: Person, chat: str) -> Done | None:
        """Send three files as one album."""
        self.albums += 1
        done = None
        for _ in range(3):
            content = {**inputs.media(self.rng), "media_group_id": str(self.albums)}
            done = await self.write(who, chat, content) or done
        return done

    async def edit(self, who: Person, chat: str) -> Done | None:
        """Edit one's own message. The bot gets no update about it."""
        author = self.market.chat(who.name)
        own = [row for row in self.rows(chat).values() if row.author_id == author]
        if not own:
            return None
        edited = await self.attempt(
            f"chats/{self.market.chat(chat)}/edit",
            user_id=author,
            message_id=self.rng.choice(own).message_id,
            text="fresh crumbs",
        )
        return Done(f"edits a message in {chat}") if edited else None

    async def restart(self, who: Person, chat: str) -> Done | None:
        """End the block of the bot."""
        return await self.write(who, chat, {"text": "/start"})


def _short(content: Content) -> str:
    text = str(content)
    return text if len(text) < 160 else f"{text[:160]}... ({len(text)} characters)"
