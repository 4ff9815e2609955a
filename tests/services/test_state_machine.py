"""Run random sequences of operations, and compare the product with a model after each step.

ADTECH_STATE_MACHINE=long runs 5,000 sequences instead of 200. ADTECH_STATE_MACHINE_SEED repeats the
sequences of an earlier seed.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import ChannelStatus
from db.models.money import EscrowStatus
from db.models.operations import Switch
from db.models.posting import PostJobStatus, Verdict
from db.models.users import Role
from sandbox import embedded
from services.market import (
    campaigns,
    channels,
    moderation,
    placement_expiry,
    staff_requests,
    user_blocks,
)
from services.money import deposits, escrow, stuck_escrows
from services.platform import killswitches
from services.platform.actors import Actor
from services.posts import breaches, rescue, uncertain_posts
from tests.conftest import ROLLED_BACK
from tests.factories import (
    machine_agreements,
    machine_calendars,
    machine_cancellations,
    machine_complaints,
    machine_corrections,
    machine_posts,
    rows,
    world,
)
from tests.factories.books import RolledBackSteps
from tests.factories.machine_agreements import MOSTLY
from tests.factories.machine_posts import PICK, YES, Act
from tests.factories.model_money import MoneyModel

LONG = os.environ.get("ADTECH_STATE_MACHINE") == "long"
EXAMPLES = int(os.environ.get("ADTECH_STATE_MACHINE_EXAMPLES", "5000" if LONG else "120"))
STEPS = 50 if LONG else 20


async def escalate(session: AsyncSession) -> None:
    """Ask the admins to decide about posts whose state is unclear for too long."""
    await uncertain_posts.escalate_due(session, limit=99)


class Marketplace(
    machine_posts.PostRules,
    machine_agreements.AgreementRules,
    machine_complaints.ComplaintRules,
    machine_cancellations.CancellationRules,
    machine_calendars.CalendarRules,
    machine_corrections.CorrectionRules,
):
    """Random operations that run in the product and in the model."""

    # -- the usual steps of a placement -----------------------------------------------------------

    @initialize(numbers=st.lists(st.integers(0, 6), min_size=2, max_size=4))
    def begin(self, numbers: list[int]) -> None:
        """Submit one placement for each number in `numbers`, and do that number of steps."""
        for index, number in enumerate(numbers):
            self.submit(0, index, index // 2, 1 + number % 3, 1_000)
            self.go_on(-1, number)

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, steps=st.integers(1, 5))
    def go_on(self, pick: int, steps: int) -> None:
        """Do the next usual steps of a placement."""
        target_id = self.target(pick)
        for _ in range(steps):
            self.next_step(target_id)
            self.books_agree()

    def next_step(self, target_id: int) -> None:
        """Do the next usual step of a placement, for example the approval."""
        target, index = self.model.targets[target_id], list(self.model.targets).index(target_id)
        mine = [number for number, one in enumerate(self.claims) if one.target_id == target_id]
        if target.job is PostJobStatus.QUEUED:
            if target.due_at > self.model.now:
                self.time(25)
            self.claim(over=False)
        elif target.job is PostJobStatus.SENDING:
            self.sent(mine[-1])
        elif target.job is PostJobStatus.SUCCESS and target.escrow is EscrowStatus.HELD:
            if target.release_due_at is not None and target.release_due_at > self.model.now:
                self.time(25)
            elif target.open_complaint is not None:
                complained = self.model.complained()
                self.settle_complaint(complained.index(target_id), 50)
            elif target.looks or not target.hours:
                self.release(index)
            else:
                with_job = [key for key, one in self.model.targets.items() if one.job]
                self.check_post(with_job.index(target_id), Verdict.PRESENT)
        elif target.job in {PostJobStatus.FAILED, PostJobStatus.CANCELLED}:
            self.refund(index)
        elif target.accepted is None:
            self.answer(index, 0, accepts=True)
        else:
            self.decide(index, 0, first=True)

    @precondition(lambda self: self.model.complained())
    @rule(pick=PICK, lose_again=YES)
    def lose_and_publish_again(self, pick: int, *, lose_again: bool) -> None:
        """Let a post of a complaint be removed, published again, and perhaps be removed again."""
        found = self.model.complained()
        target_id = found[pick % len(found)]
        with_job = [key for key, one in self.model.targets.items() if one.job]
        for _ in range(1 + lose_again):
            for _check in range(2):
                self.check_post(with_job.index(target_id), Verdict.GONE)
                self.time(1)
            self.publish_again(found.index(target_id), other=False)
            self.books_agree()
            self.next_step(target_id)
            self.next_step(target_id)
            self.books_agree()

    # -- placements and their money ---------------------------------------------------------------

    @rule(who=PICK, campaign=PICK, channel=PICK, publish=PICK, fee=st.sampled_from([0, 333, 1_000]))
    def submit(self, who: int, campaign: int, channel: int, publish: int, fee: int) -> None:
        """Submit a placement."""
        publish_in = {0: -1.0, 1: 2.5, 2: 30.5}.get(publish % 8)
        campaign_id, channel_id = (
            world.nth(self.model.campaigns, campaign),
            world.nth(self.model.channels, channel),
        )
        actor = self.advertiser(campaign_id, who)

        async def act(session: AsyncSession) -> int:
            at = await queries.now(session)
            made = await campaigns.submit_target(
                session,
                actor=actor,
                campaign_id=campaign_id,
                channel_id=channel_id,
                publish_at=None if publish_in is None else at + timedelta(hours=publish_in),
                fee_bps=fee,
            )
            return made.id

        answer = self.both(
            act,
            lambda: self.model.submit(
                world.user_id(actor), campaign_id, channel_id, publish_in, fee
            ),
        )
        if answer is not None:
            self.model.targets[answer[0]] = answer[1]

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, who=PICK, first=MOSTLY, seen=MOSTLY)
    def decide(self, pick: int, who: int, *, first: bool, seen: bool = True) -> None:
        """Approve or reject a placement, in the present version or in the one before."""
        target_id = self.target(pick)
        target = self.model.targets[target_id]
        version = target.version - (not seen)
        actor = self.world.moderator
        if who > 90:
            plain = self.person(who)
            actor = Actor(plain.user_id, frozenset({Role.ADMIN}), in_admin_chat=who % 2 == 0)
        involved = actor.user_id in {
            target.owner,
            self.model.campaigns[target.campaign].advertiser,
        }
        staff = actor.in_admin_chat

        async def act(session: AsyncSession) -> bool:
            if first:
                done = await moderation.approve(
                    session, actor=actor, target_id=target_id, version=version
                )
            else:
                done = await moderation.reject(
                    session, actor=actor, target_id=target_id, reason="no", version=version
                )
            return done.created

        wanted = self.model.approve if first else self.model.reject
        self.same(act, lambda: wanted(target_id, version, staff=staff, involved=involved))

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, who=PICK)
    def withdraw(self, pick: int, who: int) -> None:
        """Withdraw a placement."""
        target_id = self.target(pick)
        actor = self.advertiser(self.model.targets[target_id].campaign, who)
        self.both(
            lambda session: campaigns.withdraw_target(session, actor=actor, target_id=target_id),
            lambda: self.model.withdraw(world.user_id(actor), target_id),
        )

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK)
    def hold(self, pick: int) -> None:
        """Move the price of a placement into an escrow."""
        target_id = self.target(pick)
        self.both(
            lambda session: escrow.hold(session, target_id=target_id),
            lambda: self.model.hold(target_id),
        )

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK, channel=PICK, new=YES)
    def buy_after_a_reversal(self, pick: int, channel: int, *, new: bool) -> None:
        """Reverse an advertiser's first payment, unblock and pay again, and then go on to buy."""
        campaign_id = self.model.targets[self.target(pick)].campaign
        buyer = self.model.campaigns[campaign_id].advertiser
        key = f"start-{buyer}"
        self.take_back(key, buyer, self.model.deposits[key].amount)
        self.both(
            lambda session: user_blocks.unblock(
                session, actor=self.world.moderator, user_id=buyer, reason="a reason"
            ),
            lambda: self.model.unblock(buyer),
        )
        people = [world.user_id(person) for person in self.world.people]
        self.deposit(people.index(buyer), 3_000, f"again-{len(self.model.deposits)}")
        if new:
            self.submit(0, list(self.model.campaigns).index(campaign_id), channel, 3, 0)
        else:
            self.decide(pick, 0, first=True)

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        """Pay the owner and the platform from the escrow of a placement."""
        target_id = self.target(pick)
        self.both(
            lambda session: escrow.release(session, target_id=target_id),
            lambda: self.model.release(target_id),
        )

    @precondition(lambda self: self.model.targets)
    @rule(pick=PICK)
    def refund(self, pick: int) -> None:
        """Refund the escrow of a placement."""
        target_id = self.target(pick)
        self.both(
            lambda session: escrow.refund(session, target_id=target_id),
            lambda: self.model.refund(target_id),
        )

    # -- campaigns, channels and switches ----------------------------------------------------------

    @rule(
        campaign=PICK,
        who=PICK,
        verb=st.sampled_from(["activate", "pause", "resume", "resume", "cancel"]),
    )
    def campaign(self, campaign: int, who: int, verb: str) -> None:
        """Activate, pause, resume or cancel a campaign."""
        campaign_id = world.nth(self.model.campaigns, campaign)
        actor = self.advertiser(campaign_id, who)
        self.both(
            lambda session: getattr(campaigns, verb)(session, actor=actor, campaign_id=campaign_id),
            lambda: getattr(self.model, verb)(world.user_id(actor), campaign_id),
        )

    @rule(channel=PICK, who=PICK, paused=YES)
    def channel(self, channel: int, who: int, *, paused: bool) -> None:
        """Pause or resume a channel."""
        channel_id = world.nth(self.model.channels, channel)
        actor = self.person(who)
        wanted = ChannelStatus.PAUSED if paused else ChannelStatus.ACTIVE
        verb = channels.pause if paused else channels.resume
        self.both(
            lambda session: verb(session, actor=actor, channel_id=channel_id),
            lambda: self.model.move_channel(world.user_id(actor), channel_id, wanted),
        )

    @rule(channel=PICK, lost=YES)
    def rights(self, channel: int, *, lost: bool) -> None:
        """Remove or restore the bot's right to post in a channel."""
        channel_id = world.nth(self.model.channels, channel)
        missed = (
            "SELECT campaign_target_id FROM post_checks c JOIN post_jobs j ON j.id = c.post_job_id"
            " WHERE c.id > :last ORDER BY c.id"
        )

        async def act(session: AsyncSession) -> list[int]:
            last = await rows.one(session, "SELECT coalesce(max(id), 0) FROM post_checks")
            chat_id = (await channels.get(session, channel_id)).chat_id
            if lost:
                await channels.record_rights_lost(
                    session, chat_id=chat_id, reason="posting_refused"
                )
            else:
                await channels.record_rights_restored(session, chat_id=chat_id)
            return [row[0] for row in await rows.table(session, missed, last=last)]

        answer = self.both(act, lambda: self.model.rights(channel_id, lost=lost))
        # The times of checks are random, so the product says which of them were missed.
        for target_id in answer[0] if answer else []:
            self.model.miss_check(target_id)

    @rule(key=st.sampled_from(list(Switch)), enabled=MOSTLY)
    def switch(self, key: Switch, *, enabled: bool) -> None:
        """Set a kill switch to running or to stopped."""

        async def act(session: AsyncSession) -> bool:
            done = await killswitches.set(
                session, actor=self.world.operator, key=key, enabled=enabled, reason="test"
            )
            return done.changed

        self.same(act, lambda: self.model.switch(key, enabled=enabled))

    @rule(
        tick=st.sampled_from(
            [
                (deposits.credit_due, MoneyModel.credit_due),
                (placement_expiry.expire_targets, MoneyModel.expire),
                (stuck_escrows.refund_stuck_escrows, MoneyModel.watchdog),
                (rescue.rescue_abandoned, MoneyModel.rescue),
                (rescue.cancel_unwanted, MoneyModel.cancel_unwanted),
                (escalate, MoneyModel.escalate),
                (partial(breaches.refund_due, limit=9), MoneyModel.refund_breaches),
                (partial(staff_requests.drop_ended, limit=99), MoneyModel.drop_ended),
            ]
        )
    )
    def tick(self, tick: tuple[Act, Callable[[MoneyModel], int | None]]) -> None:
        """Run one periodic function of the scheduler."""
        service, wanted = tick
        self.same(service, lambda: wanted(self.model))

    @invariant()
    def books_agree(self) -> None:
        """Assert that the product has the model's data and violates no invariant."""
        books = self.rolled_back.books()
        kept = books.pop("kept")
        assert books == world.books(self.model)
        self.kept_times_agree(kept)


@pytest.fixture
def rolled_back(server: embedded.Postgres, rolled_back_url: str) -> Iterator[RolledBackSteps]:
    """Yield a database connection with a movable clock, and roll back all changes."""
    assert ROLLED_BACK in rolled_back_url
    rolled_back = RolledBackSteps(server.dsn(embedded.SUPERUSER, ROLLED_BACK))
    yield rolled_back
    rolled_back.end()


def test_no_rule_replaces_a_rule_of_another_class() -> None:
    classes = Marketplace.__mro__[: Marketplace.__mro__.index(machine_posts.Machine) + 1]
    names = Counter(name for each in classes for name in vars(each) if not name.startswith("_"))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.longest
def test_the_product_agrees_with_the_model(rolled_back: RolledBackSteps) -> None:
    chosen = os.environ.get("ADTECH_STATE_MACHINE_SEED")
    number = int(chosen) if chosen else random.randrange(2**32) if LONG else 0
    print(f"ADTECH_STATE_MACHINE_SEED={number}")  # noqa: T201 - to run the same examples again
    Marketplace.world = world.World(rolled_back)
    rolled_back.mark()
    run_state_machine_as_test(
        seed(number)(Marketplace),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
