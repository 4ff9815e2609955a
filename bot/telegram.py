"""Sends ads to channels and looks at them: the only place that does either.

Telegram has no idempotency key, so what matters is whether a request may have reached it. The
answer is judged by what came over the wire, never by an exception's class: aiogram reports a
connect time-out and a lost answer alike. Every request has a connection of its own, so that a
dead kept one never makes a post uncertain, and a trace signal tells whether its first byte left.
"""

import asyncio
import ssl
import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import certifi
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.methods import (
    DeleteMessage,
    ForwardMessage,
    GetChat,
    GetChatMember,
    GetMe,
    TelegramMethod,
)
from aiohttp import ClientSession, ClientTimeout, TCPConnector, TraceConfig

from bot import ads, replies, traces
from bot.replies import Reply
from bot.traces import Probe, Standing, Trace
from db.models.posting import Verdict
from services.creatives import Creative

SEND_SECONDS = 20.0
"""From the first look-up of the address to the last byte of the answer."""
ANSWER_SECONDS = 10.0
"""The same for all but ads: so long one call keeps what its chat says next waiting."""
CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Sent:
    """The ad is in the channel under this id."""

    message_id: int


@dataclass(frozen=True)
class Refused:
    """Telegram read the request and will not publish the ad."""

    error: str
    rights_lost: bool


@dataclass(frozen=True)
class NotSent:
    """The ad is surely not in the channel, and not because of the ad."""

    error: str
    counts: bool
    """Whether it uses up one of the job's attempts."""
    retry_after: timedelta | None = None
    stop_all: bool = False
    """The bot itself is at fault (its token, its address): nothing else would go out either."""


@dataclass(frozen=True)
class Uncertain:
    """The ad may or may not be in the channel."""

    error: str


Outcome = Sent | Refused | NotSent | Uncertain


@dataclass(frozen=True)
class Seen:
    """What a look at a published ad found; the evidence is Telegram's own words."""

    verdict: Verdict
    evidence: str
    retry_after: timedelta | None = None
    rights_lost: bool = False


@dataclass
class _Crossing:
    """One request on its way."""

    not_after: float
    not_before: float = 0.0
    """The connection is made meanwhile."""
    begun: bool = False
    """Whether its first byte may have left this machine."""


class _TooLateError(Exception):
    """The process slept between the decision to send and the first byte."""


def api_server(base: str) -> TelegramAPIServer:
    """The Bot API server at an address; an empty one is Telegram's own."""
    return TelegramAPIServer.from_base(base) if base else PRODUCTION


def plain_bot(token: str, api_url: str) -> Bot:
    """A bot for everything but ads in channels; kept connections, and exceptions as aiogram's."""
    return Bot(token, session=AiohttpSession(api=api_server(api_url), timeout=ANSWER_SECONDS))


class Sender:
    """Publishes ads, one connection each. Close it when done."""

    def __init__(self, *, token: str, api_url: str = "", seconds: float = SEND_SECONDS) -> None:
        """`api_url` as BOT_API_URL; `seconds` bounds one request from start to end."""
        self.seconds = seconds
        self._forms = AiohttpSession(api=api_server(api_url))
        self._bot = Bot(token, session=self._forms)
        self._http: ClientSession | None = None

    async def send_ad(
        self,
        chat_id: int,
        creative: Creative,
        *,
        not_before: float = 0.0,
        not_after: float | None = None,
    ) -> Outcome:
        """Publishes an ad once, and never raises for what Telegram or the network does.

        Both times are of `time.monotonic()`: the first is waited for, and a process that was paused
        past the second sends nothing. A cancellation is answered with the outcome, as the caller
        must still record it.
        """
        try:
            method = ads.message(chat_id, creative)
        except (ValueError, TypeError, AttributeError) as error:
            return Refused(f"the ad cannot be built: {type(error).__name__}", rights_lost=False)
        crossing = _Crossing(self._deadline(not_after), not_before)
        try:
            reply = await self._request(method, crossing)
        except _TooLateError:
            return NotSent("the lease was too old to send under", counts=False)
        except asyncio.CancelledError:
            if crossing.begun:
                return Uncertain("stopped while sending")
            return NotSent("stopped before sending", counts=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, only the wire tells
            # The class alone: an exception's words carry the address, and so the token.
            what = type(error).__name__
            return Uncertain(what) if crossing.begun else NotSent(what, counts=True)
        return judge_send(reply)

    async def look(
        self, chat_id: int, message_id: int, creative: Creative, *, restore: bool = True
    ) -> Seen:
        """Looks at a published ad by editing it to what it should be.

        With `restore` off only its button is touched, which shows whether it is there and leaves
        its text as it is: for when posting is stopped.
        """
        build = ads.edit if restore else ads.edit_button
        try:
            method = build(chat_id, message_id, creative)
            reply = await self._request(method, _Crossing(self._deadline(None)))
        except Exception as error:  # noqa: BLE001 - an unanswered look is no evidence
            return Seen(Verdict.UNKNOWN, type(error).__name__)
        return judge_look(reply)

    async def standing(self, chat_id: int) -> Standing | None:
        """What the bot may do in a channel; None when Telegram does not say."""
        method = GetChatMember(chat_id=chat_id, user_id=self._bot.id)
        answer = await self._ask(method)
        if answer is None:
            return None
        if not answer["ok"]:
            lost = replies.rights_lost(str(answer.get("description")))
            return Standing(may_post=False, may_edit_others=False) if lost else None
        member = answer.get("result")
        if not isinstance(member, dict):
            return None
        admin = member.get("status") == "administrator"
        return Standing(
            may_post=admin and member.get("can_post_messages") is True,
            may_edit_others=admin and member.get("can_edit_messages") is True,
        )

    async def probe(self, chat_id: int, message_id: int, creative: Creative) -> Probe:
        """Asks whether an ad is at an id, by giving that message the button that the ad has.

        Only where the bot may not edit others' posts. An ad without a button is asked for with no
        button: Telegram compares what is there with what is wanted, and finds nothing to change.
        """
        method = ads.edit_button(chat_id, message_id, creative)
        try:
            reply = await self._request(method, _Crossing(self._deadline(None)))
        except Exception as error:  # noqa: BLE001 - an unanswered probe is no evidence
            return Probe(Trace.UNKNOWN, type(error).__name__)
        return traces.judge_probe(reply)

    async def compare(
        self, chat_id: int, message_id: int, creative: Creative, *, through: int
    ) -> Probe:
        """Asks whether an ad is at an id by forwarding what is there and reading the copy.

        For channels where the bot may edit others' posts. The forwarded copy is taken away again.
        """
        method = ForwardMessage(
            chat_id=through,
            from_chat_id=chat_id,
            message_id=message_id,
            disable_notification=True,
        )
        try:
            reply = await self._request(method, _Crossing(self._deadline(None)))
        except Exception as error:  # noqa: BLE001 - an unanswered probe is no evidence
            return Probe(Trace.UNKNOWN, type(error).__name__)
        probe, copy = traces.judge_copy(reply, creative)
        if copy is not None:
            await self._ask(DeleteMessage(chat_id=through, message_id=copy))
        elif probe.trace is Trace.UNKNOWN and replies.NOT_FORWARDABLE in probe.evidence:
            # Where all may be forwarded, what may not is a service message, and no ad.
            answer = await self._ask(GetChat(chat_id=chat_id)) or {}
            place = answer.get("result")
            if isinstance(place, dict) and not place.get("has_protected_content"):
                return Probe(Trace.ANOTHERS, probe.evidence)
        return probe

    async def answers(self) -> bool:
        """Whether Telegram gives readable answers at present; publishes nothing."""
        answer = await self._ask(GetMe())
        return answer is not None and (
            answer["ok"] or answer["error_code"] < HTTPStatus.INTERNAL_SERVER_ERROR
        )

    async def close(self) -> None:
        """Closes what is still open."""
        if self._http is not None:
            await self._http.close()

    async def _ask(self, method: TelegramMethod[Any]) -> dict[str, Any] | None:
        """The readable answer to something harmless, or None."""
        try:
            return replies.readable(await self._request(method, _Crossing(self._deadline(None))))
        except Exception:  # noqa: BLE001 - whatever it is, there is no answer
            return None

    def _deadline(self, not_after: float | None) -> float:
        return time.monotonic() + self.seconds if not_after is None else not_after

    async def _request(self, method: TelegramMethod[Any], crossing: _Crossing) -> Reply:
        if self._http is None:
            self._http = _connections(self.seconds)
        form = self._forms.build_form_data(self._bot, method)
        url = self._forms.api.api_url(token=self._bot.token, method=method.__api_method__)
        async with self._http.post(
            url, data=form, allow_redirects=False, trace_request_ctx=crossing
        ) as response:
            return Reply(response.status, await response.read())


def judge_send(reply: Reply) -> Outcome:
    """What an answer to a send proves."""
    answer = replies.readable(reply)
    if answer is None:
        return Uncertain(f"{reply.status}: the answer could not be read")
    if answer["ok"]:
        message_id = replies.message_id(answer.get("result"))
        return Sent(message_id) if message_id else Uncertain("200: no message in the answer")
    error = replies.words(reply.status, answer)
    match reply.status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return NotSent(error, counts=False, retry_after=replies.retry_after(answer))
        case HTTPStatus.BAD_REQUEST | HTTPStatus.FORBIDDEN | HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Refused(error, rights_lost=replies.rights_lost(error))
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND | HTTPStatus.CONFLICT:
            return NotSent(error, counts=True, stop_all=True)
        case _:
            return Uncertain(error)


def judge_look(reply: Reply) -> Seen:
    """What an answer to an edit of a published ad proves."""
    answer = replies.readable(reply)
    if answer is None:
        return Seen(Verdict.UNKNOWN, f"{reply.status}: the answer could not be read")
    if answer["ok"]:
        edited = replies.message_id(answer.get("result"))
        return Seen(Verdict.ALTERED if edited else Verdict.UNKNOWN, "200: edited")
    words = replies.words(reply.status, answer)
    match reply.status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Seen(Verdict.UNKNOWN, words, retry_after=replies.retry_after(answer))
        case HTTPStatus.BAD_REQUEST if replies.NOT_MODIFIED in words.lower():
            return Seen(Verdict.PRESENT, words)
        case HTTPStatus.BAD_REQUEST if any(absent in words.lower() for absent in replies.NOT_THERE):
            return Seen(Verdict.GONE, words)
        case _:
            return Seen(Verdict.UNKNOWN, words, rights_lost=replies.rights_lost(words))


def _connections(seconds: float) -> ClientSession:
    trace = TraceConfig()
    trace.on_request_headers_sent.append(_leave)
    return ClientSession(
        connector=TCPConnector(
            ssl=ssl.create_default_context(cafile=certifi.where()), force_close=True, limit=0
        ),
        timeout=ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
        trace_configs=[trace],
    )


async def _leave(_session: ClientSession, context: SimpleNamespace, _params: object) -> None:
    """Fires right before the first byte; it leaves when this returns, and not if it raises."""
    crossing: _Crossing = context.trace_request_ctx
    await asyncio.sleep(crossing.not_before - time.monotonic())
    if time.monotonic() > crossing.not_after:
        raise _TooLateError
    crossing.begun = True
