"""Test that reading an answer of the Bot API has a limited cost."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError
from aiogram.types import TransactionPartnerUser
from aiohttp import web

from bot import bounded_json
from bot.admin_chat import AdminChat
from bot.telegram import api_response, message_lookup
from bot.telegram.answers import create_notice_bot
from bot.telegram.api_response import ApiResponse
from bot.telegram.message_lookup import LookupResult
from bot.telegram.send_outcomes import Uncertain
from bot.telegram.sender import Sender
from services.market.creatives import Creative
from tests.bot.test_update_filter import CHAT, MESSAGE, PERSON
from tests.sandbox.telegram.raw_world import BOT_TOKEN

LIMIT_MS = 100.0
"""The CPU time that one answer may cost, in milliseconds."""
CHAT_FACTS = CHAT | {"accent_color_id": 1, "max_reaction_count": 1}
GIFTS = dict.fromkeys(
    (
        *("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription"),
        "gifts_from_channels",
    ),
    False,
)
PAYMENT = {"id": "charge", "amount": 5, "date": 1}
INVOICE = {
    "type": "user",
    "transaction_type": "invoice_payment",
    "user": PERSON,
    "invoice_payload": "topup",
}


def _rich_message() -> dict[str, Any]:
    text: Any = "bold"
    for _ in range(8):
        text = {"type": "bold", "text": [text]}
    return {"blocks": [{"type": "paragraph", "text": text}]}


@asynccontextmanager
async def answering(body: bytes, content_type: str = "application/json") -> AsyncIterator[str]:
    """Run a server that gives one answer to all requests, and yield its address."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def bot_with_answer(result: object) -> AsyncIterator[Bot]:
    """Yield a client of a server that answers with this result, or with this JSON text."""
    text = result if isinstance(result, bytes) else web.json_response(result).body
    assert isinstance(text, bytes)
    async with answering(b'{"ok":true,"result":' + text + b"}") as url:
        bot = create_notice_bot(BOT_TOKEN, url, AdminChat(-1, None))  # type: ignore[arg-type]  # unused
        yield bot
        await bot.session.close()


async def test_the_pinned_message_of_a_chat_is_not_read() -> None:
    pinned = MESSAGE | {"rich_message": _rich_message()}
    facts = CHAT_FACTS | {"accepted_gift_types": GIFTS, "title": "A", "pinned_message": pinned}
    async with bot_with_answer(facts) as bot:
        began = time.process_time()
        chat = await bot.get_chat(7)
        assert (time.process_time() - began) * 1_000 < LIMIT_MS * 5  # the first use of the models
    assert (chat.id, chat.title, chat.pinned_message) == (7, "A", None)


async def test_a_sent_message_is_read_without_unused_parts() -> None:
    sent = MESSAGE | {"text": "a", "rich_message": _rich_message(), "reply_to_message": MESSAGE}
    async with bot_with_answer(sent) as bot:
        message = await bot.send_message(7, "a")
    assert (message.message_id, message.text, message.reply_to_message) == (1, "a", None)


async def test_unknown_partners_do_not_hide_the_payments_beside_them() -> None:
    listed = [
        PAYMENT | {"source": {"type": "new", "x": {}}},
        PAYMENT | {"source": INVOICE | {"gift": {"sticker": {}}, "paid_media": [{}]}},
        PAYMENT | {"receiver": INVOICE},
    ]
    async with bot_with_answer({"transactions": listed}) as bot:
        found = (await bot.get_star_transactions()).transactions
    assert found[0].source is not None
    assert found[0].source.type == "other"
    assert isinstance(found[1].source, TransactionPartnerUser)
    assert isinstance(found[2].receiver, TransactionPartnerUser)
    assert found[1].source.invoice_payload == "topup"


COSTLY = {
    "a deep answer": b"[" * 250_000 + b"]" * 250_000,
    "lists": b"[" + b"[]," * 160_000 + b"0]",
    "transactions": b'{"transactions":[' + b"{}," * 160_000 + b"{}]}",
    "a person": b'{"transactions":[{"source":{"type":"user","user":['
    + b"[]," * 160_000
    + b"0]}}]}",
    "a string that is not closed": b'"' + b'\\"' * 250_000,
    "quotation marks": b'"\\' * 250_000,
    "a number": b"9" * 500_000,
    "another type": b'"a"',
    "megabytes": b'"' + b"a" * 5_000_000 + b'"',
}


@pytest.mark.parametrize("result", COSTLY.values(), ids=COSTLY.keys())
async def test_a_hostile_answer_is_a_lost_answer(result: bytes) -> None:
    async with bot_with_answer(result) as bot:
        costs = []
        for _ in range(3):
            began = time.process_time()
            with pytest.raises(Exception, match=r".*") as refused:
                await bot.get_star_transactions()
            costs.append(time.process_time() - began)
        assert type(refused.value).__name__ in {"ClientDecodeError", "TelegramNetworkError"}
    assert min(costs) * 1_000 < LIMIT_MS


async def test_an_answer_above_the_limit_is_not_read_to_its_end() -> None:
    body = b'{"ok":true,"result":"' + b"a" * 50_000_000 + b'"}'
    async with answering(body) as url:
        sender = Sender(token=BOT_TOKEN, api_url=url)
        outcome = await sender.send_ad(7, Creative(text="a", kind="text"))
        await sender.close()
    assert outcome == Uncertain("200: the answer could not be read")


async def test_the_charset_of_an_answer_is_not_used() -> None:
    # The decoder of this charset needs quadratic time.
    async with answering(b"a-" + b"a" * 200_000, "text/html; charset=punycode") as url:
        bot = create_notice_bot(BOT_TOKEN, url, AdminChat(-1, None))  # type: ignore[arg-type]  # unused
        began = time.process_time()
        with pytest.raises(Exception, match=r".*") as refused:
            await bot.get_me()
        assert (time.process_time() - began) * 1_000 < LIMIT_MS * 5
        await bot.session.close()
    assert type(refused.value).__name__ in {"ClientDecodeError", TelegramNetworkError.__name__}


def test_an_answer_with_other_types_proves_nothing() -> None:
    deep = b"[" * 900 + b"]" * 900
    refusal = ApiResponse(400, b'{"ok":false,"error_code":400,"description":' + deep + b"}")
    answer = api_response.parse(refusal)
    assert answer is not None
    assert api_response.error_text(400, answer) == "400: no description"
    copy = b'{"ok":true,"result":{"message_id":5,"text":"a","entities":5}}'
    probe, copy_id = message_lookup.interpret_copy(
        ApiResponse(200, copy), Creative(text="a", kind="text")
    )
    assert (probe.result, copy_id) == (LookupResult.UNKNOWN, 5)
    large = ApiResponse(200, b'{"ok":true}' + b" " * bounded_json.MAX_ANSWER)
    assert api_response.parse(large) is None
