"""What is taken when, and many posts in one transaction."""

import asyncio
import time

import pytest

from bot.telegram.sender import NotSent, Sent
from scheduler import dispatch, watchdogs
from services.market.creatives import Creative
from tests.scheduler.scene import Scene


async def test_a_post_that_is_due_before_the_next_tick_is_waited_for(scene: Scene) -> None:
    soon = await scene.approve()
    later = await scene.approve(channel_id=await scene.another_channel())
    await scene.database.as_owner(
        "UPDATE post_jobs SET due_at = clock() + interval '1 s' * "
        "CASE campaign_target_id WHEN $1 THEN 0.2 ELSE 5 END",
        soon,
    )
    await scene.dispatch()
    assert (await scene.job(soon))["status"] == "success"
    assert (await scene.job(later))["claim_no"] == 0
    [posted] = await scene.rows(
        "SELECT sent_at >= due_at AS waited FROM post_jobs WHERE status = 'success'"
    )
    assert posted["waited"]


async def test_posts_that_cannot_be_recorded_together_are_recorded_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel_ids = [scene.channel_id] + [await scene.another_channel() for _ in range(3)]
    target_ids = [await scene.approve(channel_id=channel_id) for channel_id in channel_ids]
    [last] = await scene.rows("SELECT max(id) AS id FROM post_jobs")
    await scene.database.as_owner(
        "ALTER TABLE post_jobs ADD CONSTRAINT poison "
        f"CHECK (status <> 'success' OR id <> {last['id']})"
    )
    monkeypatch.setattr(dispatch, "RECORD_RETRY_SECONDS", 0.05)
    desk = scene.desk(lease=3, seconds=1)
    await scene.dispatch(desk)
    assert len(await scene.published()) == len(target_ids)
    found = [(await scene.job(target_id))["status"] for target_id in target_ids]
    assert sorted(found) == ["sending", "success", "success", "success"]
    await scene.database.as_owner(
        "UPDATE post_jobs SET lease_until = now() - interval '1 s' WHERE status = 'sending'"
    )
    await watchdogs.rescue_abandoned(scene.database.sessions)
    await scene.dispatch(owner="another worker")
    assert (await scene.job(target_ids[-1]))["status"] == "uncertain"
    assert len(await scene.published()) == len(target_ids)


async def test_more_due_than_there_is_room_for_is_said(scene: Scene) -> None:
    channel_ids = [scene.channel_id] + [
        await scene.another_channel() for _ in range(dispatch.MAX_POSTS_UNDER_WAY)
    ]
    for channel_id in channel_ids:
        await scene.approve(channel_id=channel_id)
    await scene.fault("sendMessage", "slow", delay_s=1)
    desk = scene.desk(lease=60, seconds=5)
    working = asyncio.create_task(dispatch.dispatch(desk))
    while not desk.under_way:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert desk.behind.is_set()
    await working
    await asyncio.gather(*desk.under_way)
    assert not desk.behind.is_set()
    await scene.dispatch(desk)
    statuses = await scene.rows("SELECT status, count(*) AS posts FROM post_jobs GROUP BY status")
    assert statuses == [{"status": "success", "posts": len(channel_ids)}]


async def test_a_send_waits_for_its_time_and_may_be_stopped_before_it(scene: Scene) -> None:
    sender, chat_id = scene.desk().sender, scene.world.ids["channel"]
    ad, now = Creative(kind="text", text="Lamp"), time.monotonic()
    stopped = asyncio.create_task(sender.send_ad(chat_id, ad, not_before=now + 30))
    await asyncio.sleep(0.1)
    stopped.cancel()
    assert await stopped == NotSent("stopped before sending", counts=False)
    assert await scene.published() == []
    assert isinstance(await sender.send_ad(chat_id, ad, not_before=now + 0.5), Sent)
    assert time.monotonic() >= now + 0.5
    assert len(await scene.published()) == 1
