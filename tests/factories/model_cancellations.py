"""Extend the model with advertisers who cancel approved placements."""

from db.models.campaigns import TargetStatus as Targets
from db.models.operations import Switch
from db.models.posting import PostJobStatus as Jobs
from services.platform import errors
from services.platform.agreement_errors import CancelTooLate
from tests.factories.model_posts import PostingModel
from tests.factories.model_rows import Refused


class CancellationModel(PostingModel):
    """The expected cancellations of approved placements."""

    def cancel_placement(self, actor: int, target_id: int, cutoff: float) -> bool:
        """Cancel and refund a placement, and return False if it was cancelled before.

        `cutoff` is until how many hours before its time this is possible.
        """
        target = self.targets[target_id]
        if self.campaigns[target.campaign].advertiser != actor:
            raise Refused(errors.NotFound)
        if target.cancelled:
            return False
        if target.status is not Targets.APPROVED or target.job is not Jobs.QUEUED:
            raise Refused(errors.InvalidMove)
        if target.due_at <= self.now + cutoff:
            raise Refused(CancelTooLate)
        if not self.switches[Switch.REFUNDS]:
            raise Refused(errors.SwitchStopped)
        target.job, target.cancelled = Jobs.CANCELLED, True
        self._refund(target)
        return True
