"""Define the tables of what Telegram reports about payments and refunds."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key


class Comparison(StrEnum):
    """The result of comparing a deposit in Stars with Telegram's list of payments."""

    LISTED = "listed"
    ACCEPTED = "accepted"
    """Telegram does not list the payment, and an operator closed the incident about the deposit."""
    NOT_COVERED = "not_covered"
    """The payment was made to another bot, before this bot's list begins."""


class ReceivedPayment(Base):
    """A payment or a refund that Telegram has reported."""

    __tablename__ = "received_payments"
    __table_args__ = (
        UniqueConstraint("kind", "charge_id"),
        CheckConstraint("kind IN ('payment', 'refund')", name="kind"),
        # Not unique: two providers may give the same id, and no update may be refused for that.
        Index(
            "ix_received_payments_provider_charge_id",
            "provider_charge_id",
            postgresql_where=text("provider_charge_id IS NOT NULL"),
        ),
        # Not unique: an invoice that was paid twice has two payments, and both are recorded.
        Index(
            "ix_received_payments_invoice",
            "invoice",
            postgresql_where=text("invoice IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    charge_id: Mapped[str] = mapped_column(index=True)
    telegram_id: Mapped[int]
    """The Telegram id of the person who paid, or who got the refund."""
    amount: Mapped[int]
    currency: Mapped[str]
    created_at: Mapped[CreatedAt]
    provider_charge_id: Mapped[str | None]
    """The payment provider's id of the payment (`provider_payment_charge_id`).

    Null for refunds, for payments that only Telegram's list of Stars reported, and for older ones.
    """
    invoice: Mapped[str | None]
    """The payload of the invoice that was paid. Null for refunds and for older payments."""


class Checkout(Base):
    """The latest payment to which the bot has agreed for a person (Telegram's pre-checkout query).

    There is one row for each person. The next payment of the person replaces it.
    """

    __tablename__ = "checkouts"

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False
    )
    invoice: Mapped[str]
    """The payload of the invoice."""
    query_id: Mapped[str]
    """Telegram's id of the pre-checkout query."""
    accepted_at: Mapped[CreatedAt]


class ListedStarTransaction(Base):
    """A payment or refund in Telegram's list of Stars that was not booked when it was read.

    Rows never change. Whether the transaction is booked now is in the tables `deposits` and
    `clawbacks`.
    """

    __tablename__ = "listed_star_transactions"
    __table_args__ = (
        UniqueConstraint("kind", "charge_id"),
        CheckConstraint("kind IN ('payment', 'refund')", name="kind"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    charge_id: Mapped[str]
    telegram_id: Mapped[int]
    """The Telegram id of the person who paid, or who got the refund."""
    amount: Mapped[int]
    """The amount in Stars."""
    payload: Mapped[str]
    """The payload of the invoice, which says what was to be paid."""
    date: Mapped[int]
    """Telegram's time of the transaction, in seconds since 1970."""
    language: Mapped[str | None]
    """The language code of the person's Telegram app."""
    update_id: Mapped[int]
    """The id of the update that reports the payment if the bot does not know its payer."""
    created_at: Mapped[CreatedAt]


class StarListPosition(Base):
    """How far Telegram's list of a bot's transactions in Stars has been read."""

    __tablename__ = "star_list_positions"
    __table_args__ = (CheckConstraint("position >= 0", name="position"),)

    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(server_default=text("0"))
    """How many transactions have been read and recorded, from the start of the list."""
    newest: Mapped[str | None]
    """The last transaction that has been read: `in:ID` (to the bot) or `out:ID` (from the bot).

    A payment and its refund have the same ID at Telegram. Null if no transaction has been read.
    """
    begins_at: Mapped[datetime | None]
    """The time of the oldest transaction in the list. Null for an empty list."""
    read_at: Mapped[datetime | None]
    """When the list was last read to its end and compared with the deposits."""
    read_again_at: Mapped[datetime | None]
    """When older pages of the list were last read again, to look for a deposit."""
