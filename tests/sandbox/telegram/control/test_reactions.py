"""Test that the readers of a channel can react to a post, and that only some bots hear of it."""

from typing import Any

from tests.sandbox.telegram.raw_world import SandboxClient

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
