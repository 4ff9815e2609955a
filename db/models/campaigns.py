"""Define the tables of campaigns, channels and targets.

A target is one purchase of a post in one channel (a placement). Amounts are whole minor units.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, Txn, enum_column


class CampaignStatus(StrEnum):
    """The status of a campaign. It decides whether posts of the campaign can be published."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    """No new post is published. Posts that are already published stay in their channels."""
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class ChannelStatus(StrEnum):
    """The status of a channel. A post can be bought only in an active channel."""

    PENDING = "pending"
    """The channel is connected, but its owner has not yet set the terms."""
    ACTIVE = "active"
    PAUSED = "paused"
    """The owner has paused the channel."""
    SUSPENDED = "suspended"
    """The bot lost its rights in the channel, or there is a problem with the channel's owner.

    The owner is blocked, is gone, or is not the creator of the channel.
    """
    REMOVED = "removed"


class TargetStatus(StrEnum):
    """The status of a target (one purchase of a post in one channel)."""

    PENDING = "pending"
    """The target waits for an admin's decision."""
    APPROVED = "approved"
    """The money is in escrow, and the post is queued or published."""
    POSTED = "posted"
    """The promised hours (the time that the post must stay) are over, and the owner was paid."""
    REFUNDED = "refunded"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Campaign(Base):
    """An advertiser's plan: a creative (the ad) and a budget."""

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint("total_budget > 0", name="total_budget"),
        Index("ix_campaigns_advertiser_id_id", "advertiser_id", "id"),
    )

    id: Mapped[Key]
    advertiser_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    creative: Mapped[dict[str, Any]]
    """The ad in the form of `services.market.creatives.Creative`.

    The application has no right to change this column.
    """
    total_budget: Mapped[int]
    status: Mapped[CampaignStatus] = mapped_column(
        enum_column(CampaignStatus), server_default="draft"
    )
    key: Mapped[str | None] = mapped_column(unique=True)
    """The idempotency key of the form.

    If a person presses Save twice, only one campaign is created.
    """
    created_at: Mapped[CreatedAt]


class Channel(Base):
    """A Telegram channel whose owner has connected it with the bot."""

    __tablename__ = "channels"
    __table_args__ = (
        CheckConstraint("price >= 1", name="price"),
        CheckConstraint("promised_hours >= 0", name="promised_hours"),
        CheckConstraint(
            "status NOT IN ('active', 'paused')"
            " OR (price IS NOT NULL AND promised_hours IS NOT NULL)",
            name="terms",
        ),
        Index("ix_channels_owner_id", "owner_id"),
        Index("ix_channels_active", "id", postgresql_where=text("status = 'active'")),
    )

    id: Mapped[Key]
    chat_id: Mapped[int] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str]
    username: Mapped[str | None]
    topic: Mapped[str | None]
    subscribers: Mapped[int] = mapped_column(server_default=text("0"))
    price: Mapped[int | None]
    """The price of one post in minor units. Null if the channel's owner has not yet set it."""
    promised_hours: Mapped[int | None]
    """How many hours a post must stay in the channel before its owner is paid.

    With 0 hours, the owner is paid as soon as the post is published.
    """
    status: Mapped[ChannelStatus] = mapped_column(
        enum_column(ChannelStatus), server_default="pending"
    )
    status_reason: Mapped[str | None]
    """The code of the reason for the suspension. The bot shows the owner a text for this code."""
    suspended_at: Mapped[datetime | None]
    """When the channel was suspended, or when the bot lost its rights there, if that was later."""
    was_paused: Mapped[bool] = mapped_column(server_default=text("false"))
    """True if the channel was paused before its suspension.

    After the suspension, it is paused again.
    """
    last_message_id: Mapped[int] = mapped_column(server_default=text("0"))
    """The highest known message id in the channel, or 0 if no id is known.

    Right before a post is sent, this id is copied to `known_message_id` of its post job.
    """
    created_at: Mapped[CreatedAt]


class CampaignTarget(Base):
    """One purchase of a post in one channel. The submission fixes the price and the promised hours.

    The promised hours are the time that the post must stay in the channel.
    """

    __tablename__ = "campaign_targets"
    __table_args__ = (
        CheckConstraint("price >= 1", name="price"),
        CheckConstraint("promised_hours >= 0", name="promised_hours"),
        CheckConstraint("fee_bps BETWEEN 0 AND 9999", name="fee_bps"),
        Index("ix_campaign_targets_campaign_id_id", "campaign_id", "id"),
        Index("ix_campaign_targets_channel_id", "channel_id"),
        Index("ix_campaign_targets_owner_id_id", "owner_id", "id"),
        Index(
            "ix_campaign_targets_pending",
            "created_at",
            postgresql_where=text("status = 'pending'"),
        ),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    """The person who gets the payment: the owner of the channel when the target was submitted."""
    price: Mapped[int]
    promised_hours: Mapped[int]
    fee_bps: Mapped[int]
    """The platform's part of the price, in hundredths of a percent."""
    publish_at: Mapped[datetime | None]
    """When the post should be published. Null means: as soon as the target is approved."""
    status: Mapped[TargetStatus] = mapped_column(
        enum_column(TargetStatus), server_default="pending"
    )
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    """Why the target was rejected. The bot shows this reason to the advertiser."""
    retry_of: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("campaign_targets.id"))
    """The id of the failed target that this target replaces, or null."""
    key: Mapped[str | None] = mapped_column(unique=True)
    """The idempotency key of the form.

    If a person presses Submit twice, only one target is created.
    """
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
