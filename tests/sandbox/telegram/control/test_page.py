"""Test that a page gets only what has changed since its last answer."""

import asyncio
from pathlib import Path

from sandbox.telegram.changes import REMEMBERED
from sandbox.telegram.control.page import MOST_UNREAD
from tests.sandbox.telegram.raw_world import WOKEN_SECONDS, Json, SandboxClient, begin


def chat_of(seen: Json, chat_id: int) -> Json:
    """Return the chat with this id of a page's answer."""
    [chat] = [chat for chat in seen["chats"] if chat["id"] == chat_id]
    return dict(chat)


async def test_the_first_answer_has_the_whole_world(world: SandboxClient) -> None:
    seen = await world.see("page")
    assert seen["reset"]
    assert [person["first_name"] for person in seen["people"]] == ["Advertiser", "Owner", "Admin"]
    assert {chat["id"] for chat in seen["chats"]} == set(world.ids.values())
    assert seen["bot"]["username"] == "sandbox_bot"
    assert seen["offers"] == {"clock": False, "start_over": False}
    channel = chat_of(seen, world.ids["channel"])
    assert (channel["bot_status"], channel["bot_rights"]) == (
        "administrator",
        ["can_post_messages"],
    )
    assert channel["members"] == [{"user_id": world.ids["owner"], "status": "creator"}]
    assert channel["last"]["service"] == "channel_chat_created"


async def test_later_answers_have_the_differences(world: SandboxClient) -> None:
    person = world.ids["advertiser"]
    version = (await world.see("page"))["version"]
    seen = await world.see(f"page?since={version}")
    assert (seen["reset"], seen["chats"], "people" in seen) == (False, [], False)
    await world.call("sendMessage", chat_id=person, text="news")
    seen = await world.see(f"page?since={version}")
    assert [chat["id"] for chat in seen["chats"]] == [person]
    assert chat_of(seen, person)["last"]["text"] == "news"
    await world.control("users", first_name="Newcomer")
    later = await world.see(f"page?since={seen['version']}")
    assert [person["first_name"] for person in later["people"]][-1] == "Newcomer"


async def test_an_answer_waits_for_a_change(world: SandboxClient) -> None:
    version = (await world.see("page"))["version"]
    waiting = asyncio.create_task(world.see(f"page?since={version}&wait=20"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await world.call("sendChatAction", chat_id=world.ids["advertiser"], action="typing")
    seen = await asyncio.wait_for(waiting, WOKEN_SECONDS)
    assert chat_of(seen, world.ids["advertiser"])["action"] == "typing"
    await world.call("sendMessage", chat_id=world.ids["advertiser"], text="done")
    seen = await world.see(f"page?since={version}")
    assert chat_of(seen, world.ids["advertiser"])["action"] is None


async def test_the_open_chat_shows_changed_and_deleted_messages(world: SandboxClient) -> None:
    person = world.ids["advertiser"]
    old, edited, deleted = [
        (await world.call("sendMessage", chat_id=person, text=text))["message_id"]
        for text in ("a", "b", "c")
    ]
    version = (await world.see(f"chats/{person}/messages"))["version"]
    there = f"page?since={version}&chat={person}&chat_since={version}"
    await world.call("editMessageText", chat_id=person, message_id=edited, text="B")
    await world.call("deleteMessage", chat_id=person, message_id=deleted)
    keyboard = {"keyboard": [[{"text": "Yes"}]]}
    await world.call("sendMessage", chat_id=person, text="d", reply_markup=keyboard)
    opened = (await world.see(there))["open"]
    assert [message["text"] for message in opened["messages"]] == ["B", "d"]
    assert old not in {message["message_id"] for message in opened["messages"]}
    assert opened["deleted"] == [deleted]
    assert opened["keyboard"]["buttons"] == [[{"text": "Yes", "kind": "text"}]]
    assert (opened["reset"], opened["chat_id"]) == (False, person)


async def test_an_open_chat_with_too_many_changes_is_read_again(world: SandboxClient) -> None:
    person = world.ids["advertiser"]
    version = (await world.see(f"chats/{person}/messages"))["version"]
    for _ in range(REMEMBERED + 1):
        world.state.changes.record(person, 1)
    opened = (await world.see(f"page?since={version}&chat={person}&chat_since={version}"))["open"]
    assert opened["reset"]
    assert opened["messages"] == []


async def test_unread_messages_are_counted_until_they_are_read(world: SandboxClient) -> None:
    person = world.ids["advertiser"]

    async def unread() -> int:
        seen = await world.see("page")
        return int(chat_of(seen, person)["unread"][str(person)])

    assert await unread() == 0
    for _ in range(MOST_UNREAD + 1):
        sent = await world.call("sendMessage", chat_id=person, text="x")
    assert await unread() == MOST_UNREAD
    last = sent["message_id"]
    await world.control(f"chats/{person}/read", user_id=person, message_id=last - 1)
    assert await unread() == 1
    await world.control(f"chats/{person}/read", user_id=person, message_id=last)
    assert await unread() == 0
    # A mark never moves back, and nobody reads what does not exist.
    await world.control(f"chats/{person}/read", user_id=person, message_id=last - 1)
    assert await unread() == 0
    await world.control(f"chats/{person}/read", 404, user_id=person, message_id=last + 1)
    await world.control(f"chats/{person}/read", 403, user_id=world.ids["owner"], message_id=last)


async def test_read_marks_survive_a_restart(tmp_path: Path) -> None:
    async with begin(tmp_path) as world:
        await world.populate()
        person = world.ids["advertiser"]
        sent = await world.call("sendMessage", chat_id=person, text="x")
        there = f"chats/{person}/read"
        await world.control(there, user_id=person, message_id=sent["message_id"])
        version = (await world.see("page"))["version"]
    async with begin(tmp_path) as world:
        # The page was open all the time. Its version belongs to the earlier run.
        seen = await world.see(f"page?since={version}")
        assert seen["reset"]
        assert chat_of(seen, person)["unread"][str(person)] == 0


async def test_the_page_starts_over_if_the_program_can(tmp_path: Path) -> None:
    calls = []

    async def start_over() -> None:
        calls.append("called")

    async with begin(tmp_path / "a") as world:
        await world.control("start_over", 409)
    async with begin(tmp_path / "b", start_over=start_over) as world:
        assert (await world.see("page"))["offers"]["start_over"]
        await world.control("start_over")
    assert calls == ["called"]
