"""Define the table of deposits in Stars that are given back to their payers."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key, Txn, correlation_index, enum_column


class ReturnStatus(StrEnum):
    """The status of a return (giving a deposit in Stars back by refunding its own payment)."""

    REQUESTED = "requested"
    """The money is held, and Telegram must be asked to refund the payment."""
    SENDING = "sending"
    """A process has claimed the return, and may have asked Telegram."""
    UNCERTAIN = "uncertain"
    """Telegram may or may not have refunded the payment. Telegram's list of Stars will say it."""
    DONE = "done"
    REFUSED = "refused"
    """The payment is not refunded, and the money is back in the wallet."""


class DepositReturn(Base):
    """The return of one deposit in Stars, whole. Telegram refunds the deposit's own payment."""

    __tablename__ = "deposit_returns"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("number >= 0", name="number"),
        CheckConstraint(
            "(status = 'sending') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name="lease",
        ),
        CheckConstraint("(status = 'uncertain') = (uncertain_at IS NOT NULL)", name="uncertain"),
        UniqueConstraint("deposit_id", "number"),
        # The database itself allows only one return of a deposit that is not refused.
        Index(
            "uq_deposit_returns_once",
            "deposit_id",
            unique=True,
            postgresql_where=text("status <> 'refused'"),
        ),
        Index(
            "ix_deposit_returns_open",
            "due_at",
            postgresql_where=text("status IN ('requested', 'sending', 'uncertain')"),
        ),
        Index("ix_deposit_returns_user_id", "user_id"),
        correlation_index("deposit_returns"),
    )

    id: Mapped[Key]
    deposit_id: Mapped[int] = mapped_column(ForeignKey("deposits.id"))
    number: Mapped[int]
    """How many returns of the deposit were refused before. With the deposit, it is unique."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    """The amount of the deposit, in minor units."""
    currency: Mapped[str]
    status: Mapped[ReturnStatus] = mapped_column(
        enum_column(ReturnStatus), server_default="requested"
    )
    due_at: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    """When Telegram is asked next."""
    claim_no: Mapped[int] = mapped_column(server_default=text("0"))
    """The number of the last claim. Only the process with this claim records an outcome."""
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    """When the lease ends, by the real clock."""
    uncertain_at: Mapped[datetime | None]
    """Since when the outcome is unknown. Null in any other status."""
    last_error: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
    correlation_id: Mapped[CorrelationId]
