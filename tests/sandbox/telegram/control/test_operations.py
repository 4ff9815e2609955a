"""Test that the control API moves the clock, and kills and starts processes."""

from pathlib import Path

from tests.sandbox.telegram.raw_world import SandboxClient, begin


class Supervised:
    """A stand-in for the supervisor. It starts no process."""

    def __init__(self) -> None:
        self.running = {"bot": 10, "scheduler": 11}

    async def kill(self, name: str, signal: int) -> None:
        """Forget a process."""
        assert signal == 9
        del self.running[name]

    async def start(self, name: str) -> None:
        """Record a new process id."""
        if name not in {"bot", "scheduler"}:
            raise KeyError(name)
        self.running[name] = 12

    def pids(self) -> dict[str, int]:
        """Return the recorded process ids."""
        return self.running


async def test_clock_moves_telegram_and_the_database_together(tmp_path: Path) -> None:
    moved: list[float] = []

    async def move(seconds: float) -> float:
        moved.append(seconds)
        return sum(moved)

    async with begin(tmp_path, move_clock=move) as world:
        await world.populate()
        before = await world.call("sendMessage", chat_id=world.ids["channel"], text="a")
        await world.control("clock", seconds=3600)
        answered = await world.control("clock", seconds=0.5)
        assert answered["clock_shift"] == 3600.5
        after = await world.call("sendMessage", chat_id=world.ids["channel"], text="a")
        assert 3600 <= after["date"] - before["date"] < 3660
        assert "forward" in (await world.control("clock", 400, seconds=-1))["error"]
    assert moved == [3600.0, 0.5]


async def test_processes_are_killed_and_started(tmp_path: Path) -> None:
    async with begin(tmp_path, processes=Supervised()) as world:
        assert (await world.control("processes/bot/kill"))["processes"] == {"scheduler": 11}
        started = await world.control("processes/bot/start")
        assert started["processes"] == {"bot": 12, "scheduler": 11}
        await world.control("processes/nothing/kill", 404)
        await world.control("processes/bot/kill", 400, signal=0)


async def test_requests_without_clock_or_processes_are_refused(world: SandboxClient) -> None:
    await world.control("clock", 409, seconds=1)
    await world.control("processes/bot/kill", 409)
