"""Define the tables of campaigns, channels and targets. Amounts are whole minor units."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ColumnElement, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, CreatedAt, Key, Txn, enum_column
from db.models.formats import REMOVABLE, Ending


class CampaignStatus(StrEnum):
    """The status of a campaign."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    """No new post is published. Published posts stay in their channels."""
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class ChannelStatus(StrEnum):
    """The status of a channel."""

    PENDING = "pending"
    """The owner has not yet set the terms of the connected channel."""
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    """The bot lost its rights in the channel, or there is a problem with the owner."""
    REMOVED = "removed"


class TargetStatus(StrEnum):
    """The status of a target (one purchase of a post in one channel)."""

    PENDING = "pending"
    APPROVED = "approved"
    """The money is in escrow, and the post is queued or published."""
    POSTED = "posted"
    """The post stayed for the promised time, and the owner was paid."""
    REFUNDED = "refunded"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


IS_ALBUM_WHOLE = """
    CASE
    WHEN creative->>'kind' = 'album' AND jsonb_typeof(creative->'items') = 'array' THEN
        jsonb_array_length(creative->'items') BETWEEN 2 AND 10
        AND creative->>'text' = '' AND creative->>'button_url' IS NULL
        AND creative->>'file_id' IS NULL
        AND jsonb_array_length(creative->'items') IN (
            jsonb_array_length(jsonb_path_query_array(creative, '$.items[*] ? (
                (@.kind == "photo" || @.kind == "video")
                && @.file_id like_regex "^." && @.file_unique_id like_regex "^.")')),
            jsonb_array_length(jsonb_path_query_array(creative, '$.items[*] ? (
                @.kind == "document"
                && @.file_id like_regex "^." && @.file_unique_id like_regex "^.")')))
    WHEN creative->>'kind' = 'album' THEN false
    ELSE creative->'items' IS NULL END
"""
"""The condition of the tables with ads: an album has all that Telegram needs, and no other ad has
items. `like_regex "^."` says that a value is a text with at least one character."""


class Campaign(Base):
    """An advertiser's plan: a creative (the ad) and a budget."""

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint("total_budget > 0", name="total_budget"),
        CheckConstraint("topic ~ '^[a-z]{1,32}$'", name="topic"),
        CheckConstraint(IS_ALBUM_WHOLE, name="album"),
        Index("ix_campaigns_advertiser_id_id", "advertiser_id", "id"),
    )

    id: Mapped[Key]
    advertiser_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str]
    creative: Mapped[dict[str, Any]]
    """The ad, in the form of `services.market.creatives.Creative`. Only that of a draft changes."""
    total_budget: Mapped[int]
    status: Mapped[CampaignStatus] = mapped_column(
        enum_column(CampaignStatus), server_default="draft"
    )
    key: Mapped[str | None] = mapped_column(unique=True)
    """The idempotency key of the form."""
    created_at: Mapped[CreatedAt]
    link_base: Mapped[str | None]
    """The public address of the redirect if clicks on new placements are counted, or null."""
    topic: Mapped[str | None]
    """The topic of the ad (`services.market.topics.TOPICS`), or null if none was chosen."""


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
        CheckConstraint(
            r"invite_link ~ '^https://t\.me/\+[A-Za-z0-9_-]{10,64}$'", name="invite_link"
        ),
        CheckConstraint(
            "removed_early_at IS NULL OR status NOT IN ('active', 'paused')", name="removed_early"
        ),
        Index("ix_channels_owner_id", "owner_id"),
        Index("ix_channels_active", "id", postgresql_where=text("status = 'active'")),
        Index(
            "ix_channels_facts_due_at",
            "facts_due_at",
            postgresql_where=text("status <> 'removed'"),
        ),
    )

    id: Mapped[Key]
    chat_id: Mapped[int] = mapped_column(unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str]
    username: Mapped[str | None]
    topic: Mapped[str | None]
    """A topic of the fixed list, or the text that the owner typed before there was this list."""
    language: Mapped[str | None]
    """The language of the posts, or null for the owner's own (`services/market/topics.py`)."""
    subscribers: Mapped[int] = mapped_column(server_default=text("0"))
    price: Mapped[int | None]
    """The price (minor units) of the channel's first format. Null before there is a format."""
    promised_hours: Mapped[int | None]
    """The promised hours of the channel's first format (`db/models/formats.py`)."""
    status: Mapped[ChannelStatus] = mapped_column(
        enum_column(ChannelStatus), server_default="pending"
    )
    status_reason: Mapped[str | None]
    suspended_at: Mapped[datetime | None]
    """When the channel was suspended, or when the bot lost its rights there, if later."""
    was_paused: Mapped[bool] = mapped_column(server_default=text("false"))
    """True if the channel was paused before its suspension."""
    last_message_id: Mapped[int] = mapped_column(server_default=text("0"))
    """The highest known message id in the channel, or 0."""
    ads_wait_until: Mapped[datetime | None]
    """Until when the next ad waits, because the last one was published just now, or null."""
    description: Mapped[str | None]
    photo_id: Mapped[str | None]
    """Telegram's `file_unique_id` of the big picture, or null."""
    auto_delete_seconds: Mapped[int | None]
    """After how long Telegram removes new posts, or null."""
    protected: Mapped[bool] = mapped_column(server_default=text("false"))
    """True if posts can be neither forwarded nor copied."""
    bot_rights: Mapped[list[str] | None] = mapped_column(JSONB)
    """The names of the bot's rights in the channel, or null before the first reading."""
    facts_at: Mapped[datetime | None]
    """When Telegram was last asked about the channel."""
    facts_due_at: Mapped[datetime] = mapped_column(
        server_default=text("'1970-01-01 00:00:00+00'::timestamp with time zone")
    )
    """When Telegram is asked again. The time of the default is past, so it means at once."""
    removed_early_at: Mapped[datetime | None]
    """When the channel was taken off the market after early removals, until the staff look."""
    removals_seen_at: Mapped[datetime | None]
    """The time of the newest early removal that the staff have looked at."""
    invite_link: Mapped[str | None]
    """The owner's link with which buyers can look into a private channel, or null."""
    created_at: Mapped[CreatedAt]


class CampaignTarget(Base):
    """One purchase of a post in one channel, with the terms of the submission."""

    __tablename__ = "campaign_targets"
    __table_args__ = (
        CheckConstraint("price >= 1", name="price"),
        CheckConstraint("promised_hours >= 0", name="promised_hours"),
        CheckConstraint("fee_bps BETWEEN 0 AND 9999", name="fee_bps"),
        CheckConstraint("hours_on_top BETWEEN 0 AND promised_hours", name="hours_on_top"),
        CheckConstraint(REMOVABLE, name="removable"),
        CheckConstraint("complaint_window >= '00:00:00'", name="complaint_window"),
        CheckConstraint("cancelled_at IS NULL OR status = 'refunded'", name="cancelled"),
        CheckConstraint(IS_ALBUM_WHOLE, name="album"),
        Index("ix_campaign_targets_campaign_id_id", "campaign_id", "id"),
        Index("ix_campaign_targets_channel_id_id", "channel_id", "id"),
        Index("ix_campaign_targets_owner_id_id", "owner_id", "id"),
        Index(
            "ix_campaign_targets_tracked",
            "channel_id",
            postgresql_where=text("link_base IS NOT NULL"),
        ),
        Index(
            "ix_campaign_targets_pending",
            "created_at",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_campaign_targets_asked",
            "owner_id",
            "id",
            postgresql_where=text(
                "status = 'pending' AND agreed_at IS NULL AND answer_due_at IS NOT NULL"
            ),
        ),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    """The owner of the channel at the submission, who gets the payment."""
    price: Mapped[int]
    promised_hours: Mapped[int]
    fee_bps: Mapped[int]
    """The platform's part of the price, in hundredths of a percent."""
    publish_at: Mapped[datetime | None]
    """When the post should be published. Null means at the approval."""
    status: Mapped[TargetStatus] = mapped_column(
        enum_column(TargetStatus), server_default="pending"
    )
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    retry_of: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("campaign_targets.id"))
    """The failed target that this target replaces, or null."""
    key: Mapped[str | None] = mapped_column(unique=True)
    """The idempotency key of the form."""
    created_at: Mapped[CreatedAt]
    txn: Mapped[Txn]
    search_above: Mapped[int | None]
    """The value of `search_above` for the post job, if a backup with this target was restored."""
    answer_due_at: Mapped[datetime | None]
    """Until when the channel's owner can answer. Null if the owner was never asked."""
    agreed_at: Mapped[datetime | None]
    """When the owner, or the channel's acceptance rule, has accepted the present version."""
    version: Mapped[int] = mapped_column(server_default=text("1"))
    """The number of the present ad and terms. `placement_versions` has the former ones."""
    creative: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The ad of the present version. Null means the campaign's ad (`ad_of`).

    If clicks are counted, it has the tracked links, as it is published.
    """
    changed_at: Mapped[datetime | None]
    """When the present version was written. Null for the first version."""
    hours_on_top: Mapped[int] = mapped_column(server_default=text("0"))
    """How many of the promised hours no other post of the channel comes after this one."""
    ending: Mapped[Ending] = mapped_column(enum_column(Ending), server_default="left")
    """The fate of the post after the promised hours."""
    complaint_window: Mapped[timedelta] = mapped_column(server_default=text("'00:00:00'"))
    """How long after the publication the owner is not paid, so that the advertiser can complain."""
    cancelled_at: Mapped[datetime | None]
    """When the advertiser cancelled the approved placement before its time, or null."""
    link_base: Mapped[str | None]
    """The public address in the tracked links of the ad, or null if clicks are not counted."""


def ad_of() -> ColumnElement[dict[str, Any]]:
    """Build the expression of a placement's ad, for queries of a placement with its campaign."""
    return func.coalesce(CampaignTarget.creative, Campaign.creative)
