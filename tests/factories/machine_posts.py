"""Define the base class and the post rules of `tests/services/test_state_machine.py`."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.posting import PostJobStatus, Verdict
from services.platform import errors
from services.platform.actors import Actor
from services.posts import manual_resolution, posting, verification
from services.posts.posting import Claim
from tests.factories import one_post, presses, world
from tests.factories.model import MOMENT
from tests.factories.model_posts import RETRY_HOURS
from tests.factories.model_rows import Refused

LEASE = timedelta(hours=1)
START_MINUTE = 10
"""The minute of the hour at which each sequence begins."""
PICK = st.integers(0, 99)
YES = st.booleans()
Act = Callable[[AsyncSession], Awaitable[Any]]


class Machine(RuleBasedStateMachine):
    """The base of the test, which runs operations in the product and in the model."""

    world: world.World

    def __init__(self) -> None:
        super().__init__()
        self.rolled_back = self.world.rolled_back
        self.rolled_back.back()
        self.rolled_back.mark()
        self.model = world.copy(self.world.model)
        self.claims: list[Claim] = []
        # Times ahead are then far from the whole and the half hours of the calendars.
        shift = self.rolled_back.set_minute(START_MINUTE)
        self.model.now += shift
        self.model.begun_at = self.rolled_back.now() - timedelta(hours=self.model.now)

    def both(self, act: Act, expected: Callable[[], Any]) -> Any:
        """Run an operation in the product and in the model, and return both results.

        Returns None if both refuse the operation with the same error.
        """
        real_hours = self.model.hours_of(self.rolled_back.now())
        self.model.now = max(self.model.now + MOMENT, real_hours)
        try:
            expected_result = expected()
        except Refused as refusal:
            fact = refusal.fact
        else:
            return self.rolled_back.do(act), expected_result
        with pytest.raises(errors.DomainError) as refused:
            self.rolled_back.do(act)
        assert type(refused.value) is fact
        return None

    def same(self, act: Act, expected: Callable[[], Any]) -> None:
        """Assert that the product and the model return the same result or the same error."""
        if (answer := self.both(act, expected)) is not None:
            result, expected_result = answer
            assert result == expected_result

    @rule(hours=st.sampled_from([1, 5, 25, 73]))
    def time(self, hours: int) -> None:
        """Move the clocks of the database and of the model forward."""
        self.rolled_back.forward(hours)
        self.model.now += hours

    def person(self, pick: int) -> Actor:
        """Return the person with this index, modulo the number of people."""
        return self.world.people[pick % len(self.world.people)]

    def advertiser(self, campaign_id: int, pick: int) -> Actor:
        """Return the campaign's advertiser, or any person if `pick` is above 90."""
        advertiser_id = self.model.campaigns[campaign_id].advertiser
        advertiser = next(each for each in self.world.people if each.user_id == advertiser_id)
        return self.person(pick) if pick > 90 else advertiser

    def target(self, pick: int) -> int:
        """Return the id of a placement: -1 is the newest, and other indexes are taken modulo."""
        return world.nth(self.model.targets, pick)

    def a_claim(self, pick: int) -> Claim:
        """Return one of all claims made until now, by an index that is taken modulo."""
        return self.claims[pick % len(self.claims)]


class PostRules(Machine):
    """The rules for sends of posts, and for checks of published posts."""

    @rule(over=st.sampled_from([False, False, True]))
    def claim(self, *, over: bool) -> None:
        """Let a worker claim a post. If `over` is true, the lease has already ended."""
        lease = -LEASE if over else LEASE
        answer = self.both(
            lambda session: one_post.claim(session, owner="worker", lease=lease),
            lambda: self.model.claim(lease_over=over),
        )
        claimed, expected_result = answer
        assert (claimed and claimed.target_id) == expected_result
        if claimed is not None:
            assert claimed.claim_no == self.model.targets[expected_result].claim_no
            self.claims.append(claimed)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK)
    def ask(self, pick: int) -> None:
        """Ask for the permission to begin the send of a claimed post."""
        claim = self.a_claim(pick)
        self.same(
            lambda session: one_post.may_send(session, claim),
            lambda: self.model.may_send(claim.target_id, claim.claim_no),
        )

    @precondition(lambda self: self.claims)
    @rule(pick=PICK)
    def sent(self, pick: int) -> None:
        """Record that a claimed post is published."""
        claim = self.a_claim(pick)
        self.same(
            lambda session: one_post.record_published(
                session, claim, message_id=7 + claim.claim_no
            ),
            lambda: self.model.sent(claim.target_id, claim.claim_no),
        )

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, lost=YES)
    def refused(self, pick: int, *, lost: bool) -> None:
        """Record that Telegram refused a claimed post."""
        claim = self.a_claim(pick)
        self.same(
            lambda session: posting.record_refused(session, claim, error="x", rights_lost=lost),
            lambda: self.model.refused(claim.target_id, claim.claim_no, rights_lost=lost),
        )

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, counts=YES)
    def not_sent(self, pick: int, *, counts: bool) -> None:
        """Record that a claimed post was not sent, as a counted or uncounted attempt."""
        claim = self.a_claim(pick)
        retry_after = timedelta(hours=RETRY_HOURS)
        self.same(
            lambda session: posting.record_not_sent(
                session, claim, error="x", counts=counts, retry_after=retry_after
            ),
            lambda: self.model.not_sent(
                claim.target_id, claim.claim_no, claim.attempts, counts=counts
            ),
        )

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, back=YES)
    def give_up(self, pick: int, *, back: bool) -> None:
        """End a claim without a published post.

        If `back` is true, the post is queued again. Otherwise, the post becomes uncertain.
        """
        claim = self.a_claim(pick)
        self.same(
            lambda session: (
                posting.release_claim(session, claim)
                if back
                else posting.record_uncertain(session, claim, error="x")
            ),
            lambda: self.model.end_claim(
                claim.target_id,
                claim.claim_no,
                PostJobStatus.QUEUED if back else PostJobStatus.UNCERTAIN,
            ),
        )

    @precondition(lambda self: any(target.job for target in self.model.targets.values()))
    @rule(pick=PICK, verdict=st.sampled_from([*Verdict, Verdict.PRESENT, Verdict.GONE]))
    def check_post(self, pick: int, verdict: Verdict) -> None:
        """Record the result of a check of a published post."""
        with_job = {key: target for key, target in self.model.targets.items() if target.job}
        target_id = world.nth(with_job, pick)

        async def act(session: AsyncSession) -> None:
            placement = await queries.lock_placement(session, target_id)
            assert placement is not None
            assert placement.job is not None
            await verification.record_check(
                session, job_id=placement.job.id, verdict=verdict, evidence="x"
            )

        self.both(act, lambda: self.model.check_post(target_id, verdict))

    @precondition(lambda self: any(target.job for target in self.model.targets.values()))
    @rule(pick=PICK, refund=YES)
    def decide_breach(self, pick: int, *, refund: bool) -> None:
        """Let an admin decide whether a breach leads to a refund."""
        broken = {
            key: target
            for key, target in self.model.targets.items()
            if target.breach_refund_at is not None
        }
        if not broken:
            return
        target_id = world.nth(broken, pick)
        decide = manual_resolution.decide_refund if refund else manual_resolution.dismiss_breach
        claim_no = self.model.targets[target_id].claim_no

        async def act(session: AsyncSession) -> bool:
            actor = await presses.decide_post(
                session, self.world.moderator, "dismiss_sure", target_id, claim_no
            )
            return await decide(session, actor=actor, target_id=target_id, claim_no=claim_no)

        self.same(act, lambda: self.model.decide_breach(target_id, refund=refund))
