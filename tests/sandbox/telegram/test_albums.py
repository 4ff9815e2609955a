"""Test albums in the sandbox: the bot sends and copies them, and people change one item."""

from typing import Any

import pytest

from tests.sandbox.telegram.raw_world import SandboxClient
from tests.sandbox.telegram.test_messages import NOT_MODIFIED


async def files(world: SandboxClient, *kinds: str) -> list[dict[str, Any]]:
    """Let a person send files, and return them as items of an album."""
    items = []
    for kind in kinds:
        content: dict[str, Any] = {kind: True}
        sent = (await world.say("", **content))[kind]
        file = sent[-1] if isinstance(sent, list) else sent
        items.append({"type": kind, "media": file["file_id"]})
    return items


async def test_an_album_is_sent_whole_and_each_item_can_be_edited(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    items = await files(world, "photo", "video")
    items[0] |= {"caption": "Bread", "has_spoiler": True, "show_caption_above_media": True}
    first, second = await world.call("sendMediaGroup", chat_id=channel, media=items)
    assert second["message_id"] == first["message_id"] + 1
    assert first["media_group_id"] == second["media_group_id"]
    assert (first["caption"], first["has_media_spoiler"]) == ("Bread", True)
    assert first["show_caption_above_media"] is True
    edit = {"chat_id": channel, "message_id": second["message_id"]}
    assert await world.refused("editMessageMedia", media=items[1], **edit) == NOT_MODIFIED
    await world.control(
        f"chats/{channel}/edit",
        user_id=world.ids["owner"],
        message_id=second["message_id"],
        text="Not bread",
    )
    edited = await world.call("editMessageMedia", media=items[1], **edit)
    assert edited["media_group_id"] == first["media_group_id"]
    published = (await world.see("published"))["published"]
    assert [each["media_group_id"] for each in published] == [first["media_group_id"]] * 2


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        (("photo",), "there must be from 2 to 10 messages to send in an album"),
        (("photo",) * 11, "there must be from 2 to 10 messages to send in an album"),
        (("photo", "document"), "can't mix these types of media in an album"),
    ],
)
async def test_a_wrong_album_is_refused_whole(
    world: SandboxClient, kinds: tuple[str, ...], text: str
) -> None:
    items = await files(world, *kinds)
    refused = await world.refused("sendMediaGroup", chat_id=world.ids["channel"], media=items)
    assert refused == (400, f"Bad Request: {text}")
    assert (await world.see("published"))["published"] == []


async def test_one_wrong_file_refuses_the_whole_album(world: SandboxClient) -> None:
    items = await files(world, "photo", "photo")
    items[1]["media"] = "unknown"
    await world.refused("sendMediaGroup", chat_id=world.ids["channel"], media=items)
    assert (await world.see("published"))["published"] == []


async def test_copies_are_an_album_again_and_what_is_gone_is_skipped(world: SandboxClient) -> None:
    channel, group = world.ids["channel"], world.ids["group"]
    items = await files(world, "photo", "photo", "video")
    sent = await world.call("sendMediaGroup", chat_id=channel, media=items)
    numbers = [each["message_id"] for each in sent]
    await world.call("deleteMessage", chat_id=channel, message_id=numbers[1])
    copied = {"chat_id": group, "from_chat_id": channel}
    copies = await world.call("copyMessages", message_ids=numbers, **copied)
    shown = (await world.see(f"chats/{group}/messages"))["messages"][-2:]
    assert [each["message_id"] for each in copies] == [each["message_id"] for each in shown]
    assert [each["media"] for each in shown] == ["photo", "video"]
    [album] = {each["media_group_id"] for each in shown}
    assert album != sent[0]["media_group_id"]
    refused = await world.refused("copyMessages", message_ids=[numbers[1]], **copied)
    assert refused == (400, "Bad Request: there are no messages to copy")


async def test_an_album_counts_as_its_number_of_messages(world: SandboxClient) -> None:
    world.state.limits.enabled = True
    items = await files(world, *("photo",) * 10)
    await world.call("sendMediaGroup", chat_id=world.ids["channel"], media=items)
    world.state.limits._sent[world.ids["channel"]].extend([0.0])
    status, _ = await world.refused("sendMediaGroup", chat_id=world.ids["channel"], media=items)
    assert status == 429


async def test_a_person_forwards_an_album(world: SandboxClient) -> None:
    channel, owner = world.ids["channel"], world.ids["owner"]
    for part in ({"photo": True, "caption": "Post"}, {"photo": True}):
        posted = await world.control(
            f"chats/{channel}/post", user_id=owner, media_group_id="7", **part
        )
        source = {"chat_id": channel, "message_id": posted["message_id"]}
        await world.say("", forward_from=source, media_group_id="8")
    sent = [update["message"] for update in await world.updates() if "message" in update]
    assert [message["media_group_id"] for message in sent] == ["8", "8"]
