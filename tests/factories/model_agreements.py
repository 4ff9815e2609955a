"""Model the answers of channel owners to placements, and the rules that answer for them."""

from db.models.campaigns import ChannelStatus as Channels
from db.models.campaigns import TargetStatus as Targets
from services.platform import errors
from services.platform.agreement_errors import AlreadyAnswered, AnswerTooLate
from tests.factories.model import Model, Refused


class AgreementModel(Model):
    """The expected answers to placements."""

    def answer(self, actor: int, target_id: int, *, accepts: bool) -> bool:
        """Accept or decline a placement, and return False if the actor has done this before."""
        target = self.targets[target_id]
        if target.owner != actor:
            raise Refused(errors.NotFound)
        if target.accepted is not None:
            if target.accepted is not accepts:
                raise Refused(AlreadyAnswered)
            return False
        if target.status is not Targets.PENDING:
            raise Refused(errors.InvalidMove)
        if target.answer_due_at <= self.now:
            raise Refused(AnswerTooLate)
        if actor in self.blocked:
            raise Refused(errors.PersonBlocked)
        if accepts and self.channels[target.channel].status is not Channels.ACTIVE:
            raise Refused(errors.ChannelNotUsable)
        if not accepts and target.escrow is not None:
            raise Refused(errors.InvalidMove)
        target.accepted = accepts
        if not accepts:
            target.status = Targets.REJECTED
        return True

    def set_rule(self, actor: int, channel_id: int, *, accepts: bool) -> None:
        """Let a channel accept each placement, or ask its owner each time."""
        if self.channels[channel_id].owner != actor:
            raise Refused(errors.NotFound)
        self.channels[channel_id].accepts = accepts
