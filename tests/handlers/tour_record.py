"""Record what people do with the bot, and every message that they then see, as Markdown."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from sandbox.telegram.control.queries import serialize_message
from tests.handlers import tour_files
from tests.handlers.bot_world import Message
from tests.handlers.marketplace import Marketplace

TIME = r"\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2} [A-Z]+"
_STABLE = (
    (re.compile(r"https?://127\S+|https://t\.me/\S+|tg://\S+"), "[link]"),
    (re.compile(r"https://go\.example\.com/r/[\w-]+"), "[tracked link]"),
    (re.compile(TIME), "[time]"),
    (re.compile(r"(?<=,)20\d\d-\d\d-\d\d \d\d:\d\d(?=,)"), "[time]"),
    (re.compile(r"(?m)(?:(?<=,)|^)20\d\d-\d\d-\d\d(?=,)"), "[date]"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{1,2} [A-Z][a-z]{2}\b"), r"\1 [date]"),
    (re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4}"), "[date]"),
    (re.compile(r"\b[A-Z][a-z]+ 20\d{2}\b"), "[month]"),
    (re.compile(r"\b\d+ min ago"), "[some minutes] ago"),
    (re.compile(r"Waits for \d+ min\b"), "Waits for [some minutes]"),
)
LEGEND = """\
Each message that these people see is here. A test plays the scene with the real bot, PostgreSQL and
the sandbox (docs/sandbox.md), and compares it with this page. `make tour` writes the page.

- Buttons are in square brackets. Below a message, each line is a row of buttons.
- Words such as [time] and [date] stand for values that are different each time.
- If somebody has seen the same message before, only its first line is here.
- If only the buttons of a message change, only they are shown.
- When a form goes on, the buttons of its last question disappear. This is not shown.
"""
"""How each page is read."""
_NUMBER = re.compile(r"(\(#|#|[Nn]umber:? |/(?!split)[a-z]+ |placement-|placement )(\d+)")
BUTTONS = "only the buttons"
_ROW = re.compile(r"(?m)^()(\d+)(?=,.*,USD,)")
"""The number of a placement in a table."""


class Place(NamedTuple):
    """A button with its text, its message, its row and its column."""

    text: str
    message_id: int
    row: int
    column: int


class Content(NamedTuple):
    """The content of a message: its text, and a line for each row of buttons."""

    text: str
    buttons: str


@dataclass
class Record:
    """The Markdown of what people do and see in a running bot."""

    market: Marketplace
    people: dict[str, str]
    """The titles of the people by their names in the sandbox."""
    chats: dict[str, str]
    """The titles of the other chats by their names in the sandbox."""
    head: str
    """The beginning of the page, before LEGEND."""
    lines: list[str] = field(default_factory=list)
    _seen: dict[tuple[str, int], Content] = field(default_factory=dict)
    _versions: dict[str, int] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _numbers: dict[str, dict[str, int]] = field(default_factory=dict)

    def forget_messages(self) -> None:
        """Take all present messages as seen."""
        self._changes()

    def page(self) -> str:
        """Return the whole document."""
        return "\n".join([self.head + LEGEND, *self.lines]).rstrip() + "\n"

    def part(self, title: str, words: str) -> None:
        """Begin a part of the document."""
        self.lines += [f"## {title}", "", words, ""]

    async def say(self, who: str, words: str, where: str | None = None) -> None:
        """Let a person write to the bot."""
        await self.market.say(who, words, where=where)
        typed = self._stable(words).replace("\n", " / ")
        await self.happened(f"**{self.people[who]}** writes “{typed}”{self._place(where)}.")

    async def press(
        self, who: str, label: str, where: str | None = None, *, oldest: bool = False
    ) -> None:
        """Let a person press the newest button (or the oldest) with this text or a part of it."""
        chat = where or who
        place = self._find(chat, label, oldest=oldest)
        alert = await self.market.press(
            who,
            place.text,
            where=where,
            message_id=place.message_id,
            row=place.row,
            column=place.column,
        )
        shown = self._stable(place.text)
        await self.happened(
            f"**{self.people[who]}** presses [{shown}]{self._place(where)}.", who, alert
        )

    async def pick(self, who: str, channel: str) -> None:
        """Let a person choose a channel from the list in Telegram's app."""
        await self.market.pick(who, channel)
        await self.happened(
            f"**{self.people[who]}** presses [📺 Choose a channel] and chooses"
            f" “{self.chats[channel]}” in Telegram's list."
        )

    async def pay(self, who: str) -> None:
        """Let a person pay the newest invoice."""
        await self.market.pay(who)
        await self.happened(f"**{self.people[who]}** pays the invoice.")

    async def run(
        self, what: str, act: Callable[[], Awaitable[object]], *, in_order: bool = True
    ) -> None:
        """Do something that is no press and no text, for example move the clock."""
        await act()
        await self.happened(what, in_order=in_order)

    async def happened(
        self, act: str, who: str = "", alert: str = "", *, in_order: bool = True
    ) -> None:
        """Deliver the notices of an act, and write the act and what the chats show after it.

        If the messages come `in_order` of nothing, each chat shows them sorted.
        """
        before = self._changes()
        await self.market.deliver()
        changes = before + self._changes()
        if not in_order:
            titles = [title for title, _ in changes]
            changes.sort(key=lambda each: (titles.index(each[0]), self._stable(each[1])))
        self.lines += [act, ""]
        if alert:
            self.lines += [f"{self.people[who]} sees for a moment:", "", *_quote(alert), ""]
        for title, content in changes:
            self._write(title, self._stable(content))

    def _write(self, title: str, content: str) -> None:
        if content in self._told and content.count("\n") > 1 and BUTTONS not in title:
            first = content.partition("\n")[0]
            self.lines += [f"{title} (the same message as before):", "", f"> {first} …", ""]
            return
        self._told.add(content)
        self.lines += [f"{title}:", "", *_quote(content), ""]

    def _changes(self) -> list[tuple[str, str]]:
        """Return the new, changed and deleted messages of all chats, each with its chat's title."""
        found = []
        for chat, title in {**self.people, **self.chats}.items():
            version = self.market.world.state.chat_version(self.market.chat(chat))
            if self._versions.get(chat) != version:
                self._versions[chat] = version
                found += self._changes_in(chat, title)
        return found

    def _changes_in(self, chat: str, title: str) -> list[tuple[str, str]]:
        found = []
        shown = {message["message_id"]: message for message in self._messages(chat)}
        for number, message in shown.items():
            content = _content(message)
            before = self._seen.get((chat, number))
            if any(content) and content != before:
                self._seen[chat, number] = content
                if before and before.text == content.text and not content.buttons:
                    continue  # only its buttons are gone
                found.append(self._change(chat, title, content, before))
        gone = [key for key in self._seen if key[0] == chat and key[1] not in shown]
        for key in gone:
            first = self._seen.pop(key).text.partition("\n")[0]
            found.append((f"{title}: a message is deleted", first))
        return found

    def _change(
        self, chat: str, title: str, content: Content, before: Content | None
    ) -> tuple[str, str]:
        """Return how a page says that a message is new or different, and what it shows of it."""
        sees, change, has = (
            ("sees", "change", "sees") if chat in self.people else ("has", "changed", "shows")
        )
        if before is None:
            return f"{title} {has}", _whole(content)
        if before.text == content.text:
            return f"{title} {sees} {BUTTONS} {change} to", content.buttons
        return f"{title} {sees} the message {change} to", _whole(content)

    def _messages(self, chat: str) -> list[Message]:
        """Return the messages of the bot and of channels in a chat, oldest first."""
        state = self.market.world.state
        rows = state.messages.get(self.market.chat(chat), {})
        views = [
            serialize_message(rows[number]) | {"file": tour_files.shown(state, rows[number])}
            for number in sorted(rows)
        ]
        people = {self.market.chat(name) for name in self.people}
        return [view for view in views if view["from"] not in people and not view["service"]]

    def _find(self, chat: str, label: str, *, oldest: bool) -> Place:
        """Return the button with this text, or else with a text that contains it."""
        places = [
            Place(button["text"], message["message_id"], row, column)
            for message in reversed(self._messages(chat))
            for row, line in enumerate(message["buttons"])
            for column, button in enumerate(line)
        ]
        for fits in (str.__eq__, str.__contains__):
            found = [place for place in places if fits(place.text, label)]
            if found:
                return found[-1 if oldest else 0]
        raise AssertionError(f"{chat} has no button {label}: {self._messages(chat)[-2:]}")

    def _place(self, where: str | None) -> str:
        return f" in the {self.chats[where].lower()}" if where else ""

    def _stable(self, text: str) -> str:
        """Replace all values that differ from run to run."""
        text = text.replace("\u00a0", " ").replace("\u202f", " ")
        for pattern, word in _STABLE:
            text = pattern.sub(word, text)
        for name, title in {**self.people, **self.chats}.items():
            text = text.replace(str(self.market.chat(name)), f"[Telegram id of {title}]")
        return _ROW.sub(self._number, _NUMBER.sub(self._number, text))

    def _number(self, found: re.Match[str]) -> str:
        """Number the placements, payments and people anew, in the order in which they are seen."""
        kind = {"N": "number", "n": "number", "(": "campaign"}.get(found[1][:1], "placement")
        known = self._numbers.setdefault(kind, {})
        return f"{found[1]}{known.setdefault(found[2], len(known) + 1)}"


def _content(message: Message) -> Content:
    """Return what a person sees of a message: the text, and each row of buttons in brackets."""
    text = message["text"] or message["caption"] or ""
    if message["media"]:
        text = "\n".join(filter(None, (f"[{message['media']}]", text, message["file"])))
    if message.get("invoice"):
        invoice = message["invoice"]
        text = f"[invoice] {invoice['title']}\n{invoice['description']}"
    rows = [" ".join(f"[{button['text']}]" for button in row) for row in message["buttons"] or []]
    return Content(text, "\n".join(rows))


def _whole(content: Content) -> str:
    return "\n\n".join(filter(None, content))


def _quote(text: str) -> list[str]:
    """Return a text as a quotation of Markdown that keeps its lines."""
    lines = text.split("\n")
    followed = [bool(line and following) for line, following in pairwise([*lines, ""])]
    return [
        f"> {line}".rstrip() + ("\\" if breaks else "")
        for line, breaks in zip(lines, followed, strict=True)
    ]
