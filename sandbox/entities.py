"""The things of the world; each record is one row of a table of the journal."""

from dataclasses import dataclass, field
from typing import ClassVar

from sandbox.persistence import Json

IN_CHAT = ("creator", "administrator", "member")


@dataclass
class User:
    """A person, or the bot."""

    table: ClassVar[str] = "users"
    id: int
    first_name: str
    is_bot: bool = False
    username: str | None = None
    language_code: str | None = "en"

    @property
    def key(self) -> str:
        """Telegram's number of the user."""
        return str(self.id)


@dataclass
class Chat:
    """A private chat (its id is the person's), a supergroup or a channel."""

    table: ClassVar[str] = "chats"
    id: int
    type: str
    title: str | None = None
    username: str | None = None
    owner_id: int | None = None
    subscribers: int = 0
    protected: bool = False
    pinned_id: int | None = None

    @property
    def key(self) -> str:
        """Telegram's number of the chat."""
        return str(self.id)


@dataclass
class Member:
    """What one user is in one chat; the bot in a private chat: member = started, kicked = blocked.

    A creator has every right without naming it.
    """

    table: ClassVar[str] = "members"
    chat_id: int
    user_id: int
    status: str
    rights: dict[str, bool] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Chat and user."""
        return f"{self.chat_id}:{self.user_id}"

    @property
    def present(self) -> bool:
        """In the chat at all."""
        return self.status in IN_CHAT

    def may(self, right: str) -> bool:
        """Whether an administrator's right is there."""
        if self.status == "creator":
            return True
        return self.status == "administrator" and self.rights.get(right, False)


@dataclass
class Stored:
    """A message.

    `body` is what Telegram answers, `keyboard` the reply keyboard it brought, `payload` what the
    bot gave with an invoice.
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

    @property
    def key(self) -> str:
        """Chat and message id."""
        return f"{self.chat_id}:{self.message_id}"


@dataclass
class Question:
    """A callback query or a pre-checkout query; `answer` is what the bot said to it."""

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
        """The query's id."""
        return self.id


@dataclass
class Payment:
    """A paid invoice; amounts in minor units, times in the sandbox's time."""

    table: ClassVar[str] = "payments"
    charge_id: str
    user_id: int
    currency: str
    total_amount: int
    invoice_payload: str
    date: int
    refunded_at: int | None = None

    @property
    def key(self) -> str:
        """Telegram's charge id."""
        return self.charge_id


@dataclass
class File:
    """An uploaded file; its bytes are beside the journal, under its id."""

    table: ClassVar[str] = "files"
    id: str
    unique_id: str
    kind: str
    size: int
    name: str | None = None
    mime_type: str | None = None

    @property
    def key(self) -> str:
        """The file id."""
        return self.id


Record = User | Chat | Member | Stored | Question | Payment | File
