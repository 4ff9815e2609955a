"""Test that an unreadable update does not stop other updates."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot import raw_updates
from bot.admin_chat import AdminChat
from bot.polling import Poller
from bot.telegram.answers import create_bot
from bot.update_filter import TOO_LARGE
from tests.bot.test_inbox_worker import message, payment
from tests.handlers.marketplace import Marketplace
from tests.sandbox.raw_world import BOT_TOKEN

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
    assert strange["message"].items() <= message(1, 5, "")["message"].items()  # type: ignore[attr-defined]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(['"', "[{", "\\"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_readable_json_beside_a_deep_part_stays_as_it_is(value: Any) -> None:
    deep, beside = raw_updates.read(f"[{DEEP},{json.dumps(value, ensure_ascii=False)}]".encode())
    assert beside == value
    for _ in range(raw_updates.MAX_DEPTH - 1):
        (deep,) = deep
    assert deep == TOO_LARGE


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"[" * 5_000, b'{"a": "[[['])
def test_an_answer_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        raw_updates.read(body)


@pytest.mark.parametrize("part", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_polling_goes_on_and_the_payment_beside_is_credited(
    market: Marketplace, part: bytes
) -> None:
    body = body_of(part, payment(2, market.chat("advertiser")))
    confirmed = asyncio.Event()

    async def get_updates(request: web.Request) -> web.Response:
        if (await request.json()).get("offset") != 3:
            return web.Response(body=body, content_type="application/json")
        confirmed.set()
        await asyncio.sleep(60)
        return web.Response()

    app = web.Application()
    app.router.add_post(f"/bot{BOT_TOKEN}/getUpdates", get_updates)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    bot = create_bot(BOT_TOKEN, url, AdminChat(market.chat("group"), market.database.sessions))
    poller = Poller(sessions=market.database.sessions, bot=bot, worker=market.worker)
    polling = asyncio.create_task(poller.run())
    async with asyncio.timeout(10):
        await confirmed.wait()
    polling.cancel()
    await bot.session.close()
    await runner.cleanup()
    await market.settle()
    assert await market.value("SELECT count(*) FROM deposits WHERE status = 'credited'") == 1
    assert await market.value("SELECT count(*) FROM inbox WHERE update_id = 1") == 1
