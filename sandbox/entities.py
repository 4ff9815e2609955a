"""Define the entities of the simulated Telegram: users, chats, messages and others.

Each instance is one row of a table in the journal, the file that stores the state.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from sandbox.persistence import Json

IN_CHAT = ("creator", "administrator", "member")


@dataclass
class User:
    """A person or the bot, with the data that Telegram gives to bots."""

    table: ClassVar[str] = "users"
    id: int
    first_name: str
    is_bot: bool = False
    username: str | None = None
    language_code: str | None = "en"

    @property
    def key(self) -> str:
        """Return the key of this row in the journal: Telegram's id of the user."""
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
    pinned_id: int | None = None
    migrated_to_id: int | None = None
    """The id of the supergroup that this group has become."""

    @property
    def key(self) -> str:
        """Return the key of this row in the journal: Telegram's id of the chat."""
        return str(self.id)


@dataclass
class Member:
    """The membership of one user in one chat, with the user's status and rights.

    A creator has every right, although `rights` is empty. In a private chat, the bot has the status
    `member` after the person has started the bot. It has the status `kicked` while the person
    blocks the bot.
    """

    table: ClassVar[str] = "members"
    chat_id: int
    user_id: int
    status: str
    rights: dict[str, bool] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the key of this row in the journal: the chat id and the user id."""
        return f"{self.chat_id}:{self.user_id}"

    @property
    def present(self) -> bool:
        """Return whether the user is in the chat."""
        return self.status in IN_CHAT

    def may(self, right: str) -> bool:
        """Return whether the user is the chat's creator, or an administrator with this right."""
        if self.status == "creator":
            return True
        return self.status == "administrator" and self.rights.get(right, False)


@dataclass
class Message:
    """A message of a chat, in the form in which the sandbox stores it.

    `body` is the message as the Bot API returns it. `keyboard` is the reply keyboard that was sent
    with the message. `payload` is the text that the bot sent with an invoice. `version` is the
    chat's version when the message was last changed.
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
        """Return the key of this row in the journal: the chat id and the message id."""
        return f"{self.chat_id}:{self.message_id}"


@dataclass
class Query:
    """A callback query or a pre-checkout query. `answer` is the bot's answer to the query."""

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
        """Return the key of this row in the journal: the query's id."""
        return self.id


@dataclass
class Payment:
    """A paid invoice. The amount is in minor units. Times are those of the sandbox's clock."""

    table: ClassVar[str] = "payments"
    charge_id: str
    user_id: int
    currency: str
    total_amount: int
    invoice_payload: str
    date: int
    refunded_at: int | None = None
    number: int = 0
    """The place of the payment in the order in which payments and refunds happened."""
    refund_number: int = 0
    """The place of the refund in the same order."""

    @property
    def key(self) -> str:
        """Return the key of this row in the journal: Telegram's charge id."""
        return self.charge_id


@dataclass
class File:
    """An uploaded file. The bytes are in a separate file, whose name is the file id."""

    table: ClassVar[str] = "files"
    id: str
    unique_id: str
    kind: str
    size: int
    name: str | None = None
    mime_type: str | None = None

    @property
    def key(self) -> str:
        """Return the key of this row in the journal: the file id."""
        return self.id


Entity = User | Chat | Member | Message | Query | Payment | File
