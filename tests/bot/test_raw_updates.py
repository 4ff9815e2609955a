"""Test that an unreadable update does not stop other updates."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot import bounded_json, raw_updates
from bot.admin_chat import AdminChat
from bot.bounded_json import TOO_LARGE
from bot.polling import Poller
from bot.telegram.answers import create_bot
from services.platform import inbox
from tests.bot.test_inbox_worker import message, payment
from tests.handlers.marketplace import Marketplace
from tests.sandbox.telegram.raw_world import BOT_TOKEN

DEEP = "[" * 5_000 + "]" * 5_000
UNREADABLE = {
    "lists 5,000 levels deep": DEEP.encode(),
    "objects 5,000 levels deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a number of 5,000 digits": b"9" * 5_000,
    "bytes that are no UTF-8": b'"\xff\xfe"',
}


def body_of(part: bytes, *beside: dict[str, Any]) -> bytes:
    """Return an answer to `getUpdates`: a message with the JSON text `part`, and other updates."""
    strange = json.dumps(message(1, 5, "PART")).replace('"PART"', "@").encode()
    others = b",".join(json.dumps(update).encode() for update in beside)
    return b'{"ok":true,"result":[' + strange.replace(b"@", part) + b"," + others + b"]}"


@pytest.mark.parametrize("part", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_only_the_part_that_cannot_be_read_is_replaced(part: bytes) -> None:
    body = body_of(part, payment(2, 7))
    with pytest.raises((ValueError, RecursionError)):
        json.loads(body)
    strange, beside = raw_updates.read(body)["result"]
    assert beside == payment(2, 7)
    assert strange["update_id"] == 1
    assert strange["message"].pop("text")
    assert strange["message"].items() <= message(1, 5, "")["message"].items()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(['"', "[{", "\\"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_readable_json_beside_a_deep_part_stays_as_it_is(value: Any) -> None:
    deep, beside = raw_updates.read(f"[{DEEP},{json.dumps(value, ensure_ascii=False)}]".encode())
    assert beside == value
    for _ in range(bounded_json.MAX_DEPTH - 1):
        (deep,) = deep
    assert deep == TOO_LARGE


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"[" * 5_000, b'{"a": "[[['])
def test_an_answer_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        raw_updates.read(body)


def test_a_text_without_an_update_is_not_set_aside() -> None:
    too_long = b'"' + b"a" * raw_updates.MAX_BYTES + b'"'
    first = b'{"ok":true,"result":[{"update_id":7,"message":' + too_long
    kept = raw_updates.set_aside(first)
    assert kept is not None
    assert kept["update_id"] == 7
    assert kept["set_aside"] == first[: inbox.SET_ASIDE_LIMIT].decode()
    assert raw_updates.read_one(first.partition(b"[")[2]) is not None
    for no_update in (b"<html>", b'{"ok":false,"x":' + too_long, b"[" * 300_000, b" " * 10**6):
        assert raw_updates.set_aside(no_update) is None
        assert raw_updates.read_one(no_update) is None


@contextlib.asynccontextmanager
async def polling(market: Marketplace, updates: list[bytes]) -> AsyncIterator[list[int]]:
    """Poll a server that has these updates with the ids 1, 2, 3 and so on, until all are confirmed.

    Yields the limits of the requests.
    """
    confirmed = asyncio.Event()
    limits: list[int] = []

    async def get_updates(request: web.Request) -> web.Response:
        asked = await request.json()
        begin = asked.get("offset", 1) - 1
        if begin == len(updates):
            confirmed.set()
            await asyncio.sleep(60)
        limits.append(asked["limit"])
        result = b",".join(updates[begin : begin + asked["limit"]])
        body = b'{"ok":true,"result":[' + result + b"]}"
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post(f"/bot{BOT_TOKEN}/getUpdates", get_updates)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    bot = create_bot(BOT_TOKEN, url, AdminChat(market.chat("group"), market.database.sessions))
    poller = Poller(sessions=market.database.sessions, bot=bot, worker=market.worker)
    task = asyncio.create_task(poller.run())
    async with asyncio.timeout(10):
        await confirmed.wait()
    task.cancel()
    await bot.session.close()
    await runner.cleanup()
    await market.settle()
    yield limits


@pytest.mark.parametrize("part", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_polling_goes_on_and_the_payment_beside_is_credited(
    market: Marketplace, part: bytes
) -> None:
    paid = json.dumps(payment(2, market.chat("advertiser"))).encode()
    strange = json.dumps(message(1, 5, "PART")).encode().replace(b'"PART"', part)
    async with polling(market, [strange, paid]):
        assert await market.value("SELECT count(*) FROM deposits WHERE status = 'credited'") == 1
        assert await market.value("SELECT count(*) FROM inbox WHERE update_id = 1") == 1


@pytest.mark.parametrize(
    "part", [b'"' + b"a" * raw_updates.MAX_BYTES + b'"', b"[" * 100_000, b'"\\' * 50_000]
)
async def test_only_the_unreadable_update_of_an_answer_is_set_aside(
    market: Marketplace, part: bytes
) -> None:
    updates = [
        json.dumps(payment(number, market.chat("advertiser"))).encode() for number in range(1, 16)
    ]
    updates[6] = json.dumps(message(7, 5, "PART")).encode().replace(b'"PART"', part)
    async with polling(market, updates) as limits:
        assert await market.value("SELECT count(*) FROM inbox WHERE done_at IS NOT NULL") == 14
        rows = await market.rows("SELECT update_id FROM inbox WHERE failed_at IS NOT NULL")
        assert rows == [{"update_id": 7}]
        error = await market.value("SELECT last_error FROM inbox WHERE update_id = 7")
        assert error == "too large or unreadable"
        kept = await market.value("SELECT payload->>'set_aside' FROM inbox WHERE update_id = 7")
        assert len(kept) == inbox.SET_ASIDE_LIMIT
        assert limits[:3] == [100, 10, 1]
        assert len(limits) < 20
