"""Extend the model of escrows and placements with channels and posts."""

from math import ceil

from db.models.campaigns import CampaignStatus as Campaigns
from db.models.campaigns import ChannelStatus as Channels
from db.models.money import EscrowStatus as Escrows
from db.models.operations import Switch
from db.models.posting import PostJobStatus as Jobs
from db.models.posting import Verdict
from services.platform import errors
from tests.factories.model import ATTEMPTS
from tests.factories.model_agreements import AgreementModel
from tests.factories.model_rows import Channel, Refused, Target

SECOND_CHECK_HOURS = 5 / 60
PART_HOURS, MAX_PARTS = 0.5, 24
"""The shortest part into which promised hours are divided, in hours, and the most parts."""
LATE_HOURS = 0.5
DECISION_HOURS = 24
RETRY_HOURS = 0.5
"""The time between a failed send of a post and the next send, in hours."""
ESCALATION_HOURS = 1
"""The time from the end of the promised hours to the question to the admins, in hours."""
ASK_AGAIN_HOURS = 24
"""The time between two questions to the admins about the same post, in hours."""
SHORTEST_RIGHTS_HOURS, RIGHTS_HOURS = 0.5, 24
"""The shortest and the longest time that the bot waits for its rights in a channel, in hours."""
OWNER_BLOCKED, RIGHTS_LOST = "owner_blocked", "posting_refused"
"""The reasons why a channel is suspended."""
BLOCKING = {Jobs.SENDING, Jobs.UNCERTAIN}


class PostingModel(AgreementModel):
    """The expected state of channels and posts."""

    def move_channel(self, actor: int, channel_id: int, status: Channels) -> None:
        """Let an owner pause or resume a channel."""
        channel = self.channels[channel_id]
        if channel.owner != actor:
            raise Refused(errors.NotChannelOwner)
        if channel.status not in {Channels.ACTIVE, Channels.PAUSED}:
            raise Refused(errors.InvalidMove)
        channel.status = status

    def rights(self, channel_id: int, *, lost: bool) -> None:
        """Record that the bot has lost or regained the right to post in a channel."""
        channel = self.channels[channel_id]
        if not lost:
            self._give_rights_back(channel)
            return
        if channel.status is not Channels.SUSPENDED:
            self.suspend(channel, RIGHTS_LOST)
        elif channel.reason == OWNER_BLOCKED:
            channel.reason, channel.suspended_at = RIGHTS_LOST, self.now
        else:
            return
        for target in self.targets.values():
            if target.channel == channel_id and target.job and target.escrow is Escrows.HELD:
                tenth = max(SHORTEST_RIGHTS_HOURS, target.hours / 10)
                grace = min(RIGHTS_HOURS, tenth) if target.hours else RIGHTS_HOURS
                target.escalate_at = min(target.escalate_at, self.now + grace)

    def _give_rights_back(self, channel: Channel) -> None:
        if channel.status is not Channels.SUSPENDED:
            return
        if channel.owner in self.blocked:
            channel.reason = OWNER_BLOCKED
        elif channel.reason == RIGHTS_LOST:
            self.restore(channel)

    def suspend(self, channel: Channel, reason: str) -> None:
        """Suspend a channel, and remember whether the channel was paused."""
        channel.was_paused = channel.status is Channels.PAUSED
        channel.status, channel.reason, channel.suspended_at = Channels.SUSPENDED, reason, self.now

    @staticmethod
    def restore(channel: Channel) -> None:
        """Make a suspended channel active or paused, as before its suspension."""
        channel.status = Channels.PAUSED if channel.was_paused else Channels.ACTIVE
        channel.reason = None

    def claim(self, *, lease_over: bool) -> int | None:
        """Claim the next post, and return the id of its placement, or None if no post is due."""
        if not (self.switches[Switch.TELEGRAM_POSTING] and self.switches[Switch.WORKER_POST]):
            return None
        busy = {target.channel for target in self.targets.values() if target.job in BLOCKING}
        due = [
            (target.due_at, target_id)
            for target_id, target in self.targets.items()
            if target.job is Jobs.QUEUED
            and target.due_at <= self.now
            and self.campaigns[target.campaign].status is Campaigns.ACTIVE
            and self.campaigns[target.campaign].advertiser not in self.blocked
            and self.channels[target.channel].status in {Channels.ACTIVE, Channels.PAUSED}
            and target.channel not in busy
            and self.may_claim(target)
        ]
        if not due:
            return None
        _, target_id = min(due)
        target = self.targets[target_id]
        target.job, target.lease_over = Jobs.SENDING, lease_over
        target.claim_no += 1
        return target_id

    def may_claim(self, target: Target) -> bool:
        """Return whether the channel of a due post lets it be sent now."""
        return target.job is Jobs.QUEUED

    def may_send(self, target_id: int, claim_no: int) -> bool:
        """Return whether the worker with this claim may begin the send."""
        target = self.targets[target_id]
        owns_claim = self._owns_claim(target, claim_no)
        return owns_claim and not target.lease_over and self.switches[Switch.TELEGRAM_POSTING]

    def sent(self, target_id: int, claim_no: int) -> bool:
        """Record that a post is published, or return False if the claim is not valid."""
        target = self.targets[target_id]
        if not self._owns_claim(target, claim_no):
            return False
        target.job, target.sent_at = Jobs.SUCCESS, self.now
        if target.published_again:
            target.looks.clear()
        if target.escrow is Escrows.HELD:
            target.release_due_at = self.now + target.hours
        target.escalate_at = self.now + target.hours + ESCALATION_HOURS
        return True

    def refused(self, target_id: int, claim_no: int, *, rights_lost: bool) -> bool:
        """Record that Telegram refused a post, or return False if the claim is not valid."""
        target = self.targets[target_id]
        if not self._owns_claim(target, claim_no):
            return False
        target.job = Jobs.QUEUED if rights_lost else Jobs.FAILED
        if rights_lost:
            self.rights(target.channel, lost=True)
        return True

    def not_sent(self, target_id: int, claim_no: int, attempts: int, *, counts: bool) -> bool:
        """Queue a post again after a failed send, or return False if the claim is not valid.

        After too many counted attempts, the post fails.
        """
        target = self.targets[target_id]
        if not self._owns_claim(target, claim_no):
            return False
        target.attempts = attempts + counts
        target.job = Jobs.QUEUED
        if target.attempts >= ATTEMPTS:
            target.job = Jobs.FAILED
        else:
            target.due_at = self.now + RETRY_HOURS
        return True

    def end_claim(self, target_id: int, claim_no: int, job: Jobs) -> bool:
        """Give the post the status `job`, or return False if the claim is not valid."""
        target = self.targets[target_id]
        if not self._owns_claim(target, claim_no):
            return False
        target.job = job
        return True

    def rescue(self) -> int:
        """Make the posts of dead workers uncertain, and return the number of these posts."""
        abandoned = [t for t in self.targets.values() if t.job is Jobs.SENDING and t.lease_over]
        for target in abandoned:
            target.job = Jobs.UNCERTAIN
        return len(abandoned)

    def check_post(self, target_id: int, verdict: Verdict) -> None:
        """Record the result of a check of a published post."""
        target = self.targets[target_id]
        if target.job is not Jobs.SUCCESS or target.escrow is not Escrows.HELD:
            return
        before = target.looks[-1] if target.looks else (target.sent_at, Verdict.PRESENT)
        altered_before = any(was is Verdict.ALTERED for _, was in target.looks)
        second = self._is_second(target, before)
        verdict = self._recorded_verdict(target, verdict, second=second)
        target.looks.append((self.now, verdict))
        if verdict is Verdict.GONE and second and not self.may_publish_again(target):
            target.job = Jobs.FAILED
        if verdict is not Verdict.ALTERED or target.breach_refund_at is not None:
            return
        if altered_before or not self._is_dated(target, before):
            target.breach_refund_at = self.now + DECISION_HOURS

    def miss_check(self, target_id: int) -> None:
        """Record a check that was due while the bot had no rights in the channel."""
        self.targets[target_id].looks.append((self.now, Verdict.UNKNOWN))

    def _is_second(self, target: Target, before: tuple[float, Verdict]) -> bool:
        """Return whether one more result "gone" proves that a post is gone."""
        second = before[1] is Verdict.GONE and self._is_later(before[0])
        return second or self.is_gone(target)

    def _recorded_verdict(self, target: Target, verdict: Verdict, *, second: bool) -> Verdict:
        """Return the verdict to record for a check."""
        ends_at = target.release_due_at or 0
        if verdict not in {Verdict.GONE, Verdict.ALTERED} or self.now < ends_at:
            return verdict
        clear = [look for look in target.looks if look[1] is not Verdict.UNKNOWN]
        seen_at, seen = clear[-1] if clear else (0.0, Verdict.UNKNOWN)
        if seen is Verdict.PRESENT and seen_at >= ends_at - SECOND_CHECK_HOURS:
            return Verdict.STAYED
        return Verdict.UNKNOWN if verdict is Verdict.GONE and not second else verdict

    def _is_later(self, at: float) -> bool:
        return at <= self.now - SECOND_CHECK_HOURS

    def _is_dated(self, target: Target, before: tuple[float, Verdict]) -> bool:
        """Return whether an alteration has certainly happened after the previous check."""
        at, was = before
        part = target.hours / min(max(target.hours // PART_HOURS, 1), MAX_PARTS)
        number = ceil((at - target.sent_at) / part) if part else 0
        latest = min(target.sent_at + part * (number + 1), target.sent_at + target.hours)
        return was is Verdict.PRESENT and self.now <= latest + LATE_HOURS

    def refund_breaches(self) -> int:
        """Fail the posts whose breach no admin has decided in time, and return their number."""
        due = [
            target
            for target in self.targets.values()
            if target.job is Jobs.SUCCESS
            and target.escrow is Escrows.HELD
            and target.breach_refund_at is not None
            and target.breach_refund_at <= self.now
        ]
        for target in due:
            target.job = Jobs.FAILED
        return len(due)

    def escalate(self) -> None:
        """Record a breach for each post in whose channel the bot has had no rights for long."""
        for target in self.targets.values():
            channel = self.channels[target.channel]
            if (
                self._is_live(target)
                and target.hours
                and target.breach_refund_at is None
                and target.escalate_at <= self.now
                and channel.reason == RIGHTS_LOST
                and channel.suspended_at < (target.release_due_at or 0)
            ):
                target.breach_refund_at = self.now + DECISION_HOURS
                target.escalate_at = self.now + ASK_AGAIN_HOURS

    def decide_breach(self, target_id: int, *, refund: bool) -> bool:
        """Let an admin decide about a breach, or return False if there is nothing to decide.

        If `refund` is true, the post fails.
        """
        target = self.targets[target_id]
        if target.breach_refund_at is None or not self._is_live(target):
            return False
        if refund:
            target.job = Jobs.FAILED
        else:
            target.breach_refund_at = None
            target.escalate_at = self.now + ASK_AGAIN_HOURS
        return True

    @staticmethod
    def _is_live(target: Target) -> bool:
        return target.job is Jobs.SUCCESS and target.escrow is Escrows.HELD

    def cancel_unwanted(self) -> int:
        """Cancel the queued posts of blocked advertisers and cancelled campaigns.

        Returns how many posts were cancelled.
        """
        unwanted = [
            target
            for target in self.targets.values()
            if target.job is Jobs.QUEUED
            and (
                self.campaigns[target.campaign].status is Campaigns.CANCELLED
                or self.campaigns[target.campaign].advertiser in self.blocked
            )
        ]
        for target in unwanted:
            target.job = Jobs.CANCELLED
        return len(unwanted)

    def switch(self, key: Switch, *, enabled: bool) -> bool:
        """Set a kill switch, and return whether this is a change."""
        changed = self.switches[key] != enabled
        self.switches[key] = enabled
        return changed

    @staticmethod
    def _owns_claim(target: Target, claim_no: int) -> bool:
        return target.job is Jobs.SENDING and target.claim_no == claim_no
