"""Model the answers of channel owners to placements, and the rules that answer for them."""

from math import inf

from db.models.campaigns import CampaignStatus as Campaigns
from db.models.campaigns import ChannelStatus as Channels
from db.models.campaigns import TargetStatus as Targets
from services.market.placement_versions import MOST
from services.platform import errors
from services.platform.agreement_errors import (
    AlreadyAnswered,
    AnswerTooLate,
    TooManyChanges,
    VersionChanged,
)
from tests.factories.model_complaints import ComplaintModel
from tests.factories.model_rows import ANSWER_HOURS, Refused, Target


class AgreementModel(ComplaintModel):
    """The expected answers to placements."""

    def answer(self, actor: int, target_id: int, version: int, *, accepts: bool) -> bool:
        """Accept or decline a version, and return False if the actor has done this before."""
        target = self.targets[target_id]
        self._require_owner_of_version(target, actor, version)
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

    def _require_owner_of_version(self, target: Target, actor: int, version: int) -> None:
        if target.owner != actor:
            raise Refused(errors.NotFound)
        if target.version != version:
            raise Refused(VersionChanged)

    def change(self, actor: int, target_id: int, version: int) -> None:
        """Give a pending placement another ad, about which its owner is asked again."""
        target = self.targets[target_id]
        if self.campaigns[target.campaign].advertiser != actor:
            raise Refused(errors.NotCampaignOwner)
        if target.status is Targets.PENDING and target.version == version:
            self._require_usable(target)
        if target.status is not Targets.PENDING or target.escrow is not None:
            raise Refused(errors.InvalidMove)
        if target.version != version:
            raise Refused(VersionChanged)
        if target.version == MOST:
            raise Refused(TooManyChanges)
        target.version += 1
        target.changed_at = self.now
        left = inf if target.publish_at is None else target.publish_at - self.now
        target.answer_due_at = self.now + min(ANSWER_HOURS, left)
        target.accepted = True if self.channels[target.channel].accepts else None

    def _require_usable(self, target: Target) -> None:
        """Require that a placement could be submitted now."""
        campaign = self.campaigns[target.campaign]
        if campaign.status is not Campaigns.ACTIVE:
            raise Refused(errors.CampaignNotActive)
        if self.channels[target.channel].status is not Channels.ACTIVE:
            raise Refused(errors.ChannelNotUsable)
        if self.blocked & {campaign.advertiser, target.owner}:
            raise Refused(errors.PersonBlocked)
        if target.publish_at is not None and target.publish_at <= self.now:
            raise Refused(errors.PublishTimePast)

    def set_rule(self, actor: int, channel_id: int, *, accepts: bool) -> None:
        """Let a channel accept each placement, or ask its owner each time."""
        if self.channels[channel_id].owner != actor:
            raise Refused(errors.NotFound)
        self.channels[channel_id].accepts = accepts
