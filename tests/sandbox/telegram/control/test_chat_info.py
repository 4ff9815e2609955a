"""Test that people can change what Telegram says about a channel."""

from typing import Any

from tests.sandbox.telegram.raw_world import SandboxClient


async def change(world: SandboxClient, expected: int = 200, **fields: Any) -> dict[str, Any]:
    """Let the owner change the channel's data."""
    fields = {"user_id": world.ids["owner"]} | fields
    return await world.control(f"chats/{world.ids['channel']}/info", expected, **fields)


async def test_get_chat_tells_the_changed_data(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    before = await world.call("getChat", chat_id=channel)
    names = {"description", "photo", "message_auto_delete_time", "has_protected_content"}
    assert not names & before.keys()
    await change(
        world,
        title="Evening",
        description="News of the city",
        username="evening_news",
        photo=True,
        auto_delete_seconds=86_400,
        protected=True,
        subscribers=5,
    )
    shown = await world.call("getChat", chat_id=channel)
    assert names <= shown.keys()
    assert (shown["title"], shown["username"]) == ("Evening", "evening_news")
    assert shown["message_auto_delete_time"] == 86_400
    assert set(shown["photo"]) == {
        *("small_file_id", "small_file_unique_id"),
        *("big_file_id", "big_file_unique_id"),
    }
    assert await world.call("getChatMemberCount", chat_id=channel) == 5
    nothing: dict[str, Any] = {
        "description": "",
        "username": "",
        "photo": False,
        "protected": False,
    }
    await change(world, auto_delete_seconds=0, **nothing)
    assert not (names | {"username"}) & (await world.call("getChat", chat_id=channel)).keys()


async def test_the_bot_gets_the_service_messages_of_telegram(world: SandboxClient) -> None:
    await change(world, title="Evening", photo=True, auto_delete_seconds=3_600)
    await change(world, photo=False, description="silent")
    posts = [update["channel_post"] for update in await world.updates()]
    fields = (
        *("new_chat_title", "new_chat_photo", "message_auto_delete_timer_changed"),
        "delete_chat_photo",
    )
    assert [name for post in posts for name in fields if name in post] == list(fields)
    assert posts[2]["message_auto_delete_timer_changed"] == {"message_auto_delete_time": 3_600}


async def test_wrong_changes_are_refused(world: SandboxClient) -> None:
    await change(world, 403, user_id=world.ids["advertiser"], title="Mine")
    await change(world, 400, auto_delete_seconds=-1)
    await world.control(
        f"chats/{world.ids['group']}/info", 400, user_id=world.ids["admin"], title="x"
    )
