"""Model the complaints about published posts, from the press to the end of each step."""

from dataclasses import dataclass
from datetime import timedelta

from db.models.campaigns import CampaignStatus as Campaigns
from db.models.campaigns import ChannelStatus as Channels
from db.models.complaints import DECISIONS, MOST_COMPLAINTS, Outcome, StepKind
from db.models.complaints import ComplaintStatus as Complaints
from db.models.money import EscrowStatus as Escrows
from db.models.operations import Switch
from db.models.posting import PostJobStatus as Jobs
from db.models.posting import Verdict
from services.platform import errors
from services.platform.complaint_errors import (
    ComplaintMovedOn,
    ComplaintOpen,
    ComplaintRefused,
    RepublicationRefused,
    SplitTooSmall,
)
from services.posts import verification
from tests.factories.model import Model
from tests.factories.model_rows import Refused, Target

STEP_HOURS, APPEAL_HOURS = 24, 48
GONE_HOURS = verification.RECHECK_INTERVAL / timedelta(hours=1)
PUBLISHING = (Switch.NEW_ESCROWS, Switch.TELEGRAM_POSTING, Switch.WORKER_POST)
NEXT = {
    (Complaints.ASKED, StepKind.ANSWERED): Complaints.ANSWERED,
    (Complaints.ANSWERED, StepKind.DISPUTED): Complaints.DISPUTED,
    (Complaints.DECIDED, StepKind.ACCEPTED): Complaints.DECIDED,
    (Complaints.DECIDED, StepKind.APPEALED): Complaints.APPEALED,
    (Complaints.ASKED, StepKind.SATISFIED): Complaints.CLOSED,
    (Complaints.ANSWERED, StepKind.SATISFIED): Complaints.CLOSED,
    (Complaints.DISPUTED, StepKind.SATISFIED): Complaints.CLOSED,
}
SIDES = {
    StepKind.ANSWERED: {"owner"},
    StepKind.DISPUTED: {"advertiser"},
    StepKind.SATISFIED: {"advertiser"},
    StepKind.ACCEPTED: {"owner", "advertiser"},
    StepKind.APPEALED: {"owner", "advertiser"},
}


@dataclass
class Complaint:
    """A complaint about a placement."""

    due_at: float
    step_hours: float = 0
    """How long the advertiser has after the post was published again."""
    status: Complaints = Complaints.ASKED
    outcome: Outcome | None = None
    percent: int | None = None
    decided_by: int | None = None
    appealed: bool = False
    told_again: bool = False
    accepted: frozenset[str] = frozenset()

    def close(self, outcome: Outcome) -> None:
        """Close the complaint."""
        self.status, self.outcome = Complaints.CLOSED, outcome

    def take_effect(self, target: Target) -> None:
        """Close the complaint with its decision. A refund makes the post job fail."""
        self.close(
            {100: Outcome.RELEASED, 0: Outcome.REFUNDED}.get(self.percent or 0, Outcome.SPLIT)
        )
        if self.outcome is Outcome.REFUNDED:
            target.job = Jobs.FAILED


class ComplaintModel(Model):
    """The expected complaints, which a target has in `complaints`."""

    def absorb(self) -> None:
        """Close the complaints about posts that have failed, or whose breach is recorded."""
        for target in self.targets.values():
            complaint = target.open_complaint
            if complaint is None:
                continue
            has_failed = target.job in {Jobs.FAILED, Jobs.CANCELLED}
            if target.breach_refund_at is not None or has_failed:
                complaint.close(Outcome.ABSORBED)
            elif (
                target.job is Jobs.SUCCESS
                and target.published_again
                and complaint.status is Complaints.CORRECTING
            ):
                complaint.status = Complaints.ANSWERED
                complaint.due_at = target.sent_at + complaint.step_hours

    def may_publish_again(self, target: Target) -> bool:
        """Return whether an owner is asked who may publish a removed post again."""
        self.absorb()
        complaint = target.open_complaint
        return (
            complaint is not None
            and complaint.status in {Complaints.ASKED, Complaints.CORRECTING}
            and complaint.due_at > self.now
            and not target.published_again
        )

    def next_publication(self, _target: Target) -> float | None:
        """Return when a removed post can be published again, or None."""
        return self.now

    def publish_again(self, actor: int, target_id: int) -> None:
        """Queue a removed post again, because its owner has pressed the button."""
        self.absorb()
        target = self.targets[target_id]
        complaint = target.complaints[-1]
        if self._side(target, actor) != "owner" or target.escrow is not Escrows.HELD:
            raise Refused(errors.NotFound)
        if target.published_again:
            raise Refused(RepublicationRefused)
        if not self.may_publish_again(target):
            raise Refused(ComplaintMovedOn)
        at = self.next_publication(target)
        campaign, channel = self.campaigns[target.campaign], self.channels[target.channel]
        is_wanted = campaign.status is Campaigns.ACTIVE and campaign.advertiser not in self.blocked
        is_open = channel.status in {Channels.ACTIVE, Channels.PAUSED}
        if not self.is_gone(target) or not is_wanted or not is_open:
            raise Refused(RepublicationRefused)
        if not all(self.switches[key] for key in PUBLISHING):
            raise Refused(errors.SwitchStopped)
        if at is None:
            raise Refused(RepublicationRefused)
        target.job, target.due_at, target.published_again = Jobs.QUEUED, at, True
        target.attempts = 0
        complaint.status, complaint.told_again = Complaints.CORRECTING, False
        complaint.due_at = at + STEP_HOURS
        complaint.step_hours = complaint.due_at - self.now

    @staticmethod
    def is_gone(target: Target) -> bool:
        """Return whether the checks prove that a published post is gone."""
        gone: list[float] = []
        for at, verdict in target.looks:
            if verdict is Verdict.GONE:
                gone.append(at)
            elif verdict is not Verdict.UNKNOWN:
                gone.clear()
        return target.job is Jobs.SUCCESS and bool(gone) and gone[-1] - gone[0] >= GONE_HOURS

    def complained(self) -> list[int]:
        """Return the ids of the placements with a complaint."""
        return [key for key, target in self.targets.items() if target.complaints]

    def release(self, target_id: int) -> None:
        """Pay out an escrow, if no complaint about the placement is open."""
        self.absorb()
        target = self.targets[target_id]
        if target.escrow is Escrows.HELD and target.open_complaint is not None:
            raise Refused(ComplaintOpen)
        super().release(target_id)

    def complain(self, actor: int, target_id: int) -> bool:
        """Open a complaint, and return False if one is open already."""
        self.absorb()
        target = self.targets[target_id]
        if self.campaigns[target.campaign].advertiser != actor:
            raise Refused(errors.NotFound)
        if target.owner == actor:
            raise Refused(errors.OwnMoney)
        if target.open_complaint is not None:
            return False
        is_live = target.job is Jobs.SUCCESS and target.escrow is Escrows.HELD
        is_decided = any(each.outcome in DECISIONS for each in target.complaints)
        too_many = len(target.complaints) >= MOST_COMPLAINTS
        if not is_live or target.breach_refund_at is not None or is_decided or too_many:
            raise Refused(ComplaintRefused)
        target.complaints.append(Complaint(self.now + STEP_HOURS))
        return True

    def complaint_step(self, actor: int, target_id: int, step: StepKind) -> None:
        """Take a step of a side of the last complaint about a placement."""
        self.absorb()
        target = self.targets[target_id]
        complaint = target.complaints[-1]
        side = self._side(target, actor)
        if side not in SIDES[step]:
            raise Refused(errors.NotFound)
        wanted = NEXT.get((complaint.status, step))
        if wanted is None:
            raise Refused(ComplaintMovedOn)
        if step in {StepKind.ACCEPTED, StepKind.APPEALED}:
            is_late = complaint.due_at <= self.now
            if complaint.appealed or is_late or side in complaint.accepted:
                raise Refused(ComplaintMovedOn)
        complaint.told_again = complaint.told_again and step is StepKind.ACCEPTED
        complaint.status = wanted
        if wanted is Complaints.CLOSED:
            complaint.close(Outcome.SATISFIED)
        elif step is StepKind.ACCEPTED:
            complaint.accepted |= {side}
            if complaint.accepted == {"owner", "advertiser"}:
                complaint.due_at = self.now
        else:
            complaint.appealed = step is StepKind.APPEALED
            complaint.due_at = self.now + STEP_HOURS

    def decide_complaint(self, actor: int, target_id: int, percent: int, *, is_head: bool) -> None:
        """Record a decision of a staff member about the last complaint."""
        self.absorb()
        target = self.targets[target_id]
        complaint = target.complaints[-1]
        if complaint.status not in {Complaints.DISPUTED, Complaints.APPEALED}:
            raise Refused(ComplaintMovedOn)
        if target.job is not Jobs.SUCCESS:
            raise Refused(RepublicationRefused)
        if complaint.status is Complaints.APPEALED and not is_head:
            raise Refused(errors.AccessDenied)
        if complaint.status is Complaints.APPEALED and complaint.decided_by == actor:
            raise Refused(errors.SamePerson)
        if 0 < percent < 100 and target.price * percent < 100:
            raise Refused(SplitTooSmall)
        is_last = complaint.status is Complaints.APPEALED
        complaint.status, complaint.percent = Complaints.DECIDED, percent
        complaint.decided_by = actor
        complaint.due_at = self.now + (0 if is_last else APPEAL_HOURS)

    def end_complaints(self) -> int:
        """End the steps whose time is over, and return how many."""
        self.absorb()
        ended = 0
        for target in self.targets.values():
            complaint = target.open_complaint
            if complaint is None or complaint.due_at > self.now:
                continue
            is_asked = complaint.status in {Complaints.ASKED, Complaints.CORRECTING}
            if is_asked and (target.job is Jobs.QUEUED or self.is_gone(target)):
                target.job = Jobs.FAILED
                complaint.close(Outcome.ABSORBED)
                continue
            ended += 1
            asks_staff = complaint.status in {Complaints.DISPUTED, Complaints.APPEALED}
            if is_asked:
                complaint.status, complaint.told_again = Complaints.DISPUTED, False
                complaint.due_at = self.now + STEP_HOURS
            elif complaint.status is Complaints.ANSWERED:
                complaint.close(Outcome.SILENT)
            elif asks_staff and not complaint.told_again:
                complaint.told_again, complaint.due_at = True, self.now + STEP_HOURS
            elif complaint.status is Complaints.DISPUTED:
                complaint.close(Outcome.UNANSWERED)
            else:
                complaint.take_effect(target)
        return ended

    def _side(self, target: Target, actor: int) -> str | None:
        if self.campaigns[target.campaign].advertiser == actor:
            return "advertiser"
        return "owner" if target.owner == actor else None
