"""Test that the log contains no secrets and no personal data."""

import asyncio
import json
import logging
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from bot import logging as bot_logging
from bot.settings import Settings

TOKEN = "4242424242:AAHsecretsecretsecretsecretsecrets1"
PASSWORD = "p4ss:w0rd"


def settings(**changes: Any) -> Settings:
    """Return settings with secrets, which must not be in the log."""
    values: dict[str, Any] = {
        "bot_token": TOKEN,
        "admin_chat_id": -1,
        "database_url": "postgresql://adtech_app:p4ss%3Aw0rd@/adtech",
        "redis_url": "redis://127.0.0.1/0",
        "webhook_secret": "hookhook",
    }
    return Settings(**(values | changes))


pytestmark = pytest.mark.usefixtures("restored_logging")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines of the log."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_context_is_on_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings())
    with structlog.contextvars.bound_contextvars(correlation_id="c-1", actor_id=7, role="admin"):
        structlog.get_logger("ours").info("campaign_activated", campaign_id=3)
        logging.getLogger("aiogram.event").info("Update id=%s is handled", 5)
    ours, theirs = lines(capsys)
    for line in (ours, theirs):
        assert (line["correlation_id"], line["actor_id"], line["role"]) == ("c-1", 7, "admin")
        assert line["level"] == "info"
        assert line["timestamp"].endswith("Z")
    assert (ours["event"], ours["campaign_id"], ours["logger"]) == ("campaign_activated", 3, "ours")
    assert (theirs["event"], theirs["logger"]) == ("Update id=5 is handled", "aiogram.event")


def connect() -> None:
    """Raise an error with secrets in its message, its cause and a local variable."""
    password = PASSWORD
    try:
        raise ConnectionError(f"POST https://api.telegram.org/bot{TOKEN}/sendMessage")
    except ConnectionError as cause:
        raise RuntimeError(f"postgresql://adtech_app:p4ss%3Aw0rd@db/x {password}") from cause


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("logger", [structlog.get_logger("ours"), logging.getLogger("aiogram")])
def test_no_token_or_password_in_an_exception(
    logger: Any, log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bot_logging.setup(settings(log_format=log_format))
    try:
        connect()
    except RuntimeError:
        logger.exception("send to %s failed", TOKEN)
    shown = capsys.readouterr().err
    for secret in (TOKEN, TOKEN.partition(":")[2], PASSWORD, "p4ss", "adtech_app"):
        assert secret not in shown
    assert "ConnectionError" in shown
    assert "RuntimeError" in shown
    assert "test_logging.py" in shown


@pytest.mark.parametrize("part", ["invalid input ", "://", "token ", "password", "bot1", "1:", " "])
def test_the_cost_of_a_line_grows_with_its_length_alone(
    part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bot_logging.setup(settings())
    began = time.process_time()
    structlog.get_logger().warning("call", answer=part * 20_000)
    cost = time.process_time() - began
    assert "call" in capsys.readouterr().err[-200:]
    assert cost < 0.5


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u:hush[x@127.0.0.1:1/d", "hush[x"),
        ("postgresql://u:hush]x@127.0.0.1:1/d", "hush]x"),
        ("postgresql://u:hush\u2100x@127.0.0.1:1/d", "hush\u2100x"),
        ("postgresql://u:hu@sh#1/x@127.0.0.1:1/d", "hu@sh#1/x"),
        ("postgresql://127.0.0.1:1/d?user=u&password=hush+x", "hush+x"),
        (r"postgresql://u:hu\sh@127.0.0.1:1/d", r"hu\sh"),
    ],
)
def test_a_password_with_any_characters_is_removed(
    url: str, password: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bot_logging.setup(settings(database_url=url, clock_database_url=url))
    structlog.get_logger().warning("seen", one=f"{url} {password}", other=repr(password))
    (line,) = lines(capsys)
    assert line["one"] == "[secret] [secret]"
    assert line["other"] == "'[secret]'"


def test_secrets_are_removed_from_every_value(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings())
    structlog.get_logger().warning(
        "call",
        url=f"http://127.0.0.1:1/bot{TOKEN}/getMe",
        other="bot77:abcdefgh12345 and redis://:hunter22@host/0",
        nested={"deep": [{"deeper": ("hookhook", TOKEN)}], TOKEN: 1},
        key="target:5:escrow_hold",
        query="x?token=abc&password=def",
    )
    shown = capsys.readouterr().err
    assert "5:escrow_hold" in shown
    for secret in (TOKEN, "abcdefgh12345", "hunter22", "hookhook", "abc&", "=def"):
        assert secret not in shown


def test_personal_keys_are_dropped_at_any_depth(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings())
    structlog.get_logger().info(
        "seen",
        text="private words",
        username="private_name",
        user={"id": 7, "first_name": "private", "phone_number": "private"},
        chats=[{"id": 8, "title": "private"}],
    )
    logging.getLogger("library").info("seen", extra={"caption": "private words", "chat_id": 8})
    ours, theirs = lines(capsys)
    assert "private" not in json.dumps([ours, theirs])
    assert ours["user"] == {"id": 7}
    assert ours["chats"] == [{"id": 8}]
    assert theirs["chat_id"] == 8


class Message(BaseModel):
    """An object with a person's text, which must not be logged."""

    text: str
    number: int = 0


def test_objects_are_shown_by_class_alone(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings())
    structlog.get_logger().info("got", update=Message(text="private words"), settings=settings())
    (line,) = lines(capsys)
    assert (line["update"], line["settings"]) == ("<Message>", "<Settings>")


def test_only_the_first_line_of_an_exception_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings())
    log = structlog.get_logger()
    words = "private" + " words"  # in two parts, because a traceback shows the line of the source
    try:
        Message.model_validate({"text": words, "number": words})
    except ValueError as error:
        log.warning("refused", error=error, exc_info=True)
    refused = asyncpg.UniqueViolationError(f"duplicate\nDETAIL: {words}")
    log.error("failed", exc_info=IntegrityError("INSERT INTO users VALUES (%s)", (words,), refused))
    shown = capsys.readouterr().err
    assert "private" not in shown
    assert "1 validation error for Message" in shown
    assert "IntegrityError: asyncpg.exceptions.UniqueViolationError (23505): duplicate" in shown


@pytest.mark.parametrize(
    "error",
    [
        ValueError("private"),
        KeyError("private"),
        Exception("private"),
        asyncpg.RaiseError("private"),
        asyncpg.InvalidTextRepresentationError('invalid input: "private"'),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_message_that_may_be_a_persons_words_is_not_logged(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    bot_logging.setup(settings())
    structlog.get_logger().error("failed", error=error, exc_info=ExceptionGroup("two", [error]))
    shown = capsys.readouterr().err
    assert type(error).__name__ in shown
    assert shown.count("[message withheld]") == 2
    assert "private" not in shown


def test_an_exception_group_logs_all_its_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings())
    group = ExceptionGroup("two", [KeyError("one"), OSError("other")])
    structlog.get_logger().error("failed", exc_info=group)
    (line,) = lines(capsys)
    assert "KeyError: [message withheld]" in line["exception"]
    assert "OSError: other" in line["exception"]


async def test_an_abandoned_task_logs_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings())

    async def fail() -> None:
        raise RuntimeError(f"private\n{TOKEN}")

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    loop.call_exception_handler(
        {
            "message": "Task exception was never retrieved",
            "task": task,
            "exception": task.exception(),
        }
    )
    (line,) = lines(capsys)
    assert line["event"] == "Task exception was never retrieved"
    assert TOKEN not in json.dumps(line)


def test_the_level_is_that_of_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings(log_level="INFO"))
    structlog.get_logger("ours").debug("no")
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT 'private words'")
    logging.getLogger("alembic").info("yes")
    structlog.get_logger("ours").info("yes")
    assert [line["event"] for line in lines(capsys)] == ["yes", "yes"]


def test_warnings_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    (line,) = lines(capsys)
    assert "old thing" in line["event"]


def test_the_console_format_has_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    bot_logging.setup(settings(log_format="console"))
    structlog.get_logger("ours").info("campaign_activated", campaign_id=3)
    shown = capsys.readouterr().err
    assert "campaign_activated" in shown
    assert "campaign_id=3" in shown
    assert not shown.startswith("{")


def test_an_uncaught_exception_is_logged_without_secrets() -> None:
    program = f"""
from bot import logging
from bot.settings import Settings
logging.setup(Settings(bot_token={TOKEN!r}, admin_chat_id=-1,
    database_url="postgresql://adtech_app@/adtech", redis_url="redis://h"))
raise RuntimeError({TOKEN!r})
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    line = json.loads(ended.stderr)
    assert line["event"] == "Worker error"
    assert "RuntimeError" in line["exception"]
    assert TOKEN.partition(":")[2] not in ended.stderr
