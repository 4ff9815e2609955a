"""Send ads to channels, and check published ads."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import certifi
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.methods import (
    DeleteMessage,
    DeleteMessages,
    ForwardMessage,
    GetChatMember,
    GetMe,
    StopMessageLiveLocation,
    TelegramMethod,
)
from aiohttp import ClientSession, ClientTimeout, TCPConnector, TraceConfig

from bot import bounded_json
from bot.telegram import ad_checks, ad_messages, api_response, message_lookup, post_deletion
from bot.telegram.ad_checks import CheckResult
from bot.telegram.api_response import ApiResponse
from bot.telegram.message_lookup import BotRights, LookupResult, Probe
from bot.telegram.post_deletion import Deletion, DeletionResult
from bot.telegram.send_outcomes import NotSent, Refused, SendOutcome, Uncertain, interpret_send
from db.models.posting import AdPart, Verdict
from services.market.creatives import Creative

SEND_SECONDS = 20.0
"""The time limit of a whole request, in seconds."""
ANSWER_SECONDS = 10.0
"""The time limit of a call that answers a person, in seconds."""
CONNECT_SECONDS = 5.0


@dataclass
class _RequestState:
    """The time limits and the progress of one request. All times are of `time.monotonic()`."""

    not_after: float
    """The latest time for the first byte of the request."""
    not_before: float = 0.0
    """The earliest time for the first byte of the request."""
    started: bool = False
    """True if this machine may have sent the first byte."""


class _TooLateError(Exception):
    """It is too late to send the first byte of a request."""


def api_server(base: str) -> TelegramAPIServer:
    """Return the Bot API server at an address. An empty address means Telegram's own server."""
    return TelegramAPIServer.from_base(base) if base else PRODUCTION


async def _need_no_slot() -> bool:
    return True


class Sender:
    """The client that publishes and checks ads. Its creator must call `close`."""

    def __init__(self, *, token: str, api_url: str = "", seconds: float = SEND_SECONDS) -> None:
        """Prepare the sender. `api_url` is BOT_API_URL, and `seconds` limits one whole request."""
        self.seconds = seconds
        self._form_builder = AiohttpSession(api=api_server(api_url))
        self._bot = Bot(token, session=self._form_builder)
        self._http: ClientSession | None = None

    async def send_ad(
        self,
        chat_id: int,
        creative: Creative,
        *,
        not_before: float = 0.0,
        not_after: float | None = None,
    ) -> SendOutcome:
        """Publish an ad with one request, and return the outcome. No error is raised.

        The ad is never sent before `not_before` or after `not_after`, both of `time.monotonic()`. A
        cancelled task also returns the outcome, and the caller must record this outcome.
        """
        try:
            method = ad_messages.message(chat_id, creative)
        except (ValueError, TypeError, AttributeError) as error:
            return Refused(f"the ad cannot be built: {type(error).__name__}", rights_lost=False)
        state = _RequestState(self._latest_start() if not_after is None else not_after, not_before)
        try:
            response = await self._request(method, state)
        except _TooLateError:
            return NotSent("the lease was too old to send under", counts=False)
        except asyncio.CancelledError:
            if state.started:
                return Uncertain("stopped while sending")
            return NotSent("stopped before sending", counts=False)
        except Exception as error:  # noqa: BLE001 - the state decides, not the class
            # Only the class is stored, because an exception's message contains the token.
            cause = type(error).__name__
            return Uncertain(cause) if state.started else NotSent(cause, counts=True)
        return interpret_send(response, len(creative.items))

    async def delete_post(
        self, chat_id: int, message_ids: Sequence[int], *, not_after: float
    ) -> Deletion:
        """Delete all messages of a post with one request, and return the outcome.

        No error is raised. The request is never made after `not_after`, a time of
        `time.monotonic()`.
        """
        method: TelegramMethod[bool] = DeleteMessages(chat_id=chat_id, message_ids=[*message_ids])
        if len(message_ids) == 1:
            method = DeleteMessage(chat_id=chat_id, message_id=message_ids[0])
        try:
            return post_deletion.interpret(await self._request(method, _RequestState(not_after)))
        except _TooLateError:
            return Deletion(DeletionResult.NOT_MADE, "the lease was too old to delete under")
        except Exception as error:  # noqa: BLE001 - after any error the outcome is unknown
            return Deletion(DeletionResult.UNCERTAIN, type(error).__name__)

    async def check_post(
        self,
        chat_id: int,
        message_ids: Sequence[int],
        creative: Creative,
        *,
        restore: bool = True,
        wait_for_slot: Callable[[], Awaitable[bool]] = _need_no_slot,
    ) -> CheckResult | None:
        """Edit each part of a published ad to its approved content, and return what this proves.

        `message_ids` are those of the post's messages, in the order of an album's items. A missing
        message of an album makes the whole post GONE: the bot cannot restore it. If `restore` is
        False, nothing is edited, and the result only says whether the post is there.
        `wait_for_slot` is called before each request, and False forbids the request. If the bot may
        not edit the post, Telegram is asked about the bot's rights. Returns None if too few
        requests were made to find anything out.
        """
        results: list[CheckResult] = []
        for message_id, content, part in ad_checks.steps(message_ids, creative, restore=restore):
            result = (
                await self._probe_post(chat_id, message_id, wait_for_slot)
                if part is None
                else await self._check_part(chat_id, message_id, content, part, wait_for_slot)
            )
            if result is None:
                return ad_checks.combine(results, complete=False)
            results.append(result)
            if result.verdict in {Verdict.GONE, Verdict.UNKNOWN} or not result.restored:
                break
        last = results[-1]
        if api_response.NOT_EDITABLE in last.evidence.lower():
            results[-1] = replace(last, loss=await self._missing_right(chat_id))
        return ad_checks.combine(results, complete=True)

    async def _probe_post(
        self, chat_id: int, message_id: int, wait_for_slot: Callable[[], Awaitable[bool]]
    ) -> CheckResult | None:
        """Find out whether a post is there, without an edit. None means that no slot was free."""
        if not await wait_for_slot():
            return None
        return ad_checks.interpret_probe(await self.probe(chat_id, message_id))

    async def _missing_right(self, chat_id: int) -> str | None:
        """Return the reason why the bot cannot post in a channel, or None if it can.

        Without the right to post, the bot cannot edit its own posts either.
        """
        rights = await self.get_bot_rights(chat_id)
        return None if rights is None or rights.may_post else api_response.NO_POST_RIGHT

    async def _check_part(
        self,
        chat_id: int,
        message_id: int,
        creative: Creative,
        part: AdPart,
        wait_for_slot: Callable[[], Awaitable[bool]],
    ) -> CheckResult | None:
        """Edit one part of an ad, and return what Telegram's answer proves about this part.

        None means that no request was made.
        """
        first: CheckResult | None = None
        while await wait_for_slot():
            try:
                method = ad_messages.edit_part(chat_id, message_id, creative, part)
                result = ad_checks.interpret(await self._request(method), part)
            except Exception as error:  # noqa: BLE001 - an unanswered check is no evidence
                result = CheckResult(Verdict.UNKNOWN, type(error).__name__)
            if first is not None:
                return ad_checks.interpret_repeated(first, result)
            if part not in ad_checks.EDITED_TWICE or result.verdict is not Verdict.ALTERED:
                return result
            first = result
        if first is None:
            return None
        return ad_checks.interpret_repeated(first, CheckResult(Verdict.UNKNOWN, "no slot"))

    async def get_bot_rights(self, chat_id: int) -> BotRights | None:
        """Return the bot's rights in a channel, or None if Telegram gives no clear answer."""
        method = GetChatMember(chat_id=chat_id, user_id=self._bot.id)
        answer = await self._ask(method)
        if answer is None:
            return None
        if not answer["ok"]:
            lost = api_response.loss_reason(api_response.description(answer))
            return BotRights(may_post=False, may_edit_others=False) if lost else None
        member = answer.get("result")
        if not isinstance(member, dict):
            return None
        admin = member.get("status") == "administrator"
        return BotRights(
            may_post=admin and member.get("can_post_messages") is True,
            may_edit_others=admin and member.get("can_edit_messages") is True,
        )

    async def probe(self, chat_id: int, message_id: int) -> Probe:
        """Find out what is at a message id of a channel, by a request that Telegram always refuses.

        The result is UNKNOWN if Telegram gives no clear answer.
        """
        method = StopMessageLiveLocation(chat_id=chat_id, message_id=message_id)
        try:
            response = await self._request(method)
        except Exception as error:  # noqa: BLE001 - an unanswered probe is no evidence
            return Probe(LookupResult.UNKNOWN, type(error).__name__)
        return message_lookup.interpret_probe(response)

    async def compare_forwarded(
        self, chat_id: int, message_id: int, creative: Creative, *, through: int
    ) -> Probe:
        """Forward a message to the chat `through`, and return whether the copy is the ad.

        The copy is then deleted. If the message cannot be forwarded, the result is UNKNOWN.
        """
        method = ForwardMessage(
            chat_id=through,
            from_chat_id=chat_id,
            message_id=message_id,
            disable_notification=True,
        )
        try:
            response = await self._request(method)
        except Exception as error:  # noqa: BLE001 - an unanswered probe is no evidence
            return Probe(LookupResult.UNKNOWN, type(error).__name__)
        probe, copy = message_lookup.interpret_copy(response, creative)
        if copy is not None:
            await self._ask(DeleteMessage(chat_id=through, message_id=copy))
        return probe

    async def compare_by_edit(self, chat_id: int, message_id: int, creative: Creative) -> Probe:
        """Give a message the content of the ad, and return OURS if nothing has changed.

        Otherwise the result is UNKNOWN, and the message may have changed.
        """
        try:
            response = await self._request(
                ad_messages.replace_content(chat_id, message_id, creative)
            )
        except Exception as error:  # noqa: BLE001 - an unanswered edit is no evidence
            return Probe(LookupResult.UNKNOWN, type(error).__name__)
        check = ad_checks.interpret(response, ad_messages.whole_part(creative))
        ours = check.verdict is Verdict.PRESENT
        return Probe(
            LookupResult.OURS if ours else LookupResult.UNKNOWN,
            check.evidence,
            answered=response.status in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST},
        )

    async def is_reachable(self) -> bool:
        """Return whether Telegram gives readable answers now. The request publishes nothing."""
        answer = await self._ask(GetMe())
        return answer is not None and (
            answer["ok"] or answer["error_code"] < HTTPStatus.INTERNAL_SERVER_ERROR
        )

    async def close(self) -> None:
        """Close the connections to Telegram."""
        if self._http is not None:
            await self._http.close()

    async def _ask(self, method: TelegramMethod[Any]) -> dict[str, Any] | None:
        """Call a method that publishes nothing. Return None if there is no clear answer."""
        try:
            return api_response.parse(await self._request(method))
        except Exception:  # noqa: BLE001 - after any error there is no answer
            return None

    def _latest_start(self) -> float:
        return time.monotonic() + self.seconds

    async def _request(
        self, method: TelegramMethod[Any], state: _RequestState | None = None
    ) -> ApiResponse:
        """Make one request to the Bot API, and return the raw answer."""
        if self._http is None:
            self._http = _create_session(self.seconds)
        form = self._form_builder.build_form_data(self._bot, method)
        url = self._form_builder.api.api_url(token=self._bot.token, method=method.__api_method__)
        async with self._http.post(
            url,
            data=form,
            allow_redirects=False,
            trace_request_ctx=state or _RequestState(self._latest_start()),
        ) as response:
            body = await bounded_json.read_body(response, bounded_json.MAX_ANSWER)
            return ApiResponse(response.status, body)


def _create_session(seconds: float) -> ClientSession:
    trace = TraceConfig()
    trace.on_request_headers_sent.append(_before_first_byte)
    # A request over an old, broken connection could leave a post in an uncertain state.
    return ClientSession(
        connector=TCPConnector(
            ssl=ssl.create_default_context(cafile=certifi.where()), force_close=True, limit=0
        ),
        timeout=ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
        trace_configs=[trace],
    )


async def _before_first_byte(
    _session: ClientSession, context: SimpleNamespace, _params: object
) -> None:
    """Wait until the request's `not_before`, and mark the request as started.

    Raises _TooLateError after the request's `not_after`.
    """
    state: _RequestState = context.trace_request_ctx
    await asyncio.sleep(state.not_before - time.monotonic())
    if time.monotonic() > state.not_after:
        raise _TooLateError
    state.started = True
