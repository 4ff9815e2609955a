"""Model the complaints about published posts, from the press to the end of each step."""

from dataclasses import dataclass

from db.models.complaints import DECISIONS, MOST_COMPLAINTS, Outcome, StepKind
from db.models.complaints import ComplaintStatus as Complaints
from db.models.money import EscrowStatus as Escrows
from db.models.posting import PostJobStatus as Jobs
from services.platform import errors
from services.platform.complaint_errors import (
    ComplaintMovedOn,
    ComplaintOpen,
    ComplaintRefused,
    SplitTooSmall,
)
from tests.factories.model import Model
from tests.factories.model_rows import Refused, Target

STEP_HOURS, APPEAL_HOURS = 24, 48
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
            is_decided_otherwise = (
                target.breach_refund_at is not None or target.job is not Jobs.SUCCESS
            )
            if target.open_complaint is not None and is_decided_otherwise:
                target.open_complaint.close(Outcome.ABSORBED)

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
            ended += 1
            asks_staff = complaint.status in {Complaints.DISPUTED, Complaints.APPEALED}
            if complaint.status is Complaints.ASKED:
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
