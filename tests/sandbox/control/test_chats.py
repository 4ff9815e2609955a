"""Test that people can post, edit and delete in channels through the control API."""

from tests.sandbox.raw_world import SandboxClient


async def test_people_change_channels_within_their_rights(world: SandboxClient) -> None:
    channel, stranger = world.ids["channel"], world.ids["advertiser"]
    sent = await world.call("sendMessage", chat_id=channel, text="ad")
    fields = {"user_id": stranger, "message_id": sent["message_id"]}
    await world.control(f"chats/{channel}/post", 403, user_id=stranger, text="x")
    await world.control(f"chats/{channel}/edit", 403, text="x", **fields)
    await world.control(f"chats/{channel}/delete", 403, **fields)
    fields["user_id"] = world.ids["owner"]
    await world.control(f"chats/{channel}/edit", text="changed", **fields)
    seen = await world.see(f"chats/{channel}/messages")
    assert seen["messages"][-1]["text"] == "changed"
    await world.control(f"chats/{channel}/delete", **fields)
    await world.control(f"chats/{channel}/delete", 404, **fields)
