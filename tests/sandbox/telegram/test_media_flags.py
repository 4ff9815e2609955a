"""Test the spoiler of media and the place of their caption in the sandbox."""

from typing import Any

import pytest

from tests.sandbox.telegram.raw_world import SandboxClient
from tests.sandbox.telegram.test_messages import KEYBOARD, NOT_MODIFIED

FLAGS = {"show_caption_above_media": True, "has_spoiler": True}


@pytest.mark.parametrize("kind", ["photo", "video", "animation"])
async def test_an_edit_sets_or_removes_the_spoiler_and_the_place_of_the_caption(
    world: SandboxClient, kind: str
) -> None:
    channel, method = world.ids["channel"], f"send{kind.title()}"
    said: dict[str, Any] = {kind: True}
    shown = (await world.say("", **said))[kind]
    file_id = (shown[-1] if kind == "photo" else shown)["file_id"]
    fields = {kind: file_id, "caption": "Ad"} | FLAGS
    sent = await world.call(method, chat_id=channel, **fields)
    edit = {"chat_id": channel, "message_id": sent["message_id"]}
    media = {"type": kind, "media": file_id, "caption": "Ad"}
    assert (sent["show_caption_above_media"], sent["has_media_spoiler"]) == (True, True)
    same = {"caption": "Ad", "show_caption_above_media": True}
    assert await world.refused("editMessageCaption", **same, **edit) == NOT_MODIFIED
    assert await world.refused("editMessageMedia", media=media | FLAGS, **edit) == NOT_MODIFIED
    # A button has nothing to do with the media.
    assert "has_media_spoiler" in await world.call(
        "editMessageReplyMarkup", reply_markup=KEYBOARD, **edit
    )
    below = await world.call("editMessageCaption", caption="Ad", **edit)
    assert "show_caption_above_media" not in below
    assert below["has_media_spoiler"] is True
    plain = await world.call("editMessageMedia", media=media, **edit)
    assert "has_media_spoiler" not in plain
    for name, shown_as in zip(
        FLAGS, ("show_caption_above_media", "has_media_spoiler"), strict=True
    ):
        changed = await world.call("editMessageMedia", media=media | {name: True}, **edit)
        assert {"show_caption_above_media", "has_media_spoiler"} & changed.keys() == {shown_as}


async def test_an_empty_caption_has_no_place(world: SandboxClient) -> None:
    photo = (await world.say("", photo=True, show_caption_above_media=True))["photo"][-1]["file_id"]
    sent = await world.call("sendPhoto", chat_id=world.ids["channel"], photo=photo, **FLAGS)
    assert "show_caption_above_media" not in sent
    assert sent["has_media_spoiler"] is True


@pytest.mark.parametrize(
    ("fields", "above"),
    [
        ({}, True),
        ({"show_caption_above_media": False}, True),
        ({"caption": "New"}, False),
        ({"caption": "New", "show_caption_above_media": True}, True),
    ],
)
async def test_a_copy_and_a_forward_keep_the_spoiler_and_the_place_of_the_caption(
    world: SandboxClient, fields: dict[str, Any], *, above: bool
) -> None:
    channel, group = world.ids["channel"], world.ids["group"]
    photo = (await world.say("", photo=True))["photo"][-1]["file_id"]
    sent = await world.call("sendPhoto", chat_id=channel, photo=photo, caption="Ad", **FLAGS)
    source = {"chat_id": group, "from_chat_id": channel, "message_id": sent["message_id"]}
    forwarded = await world.call("forwardMessage", **source)
    assert (forwarded["show_caption_above_media"], forwarded["has_media_spoiler"]) == (True, True)
    copied = await world.call("copyMessage", **source, **fields)
    body = world.state.messages[group][copied["message_id"]].body
    assert ("show_caption_above_media" in body, "has_media_spoiler" in body) == (above, True)
