"""Keep the state of the simulated Telegram in memory and in a file."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from sandbox.telegram.changes import ChangeLog
from sandbox.telegram.entities import (
    Chat,
    Entity,
    File,
    InviteLink,
    Member,
    Message,
    Payment,
    Query,
    ReadMark,
    User,
)
from sandbox.telegram.faults import Faults
from sandbox.telegram.limits import Limits
from sandbox.telegram.notifier import Notifier
from sandbox.telegram.persistence import Journal, Json, PublicationLog

T = TypeVar("T", bound=Entity)

BOT_USERNAME = "sandbox_bot"
"""The username of a bot for which nobody has chosen one."""
# Telegram shows an action for 5 seconds or less (Bot API, sendChatAction).
ACTION_SECONDS = 5.0


@dataclass(frozen=True)
class ChatAction:
    """An action of the bot in a chat, for example "typing", until a time of the monotonic clock.

    `message_id` is the newest message of the chat when the action began.
    """

    action: str
    until: float
    message_id: int


class State:
    """All users, chats, messages and other data of the simulated Telegram.

    A request must call `commit` before its answer. Times are seconds since 1970 on the sandbox's
    clock.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "files").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._journal = Journal(folder / "world.jsonl")
        self.publications = PublicationLog(folder / "published.jsonl")
        self.users = {row.id: row for row in self._load_entities(User)}
        self.chats = {row.id: row for row in self._load_entities(Chat)}
        self.members: dict[tuple[int, int], Member] = {}
        self._members_by_chat: dict[int, dict[int, Member]] = {}
        for member in self._load_entities(Member):
            self._keep_member(member)
        self.messages: dict[int, dict[int, Message]] = {}
        self._timed: dict[str, Message] = {}
        self.growing_posts: dict[str, Message] = {}
        """The posts of channels whose views and reactions may still grow."""
        self._keyboard_ids: dict[int, dict[int, None]] = {}
        for message in self._load_entities(Message):
            self._keep_message(message)
        self.queries = {row.id: row for row in self._load_entities(Query)}
        self.payments = {row.charge_id: row for row in self._load_entities(Payment)}
        self.files = {row.id: row for row in self._load_entities(File)}
        self.invite_links = {row.link: row for row in self._load_entities(InviteLink)}
        self.read_marks = {
            (row.chat_id, row.user_id): row.message_id for row in self._load_entities(ReadMark)
        }
        self.counters: dict[str, int] = dict(self._journal.tables.get("counters", {}))
        self.settings: Json = dict(self._journal.tables.get("settings", {}))
        queued = self._journal.tables.get("updates", {})
        self.updates: dict[int, Json] = {int(key): queued[key] for key in sorted(queued, key=int)}
        self.update_expiries: dict[int, int] = {
            int(key): expires_at
            for key, expires_at in self._journal.tables.get("update_expiries", {}).items()
        }
        # A page that stays open over a restart still has an old version. Therefore versions start
        # at the real time in microseconds, so that every new version is greater.
        self.changes = ChangeLog(time.time_ns() // 1000)
        self.chat_actions: dict[int, ChatAction] = {}
        self.message_listeners: list[Callable[[Message], None]] = []
        self.notifier = Notifier()
        self.faults = Faults()
        self.ignored_fields: Counter[str] = Counter()
        """How often the bot sent each unknown field since the start, as method.field."""
        self.limits = Limits()
        self.bot_id = int(self.settings.get("bot_id", 0))
        self._journal.forget_tables()

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Load the state from the folder `path`, or begin a new state there."""
        return cls(Path(path))

    def _load_entities(self, entity: type[T]) -> list[T]:
        # The folder of another release may have fields that this release does not know.
        known = entity.__dataclass_fields__.keys()
        rows = self._journal.tables.get(entity.table, {}).values()
        return [entity(**{name: row[name] for name in row.keys() & known}) for row in rows]

    def close(self) -> None:
        """End the waiting calls, and close the files."""
        self.notifier.close()
        self._journal.close()
        self.publications.close()

    def save(self, entity: Entity) -> None:
        """Add a new or changed row, for example a user, to the next commit."""
        self._journal.put(entity.table, entity.key, vars(entity))

    def set(self, name: str, value: Any) -> None:
        """Save a setting of the bot or of the sandbox in the next commit."""
        self.settings[name] = value
        self._journal.put("settings", name, value)
        self.changes.record()

    def commit(self) -> None:
        """Write all changes, and wake the waiting calls."""
        if self._journal.commit():
            self.notifier.notify()

    def next_number(self, name: str, first: int = 1) -> int:
        """Return the next unused number of a counter that begins with `first`."""
        number = self.counters.get(name, first - 1) + 1
        self.counters[name] = number
        self._journal.put("counters", name, number)
        return number

    # --- time

    @property
    def shift(self) -> float:
        """Return how many seconds the sandbox's clock is ahead of the real time."""
        return float(self.settings.get("clock_shift", 0.0))

    def now(self) -> int:
        """Return the time of the sandbox's clock, in seconds since 1970."""
        return int(time.time() + self.shift)

    # --- users and chats

    @property
    def bot(self) -> User:
        """Return the one bot that uses the simulated Telegram."""
        return self.users[self.bot_id]

    def adopt_bot(
        self, bot_id: int, *, name: str | None = None, username: str | None = None
    ) -> None:
        """Set which bot uses the simulated Telegram, and its name and username if given."""
        self.bot_id = bot_id
        self.set("bot_id", bot_id)
        if bot_id not in self.users:
            self.add_user(User(bot_id, "Bot", is_bot=True, username=BOT_USERNAME))
        self.bot.first_name = name or self.bot.first_name
        self.bot.username = username or self.bot.username
        self.save(self.bot)
        self.commit()

    def new_id(self) -> int:
        """Return a random free id for a user or a chat."""
        while True:
            # A random id is very probably not in the database of an earlier sandbox.
            number = 1_000_000_000 + secrets.randbelow(6_000_000_000)
            if not {number, channel_id(number)} & (self.users.keys() | self.chats.keys()):
                return number

    def add_user(self, user: User) -> User:
        """Add a user, and for a person the private chat with the bot."""
        self.users[user.id] = user
        self.save(user)
        self.changes.record_people()
        if not user.is_bot:
            self.add_chat(Chat(user.id, "private"))
        return user

    def add_chat(self, chat: Chat) -> Chat:
        """Add a new chat, and return the chat."""
        self.chats[chat.id] = chat
        self.save_chat(chat)
        return chat

    def save_chat(self, chat: Chat) -> None:
        """Save a new or changed chat."""
        self.save(chat)
        self.changes.record(chat.id)

    def save_invite_link(self, link: InviteLink) -> None:
        """Save a new or changed invite link."""
        self.invite_links[link.link] = link
        self.save(link)

    def member(self, chat_id: int, user_id: int) -> Member:
        """Return a user's membership in a chat, with the status `left` if there is none.

        A ban or a restriction whose time is over counts no more.
        """
        found = self.members.get((chat_id, user_id))
        if found is None:
            return Member(chat_id, user_id, "left")
        if 0 < found.until_date <= self.now():
            is_member = found.status == "restricted" and not found.is_outside
            return Member(chat_id, user_id, "member" if is_member else "left")
        return found

    def set_member(self, member: Member) -> None:
        """Save a user's membership in a chat."""
        self._keep_member(member)
        self.save(member)
        self.changes.record(member.chat_id)

    def members_of(self, chat_id: int) -> list[Member]:
        """Return all memberships of a chat, including those of users who have left."""
        return list(self._members_by_chat.get(chat_id, {}).values())

    def _keep_member(self, member: Member) -> None:
        self.members[(member.chat_id, member.user_id)] = member
        self._members_by_chat.setdefault(member.chat_id, {})[member.user_id] = member

    # --- messages

    def next_message_id(self, chat: Chat) -> int:
        """Return the next message id of a chat. All private chats share one counter."""
        return self.next_number("private" if chat.type == "private" else f"chat:{chat.id}")

    def find_message(self, chat_id: int, message_id: int) -> Message | None:
        """Return a message of a chat, or None if there is no such message."""
        return self.messages.get(chat_id, {}).get(message_id)

    def timed_messages(self) -> list[Message]:
        """Return the messages that Telegram deletes by itself at some time."""
        return list(self._timed.values())

    def save_message(self, message: Message) -> None:
        """Save a new or edited message."""
        message.version = self.changes.record(message.chat_id, message.message_id)
        self._keep_message(message)
        self.save(message)
        for listen in self.message_listeners:
            listen(message)

    def show_change(self, message: Message) -> None:
        """Let the pages show a change that need not be stored."""
        message.version = self.changes.record(message.chat_id, message.message_id)
        self.notifier.notify()

    def delete_message(self, message: Message) -> None:
        """Delete a message for everybody, without an update for the bot."""
        del self.messages[message.chat_id][message.message_id]
        self._keyboard_ids.get(message.chat_id, {}).pop(message.message_id, None)
        self._timed.pop(message.key, None)
        self.growing_posts.pop(message.key, None)
        self._journal.drop(Message.table, message.key)
        self.changes.record(message.chat_id, message.message_id)

    def _keep_message(self, message: Message) -> None:
        self.messages.setdefault(message.chat_id, {})[message.message_id] = message
        if message.keyboard is not None:
            self._keyboard_ids.setdefault(message.chat_id, {})[message.message_id] = None
        if message.deletes_at is not None:
            self._timed[message.key] = message
        if message.body["chat"]["type"] == "channel" and not message.service:
            self.growing_posts[message.key] = message

    def messages_with_keyboard(self, chat_id: int) -> Iterator[Message]:
        """Yield the messages that show or remove a reply keyboard, newest first."""
        rows = self.messages.get(chat_id, {})
        return (rows[number] for number in reversed(self._keyboard_ids.get(chat_id, {})))

    def last_message_id(self, chat_id: int) -> int:
        """Return the id of the newest message of a chat, or 0 without a message."""
        # Ids grow, so the newest message is the last one of the dictionary.
        return next(reversed(self.messages.get(chat_id, {})), 0)

    def chat_version(self, chat_id: int) -> int:
        """Return the version of a chat, a number that grows with every visible change."""
        return self.changes.chat_version(chat_id)

    def mark_read(self, chat_id: int, user_id: int, message_id: int) -> None:
        """Save that a person has read a chat up to a message. A mark never moves back."""
        if message_id > self.read_marks.get((chat_id, user_id), 0):
            self.read_marks[(chat_id, user_id)] = message_id
            self.save(ReadMark(chat_id, user_id, message_id))
            self.changes.record(chat_id)

    def show_action(self, chat_id: int, action: str) -> None:
        """Show for some seconds that the bot does something in a chat, for example "typing"."""
        until = time.monotonic() + ACTION_SECONDS
        self.chat_actions[chat_id] = ChatAction(action, until, self.last_message_id(chat_id))
        self.changes.record(chat_id)
        self.notifier.notify()

    def find_action(self, chat_id: int) -> str | None:
        """Return what the bot does in a chat. A new message ends an action."""
        found = self.chat_actions.get(chat_id)
        if found is None or found.until < time.monotonic():
            return None
        return found.action if found.message_id == self.last_message_id(chat_id) else None

    # --- updates, queries, payments, files

    def queue_update(self, kind: str, body: Json, expires_at: int | None = None) -> None:
        """Queue an update for the bot, which it can get before the time `expires_at`."""
        # The first number is the real time in seconds. A new sandbox can have an old database, and
        # its numbers must be above the update ids that this database already has.
        update_id = self.next_number("update", first=int(time.time()))
        update = {"update_id": update_id, kind: body}
        self.updates[update_id] = update
        self._journal.put("updates", update_id, update)
        if expires_at is not None:
            self.update_expiries[update_id] = expires_at
            self._journal.put("update_expiries", update_id, expires_at)

    def drop_updates(self, ids: list[int]) -> None:
        """Remove updates from the queue."""
        for update_id in ids:
            del self.updates[update_id]
            self._journal.drop("updates", update_id)
            if self.update_expiries.pop(update_id, None) is not None:
                self._journal.drop("update_expiries", update_id)

    def drop_expired_updates(self) -> None:
        """Remove the updates that the bot did not get in time."""
        now = self.now()
        self.drop_updates([number for number, end in self.update_expiries.items() if end <= now])

    def save_query(self, query: Query) -> None:
        """Save a new or answered query."""
        self.queries[query.id] = query
        self.save(query)

    def save_payment(self, payment: Payment) -> None:
        """Save a new or refunded payment."""
        self.payments[payment.charge_id] = payment
        self.save(payment)

    def save_file(self, file: File, content: bytes) -> File:
        """Save an uploaded file with its bytes, and return the file."""
        self.file_path(file).write_bytes(content)
        self.files[file.id] = file
        self.save(file)
        return file

    def file_path(self, file: File) -> Path:
        """Return the path of the stored bytes."""
        return self.folder / "files" / file.id


def channel_id(number: int) -> int:
    """Return the Bot API's id of a channel or supergroup, a number below -10**12."""
    return -1_000_000_000_000 - number
