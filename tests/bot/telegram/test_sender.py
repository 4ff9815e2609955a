"""Test the outcome of a send for each fault of the server or the network."""

import asyncio
import socket
import time
from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.telegram.send_outcomes import NotSent, Refused, Sent, Uncertain
from db.models.posting import Verdict
from services.market.creatives import Creative
from services.posts.media_comparison import EDITED_ONCE
from tests.bot.telegram.tcp_server import (
    AD,
    CHANNEL,
    TIMEOUT,
    Behaviour,
    answer,
    close_after_body,
    listening,
    message,
    never_answer,
    outcome_of,
    read_request,
    replying,
    reset,
    reset_after_body,
    reset_at_once,
    sending,
    telegram_error,
    trickle,
)


async def test_an_answer_with_a_message_means_sent() -> None:
    assert await outcome_of(replying(answer(200, message(7)))) == Sent(7)


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(reset_at_once, id="RST before the body was read"),
        pytest.param(reset_after_body, id="RST after the body"),
        pytest.param(close_after_body, id="FIN after the body"),
        pytest.param(replying(answer(502, b"<html>Bad gateway</html>")), id="502 HTML"),
        pytest.param(replying(answer(200, b"<html>Hello</html>")), id="200 HTML"),
        pytest.param(replying(answer(400, b"<html>Bad request</html>")), id="400 HTML"),
        pytest.param(replying(answer(429, b"<html>Slow down</html>")), id="429 HTML"),
        pytest.param(replying(b"\x00\xffnot HTTP at all\r\n\r\n"), id="not HTTP"),
        pytest.param(replying(answer(200, message(7), length=4000)), id="cut body"),
        pytest.param(replying(answer(200, b'{"ok": true, "result": "\xff\xfe"}')), id="bad UTF-8"),
        pytest.param(replying(answer(200, {"ok": True})), id="200 without a result"),
        pytest.param(replying(answer(200, message(0))), id="message id 0"),
        pytest.param(replying(answer(200, message("7"))), id="message id that is a text"),
        pytest.param(
            replying(answer(200, message(message_id=True))), id="message id that is a boolean"
        ),
        pytest.param(replying(answer(200, b"[]")), id="200 with a list"),
        pytest.param(replying(answer(200, b"[" * 100_000)), id="200 nested without end"),
        pytest.param(replying(answer(200, b"")), id="200 with nothing"),
        pytest.param(replying(answer(500, message(7))), id="500 that says ok"),
        pytest.param(replying(telegram_error(500, "Internal Server Error")), id="500 JSON"),
        pytest.param(replying(telegram_error(502, "restart")), id="502 JSON"),
        pytest.param(
            replying(answer(500, {"ok": False, "error_code": 500})), id="500 without a description"
        ),
        pytest.param(replying(answer(400, {"error": "who are you"})), id="a stranger's 400"),
        pytest.param(
            replying(answer(200, {"ok": False, "error_code": 400, "description": "no"})),
            id="200 that says 400",
        ),
        pytest.param(
            replying(b"HTTP/1.1 302 X\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"),
            id="a redirect is not followed",
        ),
    ],
)
async def test_a_send_that_may_have_arrived_is_uncertain(behave: Behaviour) -> None:
    assert isinstance(await outcome_of(behave), Uncertain)


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(never_answer, id="no answer"),
        pytest.param(trickle, id="an answer that takes for ever"),
    ],
)
async def test_a_send_without_an_answer_in_time_is_uncertain(behave: Behaviour) -> None:
    arrived = asyncio.Event()

    async def arrive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await behave(reader, writer)

    # A busy machine may not send the request in time. Then the test tries again with more time.
    for seconds in (TIMEOUT, TIMEOUT * 10, TIMEOUT * 100):
        async with (
            listening(arrive) as (address, connections),
            sending(address, seconds=seconds) as sender,
        ):
            outcome = await sender.send_ad(CHANNEL, AD)
        if arrived.is_set():
            break
    assert arrived.is_set()
    assert isinstance(outcome, Uncertain)
    assert len(connections) == 1


@pytest.mark.parametrize(
    ("code", "description", "lost"),
    [
        (400, "Bad Request: message text is empty", ""),
        (413, "Request Entity Too Large", ""),
        (400, "Bad Request: chat not found", "gone"),
        (400, "Bad Request: CHANNEL_PRIVATE", "gone"),
        (403, "Forbidden: user is deactivated", "gone"),
        (400, "Bad Request: need administrator rights in the channel chat", "rights"),
        (400, "Bad Request: not enough rights to send text messages to the chat", "rights"),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", "rights"),
        (403, "Forbidden: bot is not a member of the channel chat", "rights"),
        (403, "Forbidden: bot was kicked from the channel chat", "rights"),
        # The advertiser has chosen the address.
        (400, "Bad Request: button URL 'https://a.com:0/chat_admin_required' is invalid", ""),
        (400, f"Bad Request: button URL 'https://a.com:0/channel_private{'a' * 200}'", ""),
    ],
)
async def test_a_readable_refusal_means_refused(code: int, description: str, lost: str) -> None:
    outcome = await outcome_of(replying(telegram_error(code, description)))
    error = f"{code}: {description}".partition(" '")[0]
    assert outcome == Refused(error, rights_lost=lost == "rights", gone=lost == "gone")


@pytest.mark.parametrize(
    ("content", "retry_after"),
    [
        (telegram_error(429, "Too Many Requests: retry after 9", retry_after=9), 9),
        (telegram_error(429, "Too Many Requests", retry_after=0), 5),
        (telegram_error(429, "Too Many Requests"), 5),
        (telegram_error(429, "Too Many Requests", retry_after=10**30), 86_400),
    ],
)
async def test_a_429_costs_no_attempt(content: bytes, retry_after: int) -> None:
    outcome = await outcome_of(replying(content))
    assert isinstance(outcome, NotSent)
    assert not outcome.counts
    assert not outcome.stop_all
    assert outcome.retry_after == timedelta(seconds=retry_after)


@pytest.mark.parametrize("code", [401, 404, 409])
async def test_an_error_about_the_bot_itself_stops_all_sends(code: int) -> None:
    outcome = await outcome_of(replying(telegram_error(code, "no")))
    assert outcome == NotSent(f"{code}: no", counts=True, stop_all=True)


async def test_a_refused_connection_means_not_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with sending(address) as sender:
            outcome = await sender.send_ad(CHANNEL, AD)
    assert outcome == NotSent("ClientConnectorError", counts=True)


async def test_an_unknown_host_means_not_sent() -> None:
    async with sending("http://nowhere.invalid") as sender:
        outcome = await sender.send_ad(CHANNEL, AD)
    assert isinstance(outcome, NotSent)
    assert outcome.counts


async def test_a_connect_timeout_means_not_sent() -> None:
    # The listener never accepts, and its backlog is full. So the handshake does not end.
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        held = []
        for _ in range(4):
            waiting = socket.socket()
            waiting.settimeout(0)
            waiting.connect_ex(deaf.getsockname())
            held.append(waiting)
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        async with sending(address, seconds=TIMEOUT) as sender:
            outcome = await sender.send_ad(CHANNEL, AD)
        for waiting in held:
            waiting.close()
    assert isinstance(outcome, NotSent)
    assert outcome.counts


async def test_a_failed_tls_handshake_means_not_sent() -> None:
    async def not_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        reset(writer)

    async with listening(not_tls) as (address, _), sending(f"https{address[4:]}") as sender:
        outcome = await sender.send_ad(CHANNEL, AD)
    assert isinstance(outcome, NotSent)


async def test_nothing_is_sent_after_the_lease() -> None:
    arrived = bytearray()

    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        arrived.extend(await reader.read(1))

    async with listening(listen) as (address, connections), sending(address) as sender:
        outcome = await sender.send_ad(CHANNEL, AD, not_after=time.monotonic() - 1)
    assert isinstance(outcome, NotSent)
    assert not outcome.counts
    assert len(connections) == 1
    assert not arrived


async def test_a_cancelled_send_returns_its_outcome() -> None:
    arrived = asyncio.Event()

    async def read_and_wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await reader.read()

    async with listening(read_and_wait) as (address, _), sending(address) as sender:
        task = asyncio.create_task(sender.send_ad(CHANNEL, AD))
        await arrived.wait()
        task.cancel()
        assert await task == Uncertain("stopped while sending")


async def test_a_broken_ad_is_refused_without_a_connection() -> None:
    broken = Creative(kind="text", text="Lamp", entities=[{"type": "bold"}])
    async with listening(never_answer) as (address, connections), sending(address) as sender:
        outcome = await sender.send_ad(CHANNEL, broken)
    assert outcome == Refused("the ad cannot be built: ValidationError", rights_lost=False)
    assert connections == []


async def test_every_send_has_a_connection_of_its_own() -> None:
    async def keep_alive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await read_request(reader)
            writer.write(answer(200, message(7)))
            await writer.drain()

    async with listening(keep_alive) as (address, connections), sending(address) as sender:
        for _ in range(3):
            assert await sender.send_ad(CHANNEL, AD) == Sent(7)
    assert len(connections) == 3


async def test_no_outcome_contains_the_token() -> None:
    for address in ("http://127.0.0.1:1", "http://nowhere.invalid"):
        async with sending(address) as sender:
            assert "TEST-token" not in repr(await sender.send_ad(CHANNEL, AD))


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (telegram_error(400, "Bad Request: message is not modified: specified"), Verdict.PRESENT),
        (answer(200, message(7)), Verdict.ALTERED),
        (telegram_error(400, "Bad Request: message to edit not found"), Verdict.GONE),
        (telegram_error(400, "Bad Request: MESSAGE_ID_INVALID"), Verdict.GONE),
        (telegram_error(400, "Bad Request: message can't be edited"), Verdict.UNKNOWN),
        (telegram_error(400, "Bad Request: chat not found"), Verdict.UNKNOWN),
        (telegram_error(403, "Forbidden: bot was kicked from the channel chat"), Verdict.UNKNOWN),
        (telegram_error(429, "Too Many Requests", retry_after=3), Verdict.UNKNOWN),
        (telegram_error(500, "message to edit not found"), Verdict.UNKNOWN),
        (answer(400, b"message is not modified"), Verdict.UNKNOWN),
        (answer(200, {"ok": True}), Verdict.UNKNOWN),
    ],
)
async def test_a_check_returns_the_verdict_of_the_answer(content: bytes, verdict: Verdict) -> None:
    async with listening(replying(content)) as (address, _), sending(address) as sender:
        seen = await sender.check_post(CHANNEL, (7,), AD)
    assert seen is not None
    assert seen.verdict is verdict


async def test_a_check_without_an_answer_is_unknown() -> None:
    async with listening(reset_after_body) as (address, _), sending(address) as sender:
        seen = await sender.check_post(CHANNEL, (7,), AD)
    assert seen is not None
    assert seen.verdict is Verdict.UNKNOWN


async def test_a_check_without_restoring_edits_nothing() -> None:
    asked, behave = _answering([NOT_MODIFIED] * 3)
    async with listening(behave) as (address, _), sending(address) as sender:
        await sender.check_post(CHANNEL, (7,), AD, restore=False)
        await sender.check_post(CHANNEL, (7,), AD)
    assert [b"/edit" in request for request in asked] == [False, True, True]
    assert [b"lamp" in request for request in asked] == [False, False, True]
    assert b"/editMessageText" in asked[2]


NOT_MODIFIED = telegram_error(400, "Bad Request: message is not modified")
EDITED = answer(200, message(7))
GONE = telegram_error(400, "Bad Request: message to edit not found")
FLOOD = telegram_error(429, "Too Many Requests", retry_after=3)
NO_ANSWER = b""
NO_TEXT = telegram_error(400, "Bad Request: there is no text in the message to edit")
PICTURE = Creative(kind="photo", text="Lamp", file_id="file")


def _answering(contents: Sequence[bytes]) -> tuple[list[bytes], Behaviour]:
    """Return a list for the received requests, and a function that sends the answers in turn."""
    asked: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await read_request(reader))
        writer.write(contents[len(asked) - 1])
        await writer.drain()
        writer.close()

    return asked, behave


@pytest.mark.parametrize(
    ("ad", "contents", "verdict", "parts"),
    [
        (AD, [EDITED, NOT_MODIFIED], Verdict.ALTERED, "button"),
        (AD, [NOT_MODIFIED, EDITED], Verdict.ALTERED, "text"),
        (AD, [EDITED, EDITED], Verdict.ALTERED, "button text"),
        (AD, [EDITED, GONE], Verdict.ALTERED, "button"),
        (AD, [NOT_MODIFIED, GONE], Verdict.GONE, ""),
        (AD, [NOT_MODIFIED, NO_TEXT], Verdict.ALTERED, "media"),
        (PICTURE, [NOT_MODIFIED] * 3, Verdict.PRESENT, ""),
        (PICTURE, [NOT_MODIFIED, EDITED, NOT_MODIFIED], Verdict.ALTERED, "text"),
        (PICTURE, [NOT_MODIFIED, NOT_MODIFIED, EDITED, NOT_MODIFIED], Verdict.ALTERED, "media"),
        (PICTURE, [EDITED, EDITED, EDITED, NOT_MODIFIED], Verdict.ALTERED, "button text media"),
        # This server does not compare media: it accepts each edit. So the media do not count.
        (PICTURE, [NOT_MODIFIED, NOT_MODIFIED, EDITED, EDITED], Verdict.PRESENT, ""),
        (PICTURE, [NOT_MODIFIED, NOT_MODIFIED, EDITED, GONE], Verdict.GONE, ""),
        (PICTURE, [NOT_MODIFIED, NOT_MODIFIED, EDITED, FLOOD], Verdict.ALTERED, "media"),
        (PICTURE, [NOT_MODIFIED, EDITED, EDITED, NO_ANSWER], Verdict.ALTERED, "text media"),
    ],
)
async def test_a_check_compares_each_part_of_an_ad(
    ad: Creative, contents: list[bytes], verdict: Verdict, parts: str
) -> None:
    asked, behave = _answering(contents)
    async with listening(behave) as (address, _), sending(address) as sender:
        seen = await sender.check_post(CHANNEL, (7,), ad)
    assert seen is not None
    assert (seen.verdict, seen.altered_parts) == (verdict, tuple(parts.split()))
    assert seen.restored == (NO_TEXT not in contents)
    assert len(asked) == len(contents)
    if verdict is Verdict.PRESENT and EDITED in contents:
        assert "not compared" in seen.evidence
    assert (EDITED_ONCE in seen.evidence) == (contents[-1] in {FLOOD, NO_ANSWER})
    assert (seen.retry_after is not None) == (contents[-1] == FLOOD)


@pytest.mark.parametrize(
    ("ad", "contents", "verdict"),
    [
        (AD, [], None),
        (AD, [NOT_MODIFIED], None),
        (AD, [EDITED], Verdict.ALTERED),
        (PICTURE, [NOT_MODIFIED] * 2, None),
        (PICTURE, [NOT_MODIFIED, NOT_MODIFIED, EDITED], Verdict.ALTERED),
    ],
)
async def test_a_check_without_a_slot_records_only_an_alteration(
    ad: Creative, contents: list[bytes], verdict: Verdict | None
) -> None:
    asked, behave = _answering(contents)

    async def wait_for_slot() -> bool:
        return len(asked) < len(contents)

    async with listening(behave) as (address, _), sending(address) as sender:
        seen = await sender.check_post(CHANNEL, (7,), ad, wait_for_slot=wait_for_slot)
    assert (seen and seen.verdict) == verdict
    assert (seen is not None and EDITED_ONCE in seen.evidence) == (len(contents) > 2)
    assert len(asked) == len(contents)


@pytest.mark.parametrize(
    ("behave", "answers"),
    [
        (replying(answer(200, {"ok": True, "result": {"id": 42}})), True),
        (replying(telegram_error(401, "Unauthorized")), True),
        (replying(telegram_error(500, "Internal Server Error")), False),
        (replying(answer(502, b"<html>")), False),
        (close_after_body, False),
    ],
)
async def test_telegram_is_reachable_if_its_answer_is_readable(
    behave: Behaviour, *, answers: bool
) -> None:
    async with listening(behave) as (address, _), sending(address) as sender:
        assert await sender.is_reachable() is answers
