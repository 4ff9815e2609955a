"""The world: everything that exists, kept in memory and in the journal."""

import secrets
import time
from pathlib import Path
from typing import Any, Self, TypeVar

from sandbox.entities import Chat, File, Member, Payment, Question, Record, Stored, User
from sandbox.faults import Faults
from sandbox.limits import Limits
from sandbox.notifier import Notifier
from sandbox.persistence import Journal, Json, PublicationLog

T = TypeVar("T", bound=Record)

BOT_USERNAME = "adtech_sandbox_bot"


class State:
    """All records, the counters, and the pulse by which waiters learn of a change.

    Handlers change it without awaiting, so every request is atomic; `commit` writes the change
    and must precede the answer. Times are seconds since 1970 in the sandbox's shifted clock.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "files").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._journal = Journal(folder / "world.jsonl")
        self.publications = PublicationLog(folder / "published.jsonl")
        self.users = {row.id: row for row in self._rows(User)}
        self.chats = {row.id: row for row in self._rows(Chat)}
        self.members = {(row.chat_id, row.user_id): row for row in self._rows(Member)}
        self.messages: dict[int, dict[int, Stored]] = {}
        for row in self._rows(Stored):
            self.messages.setdefault(row.chat_id, {})[row.message_id] = row
        self.questions = {row.id: row for row in self._rows(Question)}
        self.payments = {row.charge_id: row for row in self._rows(Payment)}
        self.files = {row.id: row for row in self._rows(File)}
        self.counters: dict[str, int] = dict(self._journal.tables.get("counters", {}))
        self.settings: Json = dict(self._journal.tables.get("settings", {}))
        queued = self._journal.tables.get("updates", {})
        self.updates: dict[int, Json] = {int(key): queued[key] for key in sorted(queued, key=int)}
        # A page that saw the world before a restart must not be ahead of it: versions go on
        # from the clock.
        self._version = int(time.time() * 1000)
        self.chat_versions: dict[int, int] = {}
        self.pulse = Notifier()
        self.faults = Faults()
        self.limits = Limits()
        self.bot_id = int(self.settings.get("bot_id", 0))

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Open the world kept in the folder `path`, or begin a new one there."""
        return cls(Path(path))

    def _rows(self, record: type[T]) -> list[T]:
        return [record(**row) for row in self._journal.tables.get(record.table, {}).values()]

    def close(self) -> None:
        """Let waiters and files go."""
        self.pulse.close()
        self._journal.close()
        self.publications.close()

    def save(self, record: Record) -> None:
        """Note a new or changed record for the next commit."""
        self._journal.put(record.table, record.key, vars(record))

    def set(self, name: str, value: Any) -> None:
        """Keep a setting of the bot or of the world."""
        self.settings[name] = value
        self._journal.put("settings", name, value)

    def commit(self) -> None:
        """Write what changed and wake whoever waits for it."""
        if self._journal.commit():
            self.pulse.notify()

    def count(self, name: str, first: int = 1) -> int:
        """The next number of a counter; none is ever given twice."""
        number = self.counters.get(name, first - 1) + 1
        self.counters[name] = number
        self._journal.put("counters", name, number)
        return number

    # --- time

    @property
    def shift(self) -> float:
        """Seconds by which the sandbox's time is ahead of the real one."""
        return float(self.settings.get("clock_shift", 0.0))

    def now(self) -> int:
        """The time that messages bear."""
        return int(time.time() + self.shift)

    # --- users and chats

    @property
    def bot(self) -> User:
        """The one bot of this world."""
        return self.users[self.bot_id]

    def adopt_bot(self, bot_id: int) -> None:
        """Make the bot whose token begins with `bot_id` the bot of this world."""
        self.bot_id = bot_id
        self.set("bot_id", bot_id)
        if bot_id not in self.users:
            self.add_user(User(bot_id, "Ad marketplace", is_bot=True, username=BOT_USERNAME))
        self.commit()

    def new_id(self) -> int:
        """A free user or chat number; random, so that a new world never meets an old database."""
        while True:
            number = 1_000_000_000 + secrets.randbelow(6_000_000_000)
            if not {number, channel_id(number)} & (self.users.keys() | self.chats.keys()):
                return number

    def add_user(self, user: User) -> User:
        """A new person (with the private chat that may begin one day) or the bot."""
        self.users[user.id] = user
        self.save(user)
        if not user.is_bot:
            self.add_chat(Chat(user.id, "private"))
        return user

    def add_chat(self, chat: Chat) -> Chat:
        """A new chat."""
        self.chats[chat.id] = chat
        self.save(chat)
        return chat

    def member(self, chat_id: int, user_id: int) -> Member:
        """What the user is in the chat; who never was there has `left`."""
        return self.members.get((chat_id, user_id)) or Member(chat_id, user_id, "left")

    def set_member(self, member: Member) -> None:
        """Make the user this in the chat."""
        self.members[(member.chat_id, member.user_id)] = member
        self.save(member)
        self._touch(member.chat_id)

    def members_of(self, chat_id: int) -> list[Member]:
        """Everybody who ever had a status in the chat."""
        return [member for member in self.members.values() if member.chat_id == chat_id]

    # --- messages

    def next_message_id(self, chat: Chat) -> int:
        """Channels and supergroups count for themselves; all private chats share one counter."""
        return self.count("private" if chat.type == "private" else f"chat:{chat.id}")

    def find_message(self, chat_id: int, message_id: int) -> Stored | None:
        """The message as it is now; None: never was, or deleted."""
        return self.messages.get(chat_id, {}).get(message_id)

    def save_message(self, stored: Stored) -> None:
        """Put a new or edited message where the chat shows it."""
        stored.version = self._touch(stored.chat_id)
        self.messages.setdefault(stored.chat_id, {})[stored.message_id] = stored
        self.save(stored)

    def delete_message(self, stored: Stored) -> None:
        """Take a message out of the chat for everybody; nobody gets an update of it."""
        del self.messages[stored.chat_id][stored.message_id]
        self._journal.drop(Stored.table, stored.key)
        self._touch(stored.chat_id)

    def _touch(self, chat_id: int) -> int:
        self._version += 1
        self.chat_versions[chat_id] = self._version
        return self._version

    def chat_version(self, chat_id: int) -> int:
        """Grows with every change that somebody looking at the chat could see."""
        return self.chat_versions.setdefault(chat_id, self._version)

    # --- updates, questions, payments, files

    def queue_update(self, kind: str, body: Json) -> None:
        """Owe the bot an update; it stays until it is confirmed."""
        # The first number is the time: a world begun anew beside an old database goes on
        # above all that its inbox has seen.
        update_id = self.count("update", first=int(time.time()))
        update = {"update_id": update_id, kind: body}
        self.updates[update_id] = update
        self._journal.put("updates", update_id, update)

    def drop_updates(self, ids: list[int]) -> None:
        """Forget updates that were confirmed."""
        for update_id in ids:
            del self.updates[update_id]
            self._journal.drop("updates", update_id)

    def save_question(self, question: Question) -> None:
        """Keep a query or the answer it got."""
        self.questions[question.id] = question
        self.save(question)

    def save_payment(self, payment: Payment) -> None:
        """Keep a payment or its refund."""
        self.payments[payment.charge_id] = payment
        self.save(payment)

    def save_file(self, file: File, content: bytes) -> File:
        """Keep an upload; the bytes are in place before anybody is told the id."""
        self.file_path(file).write_bytes(content)
        self.files[file.id] = file
        self.save(file)
        return file

    def file_path(self, file: File) -> Path:
        """Where the bytes are."""
        return self.folder / "files" / file.id


def channel_id(number: int) -> int:
    """The Bot API's form of a channel's or supergroup's number."""
    return -1_000_000_000_000 - number
