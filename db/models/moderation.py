"""Define the tables of watched words and of the admins who are reading a placement's card."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CorrelationId, CreatedAt, Key

LONGEST_WORD = 64


class WatchedWord(Base):
    """A word or the host of a link about which the card of a placement warns."""

    __tablename__ = "watched_words"
    __table_args__ = (
        CheckConstraint(f"char_length(word) BETWEEN 1 AND {LONGEST_WORD}", name="word"),
    )

    id: Mapped[Key]
    word: Mapped[str] = mapped_column(unique=True)
    """The word in small letters (Unicode case folding)."""
    added_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
    correlation_id: Mapped[CorrelationId]


class CardReader(Base):
    """The admin who is reading the card of a placement now, so that others read another one."""

    __tablename__ = "card_readers"

    campaign_target_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("campaign_targets.id"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    until: Mapped[datetime] = mapped_column(server_default=text("clock()"))
    """When the card is free again. A card that was given back is free from then on."""
