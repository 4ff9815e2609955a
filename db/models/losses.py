"""Define the tables of reversed deposits and of payments in excess."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key


class Clawback(Base):
    """The booking that takes a deposit back after its payer has reversed the payment."""

    __tablename__ = "clawbacks"
    __table_args__ = (
        CheckConstraint(
            "amount > 0 AND recovered >= 0 AND loss >= 0 AND recovered + loss IN (0, amount)",
            name="amounts",
        ),
        Index("ix_clawbacks_user_id", "user_id"),
    )

    id: Mapped[Key]
    deposit_id: Mapped[int] = mapped_column(ForeignKey("deposits.id"), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    recovered: Mapped[int]
    """The amount that was taken from the person's wallet, in minor units."""
    loss: Mapped[int]
    """The amount that the person's wallet did not have, in minor units."""
    currency: Mapped[str]
    created_at: Mapped[CreatedAt]


class ExcessPayment(Base):
    """A payment of a withdrawal that was already paid or returned."""

    __tablename__ = "excess_payments"
    __table_args__ = (
        CheckConstraint(
            "amount > 0 AND recovered >= 0 AND loss >= 0 AND recovered + loss = amount",
            name="amounts",
        ),
        Index("ix_excess_payments_withdrawal_id", "withdrawal_id"),
    )

    id: Mapped[Key]
    withdrawal_id: Mapped[int] = mapped_column(ForeignKey("withdrawals.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    recovered: Mapped[int]
    """The amount that was taken from the person's wallet, in minor units."""
    loss: Mapped[int]
    """The amount that the person's wallet did not have, in minor units."""
    currency: Mapped[str]
    external_reference: Mapped[str] = mapped_column(unique=True)
    """The provider's id of the payment."""
    recorded_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
