"""Walk through the launch with the product's services, and prepare each check like the staff do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from bot.operator_callbacks import LaunchAct, OnLaunch
from db.models.operations import Switch
from db.models.users import Role
from db.session import Sessions
from services.launch import attempts, gate, rollback_limits, steps
from services.launch.checks import Facts
from services.launch.gate import Launch
from services.launch.steps import Step
from services.market import campaigns
from services.money import escrow, incidents
from services.platform import heartbeats, killswitches
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import one_post, people, presses
from tests.factories.people import Deal

FACTS = Facts(
    api_status=200,
    api_problems="",
    revision="0001",
    amount=people.PRICE,
    watch=timedelta(minutes=30),
    sla=timedelta(hours=24),
    limits=rollback_limits.DEFAULTS,
)


@dataclass
class Walk:
    """A launch in a fresh database, with an operator who checks it."""

    database: Database
    operator: Actor
    facts: Facts = FACTS
    deals: list[Deal] = field(default_factory=list)
    bot_sessions: Sessions | None = None
    """The sessions that check and sign, or None for those of the database."""

    async def read(self) -> Launch:
        """Return the state of the launch."""
        async with self.database.sessions.begin() as session:
            return await gate.read(session)

    async def digests(self) -> attempts.Digests:
        """Return the digests of the tables that no check changes."""
        async with self.database.sessions.begin() as session:
            return await attempts.digests(session)

    async def go_on(self, phase: int) -> Launch:
        """Let the operator press the button that checks a phase again, or that begins it."""
        begun = (await self.read()).phase
        begins = begun is None or begun < phase
        async with self.database.sessions.begin() as session:
            data = OnLaunch(act=LaunchAct.NEXT if begins else LaunchAct.CHECK, phase=phase).pack()
            pressed = await presses.press(session, self.operator, data)
        async with (self.bot_sessions or self.database.sessions).begin() as session:
            if begins:
                return await gate.begin_phase(session, actor=pressed, phase=phase, facts=self.facts)
            return await gate.check(session, actor=pressed, facts=self.facts)

    async def prepare(self, step: Step) -> None:
        """Do what the staff do before a check, if there is something to do."""
        if step.switch is not None:
            await self.set_switch(step.switch.value, enabled=True)
        elif (act := PREPARE.get(step.name)) is not None:
            await act(self)

    async def set_switch(self, key: str, *, enabled: bool) -> None:
        """Let the operator run or stop a switch."""
        async with self.database.sessions.begin() as session:
            await killswitches.set(
                session,
                actor=self.operator,
                key=Switch(key),
                enabled=enabled,
                reason="launch",
            )

    async def pass_step(self, step: Step) -> None:
        """Prepare a check, and let it pass, unless it has passed already."""
        state = next(s for s in (await self.read()).states if s.step == step)
        if not state.passed:
            await self.prepare(step)
            await self.go_on(step.phase)

    async def pass_all(self, *, before: Step | None = None) -> None:
        """Let all checks pass, or only those before a check."""
        for step in steps.STEPS:
            if step == before or step.phase == steps.SIGN_OFF:
                break
            await self.pass_step(step)

    async def sign(self, role: str, who: Actor) -> Launch:
        """Let a person press the confirmation of a signature."""
        async with self.database.sessions.begin() as session:
            pressed = await presses.press(session, who, f"launch_sign:{role}")
        async with (self.bot_sessions or self.database.sessions).begin() as session:
            return await gate.sign(session, actor=pressed, role=role)

    async def sign_all(self) -> None:
        """Let three new operators sign."""
        for role in steps.SIGNERS:
            async with self.database.sessions.begin() as session:
                who = await people.staff(session, Role.OPERATOR)
            await self.sign(role, who)

    async def beat(self) -> None:
        """Let a scheduler show that it is alive."""
        async with self.database.sessions.begin() as session:
            await heartbeats.beat(session, owner="scheduler-1", name="scheduler")

    async def submit(self) -> None:
        """Let an advertiser buy a placement without promised hours."""
        async with self.database.sessions.begin() as session:
            self.deals.append(await people.deal(session, promised_hours=0))

    async def approve(self) -> None:
        """Let a moderator approve the newest placement."""
        async with self.database.sessions.begin() as session:
            await people.approve(session, self.deals[-1])

    async def publish(self) -> None:
        """Let a scheduler publish the post."""
        async with self.database.sessions.begin() as session:
            claim = await people.claimed(session)
            assert await one_post.record_published(session, claim, message_id=10)

    async def release(self) -> None:
        """Let the scheduler pay the owner of the channel."""
        async with self.database.sessions.begin() as session:
            await escrow.release(session, target_id=self.deals[-1].target.id)

    async def cancel(self) -> None:
        """Let the advertiser cancel the campaign of the newest placement."""
        made = self.deals[-1]
        async with self.database.sessions.begin() as session:
            await campaigns.cancel(session, actor=made.advertiser, campaign_id=made.campaign.id)

    async def refund(self) -> None:
        """Let the scheduler refund the newest placement."""
        async with self.database.sessions.begin() as session:
            await escrow.refund(session, target_id=self.deals[-1].target.id)

    async def cancel_and_refund(self) -> None:
        """Cancel and refund the newest placement, and forget it."""
        await self.cancel()
        await self.refund()
        self.deals.pop()

    async def watch(self) -> None:
        """Let half an hour pass, and check the ledger once."""
        await self.database.forward(self.facts.watch)
        async with self.database.sessions.begin() as session:
            assert await incidents.check_ledger_invariant(session) == []

    def without(self, **facts: Any) -> Callable[[], Awaitable[None]]:
        """Change facts, and return a function that puts the former ones back."""
        before = self.facts
        self.facts = replace(self.facts, **facts)

        async def undo() -> None:
            self.facts = before

        return undo


PREPARE: Mapping[str, Callable[[Walk], Awaitable[None]]] = {
    "processes_alive": Walk.beat,
    "test_placement": Walk.submit,
    "one_escrow_held": Walk.approve,
    "post_processed": Walk.publish,
    "payout_made": Walk.release,
    "watched": Walk.watch,
}
"""The act of the staff or of the scheduler before a check, by the check's name."""


async def start(database: Database) -> Walk:
    """Return a launch in a database whose switches are stopped."""
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
    return Walk(database, operator)
