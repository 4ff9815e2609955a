"""Read the options with which the simulated Telegram runs on its own."""

import argparse
import re
from pathlib import Path

from sandbox.telegram.state import BOT_USERNAME

PROGRAM = "python -m sandbox.telegram"
DEFAULT_PORT = 8081
"""The port of Telegram's own Bot API server."""
LARGEST_PORT = 65_535
_TOKEN = re.compile(r"[1-9]\d{0,15}:[A-Za-z0-9_-]{3,100}")
_USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{4,31}")
_LONGEST_NAME = 64
_SUMMARY = """
Runs a Bot API server for your own bot, with a page on which you write and press buttons as people
do. Nothing leaves this machine. The bot needs two settings: the token, and the address of the
server in place of https://api.telegram.org.
"""


def read(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the options of the command line, or end the program with a sentence and status 2.

    The result has `token`, `username`, `name`, `port`, `data` and `strict`. All but the port and
    `strict` are None if they were not given.
    """
    parser = argparse.ArgumentParser(prog=PROGRAM, description=_SUMMARY)
    parser.add_argument(
        "--token", type=_token, help="the bot's token, NUMBER:LETTERS (default: an invented one)"
    )
    parser.add_argument("--username", type=_username, help=f"the bot's @name ({BOT_USERNAME})")
    parser.add_argument("--name", type=_name, help="the bot's first name (Bot)")
    parser.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        help=f"the port on 127.0.0.1 ({DEFAULT_PORT}); 0: any free port",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="where people, chats and messages are kept (default: they are gone at the end)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="refuse unknown fields, which Telegram ignores"
    )
    return parser.parse_args(arguments)


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise argparse.ArgumentTypeError(
            "a token is a number, a colon, and letters, digits, - or _, as in 123456:ABC-def"
        )
    return text


def _username(text: str) -> str:
    name = text.removeprefix("@")
    if not _USERNAME.fullmatch(name):
        raise argparse.ArgumentTypeError(
            "a username has 5 to 32 letters, digits or _, and begins with a letter"
        )
    return name


def _name(text: str) -> str:
    if not text.strip() or len(text) > _LONGEST_NAME:
        raise argparse.ArgumentTypeError(f"a name has 1 to {_LONGEST_NAME} characters")
    return text


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {LARGEST_PORT}")
    return int(text)
