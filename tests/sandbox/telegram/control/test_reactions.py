"""Test that the readers of a channel can react to a post, and that only some bots hear of it."""

import math
from pathlib import Path
from typing import Any

import pytest

from sandbox.telegram import passing_time
from tests.sandbox.telegram.raw_world import SandboxClient, begin

KIND = "message_reaction_count"


async def react(world: SandboxClient, expected: int = 200, **fields: Any) -> dict[str, Any]:
    """Let the readers of the channel react."""
    return await world.control(f"chats/{world.ids['channel']}/react", expected, **fields)


async def test_only_an_administrator_that_asks_hears_of_reactions(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    posted = await world.control(f"chats/{channel}/post", user_id=world.ids["owner"], text="news")
    await world.updates()
    told = {"message_id": posted["message_id"], "reactions": {"👍": 12, "🔥": 3}}
    await react(world, **told)
    assert await world.updates() == []
    await world.call("getUpdates", allowed_updates=[KIND])
    await react(world, **told)
    [update] = await world.updates()
    assert update[KIND]["chat"]["id"] == channel
    assert update[KIND]["message_id"] == posted["message_id"]
    assert update[KIND]["reactions"] == [
        {"type": {"type": "emoji", "emoji": "👍"}, "total_count": 12},
        {"type": {"type": "emoji", "emoji": "🔥"}, "total_count": 3},
    ]
    assert "user" not in update[KIND]
    shown = (await world.see(f"chats/{channel}/messages"))["messages"][-1]
    assert shown["reactions"] == told["reactions"]
    await world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await react(world, **told)
    assert await world.updates() == []


async def test_impossible_reactions_are_refused(world: SandboxClient) -> None:
    posted = await world.control(
        f"chats/{world.ids['channel']}/post", user_id=world.ids["owner"], text="news"
    )
    message_id = posted["message_id"]
    await react(world, 404, message_id=message_id + 50, reactions={})
    for wrong in ({"👍": 0}, {"👍": "many"}, {"": 1}):
        await react(world, 400, message_id=message_id, reactions=wrong)
    refused = await world.control(
        f"chats/{world.ids['group']}/react", 400, message_id=1, reactions={}
    )
    assert refused == {"error": "this is for channels"}


async def _see_post(world: SandboxClient, message_id: int) -> dict[str, Any]:
    shown = await world.see(f"chats/{world.ids['channel']}/messages?after={message_id - 1}")
    first: dict[str, Any] = shown["messages"][0]
    return first


async def test_views_and_reactions_grow_with_time(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    await world.call("getUpdates", allowed_updates=[KIND])
    settings = {"reach": 0.5, "reading_hours": 2, "reaction_share": 0.1}
    path = f"chats/{channel}/audience"
    assert await world.control(path, **settings) == settings
    sent = await world.call("sendMessage", chat_id=channel, text="ad")
    seen = [0]
    reacted = []
    for hours in (1, 4, 400):
        world.state.set("clock_shift", hours * 3600.0)
        passing_time.act(world.state)
        post = await _see_post(world, sent["message_id"])
        seen.append(post["views"])
        [update] = await world.updates()
        assert update[KIND]["message_id"] == sent["message_id"]
        reacted.append(sum(each["total_count"] for each in update[KIND]["reactions"]))
        assert sum(post["reactions"].values()) == reacted[-1]
    assert seen == sorted(set(seen))
    # 1000 subscribers, of whom half ever see the post.
    assert seen[1] == int(500 * (1 - math.exp(-0.5)))
    assert seen[-1] in {499, 500}
    assert reacted == sorted(set(reacted))
    passing_time.act(world.state)
    assert await world.updates() == []


async def test_reactions_of_five_minutes_are_one_update(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    await world.call("getUpdates", allowed_updates=[KIND])
    await world.control(f"chats/{channel}/audience", reading_hours=1, reaction_share=1)
    await world.call("sendMessage", chat_id=channel, text="ad")
    for seconds in range(0, 1201, 60):
        world.state.set("clock_shift", float(seconds))
        passing_time.act(world.state)
    assert 3 <= len(await world.updates()) <= 5


@pytest.mark.parametrize(
    "wrong", [{"reach": 1.1}, {"reach": "1"}, {"reaction_share": -1}, {"reading_hours": 0}]
)
async def test_audience_that_cannot_be(world: SandboxClient, wrong: dict[str, Any]) -> None:
    assert "error" in await world.control(f"chats/{world.ids['channel']}/audience", 400, **wrong)
    await world.control(f"chats/{world.ids['group']}/audience", 400, reach=1)


async def test_posts_of_a_loaded_world_have_their_views(tmp_path: Path) -> None:
    async with begin(tmp_path) as world:
        await world.populate()
        channel = world.ids["channel"]
        sent = await world.call("sendMessage", chat_id=channel, text="ad")
        world.state.set("clock_shift", 400 * 3600.0)
        world.state.commit()
    async with begin(tmp_path) as world:
        world.ids["channel"] = channel
        passing_time.act(world.state)
        assert (await _see_post(world, sent["message_id"]))["views"] in {399, 400}
