"""Define the tables of reversed deposits and of payments in excess. Both can cause a loss."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key


class Clawback(Base):
    """The booking that takes a deposit back after its payer has reversed the payment.

    The payer reverses a payment outside the platform, for example with a refund of Stars or a
    chargeback. Rows are only added, never changed.
    """

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
    """The amount that was taken from the person's wallet.

    It is 0 if the deposit was not credited.
    """
    loss: Mapped[int]
    """The amount that the person's wallet did not have. It is the platform's loss."""
    currency: Mapped[str]
    created_at: Mapped[CreatedAt]


class ExcessPayment(Base):
    """A payment in excess: a payment of a withdrawal that was already paid or returned.

    An admin made the payment outside the platform. Rows are only added, never changed.
    """

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
    """The amount of the withdrawal, in minor units."""
    recovered: Mapped[int]
    """The amount that was taken from the person's wallet."""
    loss: Mapped[int]
    """The amount that the person's wallet did not have. It is the platform's loss."""
    currency: Mapped[str]
    external_reference: Mapped[str] = mapped_column(unique=True)
    """The idempotency key: the id of the payment at the bank or another provider."""
    recorded_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
