"""Define the table of the payments and refunds that Telegram has reported."""

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key


class ReceivedPayment(Base):
    """A payment or a refund that Telegram has reported.

    Telegram reports it in an update, or in the list of transactions that it returns on request. The
    database accepts a deposit only if its payment has a row here. Only the database role
    `adtech_intake` adds rows.
    """

    __tablename__ = "received_payments"
    __table_args__ = (
        UniqueConstraint("kind", "charge_id"),
        CheckConstraint("kind IN ('payment', 'refund')", name="kind"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    charge_id: Mapped[str] = mapped_column(index=True)
    telegram_id: Mapped[int]
    """The Telegram id of the person who paid, or to whom the money went back."""
    amount: Mapped[int]
    currency: Mapped[str]
    created_at: Mapped[CreatedAt]
