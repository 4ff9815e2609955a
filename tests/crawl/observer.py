"""Record the bot's calls of Telegram and the lines of the log, step by step."""

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.methods import AnswerCallbackQuery, Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import InlineKeyboardMarkup, Message, ReplyKeyboardMarkup

_EXPECTED_LINES = (
    *("admin chat", "Uncertain posts were escalated", "Channel lost", "Telegram send failed"),
)
"""The beginnings of warnings about what people of a walk do on purpose."""


_EXPECTED_LIBRARY_LINE = "Stack is broken"
"""The beginning of aiogram-dialog's warning after a lost draft."""


@dataclass(frozen=True)
class Call:
    """One call of the Bot API, with its error or its result."""

    method: TelegramMethod[Any]
    is_notice: bool
    """True if the scheduler made the call, and not a handler."""
    error: str = ""
    result: Any = None

    @property
    def name(self) -> str:
        """Return the name of the method, for example `SendMessage`."""
        return type(self.method).__name__

    @property
    def chat_id(self) -> int | None:
        """Return the chat to which the call writes, or None."""
        chat_id = getattr(self.method, "chat_id", None)
        return chat_id if isinstance(chat_id, int) else None

    @property
    def message_id(self) -> int | None:
        """Return the id of the message that the call has sent or edited, or None."""
        return self.result.message_id if isinstance(self.result, Message) else None

    @property
    def is_shown(self) -> bool:
        """Return whether a person sees what the call has done."""
        named = self.name.startswith(("Send", "Edit", "Delete", "Copy", "Forward"))
        return named and self.name != "SendChatAction" and not self.error

    @property
    def texts(self) -> list[str]:
        """Return the text or the caption of the call, and the texts of its buttons."""
        found = [getattr(self.method, name, None) for name in ("text", "caption", "description")]
        return [text for text in (*found, *self.labels) if text]

    @property
    def labels(self) -> list[str]:
        """Return the texts of the buttons of the call."""
        markup = getattr(self.method, "reply_markup", None)
        if isinstance(markup, InlineKeyboardMarkup):
            return [button.text for row in markup.inline_keyboard for button in row]
        if isinstance(markup, ReplyKeyboardMarkup):
            return [button.text for row in markup.keyboard for button in row]
        return []


class _Recorder(BaseRequestMiddleware):
    def __init__(self, calls: list[Call], *, is_notice: bool) -> None:
        self._calls = calls
        self._is_notice = is_notice

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        try:
            made: Any = await make_request(bot, method)
        except Exception as error:
            self._calls.append(Call(method, self._is_notice, f"{type(error).__name__}: {error}"))
            raise
        self._calls.append(Call(method, self._is_notice, result=made))
        response: Response[TelegramType] = made
        return response


@dataclass
class Observer:
    """The calls and log lines since the last step."""

    calls: list[Call] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """The warnings and errors of the log."""

    def watch(self, bot: Bot, *, is_notice: bool) -> None:
        """Record all calls of a client from now on."""
        bot.session.middleware(_Recorder(self.calls, is_notice=is_notice))

    def clear(self) -> None:
        """Forget all calls and lines."""
        self.calls.clear()
        self.lines.clear()

    def answers(self, query_id: str) -> list[Call]:
        """Return the answers to a press of a button."""
        return [
            call
            for call in self.calls
            if isinstance(call.method, AnswerCallbackQuery)
            and call.method.callback_query_id == query_id
        ]

    @contextmanager
    def logs(self) -> Iterator[None]:
        """Record the log within the block, instead of printing it."""
        before, root = structlog.get_config(), logging.getLogger()
        handler = _Handler(self.lines)
        structlog.configure(
            processors=[structlog.processors.format_exc_info, self._keep],
            cache_logger_on_first_use=False,
        )
        root.addHandler(handler)
        try:
            yield
        finally:
            root.removeHandler(handler)
            structlog.configure(**before)

    def _keep(self, _logger: Any, level: str, line: MutableMapping[str, Any]) -> str:
        # A command of a stranger in another group gets no answer there.
        # There is no Redis here, because forms are kept in the memory of the process.
        expected = line.get("error") == "ForeignChatError" or line.get("what") == "Redis"
        if str(line.get("event")).startswith(_EXPECTED_LINES) or expected:
            raise structlog.DropEvent
        if level in {"warning", "error", "critical", "exception"}:
            self.lines.append(f"{level}: " + " ".join(f"{key}={line[key]}" for key in line))
        raise structlog.DropEvent


class _Handler(logging.Handler):
    """The handler that keeps the lines of libraries, for example those of aiogram."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith(_EXPECTED_LIBRARY_LINE):
            return
        self._lines.append(f"{record.levelname.lower()}: {record.name}: {self.format(record)}")
