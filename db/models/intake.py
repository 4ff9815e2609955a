"""Define the table of what Telegram says about payments and refunds."""

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key


class ReceivedPayment(Base):
    """A payment or a refund that Telegram has reported, by an update or in its list.

    A deposit and a clawback need such a row. Only the login `adtech_intake` adds rows.
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
