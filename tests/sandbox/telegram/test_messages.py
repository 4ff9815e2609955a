"""Test how the bot sends, edits, copies and deletes messages in the sandbox."""

from typing import Any

import pytest

from tests.sandbox.telegram.raw_world import SandboxClient

NOT_MODIFIED = (
    400,
    (
        "Bad Request: message is not modified: specified new message content and reply markup are "
        "exactly the same as a current content and reply markup of the message"
    ),
)
KEYBOARD = {"inline_keyboard": [[{"text": "Open", "url": "https://example.org/"}]]}


def buttons(count: int, row: int = 8) -> dict[str, Any]:
    rows = [
        [{"text": "b", "callback_data": "d"} for _ in range(min(row, count - start))]
        for start in range(0, count, row)
    ]
    return {"inline_keyboard": rows}


@pytest.mark.parametrize(
    ("text", "mode", "accepted"),
    [
        ("a" * 4096, None, True),
        ("a" * 4097, None, False),
        ("<b>" + "a" * 4096 + "</b>", "HTML", True),
        ("&lt;" * 4096, "HTML", True),
        ("😀" * 2048, None, True),
        ("😀" * 2049, None, False),
        ("  " + "a" * 4096 + "\n", None, True),
    ],
)
async def test_text_is_counted_after_parsing_in_utf16(
    world: SandboxClient, text: str, mode: str | None, *, accepted: bool
) -> None:
    body = await world.answer(
        "sendMessage", chat_id=world.ids["channel"], text=text, parse_mode=mode
    )
    assert body["ok"] is accepted
    if not accepted:
        assert body["description"] == "Bad Request: message is too long"


async def test_caption_is_counted_after_parsing(world: SandboxClient) -> None:
    sample = await world.say("", photo=True)
    photo = sample["photo"][-1]["file_id"]
    fields = {"chat_id": world.ids["channel"], "photo": photo, "parse_mode": "HTML"}
    await world.call("sendPhoto", caption="<i>" + "c" * 1024 + "</i>", **fields)
    assert await world.refused("sendPhoto", caption="c" * 1025, **fields) == (
        400,
        "Bad Request: message caption is too long",
    )


@pytest.mark.parametrize("text", ["", " \n ", "<b> </b>", "\u200b", "&#x2800;"])
async def test_empty_text(world: SandboxClient, text: str) -> None:
    channel = world.ids["channel"]
    assert await world.refused("sendMessage", chat_id=channel, text=text, parse_mode="HTML") == (
        400,
        "Bad Request: message text is empty",
    )


@pytest.mark.parametrize(
    ("data", "accepted"), [("d" * 64, True), ("d" * 65, False), ("я" * 32, True), ("я" * 33, False)]
)
async def test_callback_data_is_64_bytes(
    world: SandboxClient, data: str, *, accepted: bool
) -> None:
    markup = {"inline_keyboard": [[{"text": "Press", "callback_data": data}]]}
    body = await world.answer(
        "sendMessage", chat_id=world.ids["advertiser"], text="x", reply_markup=markup
    )
    assert body["ok"] is accepted
    if not accepted:
        assert body["description"] == "Bad Request: BUTTON_DATA_INVALID"


async def test_empty_callback_data(world: SandboxClient) -> None:
    markup = {"inline_keyboard": [[{"text": "Press", "callback_data": ""}]]}
    assert await world.refused(
        "sendMessage", chat_id=world.ids["advertiser"], text="x", reply_markup=markup
    ) == (400, "Bad Request: BUTTON_DATA_INVALID")


@pytest.mark.parametrize(
    ("markup", "accepted"), [(buttons(100), True), (buttons(101), False), (buttons(9, 9), False)]
)
async def test_hundred_buttons_eight_a_row(
    world: SandboxClient, markup: dict[str, Any], *, accepted: bool
) -> None:
    body = await world.answer(
        "sendMessage", chat_id=world.ids["advertiser"], text="x", reply_markup=markup
    )
    assert body["ok"] is accepted
    if not accepted:
        assert body["description"] == "Bad Request: reply markup is too long"


async def test_channel_counts_for_itself_and_private_chats_share_one_counter(
    world: SandboxClient,
) -> None:
    other = world.ids["owner"]
    await world.say("/start", "owner")
    in_channel = await world.call("sendMessage", chat_id=world.ids["channel"], text="a")
    first = await world.call("sendMessage", chat_id=world.ids["advertiser"], text="a")
    second = await world.call("sendMessage", chat_id=other, text="a")
    again = await world.call("sendMessage", chat_id=world.ids["channel"], text="a")
    assert second["message_id"] == first["message_id"] + 1
    assert again["message_id"] == in_channel["message_id"] + 1
    # Message 1 is the service message about the channel's creation.
    assert in_channel["message_id"] == 2


async def test_bot_hears_nothing_of_its_own_posts_edits_and_deletions(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    sent = await world.call("sendMessage", chat_id=channel, text="a")
    number = sent["message_id"]
    owner = world.ids["owner"]
    await world.call("editMessageText", chat_id=channel, message_id=number, text="b")
    await world.control(f"chats/{channel}/edit", user_id=owner, message_id=number, text="c")
    await world.control(f"chats/{channel}/delete", user_id=owner, message_id=number)
    assert await world.updates() == []


async def test_not_modified_only_when_content_and_markup_are_the_same(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    sent = await world.call(
        "sendMessage", chat_id=channel, text="<b>Ad</b>", parse_mode="HTML", reply_markup=KEYBOARD
    )
    edit = {"chat_id": channel, "message_id": sent["message_id"]}
    same = {**edit, "text": "Ad", "entities": sent["entities"], "reply_markup": KEYBOARD}
    assert await world.refused("editMessageText", **same) == NOT_MODIFIED
    assert (
        await world.refused("editMessageReplyMarkup", reply_markup=KEYBOARD, **edit) == NOT_MODIFIED
    )
    plain = await world.call("editMessageText", **{**same, "entities": None})
    assert "entities" not in plain
    assert plain["edit_date"] >= plain["date"]
    bare = await world.call("editMessageText", text="Ad", **edit)
    assert "reply_markup" not in bare
    assert await world.refused("editMessageText", text="Ad", **edit) == NOT_MODIFIED


async def test_caption_edit(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    photo = (await world.say("", photo=True))["photo"][-1]["file_id"]
    sent = await world.call("sendPhoto", chat_id=channel, photo=photo, caption="Ad")
    edit = {"chat_id": channel, "message_id": sent["message_id"]}
    assert await world.refused("editMessageCaption", caption="Ad", **edit) == NOT_MODIFIED
    assert (await world.call("editMessageCaption", caption="New", **edit))["caption"] == "New"
    code, description = await world.refused("editMessageText", text="Ad", **edit)
    assert (code, description) == (400, "Bad Request: there is no text in the message to edit")


async def test_media_edit_takes_an_upload_or_a_known_file(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    first = (await world.say("", photo=True))["photo"][-1]["file_id"]
    other = (await world.say("", video=True))["video"]["file_id"]
    sent = await world.call("sendPhoto", chat_id=channel, photo=first, caption="Ad")
    edit = {"chat_id": channel, "message_id": sent["message_id"]}
    same = {"type": "photo", "media": first, "caption": "Ad"}
    assert await world.refused("editMessageMedia", media=same, **edit) == NOT_MODIFIED
    changed = await world.call("editMessageMedia", media={"type": "video", "media": other}, **edit)
    assert changed["video"]["file_id"] == other
    assert "photo" not in changed


@pytest.mark.parametrize(
    ("method", "verb", "fields"),
    [
        ("editMessageText", "edit", {"text": "x"}),
        ("editMessageReplyMarkup", "edit", {}),
        ("deleteMessage", "delete", {}),
    ],
)
async def test_message_that_is_not_there(
    world: SandboxClient, method: str, verb: str, fields: dict[str, str]
) -> None:
    channel = world.ids["channel"]
    sent = await world.call("sendMessage", chat_id=channel, text="a")
    await world.call("deleteMessage", chat_id=channel, message_id=sent["message_id"])
    for number in (sent["message_id"], 9999):
        assert await world.refused(method, chat_id=channel, message_id=number, **fields) == (
            400,
            f"Bad Request: message to {verb} not found",
        )


async def test_copy_and_forward(world: SandboxClient) -> None:
    channel, private = world.ids["channel"], world.ids["advertiser"]
    ad = await world.say("hello", entities=[{"type": "bold", "offset": 0, "length": 5}])
    source = {"from_chat_id": private, "message_id": ad["message_id"]}
    copied = await world.call("copyMessage", chat_id=channel, reply_markup=KEYBOARD, **source)
    assert list(copied) == ["message_id"]
    edit = {"chat_id": channel, "message_id": copied["message_id"]}
    same = {"text": "hello", "entities": ad["entities"], "reply_markup": KEYBOARD}
    assert await world.refused("editMessageText", **same, **edit) == NOT_MODIFIED
    forwarded = await world.call("forwardMessage", chat_id=channel, **source)
    assert forwarded["forward_origin"]["sender_user"]["id"] == private
    for method, verb in (("copyMessage", "copy"), ("forwardMessage", "forward")):
        refusal = await world.refused(
            method, chat_id=channel, from_chat_id=private, message_id=9999
        )
        assert refusal == (400, f"Bad Request: message to {verb} not found")


async def test_a_forward_keeps_link_buttons_and_no_others(world: SandboxClient) -> None:
    channel, group = world.ids["channel"], world.ids["group"]
    link = {"text": "Buy", "url": "https://bread.example"}
    for row, kept in (([link], True), ([link, {"text": "Menu", "callback_data": "m"}], False)):
        sent = await world.call(
            "sendMessage", chat_id=channel, text="a", reply_markup={"inline_keyboard": [row]}
        )
        forwarded = await world.call(
            "forwardMessage", chat_id=group, from_chat_id=channel, message_id=sent["message_id"]
        )
        assert ("reply_markup" in forwarded) is kept


async def test_no_message_has_a_live_location_to_stop(world: SandboxClient) -> None:
    channel, owner = world.ids["channel"], world.ids["owner"]
    own = await world.call("sendMessage", chat_id=channel, text="a", reply_markup=KEYBOARD)
    written = await world.control(f"chats/{channel}/post", user_id=owner, text="b")
    for message_id, text in (
        (own["message_id"], "there is no live location in the message to edit"),
        (written["message_id"], "message can't be edited"),
        (9999, "message to edit not found"),
    ):
        refusal = await world.refused(
            "stopMessageLiveLocation", chat_id=channel, message_id=message_id
        )
        assert refusal == (400, f"Bad Request: {text}")
    [shown] = [
        message
        for message in (await world.see(f"chats/{channel}/messages"))["messages"]
        if message["message_id"] == own["message_id"]
    ]
    assert shown["buttons"]
    assert not shown["edited"]


async def test_protected_content_cannot_be_forwarded_but_copied_and_edited(
    world: SandboxClient,
) -> None:
    """Test what MessagesManager::can_forward_message and forward_messages of tdlib/td allow."""
    channel = world.ids["channel"]
    sent = await world.call("sendMessage", chat_id=channel, text="a", protect_content=True)
    assert sent["has_protected_content"] is True
    there = {"from_chat_id": channel, "message_id": sent["message_id"]}
    to = world.ids["advertiser"]
    assert await world.refused("forwardMessage", chat_id=to, **there) == (
        400,
        "Bad Request: the message can't be forwarded",
    )
    assert await world.call("copyMessage", chat_id=to, **there)
    await world.call("editMessageText", chat_id=channel, message_id=sent["message_id"], text="b")
    world.state.chats[channel].protected = True
    assert await world.refused("forwardMessage", chat_id=to, **there) == (
        400,
        "Bad Request: message has protected content and can't be forwarded",
    )


async def test_own_channel_post_can_be_deleted_for_48_hours(world: SandboxClient) -> None:
    channel = world.ids["channel"]
    young = await world.call("sendMessage", chat_id=channel, text="a")
    old = await world.call("sendMessage", chat_id=channel, text="b")
    await world.call("deleteMessage", chat_id=channel, message_id=young["message_id"])
    world.state.set("clock_shift", 48 * 3600 + 5.0)
    assert await world.refused("deleteMessage", chat_id=channel, message_id=old["message_id"]) == (
        400,
        "Bad Request: message can't be deleted",
    )


async def test_reply_shows_what_it_answers(world: SandboxClient) -> None:
    asked = await world.say("question")
    to = {"chat_id": world.ids["advertiser"], "text": "answer"}
    sent = await world.call(
        "sendMessage", **to, reply_parameters={"message_id": asked["message_id"]}
    )
    assert sent["reply_to_message"]["text"] == "question"
    code, description = await world.refused(
        "sendMessage", **to, reply_parameters={"message_id": 9999}
    )
    assert (code, description) == (400, "Bad Request: message to be replied not found")


async def test_reply_keyboard_has_no_place_in_a_channel(world: SandboxClient) -> None:
    code, _ = await world.refused(
        "sendMessage",
        chat_id=world.ids["channel"],
        text="x",
        reply_markup={"keyboard": [[{"text": "Menu"}]]},
    )
    assert code == 400
