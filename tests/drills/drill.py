"""Define the parts of a drill: the cause of an incident, its repair, and the checks afterwards."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.drills.report import Report
from tests.drills.world import World


@dataclass(frozen=True)
class Check:
    """A statement about the product after a repair."""

    what: str
    act: Callable[[World], Awaitable[None]]
    """Changes nothing, and raises Unexpected if the statement is false."""


@dataclass(frozen=True)
class Drill:
    """One way of causing an incident of `docs/incidents.toml` and of repairing it.

    In an exercise, a person does what `repair` does, and everything else is the same.
    """

    incident: str
    cause: str
    """The act of `trigger`, in one sentence."""
    trigger: Callable[[World], Awaitable[None]]
    repair: Callable[[World, Report], Awaitable[None]]
    """Runs the parts see, stop and repair of the incident's page, in phases of the report."""
    checks: tuple[Check, ...]
    complaint: str = ""
    """The message of a person to the support, if no alarm reports the incident."""

    async def run(self, world: World, report: Report) -> None:
        """Run all parts. Raises Unexpected at the first one that fails."""
        world.since = await world.group.version()
        async with report.phase("trigger", self.cause):
            await self.trigger(world)
        await self.repair(world, report)
        for check in self.checks:
            async with report.phase("verify", check.what):
                await check.act(world)
