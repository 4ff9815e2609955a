"""Test the process `python -m scheduler` if it is stopped, killed or paused during a send."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest

from sandbox.telegram import ports
from tests.chaos.schedulers import ForkServerClient, Scheduler, run_fork_server
from tests.conftest import ROOT
from tests.sandbox.telegram.raw_world import BOT_TOKEN
from tests.scheduler.scene import NO_REDIS, Scene

pytestmark = pytest.mark.mostly_waits

STATUS_SECONDS = 120
TAKEOVER_SECONDS = 45
"""The longest allowed time until another worker takes over a post, in seconds."""


@pytest.fixture(scope="module")
async def fork_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ForkServerClient]:
    """Run a process that has imported the scheduler, and yield its client."""
    async with run_fork_server(tmp_path_factory.mktemp("schedulers")) as client:
        yield client


@dataclass(frozen=True)
class Schedulers:
    """A starter of schedulers for one scene, which stops them at the end of the test."""

    scene: Scene
    fork_server: ForkServerClient
    started: list[Scheduler] = field(default_factory=list)

    def start(self, **settings: str) -> Scheduler:
        """Fork a scheduler. This takes a tenth of the time of `python -m scheduler`."""
        self.started.append(self.fork_server.start(environment(self.scene) | settings))
        return self.started[-1]

    def send(self, scheduler: Scheduler, number: int) -> None:
        """Send a signal to a running scheduler."""
        assert scheduler.pid
        # The fork server would send the signal a moment later, and by then the send may be over.
        os.kill(scheduler.pid, number)

    async def end(self, scheduler: Scheduler, number: int) -> None:
        """Send a signal to a running scheduler, and wait for its end."""
        self.send(scheduler, number)
        await asyncio.wait_for(scheduler.ended.wait(), STATUS_SECONDS)


@pytest.fixture
async def schedulers(scene: Scene, fork_server: ForkServerClient) -> AsyncIterator[Schedulers]:
    """Yield a starter of schedulers."""
    schedulers = Schedulers(scene, fork_server)
    yield schedulers
    for scheduler in schedulers.started:
        if not scheduler.ended.is_set():
            await fork_server.stop(scheduler, signal.SIGKILL)


def environment(scene: Scene) -> dict[str, str]:
    """Return the environment variables of a scheduler."""
    return {
        "PATH": os.defpath,
        "BOT_TOKEN": BOT_TOKEN,
        "BOT_API_URL": scene.world.url,
        "ADMIN_CHAT_ID": str(scene.world.ids["group"]),
        "DATABASE_URL": scene.database.url,
        "REDIS_URL": NO_REDIS,
        "ENVIRONMENT": "development",
    }


async def until_alive(scene: Scene) -> None:
    """Wait until a scheduler has written its first heartbeat."""
    for _ in range(STATUS_SECONDS * 10):
        if await scene.rows("SELECT name FROM heartbeats"):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("no scheduler works")


async def until_arrived(scene: Scene) -> None:
    """Wait until the sandbox has received the request that will fail."""
    for _ in range(STATUS_SECONDS * 50):
        if not (await scene.world.see("state"))["faults"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nothing was sent")


async def test_the_scheduler_posts_pays_and_stops_on_sigterm(scene: Scene) -> None:
    target_id = await scene.approve()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scheduler"), cwd=ROOT, env=environment(scene)
    )
    try:
        await until_paid(scene, target_id)
        [beat] = await scene.rows(
            "SELECT name FROM heartbeats WHERE beat_at > now() - interval '9 s'"
        )
        assert beat["name"] == "scheduler"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), STATUS_SECONDS) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (await scene.job(target_id))["target"] == "posted"
    assert len(await scene.published()) == 1


async def test_the_scheduler_serves_health_and_metrics(scene: Scene) -> None:
    port = ports.free(0)
    url = f"http://127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scheduler"),
        cwd=ROOT,
        env=environment(scene) | {"SCHEDULER_HTTP_PORT": str(port)},
    )
    try:
        await until_alive(scene)
        async with aiohttp.ClientSession() as client:
            async with client.get(f"{url}/api/health/live") as response:
                assert await response.json() == {"ok": True}
            async with client.get(f"{url}/api/health/ready") as response:
                facts = await response.json()
                assert (response.status, facts["scheduler"], facts["bot"]) == (200, True, False)
            async with asyncio.timeout(STATUS_SECONDS):
                while True:
                    async with client.get(f"{url}/metrics") as response:
                        shown = await response.text()
                    if 'adtech_switch_running{switch="payouts"} 1.0' in shown:
                        break
                    await asyncio.sleep(0.2)
            assert 'adtech_tick_seconds_count{tick="alerts"}' in shown
            assert 'adtech_database_pool_connections{pool="clock",state="in_use"}' in shown
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), STATUS_SECONDS) == 0


async def test_a_stop_waits_for_a_send_under_way(scene: Scene, schedulers: Schedulers) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "slow", chat_id=scene.world.ids["channel"], delay_s=2)
    scheduler = schedulers.start(POST_LEASE="20")
    await until_arrived(scene)
    await schedulers.end(scheduler, signal.SIGTERM)
    assert scheduler.status == 0
    assert (await scene.job(target_id))["status"] == "success"
    assert len(await scene.published()) == 1


async def until_taken_over(scene: Scene, target_id: int) -> None:
    """Wait until another worker has taken over the post of a dead worker."""
    for _ in range(STATUS_SECONDS * 20):
        if (await scene.job(target_id))["status"] != "sending":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("nobody took it over")


async def until_paid(scene: Scene, target_id: int) -> None:
    for _ in range(STATUS_SECONDS * 10):
        if (await scene.job(target_id))["target"] == "posted":
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"never paid: {await scene.job(target_id)}")


async def test_a_post_whose_worker_was_killed_is_found_and_not_sent_again(
    scene: Scene, schedulers: Schedulers
) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "slow", chat_id=scene.world.ids["channel"], delay_s=0.5)
    killed = schedulers.start(POST_LEASE="3")
    await until_arrived(scene)
    await schedulers.end(killed, signal.SIGKILL)
    successor = schedulers.start(POST_LEASE="3")
    await until_paid(scene, target_id)
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"]) == ("success", 0)
    assert len(await scene.published()) == 1
    assert not successor.ended.is_set()


async def test_the_post_of_a_dead_worker_is_taken_over_in_time(
    scene: Scene, schedulers: Schedulers
) -> None:
    successor = schedulers.start()
    await until_alive(scene)
    schedulers.send(successor, signal.SIGSTOP)  # it claims no post before the other process
    target_id = await scene.approve()
    await scene.fault("sendMessage", "timeout_before", chat_id=scene.world.ids["channel"])
    killed = schedulers.start()
    await until_arrived(scene)
    await schedulers.end(killed, signal.SIGKILL)
    died = time.monotonic()
    schedulers.send(successor, signal.SIGCONT)
    await until_taken_over(scene, target_id)
    assert time.monotonic() - died < TAKEOVER_SECONDS
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("uncertain", "held")
    assert await scene.published() == []


async def test_a_worker_paused_past_its_lease_changes_nothing(
    scene: Scene, schedulers: Schedulers
) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "slow", chat_id=scene.world.ids["channel"], delay_s=1)
    paused = schedulers.start(POST_LEASE="4")
    await until_arrived(scene)
    schedulers.send(paused, signal.SIGSTOP)
    other = schedulers.start(POST_LEASE="4")
    await until_paid(scene, target_id)
    before = await scene.rows("SELECT * FROM post_jobs")
    schedulers.send(paused, signal.SIGCONT)
    await asyncio.sleep(3)
    assert await scene.rows("SELECT * FROM post_jobs") == before
    assert len(await scene.published()) == 1
    assert not paused.ended.is_set()
    assert not other.ended.is_set()


def test_a_missing_setting_is_one_line_and_exit_2() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "scheduler"],
        cwd=ROOT,
        env={"PATH": os.defpath, "BOT_TOKEN": BOT_TOKEN, "ADMIN_CHAT_ID": "-1005"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "DATABASE_URL" in ended.stderr
