"""Test that two processes do not check the same post at the same time."""

import asyncio
from datetime import timedelta

from scheduler import post_checks
from tests.scheduler.scene import Scene


async def check_posts(scene: Scene) -> None:
    worker = scene.posting_worker()
    await post_checks.check_due_posts(
        scene.database.sessions, worker.sender, worker.limiter, worker.stopping
    )


async def test_a_check_that_waited_too_long_is_left_to_another_process(scene: Scene) -> None:
    for _ in range(post_checks.AT_ONCE + 1):
        await scene.approve(promised_hours=24, channel_id=await scene.another_channel())
        await scene.dispatch()
    await scene.database.as_owner("UPDATE post_jobs SET next_check_at = clock()")
    await scene.fault("editMessageReplyMarkup", "slow", times=post_checks.AT_ONCE, delay_s=3)
    slow = asyncio.create_task(check_posts(scene))
    await asyncio.sleep(1)
    await scene.database.forward(timedelta(minutes=6))
    await check_posts(scene)
    await slow
    counts = "SELECT count(*) AS checks FROM post_checks GROUP BY post_job_id ORDER BY 1"
    # Only the checks that were under way are made twice, and their first claims are "unknown".
    assert [row["checks"] for row in await scene.rows(counts)] == [2, 3, 3, 3, 3]
