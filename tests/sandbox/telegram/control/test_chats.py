"""Test that people can post, edit and delete in channels through the control API."""

from tests.sandbox.telegram.raw_world import SandboxClient


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


async def test_an_owner_replaces_the_media_of_a_post(world: SandboxClient) -> None:
    channel, owner = world.ids["channel"], world.ids["owner"]
    sent = await world.control(
        f"users/{world.ids['advertiser']}/send",
        chat_id=world.ids["advertiser"],
        photo=True,
        caption="ad",
    )
    file_id = sent["photo"][-1]["file_id"]
    post = await world.call("sendPhoto", chat_id=channel, photo=file_id, caption="ad")
    fields = {"user_id": owner, "message_id": post["message_id"]}
    path = f"chats/{channel}/replace_media"
    await world.updates()
    await world.control(path, 403, **fields | {"user_id": world.ids["advertiser"]})
    await world.control(path, 400, kind="sticker", **fields)
    replaced = await world.control(path, **fields)
    assert replaced["photo"][0]["file_unique_id"] != post["photo"][0]["file_unique_id"]
    assert replaced["caption"] == "ad"
    media = {"type": "photo", "media": file_id, "caption": "ad"}
    edit = {"chat_id": channel, "message_id": post["message_id"], "media": media}
    restored = await world.call("editMessageMedia", **edit)
    assert restored["photo"] == post["photo"]
    code, description = await world.refused("editMessageMedia", **edit)
    assert (code, description.split(":")[1]) == (400, " message is not modified")
    for changed in (
        {"media": media | {"caption": "other"}},
        {"media": media | {"caption_entities": [{"type": "bold", "offset": 0, "length": 2}]}},
        {"reply_markup": {"inline_keyboard": [[{"text": "a", "url": "https://example.com"}]]}},
    ):
        await world.call("editMessageMedia", **edit | changed)
    assert (await world.updates()) == []


async def test_media_are_added_to_a_text(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    post = await world.call("sendMessage", chat_id=channel, text="ad")
    fields = {"user_id": world.ids["owner"], "message_id": post["message_id"]}
    changed = await world.control(f"chats/{channel}/replace_media", kind="video", **fields)
    assert (changed["caption"], "text" in changed, "video" in changed) == ("ad", False, True)
    refused = await world.refused(
        "editMessageText", chat_id=channel, message_id=post["message_id"], text="ad"
    )
    assert refused == (400, "Bad Request: there is no text in the message to edit")


async def test_an_owner_changes_the_spoiler_and_the_place_of_the_caption(
    world: SandboxClient,
) -> None:
    channel = world.ids["channel"]
    photo = (await world.say("", photo=True))["photo"][-1]["file_id"]
    post = await world.call(
        "sendPhoto",
        chat_id=channel,
        photo=photo,
        caption="ad",
        has_spoiler=True,
        show_caption_above_media=True,
    )
    flags = {"has_media_spoiler", "show_caption_above_media"}
    fields = {"user_id": world.ids["owner"], "message_id": post["message_id"]}
    for path, more, left in (
        ("edit", {"text": "other"}, flags),
        ("replace_media", {}, flags),
        ("edit", {"text": "ad", "has_media_spoiler": False}, {"show_caption_above_media"}),
        (
            "replace_media",
            {"show_caption_above_media": False, "has_media_spoiler": True},
            {"has_media_spoiler"},
        ),
    ):
        changed = await world.control(f"chats/{channel}/{path}", **fields, **more)
        assert flags & changed.keys() == left


async def test_a_persons_edit_leaves_the_link_preview_as_it_is(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    same = {"text": "ad", "link_preview_options": {"is_disabled": True}}
    post = await world.call("sendMessage", chat_id=channel, **same)
    fields = {"user_id": world.ids["owner"], "message_id": post["message_id"]}
    for text in ("other", "ad"):
        await world.control(f"chats/{channel}/edit", text=text, **fields)
    refused = await world.refused(
        "editMessageText", chat_id=channel, message_id=post["message_id"], **same
    )
    assert "message is not modified" in refused[1]
