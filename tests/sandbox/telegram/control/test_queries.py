"""Test that the control API returns the state, the chats, and all posts."""

import asyncio

import pytest

from tests.sandbox.telegram.raw_world import WOKEN_SECONDS, SandboxClient


async def test_publications_keep_what_was_deleted(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    sent = await world.call("sendMessage", chat_id=channel, text="ad")
    await world.call("sendMessage", chat_id=world.ids["advertiser"], text="private")
    await world.call("deleteMessage", chat_id=channel, message_id=sent["message_id"])
    [entry] = (await world.see("published"))["published"]
    assert (entry["chat_id"], entry["message_id"], entry["text"]) == (
        channel,
        sent["message_id"],
        "ad",
    )
    on_disk = (world.state.folder / "published.jsonl").read_text()
    assert on_disk.count("\n") == 1


async def test_state_shows_the_bots_membership(world: SandboxClient) -> None:
    seen = await world.see("state")
    assert [person["first_name"] for person in seen["people"]] == ["Advertiser", "Owner", "Admin"]
    by_id = {chat["id"]: chat for chat in seen["chats"]}
    channel = by_id[world.ids["channel"]]
    assert (channel["bot_status"], channel["bot_rights"]) == (
        "administrator",
        ["can_post_messages"],
    )
    assert by_id[world.ids["group"]]["bot_status"] == "member"
    assert by_id[world.ids["owner"]]["bot_status"] == "left"


async def test_reading_waits_for_something_newer(world: SandboxClient) -> None:
    person = world.ids["advertiser"]
    seen = await world.see(f"chats/{person}/messages")
    last = seen["messages"][-1]["message_id"]
    waiting = asyncio.create_task(world.see(f"chats/{person}/messages?after={last}&wait=20"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await world.call("sendMessage", chat_id=person, text="news")
    newer = await asyncio.wait_for(waiting, WOKEN_SECONDS)
    assert [message["text"] for message in newer["messages"]] == ["news"]
    assert newer["messages"][0]["from"] == 424242
    assert (await world.see(f"chats/{person}/messages?after=999&wait=0.1"))["messages"] == []


@pytest.mark.parametrize("change", ["edit", "delete"])
async def test_reading_by_version_sees_edits_and_deletions(
    world: SandboxClient, change: str
) -> None:
    person = world.ids["advertiser"]
    sent = await world.call("sendMessage", chat_id=person, text="a")
    version = (await world.see(f"chats/{person}/messages"))["version"]
    there = f"chats/{person}/messages?version={version}&wait=20"
    waiting = asyncio.create_task(world.see(there))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    at = {"chat_id": person, "message_id": sent["message_id"]}
    if change == "edit":
        await world.call("editMessageText", text="b", **at)
    else:
        await world.call("deleteMessage", **at)
    seen = await asyncio.wait_for(waiting, WOKEN_SECONDS)
    assert seen["version"] > version
    texts = [(message["text"], message["edited"]) for message in seen["messages"]]
    assert texts == [("/start", False)] + ([("b", True)] if change == "edit" else [])


async def test_reading_in_windows(world: SandboxClient) -> None:
    person = world.ids["advertiser"]
    sent = [
        (await world.call("sendMessage", chat_id=person, text=str(number)))["message_id"]
        for number in range(6)
    ]

    async def window(query: str) -> tuple[list[str], bool, bool]:
        seen = await world.see(f"chats/{person}/messages?{query}")
        texts = [message["text"] for message in seen["messages"]]
        return texts, seen["has_older"], seen["has_newer"]

    assert await window("limit=2") == (["4", "5"], True, False)
    assert await window(f"limit=2&before={sent[4]}") == (["2", "3"], True, True)
    assert await window(f"limit=2&after={sent[1]}") == (["2", "3"], True, True)
    assert await window(f"limit=4&around={sent[2]}") == (["0", "1", "2", "3"], True, True)
    assert await window("limit=50") == (["/start", *"012345"], False, False)
    await world.see(f"chats/{person}/messages?limit=0", 400)
