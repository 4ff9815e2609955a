"""Write the log to stderr, without secrets and personal data."""

import datetime as dt
import decimal
import enum
import logging
import re
import sys
import traceback
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import asyncpg
import structlog
from pydantic import SecretStr, ValidationError
from sqlalchemy.exc import DBAPIError
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.settings import CommandSettings, FromEnvironment
from db import address
from services.platform.errors import DomainError

PERSONAL_KEYS = frozenset(
    [
        *("first_name", "full_name", "last_name", "name", "title", "user_name", "username"),
        *("email", "phone", "phone_number"),
        *("caption", "creative", "input", "message_text", "parameters", "payload", "text"),
    ]
)
"""The keys under which Telegram and its libraries store personal data."""

_REDACTED = "[secret]"
_WITHHELD = "[message withheld]"
_HARMLESS = (
    *(OSError, DomainError, BaseExceptionGroup, ImportError, NameError, AttributeError, TypeError),
    *(AssertionError, NotImplementedError, ValidationError, asyncpg.InterfaceError),
)
"""The errors whose messages are logged. Any other message may be a person's words."""
_SHORTEST_SECRET = 4
_PATTERNS = (
    # A bot's token, also in the path of a Bot API call.
    (re.compile(r"\bbot\d+:[\w-]{8,}|\b\d{6,}:[\w-]{30,}"), _REDACTED),
    # The user and the password in an address: redis://:secret@host
    (re.compile(r"(?<=://)[^\s/]+@"), _REDACTED + "@"),
    (
        re.compile(r"(?i)\b(password|passwd|secret|token|api_key)(['\"]?\s*[=:]\s*)\S+"),
        rf"\1\2{_REDACTED}",
    ),
)
# At the level INFO, these libraries log SQL statements with parameters, callback data and requests.
_VERBOSE_LOGGERS = ("sqlalchemy.engine", "aiogram_dialog", "aiohttp.access", "asyncio")


def setup(settings: FromEnvironment | CommandSettings) -> None:
    """Configure the log for every later event, warning and uncaught exception."""
    shared = _processors(_secrets(settings))
    renderer: Processor = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _first_line_of_event, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def _processors(secrets: tuple[str, ...]) -> list[Processor]:
    def clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {
            key: _clean(value, secrets)
            for key, value in event.items()
            if key.startswith("_") or key not in PERSONAL_KEYS
        }

    return [
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _render_exception,
        clean,
    ]


def _secrets(settings: FromEnvironment | CommandSettings) -> tuple[str, ...]:
    """Return the secrets and passwords in the settings, the longest first."""
    secrets = set()
    for _, value in settings:
        if isinstance(value, SecretStr):
            secret = value.get_secret_value()
            secrets |= {secret, *address.find_passwords(secret)}
    # An error's text may show a value as Python writes it, with doubled backslashes.
    secrets |= {repr(secret)[1:-1] for secret in secrets}
    return tuple(sorted((s for s in secrets if len(s) >= _SHORTEST_SECRET), key=len, reverse=True))


def _clean(value: object, secrets: tuple[str, ...]) -> object:
    match value:
        case Mapping():
            return {
                _scrub(str(key), secrets): _clean(item, secrets)
                for key, item in value.items()
                if key not in PERSONAL_KEYS
            }
        case list() | tuple() | set() | frozenset():
            return [_clean(item, secrets) for item in value]
        case enum.Enum():
            return _clean(value.value, secrets)
        case None | bool() | int() | float():
            return value
        case _:
            return _scrub(_as_text(value), secrets)


def _as_text(value: object) -> str:
    match value:
        case str() | dt.date() | dt.timedelta() | decimal.Decimal() | uuid.UUID():
            return str(value)
        case BaseException():
            return _summary(value)
        case _:
            return f"<{type(value).__name__}>"


def _scrub(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, _REDACTED)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _first_line_of_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # Libraries write exceptions into the other lines, and these can contain personal data.
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _render_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = "".join(_traceback_lines(error, set()))
    return event


def _summary(error: BaseException) -> str:
    """Return the class of an error, and its message if that cannot contain a person's words."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    if isinstance(error, DBAPIError) and error.orig is not None:
        return f"{name}: {_summary(error.orig.__cause__ or error.orig)}"
    if isinstance(error, asyncpg.PostgresError):
        name = f"{name} ({error.sqlstate})"
    if not str(error):
        return name
    message = str(error).partition("\n")[0] if _is_harmless(error) else _WITHHELD
    return f"{name}: {message}"


def _is_harmless(error: BaseException) -> bool:
    """Return whether the first line of an error's message is about code, addresses and limits."""
    if isinstance(error, asyncpg.PostgresError):
        # The messages of a refused value, and of a RAISE without an SQLSTATE, can repeat data.
        return not str(error.sqlstate).startswith(("22", "P0"))
    return isinstance(error, _HARMLESS)


def _traceback_lines(error: BaseException, shown: set[int]) -> list[str]:
    """Return the lines of a traceback without the values of variables.

    `shown` holds the ids of the exceptions that already have lines.
    """
    shown.add(id(error))
    lines = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in shown:
        lines = [*_traceback_lines(cause, shown), "-- which led to:\n"]
    lines += [*traceback.format_tb(error.__traceback__), f"{_summary(error)}\n"]
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if id(inner) not in shown:
                lines += ["-- with:\n", *_traceback_lines(inner, shown)]
    return lines


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> Any:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger("uncaught").critical("Worker error", exc_info=error)
