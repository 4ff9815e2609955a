"""Campaigns, channels, and the placements (targets) that join them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, Txn, enum_column


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    """Nothing new goes out; live posts go on."""
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class ChannelStatus(StrEnum):
    """Whether placements can be bought in a channel."""

    PENDING = "pending"
    """Connected; its owner has not set a price yet."""
    ACTIVE = "active"
    PAUSED = "paused"
    """By its owner."""
    SUSPENDED = "suspended"
    """The bot lost its rights there, or the owner is blocked."""
    REMOVED = "removed"


class TargetStatus(StrEnum):
    """Where a placement stands."""

    PENDING = "pending"
    """Waits for moderation."""
    APPROVED = "approved"
    """The money is in escrow and the post is on its way or out."""
    POSTED = "posted"
    """The promised hours are over and the owner has been paid."""
    REFUNDED = "refunded"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Campaign(Base):
    """An advertiser's campaign."""

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint("total_budget > 0", name="total_budget"),
        Index("ix_campaigns_advertiser_id_id", "advertiser_id", "id"),
    )

    id: Mapped[Key]
    advertiser_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    creative: Mapped[dict[str, Any]]
    """The ad as `services.creatives.Creative` writes it; fixed once the campaign is active."""
    total_budget: Mapped[int]
    status: Mapped[CampaignStatus] = mapped_column(
        enum_column(CampaignStatus), server_default="draft"
    )
    key: Mapped[str | None] = mapped_column(unique=True)
    """The form that made it, so that a second press on Save makes no second campaign."""
    created_at: Mapped[CreatedAt]


class Channel(Base):
    """A Telegram channel in which the bot may post."""

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
    """Minor units for one post; null until its owner has set it."""
    promised_hours: Mapped[int | None]
    """How long a post stays; 0 = the owner is paid as soon as it is out."""
    status: Mapped[ChannelStatus] = mapped_column(
        enum_column(ChannelStatus), server_default="pending"
    )
    status_reason: Mapped[str | None]
    """Why it is suspended: a word of the product, shown to its owner."""
    was_paused: Mapped[bool] = mapped_column(server_default=text("false"))
    """What a suspended channel is when it opens again."""
    last_message_id: Mapped[int] = mapped_column(server_default=text("0"))
    """The highest message id known there; a post of ours above it is the uncertain one."""
    created_at: Mapped[CreatedAt]


class CampaignTarget(Base):
    """A placement of a campaign in a channel; its terms are frozen at submission."""

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
    """Who is paid: the channel's owner at submission."""
    price: Mapped[int]
    promised_hours: Mapped[int]
    fee_bps: Mapped[int]
    """The platform's part in hundredths of a percent."""
    publish_at: Mapped[datetime | None]
    """When it is to go out; null = as soon as it is approved."""
    status: Mapped[TargetStatus] = mapped_column(
        enum_column(TargetStatus), server_default="pending"
    )
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    """Why it was rejected: told to the advertiser."""
    retry_of: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("campaign_targets.id"))
    """The dead letter that this placement tries again."""
    key: Mapped[str | None] = mapped_column(unique=True)
    """The form that made it, so that a second press on Submit makes no second placement."""
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
