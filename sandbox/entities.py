"""Define the users, chats, messages and other data of the simulated Telegram.

Each instance is one row of a table in the journal (the file that stores the state).
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
        """Return the user's id, which is the key of this row in the journal."""
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
    """The id of the supergroup that this group has become. None if this has not happened."""

    @property
    def key(self) -> str:
        """Return the chat's id, which is the key of this row in the journal."""
        return str(self.id)


@dataclass
class Member:
    """The membership of one user in one chat, with the user's status and rights.

    A creator has every right, although `rights` is empty. In a private chat, the bot becomes a
    `member` when the person starts the bot. If the person blocks the bot, its status is `kicked`.
    """

    table: ClassVar[str] = "members"
    chat_id: int
    user_id: int
    status: str
    rights: dict[str, bool] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the chat id and the user id, which are the key of this row in the journal."""
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
    version of the chat after the last change of this message.
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
        """Return the chat id and the message id, which are the key of this row in the journal."""
        return f"{self.chat_id}:{self.message_id}"


@dataclass
class Query:
    """A query that the bot must answer.

    A callback query says that a person has pressed a button. A pre-checkout query asks whether a
    payment may begin. `asked_at` is a real time in seconds since 1970. `answer` is the bot's
    answer, or None.
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
        """Return the query's id, which is the key of this row in the journal."""
        return self.id


@dataclass
class Payment:
    """A paid invoice.

    The amount is in minor units of the currency, for example cents. Times are seconds since 1970 on
    the sandbox's clock.
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
    """The number of the payment. Payments and refunds are numbered together, oldest first."""
    refund_number: int = 0
    """The number of the refund. It is 0 if the payment was not refunded."""

    @property
    def key(self) -> str:
        """Return Telegram's charge id, which is the key of this row in the journal."""
        return self.charge_id


@dataclass
class File:
    """An uploaded file. Its bytes are on the disk, in a file whose name is the file id."""

    table: ClassVar[str] = "files"
    id: str
    unique_id: str
    kind: str
    size: int
    name: str | None = None
    mime_type: str | None = None

    @property
    def key(self) -> str:
        """Return the file id, which is the key of this row in the journal."""
        return self.id


Entity = User | Chat | Member | Message | Query | Payment | File
