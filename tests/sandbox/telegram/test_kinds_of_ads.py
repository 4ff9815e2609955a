"""Test documents, forwards by people, link previews and other contents in the sandbox."""

from typing import Any

import pytest

from tests.sandbox.telegram.raw_world import SandboxClient
from tests.sandbox.telegram.test_messages import NOT_MODIFIED


async def test_a_document_is_sent_edited_and_forwarded(world: SandboxClient) -> None:
    channel, group = world.ids["channel"], world.ids["group"]
    said = await world.say("", document=True, caption="Read")
    file_id = said["document"]["file_id"]
    assert said["document"]["file_name"] == "sample.pdf"
    sent = await world.call("sendDocument", chat_id=channel, document=file_id, caption="Ad")
    assert (sent["document"]["file_id"], sent["caption"]) == (file_id, "Ad")
    edit = {"chat_id": channel, "message_id": sent["message_id"]}
    media = {"type": "document", "media": file_id, "caption": "Ad"}
    assert await world.refused("editMessageMedia", media=media, **edit) == NOT_MODIFIED
    assert await world.refused("editMessageCaption", caption="Ad", **edit) == NOT_MODIFIED
    other = (await world.say("", document=True))["document"]["file_id"]
    changed = await world.call("editMessageMedia", media=media | {"media": other}, **edit)
    assert changed["document"]["file_id"] == other
    forwarded = await world.call(
        "forwardMessage", chat_id=group, from_chat_id=channel, message_id=sent["message_id"]
    )
    assert forwarded["document"]["file_id"] == other


async def test_a_file_of_another_type_is_no_document(world: SandboxClient) -> None:
    photo = (await world.say("", photo=True))["photo"][-1]["file_id"]
    status, text = await world.refused("sendDocument", chat_id=world.ids["channel"], document=photo)
    assert (status, text) == (400, "Bad Request: can't use file of type Photo as Document")


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"is_disabled": False, "prefer_large_media": False}, None),
        (
            {"prefer_large_media": True, "show_above_text": True, "is_disabled": False},
            {"prefer_large_media": True, "show_above_text": True},
        ),
        ({"is_disabled": True}, {"is_disabled": True}),
    ],
)
async def test_only_options_of_a_link_preview_that_were_changed_are_reported(
    world: SandboxClient, options: dict[str, Any], shown: dict[str, Any] | None
) -> None:
    fields = {"text": "See https://example.com", "link_preview_options": options}
    sent = await world.call("sendMessage", chat_id=world.ids["channel"], **fields)
    assert sent.get("link_preview_options") == shown
    edit = {"chat_id": world.ids["channel"], "message_id": sent["message_id"]}
    assert await world.refused("editMessageText", **fields, **edit) == NOT_MODIFIED
    other = {"link_preview_options": {"prefer_small_media": True}}
    changed = await world.call("editMessageText", **(fields | other), **edit)
    assert changed["link_preview_options"] == {"prefer_small_media": True}


async def test_a_person_forwards_a_post(world: SandboxClient) -> None:
    channel, owner = world.ids["channel"], world.ids["owner"]
    posted = await world.control(
        f"chats/{channel}/post", user_id=owner, photo=True, caption="Post", has_media_spoiler=True
    )
    source = {"chat_id": channel, "message_id": posted["message_id"]}
    await world.say("", forward_from=source)
    [message] = [update["message"] for update in await world.updates() if "message" in update]
    origin = message["forward_origin"]
    assert (origin["type"], origin["chat"]["id"]) == ("channel", channel)
    assert (message["caption"], message["has_media_spoiler"]) == ("Post", True)
    assert message["from"]["id"] == world.ids["advertiser"]
    await world.control(
        f"users/{owner}/send", 404, chat_id=owner, forward_from=source | {"message_id": 99}
    )
    await world.control(f"users/{owner}/send", 400, chat_id=owner, forward_from={"chat_id": "a"})


async def test_the_parts_of_an_album_are_messages_with_one_id(world: SandboxClient) -> None:
    parts: tuple[dict[str, Any], ...] = ({"photo": True}, {"video": True})
    for part in parts:
        await world.say("", media_group_id="12", **part)
    messages = [update["message"] for update in await world.updates()]
    assert [message["media_group_id"] for message in messages] == ["12", "12"]
    assert ("photo" in messages[0], "video" in messages[1]) == (True, True)


@pytest.mark.parametrize("kind", ["sticker", "voice", "video_note", "contact", "location"])
async def test_other_contents_reach_the_bot(world: SandboxClient, kind: str) -> None:
    content: dict[str, Any] = {kind: True}
    await world.say("", **content)
    [update] = await world.updates()
    assert kind in update["message"]
    assert "text" not in update["message"]
