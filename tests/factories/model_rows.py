"""Define the rows of the model: campaigns, channels and placements, with times in hours."""

from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, NamedTuple

from db.models.campaigns import CampaignStatus as Campaigns
from db.models.campaigns import ChannelStatus as Channels
from db.models.campaigns import TargetStatus as Targets
from db.models.money import EscrowStatus as Escrows
from db.models.posting import PostJobStatus as Jobs
from db.models.posting import Verdict
from services.platform import errors

ANSWER_HOURS = 24


class Refused(Exception):
    """The refusal of an operation by the model."""

    def __init__(self, fact: type[errors.DomainError]) -> None:
        super().__init__(fact.__name__)
        self.fact = fact


class Sold(NamedTuple):
    """A format that a channel sells: a price in minor units, promised hours and hours on top."""

    price: int
    hours: int
    hours_on_top: int


class Kept(NamedTuple):
    """The time of a channel that is kept for a placement."""

    begin: datetime
    end: datetime
    """Until when no other ad may come."""


@dataclass
class Campaign:
    """A campaign of an advertiser."""

    advertiser: int
    budget: int
    status: Campaigns = Campaigns.ACTIVE


@dataclass
class Channel:
    """A channel of an owner."""

    owner: int
    price: int
    hours: int
    status: Channels = Channels.ACTIVE
    was_paused: bool = False
    """Whether the channel was paused when it was suspended."""
    reason: str | None = None
    """Why the channel is suspended, or None."""
    suspended_at: float = 0
    accepts: bool = True
    """Whether a rule accepts each placement, so that the owner is not asked."""


@dataclass
class Target:
    """A placement with its escrow and its post."""

    campaign: int
    channel: int
    owner: int
    price: int
    hours: int
    fee_bps: int
    submitted_at: float
    publish_at: float | None
    answer_due_at: float
    accepted: bool | None
    """The owner's answer to the present version, or None without an answer."""
    version: int = 1
    changed_at: float | None = None
    status: Targets = Targets.PENDING
    escrow: Escrows | None = None
    held_at: float = 0
    released_at: float = 0
    release_due_at: float | None = None
    job: Jobs | None = None
    due_at: float = 0
    claim_no: int = 0
    attempts: int = 0
    lease_over: bool = False
    looks: list[tuple[float, Verdict]] = field(default_factory=list)
    sent_at: float = 0
    breach_refund_at: float | None = None
    """When the escrow is refunded because of a breach, or None without a breach."""
    escalate_at: float = inf
    """When the admins are asked about an unproven post."""
    complaints: list[Any] = field(default_factory=list)
    published_again: bool = False
    """Whether the owner has let the bot publish the removed post again."""
    cancelled: bool = False
    """Whether the advertiser has cancelled the approved placement."""
    hours_on_top: int = 0
    kept: Kept | None = None
    """The time that was kept last, or None for a channel without a calendar."""

    @property
    def sold(self) -> Sold:
        """The terms of the placement."""
        return Sold(self.price, self.hours, self.hours_on_top)

    @property
    def open_complaint(self) -> Any:
        """The open complaint, or None."""
        return next((each for each in self.complaints if each.outcome is None), None)

    @property
    def given_back(self) -> int:
        """The part of the price that a split has given back to the advertiser."""
        is_paid = self.escrow is Escrows.RELEASED
        return self.price - self.price * self.owner_percent // 100 if is_paid else 0

    @property
    def owner_percent(self) -> int:
        """The owner's part by a decision about a complaint, in per cent."""
        return next((each.percent for each in self.complaints if each.outcome == "split"), 100)

    @property
    def fee(self) -> int:
        """The platform's part of the price, in minor units."""
        return self.price * self.fee_bps // 10_000
