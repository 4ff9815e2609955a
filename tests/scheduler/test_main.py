"""Test the process `python -m scheduler` if it is stopped, killed or paused during a send."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.sandbox.raw_world import BOT_TOKEN
from tests.scheduler.scene import NO_REDIS, Scene

pytestmark = pytest.mark.slow_process

STATUS_SECONDS = 120
TAKEOVER_SECONDS = 45
"""The longest allowed time until another worker takes over a post, in seconds."""

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
async def start(scene: Scene, tmp_path: Path) -> AsyncIterator[Start]:
    """Yield a function that starts a scheduler process."""
    running: list[subprocess.Popen[bytes]] = []

    def run(**settings: str) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.defpath,
            "BOT_TOKEN": BOT_TOKEN,
            "BOT_API_URL": scene.world.url,
            "ADMIN_CHAT_ID": str(scene.world.ids["group"]),
            "DATABASE_URL": scene.database.url,
            "REDIS_URL": NO_REDIS,
            "ENVIRONMENT": "development",
        }
        with (tmp_path / "scheduler.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "scheduler"],
                cwd=ROOT,
                env=environment | settings,
                stderr=log,
            )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait until a process has ended, and return its exit status."""
    return await asyncio.wait_for(asyncio.to_thread(process.wait), STATUS_SECONDS)


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


async def test_the_scheduler_posts_pays_and_stops_on_sigterm(scene: Scene, start: Start) -> None:
    target_id = await scene.approve()
    process = start()
    for _ in range(STATUS_SECONDS * 10):
        if (await scene.job(target_id))["target"] == "posted":
            break
        await asyncio.sleep(0.1)
    [beat] = await scene.rows("SELECT name FROM heartbeats WHERE beat_at > now() - interval '9 s'")
    assert beat["name"] == "scheduler"
    process.send_signal(signal.SIGTERM)
    assert await ended(process) == 0
    assert (await scene.job(target_id))["target"] == "posted"
    assert len(await scene.published()) == 1


async def test_a_stop_waits_for_a_send_under_way(scene: Scene, start: Start) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "slow", chat_id=scene.world.ids["channel"], delay_s=2)
    process = start(POST_LEASE="20")
    await until_arrived(scene)
    process.send_signal(signal.SIGTERM)
    assert await ended(process) == 0
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
    scene: Scene, start: Start
) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "slow", chat_id=scene.world.ids["channel"], delay_s=0.5)
    killed = start(POST_LEASE="3")
    await until_arrived(scene)
    killed.send_signal(signal.SIGKILL)
    await ended(killed)
    successor = start(POST_LEASE="3")
    await until_paid(scene, target_id)
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"]) == ("success", 0)
    assert len(await scene.published()) == 1
    assert successor.poll() is None


async def test_the_post_of_a_dead_worker_is_taken_over_in_time(scene: Scene, start: Start) -> None:
    successor = start()
    await until_alive(scene)
    successor.send_signal(signal.SIGSTOP)  # it claims no post before the other process
    target_id = await scene.approve()
    await scene.fault("sendMessage", "timeout_before", chat_id=scene.world.ids["channel"])
    killed = start()
    await until_arrived(scene)
    killed.send_signal(signal.SIGKILL)
    await ended(killed)
    died = time.monotonic()
    successor.send_signal(signal.SIGCONT)
    await until_taken_over(scene, target_id)
    assert time.monotonic() - died < TAKEOVER_SECONDS
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("uncertain", "held")
    assert await scene.published() == []


async def test_a_worker_paused_past_its_lease_changes_nothing(scene: Scene, start: Start) -> None:
    target_id = await scene.approve()
    await scene.fault("sendMessage", "slow", chat_id=scene.world.ids["channel"], delay_s=1)
    paused = start(POST_LEASE="4")
    await until_arrived(scene)
    paused.send_signal(signal.SIGSTOP)
    other = start(POST_LEASE="4")
    await until_paid(scene, target_id)
    before = await scene.rows("SELECT * FROM post_jobs")
    paused.send_signal(signal.SIGCONT)
    await asyncio.sleep(3)
    assert await scene.rows("SELECT * FROM post_jobs") == before
    assert len(await scene.published()) == 1
    assert paused.poll() is None
    assert other.poll() is None


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
