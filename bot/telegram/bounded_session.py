"""Call the Bot API, and read its answers at a limited cost."""

import json
from collections.abc import Mapping
from typing import Any, cast

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientError, ClientTimeout

from bot import bounded_json, update_filter

_PARTS = ("accepted_gift_types", "parameters", "photo", "user")
"""The objects that are kept of an answer that is neither a message nor a list of transactions."""
_USER = "user"
_JSON = {"Content-Type": "application/json"}
_models: dict[type[TelegramMethod[Any]], type[Response[Any]]] = {}
"""The models of answers, by the method."""
_LISTED = 100
"""A list in an answer has at most this many items that the product reads."""


class BoundedSession(AiohttpSession):
    """A client that keeps only those fields of an answer that the product reads.

    An answer can contain parts by strangers, for example the pinned message of a channel. The
    validation of some of these parts can keep aiogram busy for minutes.
    """

    def __init__(self, **options: Any) -> None:
        """Take the options of `AiohttpSession`."""
        super().__init__(json_loads=_read, **options)

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's own parameter
    ) -> TelegramType:
        """Make one request. Raises TelegramNetworkError if the answer is too large.

        Also raises what `AiohttpSession.make_request` raises.
        """
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        request = self._request(bot, method)
        limit = bounded_json.MAX_ANSWER
        try:
            total = ClientTimeout(total=self.timeout if timeout is None else timeout)
            async with session.post(url, timeout=total, **request) as response:
                body = await bounded_json.read_body(response, limit)
        except TimeoutError as error:
            raise TelegramNetworkError(method, "Request timeout error") from error
        except ClientError as error:
            raise TelegramNetworkError(method, f"{type(error).__name__}: {error}") from error
        model_of(method)
        checked = self.check_response(
            # aiogram reads the text with `json_loads`, which is `_read` here.
            bot=bot,
            method=method,
            status_code=response.status,
            content=cast("str", body),
        )
        return cast("TelegramType", checked.result)

    def _request(self, bot: Bot, method: TelegramMethod[Any]) -> dict[str, Any]:
        """Return the body of a call as JSON, or as a form with files."""
        # Most fields of a method have no value. pydantic leaves them out quicker than aiogram.
        files: dict[str, Any] = {}
        fields = {
            name: prepared
            for name, value in method.model_dump(warnings=False, exclude_none=True).items()
            if (prepared := self.prepare_value(value, bot=bot, files=files))
        }
        if files:
            return {"data": self.build_form_data(bot=bot, method=method)}
        return {"data": json.dumps(fields).encode(), "headers": _JSON}


def _read(body: bytes) -> Any:
    """Return the answer in a body, reduced. Raises ValueError if the body cannot be read."""
    return reduce(bounded_json.read(body, bounded_json.MAX_ANSWER))


def model_of(method: TelegramMethod[Any]) -> type[Response[Any]]:
    """Return the model of a method's answer, which is built once."""
    # The build takes up to 0.1 s. pydantic only has weak references to the models of generic types.
    kind = type(method)
    if kind not in _models:
        _models[kind] = Response[method.__returning__]  # type: ignore[name-defined]  # a type of run time
    return _models[kind]


def reduce(answer: Any) -> Any:
    """Return an answer of the Bot API with only the fields that the product reads.

    The answer is JSON that is not trusted.
    """
    if not isinstance(answer, dict):
        return None
    reduced = update_filter.reduce_fields(answer, ("parameters",))
    result = answer.get("result")
    if not isinstance(reduced, dict) or not isinstance(result, dict | list):
        return reduced
    return reduced | {"result": _result(result)}


def _result(result: dict[str, Any] | list[Any]) -> Any:
    if isinstance(result, list):
        return [_object(part) for part in result[:_LISTED]]
    if isinstance(transactions := result.get("transactions"), list):
        return {"transactions": [_transaction(listed) for listed in transactions[:_LISTED]]}
    return _object(result)


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        return value if update_filter.is_scalar(value) else bounded_json.TOO_LARGE
    if "message_id" in value:
        # The bot has sent the keyboard itself, and reads none from an answer.
        without_keyboard = {name: part for name, part in value.items() if name != "reply_markup"}
        return update_filter.reduce_message(without_keyboard)
    return update_filter.reduce_fields(value, _PARTS)


def _transaction(listed: Any) -> Any:
    """Reduce a transaction in Stars. A partner that is no person becomes an unknown partner."""
    if not isinstance(listed, dict):
        return bounded_json.TOO_LARGE
    reduced = update_filter.reduce_fields(listed, ())
    for side in ("source", "receiver"):
        partner = listed.get(side)
        if isinstance(partner, dict) and isinstance(reduced, dict):
            reduced[side] = _partner(partner)
    return reduced


def _partner(partner: Mapping[str, Any]) -> Any:
    # Telegram may add kinds of partners that aiogram cannot read.
    if partner.get("type") != _USER:
        return {"type": "other"}
    return update_filter.reduce_fields(partner, (_USER,))
