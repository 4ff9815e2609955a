"""Test the formatting as a whole: against TDLib, and over HTTP for texts, captions and edits."""

from typing import Any

import pytest

from sandbox.telegram.errors import TelegramError
from sandbox.telegram.formatting.text import format_text
from tests.sandbox.telegram.formatting import vectors
from tests.sandbox.telegram.raw_world import SandboxClient

Json = dict[str, Any]
FORMATTED = [
    {"type": "bold", "offset": 3, "length": 1},
    {"type": "bold", "offset": 4, "length": 1},
    {"type": "italic", "offset": 4, "length": 1},
    {"type": "text_link", "offset": 6, "length": 1, "url": "https://example.org/?a=1&b=2"},
]
"""Telegram splits the bold part where the italic one begins."""
FOUND = [
    {"type": "bot_command", "offset": 0, "length": 3},
    {"type": "url", "offset": 4, "length": 11},
    {"type": "mention", "offset": 17, "length": 8},
    {"type": "hashtag", "offset": 26, "length": 4},
    {"type": "cashtag", "offset": 31, "length": 4},
    {"type": "email", "offset": 36, "length": 6},
    {"type": "bank_card_number", "offset": 43, "length": 19},
]
PLAIN = "/go example.org. @someone #tag $USD a@b.ru 4916-3385-0608-2832"


def test_any_text_is_formatted_as_tdlib_formats_it() -> None:
    """The rows have random texts with what TDLib's own functions made of them.

    `parse_html`, `parse_markdown`, `parse_markdown_v2` and `fix_formatted_text` of its
    `MessageEntity.cpp` (July 2026) were run for them.
    """
    for mode, source, given, expected, entities in vectors.read("compared"):
        named = [vectors.to_entity(row).to_json() for row in given]
        parse_mode = None if mode == "fix" else mode
        if entities is None:
            error = f"{expected[0].lower()}{expected[1:]}"
            if parse_mode:
                error = f"can't parse entities: {expected}"
            with pytest.raises(TelegramError) as refused:
                format_text(source, parse_mode, named)
            assert refused.value.description == f"Bad Request: {error}"
        else:
            formatted = format_text(source, parse_mode, named)
            assert formatted.text == expected
            assert formatted.entities == [vectors.to_entity(row).to_json() for row in entities]


@pytest.mark.parametrize(
    ("parse_mode", "source"),
    [
        ("HTML", '😀 <b>a<i>b</i></b> <a href="https://example.org/?a=1&amp;b=2">l</a> &lt;&#33;'),
        ("MarkdownV2", r"😀 *a_b_* [l](https://example.org/?a=1&b=2) <\!"),
        ("markdownv2", r"  😀 *a_b_* [l](HTTPS://example.org/?a=1&b=2) <\!"),
    ],
)
async def test_markup_becomes_entities_in_utf16(
    world: SandboxClient, parse_mode: str, source: str
) -> None:
    fields = {"chat_id": world.ids["channel"], "parse_mode": parse_mode}
    sent = await world.call("sendMessage", text=source, **fields)
    assert (sent["text"], sent["entities"]) == ("😀 ab l <!", FORMATTED)
    photo = (await world.say("", photo=True))["photo"][-1]["file_id"]
    post = await world.call("sendPhoto", photo=photo, caption=source, **fields)
    assert (post["caption"], post["caption_entities"]) == ("😀 ab l <!", FORMATTED)
    changed = await world.call("sendMessage", text="x", **fields)
    changed = await world.call(
        "editMessageText", text=source, message_id=changed["message_id"], **fields
    )
    assert (changed["text"], changed["entities"]) == ("😀 ab l <!", FORMATTED)


async def test_old_markdown(world: SandboxClient) -> None:
    text = "*a* _b_ `c` [d](t.me/x) \\*e"
    sent = await world.call(
        "sendMessage", chat_id=world.ids["channel"], text=text, parse_mode="Markdown"
    )
    assert sent["text"] == "a b c d *e"
    assert sent["entities"] == [
        {"type": "bold", "offset": 0, "length": 1},
        {"type": "italic", "offset": 2, "length": 1},
        {"type": "code", "offset": 4, "length": 1},
        {"type": "text_link", "offset": 6, "length": 1, "url": "http://t.me/x"},
    ]


async def test_texts_of_bots_and_of_people_have_the_parts_that_telegram_finds(
    world: SandboxClient,
) -> None:
    sent = await world.call("sendMessage", chat_id=world.ids["channel"], text=PLAIN)
    assert sent["entities"] == FOUND
    written = await world.say(PLAIN)
    assert written["entities"] == FOUND
    [update] = await world.updates()
    assert update["message"]["entities"] == FOUND
    picture = await world.say("", photo=True, caption=PLAIN)
    assert picture["caption_entities"] == FOUND


async def test_person_is_mentioned_by_number_if_known(world: SandboxClient) -> None:
    person = world.ids["advertiser"]
    text = f'<a href="tg://user?id={person}">A</a> <a href="tg://user?id=5">B</a>'
    sent = await world.call("sendMessage", chat_id=world.ids["group"], text=text, parse_mode="HTML")
    [mention] = sent["entities"]
    assert (mention["type"], mention["user"]["id"], mention["length"]) == (
        "text_mention",
        person,
        1,
    )


@pytest.mark.parametrize(
    ("parse_mode", "text", "error"),
    [
        ("HTML", "é<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("HTML", "éx</b>", "Unexpected end tag at byte offset 3"),
        (
            "HTML",
            "é<b><i>x</b></i>",
            'Unmatched end tag at byte offset 9, expected "</i>", found "</b>"',
        ),
        ("HTML", "<h1>x</h1>", 'Unsupported start tag "h1" at byte offset 0'),
        ("HTML", "1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("HTML", "1 <2", "Unclosed start tag at byte offset 2"),
        ("HTML", "&#xD83D;", None),
        (
            "MarkdownV2",
            "1 + 2",
            "Character '+' is reserved and must be escaped with the preceding '\\'",
        ),
        ("MarkdownV2", "é*x", "Can't find end of Bold entity at byte offset 2"),
        ("Markdown", "é*x", "Can't find end of the entity starting at byte offset 2"),
    ],
)
async def test_wrong_markup_is_refused(
    world: SandboxClient, parse_mode: str, text: str, error: str | None
) -> None:
    code, description = await world.refused(
        "sendMessage", chat_id=world.ids["channel"], text=text, parse_mode=parse_mode
    )
    assert code == 400
    assert description.startswith(f"Bad Request: can't parse entities: {error or 'Text contains'}")


async def test_an_unknown_parse_mode_is_refused_if_there_is_a_text(world: SandboxClient) -> None:
    """`get_formatted_text` of `Client.cpp` asks for the mode of a text, and knows "none"."""
    fields = {"chat_id": world.ids["channel"], "text": "<b>x"}
    assert await world.refused("sendMessage", parse_mode="RTF", **fields) == (
        400,
        "Bad Request: unsupported parse_mode",
    )
    assert (await world.call("sendMessage", parse_mode="none", **fields))["text"] == "<b>x"
    photo = (await world.say("", photo=True))["photo"][-1]["file_id"]
    await world.call("sendPhoto", photo=photo, parse_mode="RTF", chat_id=world.ids["channel"])


async def test_markup_is_preferred_to_entities(world: SandboxClient) -> None:
    """`get_formatted_text` of `Client.cpp` reads no entities of a text with a mode."""
    italic = [{"type": "italic", "offset": 0, "length": 1}]
    sent = await world.call(
        "sendMessage",
        chat_id=world.ids["channel"],
        text="<b>x</b>",
        parse_mode="HTML",
        entities=italic,
    )
    assert sent["entities"] == [{"type": "bold", "offset": 0, "length": 1}]


async def test_entities_are_read_as_leniently_as_by_telegram(world: SandboxClient) -> None:
    """`get_text_entity_type` of `Client.cpp` reads no more of a user than the id."""
    person = world.ids["advertiser"]
    sent = await world.call(
        "sendMessage",
        chat_id=person,
        text="abc",
        entities=[
            {"type": "text_mention", "offset": "0", "length": 1, "user": {"id": person}},
            {"type": "custom_emoji", "offset": 1, "length": 2, "custom_emoji_id": 5},
        ],
    )
    mention, emoji = sent["entities"]
    assert (mention["user"]["id"], mention["user"]["first_name"]) == (person, "Advertiser")
    assert emoji == {"type": "custom_emoji", "offset": 1, "length": 2, "custom_emoji_id": "5"}


@pytest.mark.parametrize(
    ("entities", "error"),
    [
        ([{"type": "bold"}], 'Can\'t find field "offset"'),
        ([None], "expected an Object"),
        ([{"type": "big", "offset": 0, "length": 1}], "Unsupported type specified"),
    ],
)
async def test_wrong_entities_are_refused_wherever_they_stand(
    world: SandboxClient, entities: list[object], error: str
) -> None:
    chat = world.ids["advertiser"]
    refusal = (400, f"Bad Request: can't parse MessageEntity: {error}")
    photo = (await world.say("", photo=True))["photo"][-1]["file_id"]
    media = {"type": "photo", "media": photo, "caption": "x", "caption_entities": entities}
    calls: list[tuple[str, Json]] = [
        ("sendMessage", {"text": "x", "entities": entities}),
        ("sendPhoto", {"photo": photo, "caption": "x", "caption_entities": entities}),
        ("sendMediaGroup", {"media": [media, media]}),
    ]
    for method, fields in calls:
        assert await world.refused(method, chat_id=chat, **fields) == refusal
    await world.call("sendMessage", chat_id=chat, text="x", parse_mode="HTML", entities=entities)
    await world.call("sendMessage", chat_id=chat, text="x", entities={"type": "bold"})


async def test_a_text_of_32_kilobytes_is_too_long_before_it_is_parsed(
    world: SandboxClient,
) -> None:
    """`get_formatted_text` of `Client.cpp` has the limit."""
    chat = world.ids["channel"]
    sources = ["<b></b>" * 4681 + "a", "<b></b>" * 4681 + "ab"]
    sent = await world.call("sendMessage", chat_id=chat, text=sources[0], parse_mode="HTML")
    assert sent["text"] == "a"
    assert await world.refused("sendMessage", chat_id=chat, text=sources[1], parse_mode="HTML") == (
        400,
        "Bad Request: text is too long",
    )


async def test_only_a_hundred_entities_are_kept(world: SandboxClient) -> None:
    sent = await world.call("sendMessage", chat_id=world.ids["channel"], text="#a " * 101)
    assert len(sent["entities"]) == 100


async def test_half_of_a_character_in_an_address_is_refused(world: SandboxClient) -> None:
    """`get_message_entities` of `MessageEntity.cpp` refuses it. HTML can write such a half."""
    text = '<a href="https://example.org/&#xD83D;">x</a>'
    assert await world.refused(
        "sendMessage", chat_id=world.ids["channel"], text=text, parse_mode="HTML"
    ) == (400, "Bad Request: messageEntityTextUrl.url must be encoded in UTF-8")
    assert (await world.say("hi"))["text"] == "hi"
