"""Test the methods that send files and contents without a text."""

import io
import struct
import wave
from typing import Any

import aiohttp
import pytest

from tests.factories import pictures
from tests.sandbox.telegram.raw_world import BOT_TOKEN, Json, SandboxClient


def sound(seconds: int) -> bytes:
    """Return a silent sound in the format WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(1)
        writer.setframerate(8_000)
        writer.writeframes(bytes(8_000 * seconds))
    return file.getvalue()


def video(width: int, height: int) -> bytes:
    """Return the headers of a video in the format MP4."""
    track = box(b"tkhd", bytes(76) + struct.pack(">II", width << 16, height << 16))
    header = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1_000, 7_000) + bytes(80))
    return box(b"ftyp", b"mp42" + bytes(4)) + box(b"moov", header + box(b"trak", track))


def box(name: bytes, content: bytes) -> bytes:
    """Return one box of an MP4 file."""
    return struct.pack(">I4s", len(content) + 8, name) + content


async def upload(world: SandboxClient, method: str, field: str, content: bytes, **more: str) -> Any:
    """Call a method with a file in the advertiser's chat, and return the whole answer."""
    form = aiohttp.FormData({"chat_id": str(world.ids["advertiser"]), **more})
    form.add_field(field, content, filename="file")
    async with world.http.post(f"{world.url}/bot{BOT_TOKEN}/{method}", data=form) as response:
        return await response.json()


async def sent(world: SandboxClient, method: str, field: str, content: bytes, **more: str) -> Json:
    """Send a file, and return the message."""
    body: Json = await upload(world, method, field, content, **more)
    assert body["ok"], body
    result: Json = body["result"]
    return result


async def test_files_have_their_real_sizes_and_durations(world: SandboxClient) -> None:
    photo = (await sent(world, "sendPhoto", "photo", pictures.png(30, 20)))["photo"][-1]
    assert (photo["width"], photo["height"]) == (30, 20)
    clip = (await sent(world, "sendVideo", "video", video(320, 240)))["video"]
    assert (clip["width"], clip["height"], clip["duration"]) == (320, 240, 7)
    assert (await sent(world, "sendVoice", "voice", sound(3)))["voice"]["duration"] == 3
    assert (await sent(world, "sendAudio", "audio", sound(2)))["audio"]["duration"] == 2
    note = (await sent(world, "sendVideoNote", "video_note", video(240, 240)))["video_note"]
    assert (note["length"], note["duration"]) == (240, 7)
    sticker = (await sent(world, "sendSticker", "sticker", pictures.png(512, 512)))["sticker"]
    assert (sticker["width"], sticker["type"]) == (512, "regular")


async def test_what_a_request_states_about_a_file_comes_first(world: SandboxClient) -> None:
    stated = {"duration": "9", "performer": "Choir", "title": "Bread", "caption": "Listen"}
    message = await sent(world, "sendAudio", "audio", sound(2), **stated)
    audio = message["audio"]
    assert (audio["duration"], audio["performer"], audio["title"]) == (9, "Choir", "Bread")
    assert message["caption"] == "Listen"
    refused = await upload(world, "sendAudio", "audio", sound(2), duration="-1")
    assert refused["description"] == "Bad Request: audio duration must be non-negative"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no picture", "IMAGE_PROCESS_FAILED"),
        (pictures.png(2_100, 100), "PHOTO_INVALID_DIMENSIONS"),
    ],
)
async def test_a_photo_that_telegram_cannot_show_is_refused(
    world: SandboxClient, content: bytes, reason: str
) -> None:
    refused = await upload(world, "sendPhoto", "photo", content)
    assert refused["description"] == f"Bad Request: {reason}"


@pytest.mark.parametrize(
    ("method", "fields", "content"),
    [
        (
            "sendLocation",
            {"latitude": 52.5, "longitude": 13.4, "horizontal_accuracy": 12},
            {"location": {"latitude": 52.5, "longitude": 13.4, "horizontal_accuracy": 12}},
        ),
        (
            "sendVenue",
            {"latitude": 52.5, "longitude": 13.4, "title": "Bakery", "address": "Street 1"},
            {
                "location": {"latitude": 52.5, "longitude": 13.4},
                "venue": {
                    "location": {"latitude": 52.5, "longitude": 13.4},
                    "title": "Bakery",
                    "address": "Street 1",
                },
            },
        ),
        (
            "sendContact",
            {"phone_number": "+49", "first_name": "Baker"},
            {"contact": {"phone_number": "+49", "first_name": "Baker"}},
        ),
    ],
)
async def test_a_content_is_sent_copied_and_shown(
    world: SandboxClient, method: str, fields: Json, content: Json
) -> None:
    chat_id = world.ids["advertiser"]
    message = await world.call(method, chat_id=chat_id, **fields)
    assert {name: message[name] for name in content} == content
    copy = await world.call(
        "copyMessage", chat_id=chat_id, from_chat_id=chat_id, message_id=message["message_id"]
    )
    stored = world.state.messages[chat_id][copy["message_id"]].body
    assert {name: stored[name] for name in content} == content


@pytest.mark.parametrize(
    ("method", "fields", "reason"),
    [
        ("sendLocation", {"latitude": 91, "longitude": 0}, "wrong latitude or longitude"),
        ("sendLocation", {"latitude": 1, "longitude": 0, "live_period": 60}, "live_period"),
        ("sendVenue", {"latitude": 1, "longitude": 1, "title": " ", "address": "a"}, "title"),
        ("sendContact", {"phone_number": "+1", "first_name": ""}, "first name"),
        ("sendDice", {"emoji": "x"}, "DICE_EMOTICON_INVALID"),
        ("sendPoll", {"question": "", "options": ["a"]}, "question must be non-empty"),
        ("sendPoll", {"question": "x" * 301, "options": ["a"]}, "must not exceed 300"),
        ("sendPoll", {"question": "Why?", "options": ["a"] * 13}, "from 1 to 12 options"),
        ("sendPoll", {"question": "Why?", "options": ["a" * 101]}, "must not exceed 100"),
        ("sendPoll", {"question": "Why?", "options": [""]}, "options must be non-empty"),
        ("sendPoll", {"question": "Why?", "options": ["a"], "type": "quiz"}, "correct option"),
        ("sendPoll", {"question": "Why?", "options": ["a"], "type": "vote"}, "poll type"),
        ("sendPoll", {"question": "Why?", "options": ["a"], "members_only": True}, "not supported"),
        ("sendPoll", {"question": "Why?", "options": ["a"], "open_period": 0}, "open_period"),
    ],
)
async def test_a_wrong_content_is_refused(
    world: SandboxClient, method: str, fields: Json, reason: str
) -> None:
    _, text = await world.refused(method, chat_id=world.ids["advertiser"], **fields)
    assert reason in text


async def test_a_die_has_a_value_of_its_kind(world: SandboxClient) -> None:
    chat_id = world.ids["advertiser"]
    for emoji, sides in (("\N{GAME DIE}", 6), ("\N{BASKETBALL AND HOOP}", 5)):
        dice = (await world.call("sendDice", chat_id=chat_id, emoji=emoji))["dice"]
        assert dice["emoji"] == emoji
        assert 1 <= dice["value"] <= sides


async def test_a_poll_is_closed_once(world: SandboxClient) -> None:
    chat_id = world.ids["advertiser"]
    message = await world.call(
        "sendPoll",
        chat_id=chat_id,
        question="Which bread?",
        options=["Rye", {"text": "<b>Wheat</b>", "text_parse_mode": "HTML"}],
        type="quiz",
        correct_option_id=1,
        explanation="It is.",
    )
    poll = message["poll"]
    assert [option["text"] for option in poll["options"]] == ["Rye", "Wheat"]
    assert poll["options"][1]["text_entities"][0]["type"] == "bold"
    assert (poll["correct_option_id"], poll["explanation"]) == (1, "It is.")
    fields = {"chat_id": chat_id, "message_id": message["message_id"]}
    assert (await world.call("stopPoll", **fields))["is_closed"]
    assert "already been closed" in (await world.refused("stopPoll", **fields))[1]
    text = await world.call("sendMessage", chat_id=chat_id, text="no poll")
    fields["message_id"] = text["message_id"]
    assert "there is no poll" in (await world.refused("stopPoll", **fields))[1]
