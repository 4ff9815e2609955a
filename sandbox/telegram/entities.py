"""Define the users, chats, messages and other data of the simulated Telegram."""

from dataclasses import dataclass, field
from typing import ClassVar

from sandbox.telegram.persistence import Json

IN_CHAT = ("creator", "administrator", "member")


@dataclass
class User:
    """A person or the bot."""

    table: ClassVar[str] = "users"
    id: int
    first_name: str
    is_bot: bool = False
    username: str | None = None
    language_code: str | None = "en"

    @property
    def key(self) -> str:
        """Return the user id, which is the key of this row."""
        return str(self.id)


@dataclass
class Chat:
    """A private chat, a supergroup or a channel. The id of a private chat is the person's id."""

    table: ClassVar[str] = "chats"
    id: int
    type: str
    title: str | None = None
    username: str | None = None
    owner_id: int | None = None
    subscribers: int = 0
    protected: bool = False
    pinned_ids: list[int] = field(default_factory=list)
    """The ids of the pinned messages, in the order in which they were pinned."""
    description: str | None = None
    photo_id: str | None = None
    """The id of the file with the chat's picture, or None."""
    auto_delete_seconds: int = 0
    """The auto-delete timer: how long new messages stay. 0 means that they stay for ever."""
    permissions: dict[str, bool] | None = None
    """The permissions of a group's members, or None if they may do everything."""
    reach: float = 0.4
    """The share of a channel's subscribers who ever see a post."""
    reading_hours: float = 8.0
    """The hours after which 63 % of them have seen it."""
    reaction_share: float = 0.0
    """The share of those who have seen it and react."""
    migrated_to_id: int | None = None
    """The id of the supergroup into which Telegram converted this group, or None."""

    @property
    def key(self) -> str:
        """Return the chat id, which is the key of this row."""
        return str(self.id)


@dataclass
class Member:
    """One user's membership in one chat.

    If a person blocks the bot, the bot's status in the private chat is `kicked`.
    """

    table: ClassVar[str] = "members"
    chat_id: int
    user_id: int
    status: str
    rights: dict[str, bool] = field(default_factory=dict)
    """The rights of an administrator, or the permissions of a restricted member."""
    until_date: int = 0
    """When a ban or a restriction ends, in seconds since 1970. 0 means never."""
    is_outside: bool = False
    """Whether a restricted user is not in the chat."""
    custom_title: str | None = None

    @property
    def key(self) -> str:
        """Return the chat id and the user id, which are the key of this row."""
        return f"{self.chat_id}:{self.user_id}"

    @property
    def present(self) -> bool:
        """Return whether the user is in the chat."""
        return self.status in IN_CHAT or (self.status == "restricted" and not self.is_outside)

    def may(self, right: str) -> bool:
        """Return whether the user is the creator, or an administrator with this right."""
        if self.status == "creator":
            return True
        return self.status == "administrator" and self.rights.get(right, False)


@dataclass
class Message:
    """A message of a chat.

    `body` is Telegram's Message object. `payload` is the hidden text of an invoice. `version` is
    the chat's version after the message's last change. `charge_id` is the payment of a paid
    invoice. `deletes_at` is the time at which Telegram deletes the message by itself.
    """

    table: ClassVar[str] = "messages"
    chat_id: int
    message_id: int
    author_id: int
    body: Json
    keyboard: Json | None = None
    service: bool = False
    payload: str | None = None
    version: int = 0
    reactions: dict[str, int] = field(default_factory=dict)
    """The number of all reactions of a channel's readers, by their emoji."""
    views: int = 0
    """How many readers of a channel have seen the post."""
    reacted_at: int = 0
    """When the bot was last told of reactions, in seconds since 1970. 0 means never."""
    charge_id: str | None = None
    deletes_at: int | None = None

    @property
    def key(self) -> str:
        """Return the chat id and the message id, which are the key of this row."""
        return f"{self.chat_id}:{self.message_id}"


@dataclass
class Query:
    """A callback query or pre-checkout query, which the bot must answer.

    `asked_at` is a real time in seconds since 1970. `answer` is None until the bot answers.
    """

    table: ClassVar[str] = "questions"
    id: str
    kind: str
    user_id: int
    asked_at: float
    chat_id: int
    message_id: int
    answer: Json | None = None

    @property
    def key(self) -> str:
        """Return the query id, which is the key of this row."""
        return self.id


@dataclass
class Payment:
    """A paid invoice.

    `total_amount` is in minor units of the currency. Times are seconds since 1970 on the sandbox's
    clock.
    """

    table: ClassVar[str] = "payments"
    charge_id: str
    user_id: int
    currency: str
    total_amount: int
    invoice_payload: str
    date: int
    refunded_at: int | None = None
    number: int = 0
    """The payment's number in the common sequence of payments and refunds."""
    refund_number: int = 0
    """The refund's number in the same sequence, or 0 without a refund."""

    @property
    def key(self) -> str:
        """Return Telegram's charge id, which is the key of this row."""
        return self.charge_id


@dataclass
class File:
    """An uploaded file, stored on the disk under its `id`."""

    table: ClassVar[str] = "files"
    id: str
    unique_id: str
    kind: str
    size: int
    name: str | None = None
    mime_type: str | None = None
    width: int = 0
    height: int = 0
    """The size in pixels, or 0 where it is not known."""
    duration: int = 0
    """The duration in seconds, or 0 where it is not known."""

    @property
    def key(self) -> str:
        """Return the file id, which is the key of this row."""
        return self.id


@dataclass
class InviteLink:
    """A link with which people join a chat. `requests` has the ids of people who ask to join."""

    table: ClassVar[str] = "invite_links"
    link: str
    chat_id: int
    creator_id: int
    name: str | None = None
    expire_date: int | None = None
    member_limit: int | None = None
    creates_join_request: bool = False
    is_primary: bool = False
    is_revoked: bool = False
    joined: int = 0
    """How many people have joined with the link."""
    requests: list[int] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Return the link, which is the key of this row."""
        return self.link


@dataclass
class ReadMark:
    """How far a person has read a chat: up to the message `message_id`."""

    table: ClassVar[str] = "read_marks"
    chat_id: int
    user_id: int
    message_id: int

    @property
    def key(self) -> str:
        """Return the chat id and the user id, which are the key of this row."""
        return f"{self.chat_id}:{self.user_id}"


Entity = User | Chat | Member | Message | Query | Payment | File | InviteLink | ReadMark
