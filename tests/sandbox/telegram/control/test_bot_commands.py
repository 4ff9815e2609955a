"""Test that a chat shows the bot's commands of the narrowest scope."""

from typing import Any

from tests.sandbox.telegram.raw_world import SandboxClient


async def shown(world: SandboxClient, chat: str) -> list[str]:
    """Return the commands that a chat's menu shows."""
    seen = await world.see(f"chats/{world.ids[chat]}/messages?limit=1")
    return [command["command"] for command in seen["commands"]]


async def test_the_narrowest_scope_is_shown(world: SandboxClient) -> None:
    async def set_commands(name: str, **more: Any) -> None:
        commands = [{"command": name, "description": name}]
        await world.call("setMyCommands", commands=commands, **more)

    assert await shown(world, "advertiser") == []
    await set_commands("all")
    assert [await shown(world, chat) for chat in ("advertiser", "group", "channel")] == [
        ["all"],
        ["all"],
        [],
    ]
    await set_commands("groups", scope={"type": "all_group_chats"})
    await set_commands("private", scope={"type": "all_private_chats"})
    assert await shown(world, "group") == ["groups"]
    await set_commands("english", scope={"type": "all_private_chats"}, language_code="en")
    assert await shown(world, "owner") == ["english"]
    scope = {"type": "chat", "chat_id": world.ids["advertiser"]}
    await set_commands("own", scope=scope)
    assert [await shown(world, chat) for chat in ("advertiser", "owner")] == [["own"], ["english"]]
