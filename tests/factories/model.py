"""Model the rules of escrows and placements in plain Python, with times in hours."""

from dataclasses import dataclass, field

from db.models.campaigns import CampaignStatus as Campaigns
from db.models.campaigns import ChannelStatus as Channels
from db.models.campaigns import TargetStatus as Targets
from db.models.money import EscrowStatus as Escrows
from db.models.operations import Switch
from db.models.posting import PostJobStatus as Jobs
from db.models.posting import Verdict
from services.platform import errors
from services.platform.agreement_errors import NotAgreed, VersionChanged
from tests.factories.model_rows import ANSWER_HOURS, Campaign, Channel, Refused, Sold, Target

MOMENT = 1e-7
"""The number of hours that each step adds to the time."""
ATTEMPTS = 8
STUCK_HOURS = 24
UNDECIDED_HOURS = 72
GRACE_HOURS = 1
COUNTED = {Targets.PENDING, Targets.APPROVED, Targets.POSTED}


@dataclass
class Model:
    """The expected state of placements, escrows and campaigns."""

    now: float = 0
    balances: dict[int, int] = field(default_factory=dict)
    revenue: dict[int, int] = field(default_factory=dict)
    campaigns: dict[int, Campaign] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    targets: dict[int, Target] = field(default_factory=dict)
    switches: dict[Switch, bool] = field(default_factory=lambda: dict.fromkeys(Switch, True))
    blocked: set[int] = field(default_factory=set)
    """The ids of the blocked people."""
    losses: dict[int, int] = field(default_factory=dict)
    """The amount that each person owes to the platform, in minor units."""

    # -- escrows ----------------------------------------------------------------------------------

    def hold(self, target_id: int) -> None:
        """Move the money for a pending placement from the advertiser into an escrow."""
        target = self.targets[target_id]
        if target.status is not Targets.PENDING:
            raise Refused(errors.InvalidMove)
        self._hold(target)

    def _hold(self, target: Target) -> None:
        if target.escrow is Escrows.HELD:
            return
        if not self.switches[Switch.NEW_ESCROWS]:
            raise Refused(errors.SwitchStopped)
        advertiser = self.campaigns[target.campaign].advertiser
        self.require_no_loss(advertiser)
        if self.balances[advertiser] < target.price:
            raise Refused(errors.InsufficientFunds)
        self.balances[advertiser] -= target.price
        target.escrow, target.held_at = Escrows.HELD, self.now

    def require_no_loss(self, person: int) -> None:
        """Raise Refused if a person owes money to the platform."""
        if self.losses.get(person):
            raise Refused(errors.OpenLoss)

    def release(self, target_id: int) -> None:
        """Pay out an escrow: the fee to the platform, and the rest to the owner."""
        target = self.targets[target_id]
        if target.escrow is not Escrows.HELD:
            raise Refused(errors.EscrowNotHeld)
        due = target.release_due_at
        if target.job is not Jobs.SUCCESS or due is None or due > self.now:
            raise Refused(errors.PostNotProven)
        proofs = {Verdict.PRESENT, Verdict.STAYED}
        proven = any(at >= due and verdict in proofs for at, verdict in target.looks)
        if target.breach_refund_at is not None or (target.hours > 0 and not proven):
            raise Refused(errors.PostNotProven)
        is_split = target.owner_percent < 100
        if not self.switches[Switch.PAYOUTS] or (is_split and not self.switches[Switch.REFUNDS]):
            raise Refused(errors.SwitchStopped)
        kept = target.price * target.owner_percent // 100
        fee = kept * target.fee_bps // 10_000
        self.balances[target.owner] += kept - fee
        self.balances[self.campaigns[target.campaign].advertiser] += target.price - kept
        self.revenue[target.owner] = self.revenue.get(target.owner, 0) + fee
        target.escrow, target.status = Escrows.RELEASED, Targets.POSTED
        target.released_at = self.now

    def refund(self, target_id: int) -> None:
        """Give the whole amount of an escrow back to the advertiser."""
        target = self.targets[target_id]
        if target.escrow is not Escrows.HELD:
            raise Refused(errors.EscrowNotHeld)
        if target.job not in {Jobs.FAILED, Jobs.CANCELLED}:
            raise Refused(errors.PostNotFailed)
        if not self.switches[Switch.REFUNDS]:
            raise Refused(errors.SwitchStopped)
        self._refund(target)

    def _refund(self, target: Target) -> None:
        self.balances[self.campaigns[target.campaign].advertiser] += target.price
        target.escrow, target.status = Escrows.REFUNDED, Targets.REFUNDED

    def watchdog(self) -> int:
        """Refund the escrows that are held too long without a published post.

        Returns the number of these escrows, also if a kill switch forbids refunds.
        """
        stuck = [
            target
            for target in self.targets.values()
            if target.escrow is Escrows.HELD
            and target.job in {None, Jobs.QUEUED}
            and self._begun_at(target) + STUCK_HOURS < self.now
        ]
        if self.switches[Switch.REFUNDS] and self.switches[Switch.WORKER_WATCHDOGS]:
            for target in stuck:
                target.job = target.job and Jobs.FAILED
                self._refund(target)
        return len(stuck)

    def _begun_at(self, target: Target) -> float:
        """Return the time from which on an unpublished post is late."""
        again_at = target.due_at if target.published_again else 0
        return max(target.held_at, self.planned_hours(target), again_at)

    def planned_hours(self, target: Target) -> float:
        """Return the time at which a post is to be published, or 0 for "soon"."""
        return target.publish_at or 0

    # -- placements -------------------------------------------------------------------------------

    def submit(
        self,
        actor: int,
        campaign_id: int,
        channel_id: int,
        publish_in: float | None,
        fee_bps: int,
        sold: Sold | None = None,
    ) -> Target:
        """Create a pending placement, which the caller stores in `targets`."""
        campaign, channel = self.campaigns[campaign_id], self.channels[channel_id]
        if campaign.advertiser != actor:
            raise Refused(errors.NotCampaignOwner)
        if campaign.status is not Campaigns.ACTIVE:
            raise Refused(errors.CampaignNotActive)
        if channel.status is not Channels.ACTIVE:
            raise Refused(errors.ChannelNotUsable)
        if self.blocked & {actor, channel.owner}:
            raise Refused(errors.PersonBlocked)
        self.require_no_loss(actor)
        if publish_in is not None and publish_in <= 0:
            raise Refused(errors.PublishTimePast)
        terms = sold or Sold(channel.price, channel.hours, 0)
        self.require_money(actor, campaign_id, terms.price)
        return Target(
            campaign_id,
            channel_id,
            channel.owner,
            terms.price,
            terms.hours,
            fee_bps,
            submitted_at=self.now,
            publish_at=None if publish_in is None else self.now + publish_in,
            answer_due_at=self.now + min(ANSWER_HOURS, publish_in or ANSWER_HOURS),
            accepted=True if channel.accepts else None,
            hours_on_top=terms.hours_on_top,
        )

    def require_money(self, advertiser: int, campaign_id: int, price: int) -> None:
        """Require that the budget and the wallet cover a price, beside the other placements."""
        spent = sum(
            target.price - target.given_back
            for target in self.targets.values()
            if target.campaign == campaign_id and target.status in COUNTED
        )
        if spent + price > self.campaigns[campaign_id].budget:
            raise Refused(errors.BudgetExceeded)
        pending = [
            target.price
            for target in self.targets.values()
            if target.status is Targets.PENDING
            and target.escrow is None
            and self.campaigns[target.campaign].advertiser == advertiser
        ]
        if sum(pending) + price > self.balances[advertiser]:
            raise Refused(errors.InsufficientFunds)

    def withdraw(self, actor: int, target_id: int) -> None:
        """Let an advertiser take back a pending placement."""
        target = self.targets[target_id]
        if self.campaigns[target.campaign].advertiser != actor:
            raise Refused(errors.NotCampaignOwner)
        if target.status is Targets.WITHDRAWN:
            return
        if target.status is not Targets.PENDING or target.escrow is not None:
            raise Refused(errors.InvalidMove)
        target.status = Targets.WITHDRAWN

    def approve(self, target_id: int, version: int, *, staff: bool, involved: bool) -> bool:
        """Approve a version, and return False if the placement was approved before.

        `involved` means that the actor is the advertiser or the owner.
        """
        target = self._decidable(target_id, staff=staff, involved=involved)
        decided = target.job is not None
        if decided and target.status in {Targets.APPROVED, Targets.POSTED, Targets.REFUNDED}:
            return False
        if target.status is not Targets.PENDING:
            raise Refused(errors.InvalidMove)
        if target.version != version:
            raise Refused(VersionChanged)
        if not target.accepted:
            raise Refused(NotAgreed)
        if self.campaigns[target.campaign].status is not Campaigns.ACTIVE:
            raise Refused(errors.CampaignNotActive)
        if self.channels[target.channel].status is not Channels.ACTIVE:
            raise Refused(errors.ChannelNotUsable)
        if self.blocked & {self.campaigns[target.campaign].advertiser, target.owner}:
            raise Refused(errors.PersonBlocked)
        if target.publish_at is not None and target.publish_at <= self.now:
            raise Refused(errors.PublishTimePast)
        if not self.switches[Switch.NEW_ESCROWS]:
            raise Refused(errors.SwitchStopped)
        self._hold(target)
        target.status, target.job = Targets.APPROVED, Jobs.QUEUED
        target.due_at = max(self.now, target.publish_at or 0)
        return True

    def reject(self, target_id: int, version: int, *, staff: bool, involved: bool) -> bool:
        """Reject a version, and return False if the placement was rejected before.

        `involved` means that the actor is the advertiser or the owner.
        """
        target = self._decidable(target_id, staff=staff, involved=involved)
        if target.status is Targets.REJECTED:
            return False
        if target.version != version:
            raise Refused(VersionChanged)
        if target.status is not Targets.PENDING or target.escrow is not None:
            raise Refused(errors.InvalidMove)
        target.status = Targets.REJECTED
        return True

    def _decidable(self, target_id: int, *, staff: bool, involved: bool) -> Target:
        if not staff:
            raise Refused(errors.AccessDenied)
        if involved:
            raise Refused(errors.OwnMoney)
        return self.targets[target_id]

    def expire(self) -> int:
        """End the pending placements that are too old or cancelled. Return how many there were."""
        count = 0
        for target in self.targets.values():
            if target.status is not Targets.PENDING or target.escrow is not None:
                continue
            cancelled = self.campaigns[target.campaign].status is Campaigns.CANCELLED
            unanswered = target.accepted is None and target.answer_due_at <= self.now
            began_at = target.submitted_at if target.changed_at is None else target.changed_at
            late = unanswered or began_at + UNDECIDED_HOURS < self.now
            if cancelled:
                target.status = Targets.WITHDRAWN
            elif late or (target.publish_at is not None and target.publish_at <= self.now):
                target.status = Targets.EXPIRED
            else:
                continue
            count += 1
        return count

    def activate(self, actor: int, campaign_id: int) -> None:
        """Activate a campaign that is already active, which changes nothing.

        Raises Refused if the campaign is not active.
        """
        campaign = self._own(actor, campaign_id)
        if campaign.status is not Campaigns.ACTIVE:
            raise Refused(errors.InvalidMove)

    def pause(self, actor: int, campaign_id: int) -> None:
        """Pause a campaign."""
        campaign = self._own(actor, campaign_id)
        if campaign.status not in {Campaigns.ACTIVE, Campaigns.PAUSED}:
            raise Refused(errors.InvalidMove)
        campaign.status = Campaigns.PAUSED

    def resume(self, actor: int, campaign_id: int) -> None:
        """Resume a paused campaign, and cancel the posts that are too late."""
        campaign = self._own(actor, campaign_id)
        if campaign.status is Campaigns.ACTIVE:
            return
        if campaign.status is not Campaigns.PAUSED:
            raise Refused(errors.InvalidMove)
        campaign.status = Campaigns.ACTIVE
        for target in self._unsent(campaign_id):
            if target.publish_at is not None and target.publish_at < self.now - GRACE_HOURS:
                target.job = Jobs.CANCELLED

    def cancel(self, actor: int, campaign_id: int) -> None:
        """Cancel a campaign and its unsent posts, and withdraw its pending placements."""
        self._own(actor, campaign_id).status = Campaigns.CANCELLED
        for target in self.targets.values():
            pending = target.status is Targets.PENDING and target.escrow is None
            if target.campaign == campaign_id and pending:
                target.status = Targets.WITHDRAWN
        for target in self._unsent(campaign_id):
            target.job = Jobs.CANCELLED

    def _own(self, actor: int, campaign_id: int) -> Campaign:
        campaign = self.campaigns[campaign_id]
        if campaign.advertiser != actor:
            raise Refused(errors.NotCampaignOwner)
        return campaign

    def _unsent(self, campaign_id: int) -> list[Target]:
        return [
            target
            for target in self.targets.values()
            if target.campaign == campaign_id
            and target.status is Targets.APPROVED
            and target.job is Jobs.QUEUED
        ]
