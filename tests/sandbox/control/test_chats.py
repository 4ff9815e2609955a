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
