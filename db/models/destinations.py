"""Define the table of the addresses to which people are paid."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, enum_column


class PayoutMethod(StrEnum):
    """A way in which an admin pays a withdrawal outside of the platform."""

    TON = "ton"
    USDT_TON = "usdt_ton"
    BANK = "bank"
    CARD = "card"


class DestinationStatus(StrEnum):
    """The status of a payout destination."""

    TYPED = "typed"
    """The person has not confirmed it yet."""
    CURRENT = "current"
    REPLACED = "replaced"
    """The person has confirmed another one for this method."""
    DROPPED = "dropped"
    """The person said that it is wrong, or not theirs."""


class PayoutDestination(Base):
    """An address to which a person is paid. The address itself is encrypted."""

    __tablename__ = "payout_destinations"
    __table_args__ = (
        CheckConstraint(
            "(status IN ('current', 'replaced')) <= (confirmed_at IS NOT NULL)", name="confirmed"
        ),
        Index(
            "uq_payout_destinations_current",
            "user_id",
            "method",
            unique=True,
            postgresql_where=text("status = 'current'"),
        ),
        Index("ix_payout_destinations_user_id_id", "user_id", "id"),
    )

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    method: Mapped[PayoutMethod] = mapped_column(enum_column(PayoutMethod))
    ciphertext: Mapped[str]
    """The encrypted address, together with its person and its method."""
    status: Mapped[DestinationStatus] = mapped_column(
        enum_column(DestinationStatus), server_default="typed"
    )
    is_change: Mapped[bool] = mapped_column(server_default=text("false"))
    """True if the person had another confirmed destination before."""
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]
