"""Extend the model of escrows and placements with channels and their posts."""

from math import ceil

from db.models.campaigns import CampaignStatus as Campaigns
from db.models.campaigns import ChannelStatus as Channels
from db.models.money import EscrowStatus as Escrows
from db.models.operations import Switch
from db.models.posting import PostJobStatus as Jobs
from db.models.posting import Verdict
from services.platform import errors
from tests.factories.model import ATTEMPTS, Channel, Model, Refused, Target

SECOND_CHECK_HOURS = 5 / 60
PART_HOURS = 6
"""The shortest part of the promised hours, in hours. The promised hours are the time that a post
must stay. They are divided into equal parts, and the post is checked one time in each part."""
LATE_HOURS = 0.5
DECISION_HOURS = 24
RETRY_HOURS = 0.5
"""The time between a failed send of a post and its next send, in hours."""
ESCALATION_HOURS = 1
"""The time after which the admins are asked about a post, in hours. It begins at the end of the
promised hours (the time that a post must stay). The admins are asked if no check has proven that
the post stayed."""
ASK_AGAIN_HOURS = 24
"""The time between two questions to the admins about the same post, in hours."""
RIGHTS_HOURS = 24
"""The longest time that the bot waits for its rights in a channel, in hours. Then it asks the
admins."""
OWNER_BLOCKED, RIGHTS_LOST = "owner_blocked", "posting_refused"
"""The reasons why a channel is suspended."""
BLOCKING = {Jobs.SENDING, Jobs.UNCERTAIN}


class PostingModel(Model):
    """The expected state of the marketplace, with the operations on channels and posts."""

    def move_channel(self, actor: int, channel_id: int, status: Channels) -> None:
        """Let an owner pause or resume a channel."""
        channel = self.channels[channel_id]
        if channel.owner != actor:
            raise Refused(errors.NotChannelOwner)
        if channel.status not in {Channels.ACTIVE, Channels.PAUSED}:
            raise Refused(errors.InvalidMove)
        channel.status = status

    def rights(self, channel_id: int, *, lost: bool) -> None:
        """Record that the bot has lost the right to post in a channel, or has got it back.

        If the right is `lost`, the channel is suspended, and the admins will be asked about its
        posts. If the bot has got the right back and the owner is not blocked, the channel is
        restored.
        """
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
                grace = min(RIGHTS_HOURS, target.hours / 2 or RIGHTS_HOURS)
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
        """Make a suspended channel active, or paused if it was paused before its suspension."""
        channel.status = Channels.PAUSED if channel.was_paused else Channels.ACTIVE
        channel.reason = None

    def claim(self, *, lease_over: bool) -> int | None:
        """Claim the post with the earliest due time, and return the id of its placement.

        A claim is the exclusive right of one process to send the post. If `lease_over` is true, the
        time of the claim has already ended. Return None if no post is due.
        """
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
        ]
        if not due:
            return None
        _, target_id = min(due)
        target = self.targets[target_id]
        target.job, target.lease_over = Jobs.SENDING, lease_over
        target.claim_no += 1
        return target_id

    def may_send(self, target_id: int, claim_no: int) -> bool:
        """Return whether the worker with this claim is allowed to begin the send of the post.

        A claim is the exclusive right of one worker to send the post.
        """
        target = self.targets[target_id]
        owns_claim = self._owns_claim(target, claim_no)
        return owns_claim and not target.lease_over and self.switches[Switch.TELEGRAM_POSTING]

    def sent(self, target_id: int, claim_no: int) -> bool:
        """Record that a post is published. Return True if the claim of its worker is valid.

        A claim is the exclusive right of one worker to send the post. If the claim is not valid,
        change nothing and return False.
        """
        target = self.targets[target_id]
        if not self._owns_claim(target, claim_no):
            return False
        target.job, target.sent_at = Jobs.SUCCESS, self.now
        if target.escrow is Escrows.HELD:
            target.release_due_at = self.now + target.hours
        target.escalate_at = self.now + target.hours + ESCALATION_HOURS
        return True

    def refused(self, target_id: int, claim_no: int, *, rights_lost: bool) -> bool:
        """Record that Telegram refused a post. Return True if the claim of its worker is valid.

        A claim is the exclusive right of one worker to send the post. If the claim is not valid,
        change nothing and return False.
        """
        target = self.targets[target_id]
        if not self._owns_claim(target, claim_no):
            return False
        target.job = Jobs.QUEUED if rights_lost else Jobs.FAILED
        if rights_lost:
            self.rights(target.channel, lost=True)
        return True

    def not_sent(self, target_id: int, claim_no: int, attempts: int, *, counts: bool) -> bool:
        """Queue a post again after a failed send. Return True if the claim of its worker is valid.

        A claim is the exclusive right of one worker to send the post. If the claim is not valid,
        change nothing and return False. After too many counted attempts, the post fails and is not
        queued.
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
        """End a claim, and give the post the status `job`. Return True if the claim is valid.

        A claim is the exclusive right of one worker to send the post. If the claim is not valid,
        change nothing and return False.
        """
        target = self.targets[target_id]
        if not self._owns_claim(target, claim_no):
            return False
        target.job = job
        return True

    def rescue(self) -> int:
        """Make the posts of dead workers uncertain, and return the number of these posts.

        A worker counts as dead if its time to send the post has ended.
        """
        abandoned = [t for t in self.targets.values() if t.job is Jobs.SENDING and t.lease_over]
        for target in abandoned:
            target.job = Jobs.UNCERTAIN
        return len(abandoned)

    def look(self, target_id: int, verdict: Verdict) -> None:
        """Record the result of a check of a published post.

        The post fails if two checks in a row do not find it, at least five minutes apart. If the
        post was altered, this is a breach (a promise that the owner did not keep). The first
        alteration is no breach if it certainly happened after the previous check.
        """
        target = self.targets[target_id]
        if target.job is not Jobs.SUCCESS or target.escrow is not Escrows.HELD:
            return
        before = target.looks[-1] if target.looks else (target.sent_at, Verdict.PRESENT)
        altered_before = any(was is Verdict.ALTERED for _, was in target.looks)
        verdict = self._recorded_verdict(target, verdict, before)
        target.looks.append((self.now, verdict))
        if verdict is Verdict.GONE and before[1] is Verdict.GONE and self._is_later(before[0]):
            target.job = Jobs.FAILED
        if verdict is not Verdict.ALTERED or target.breach_refund_at is not None:
            return
        if altered_before or not self._is_dated(target, before):
            target.breach_refund_at = self.now + DECISION_HOURS

    def _recorded_verdict(
        self, target: Target, verdict: Verdict, before: tuple[float, Verdict]
    ) -> Verdict:
        """Return the verdict that is recorded if a check finds `verdict`.

        After the promised hours, the owner is allowed to delete or alter the post. Then the verdict
        STAYED or UNKNOWN can be recorded instead. `before` has the time and the verdict of the
        previous check.
        """
        ends_at = target.release_due_at or 0
        if verdict not in {Verdict.GONE, Verdict.ALTERED} or self.now < ends_at:
            return verdict
        clear = [look for look in target.looks if look[1] is not Verdict.UNKNOWN]
        seen_at, seen = clear[-1] if clear else (0.0, Verdict.UNKNOWN)
        if seen is Verdict.PRESENT and seen_at >= ends_at - SECOND_CHECK_HOURS:
            return Verdict.STAYED
        late = self.now - SECOND_CHECK_HOURS >= ends_at
        second = before[1] is Verdict.GONE and self._is_later(before[0])
        return Verdict.UNKNOWN if verdict is Verdict.GONE and late and not second else verdict

    def _is_later(self, at: float) -> bool:
        return at <= self.now - SECOND_CHECK_HOURS

    def _is_dated(self, target: Target, before: tuple[float, Verdict]) -> bool:
        """Return whether an alteration has certainly happened after the previous check.

        `before` has the time and the verdict of the previous check.
        """
        at, was = before
        part = target.hours / max(target.hours // PART_HOURS, 1)
        number = ceil((at - target.sent_at) / part) if part else 0
        latest = min(target.sent_at + part * (number + 1), target.sent_at + target.hours)
        return was is Verdict.PRESENT and self.now <= latest + LATE_HOURS

    def refund_breaches(self) -> int:
        """Fail the posts whose breach no admin has decided in time, and return their number.

        A breach is a promise that the owner did not keep. The money of a failed post can be
        refunded.
        """
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
        """Record a breach for each post in whose channel the bot has had no rights for long.

        A breach is a promise that the owner did not keep. Without rights, the bot cannot check the
        post.
        """
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
        """Let an admin decide about a breach. Return True if no admin has decided about it before.

        A breach is a promise that the owner did not keep. If `refund` is true, the post fails, and
        its money can be refunded. If it is false, the breach does not count, and the owner can be
        paid.
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
        """Cancel the queued posts of blocked advertisers and of cancelled campaigns.

        Returns the number of posts that were cancelled.
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
        """Set a kill switch to running or to stopped. Return True if this is a change.

        A kill switch that is stopped forbids one kind of operation.
        """
        changed = self.switches[key] != enabled
        self.switches[key] = enabled
        return changed

    @staticmethod
    def _owns_claim(target: Target, claim_no: int) -> bool:
        return target.job is Jobs.SENDING and target.claim_no == claim_no
