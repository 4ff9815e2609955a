"""Test that the first message and the first press find everything built."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import bot
from handlers import routers
from bot import warm_up
from aiogram import methods, types
from bot.callbacks import Go

routers.dispatcher()
if {warm}:
    warm_up.build()
needed = [
    types.Update, types.InlineKeyboardButton, types.InlineKeyboardMarkup, Go, methods.SendMessage,
    methods.EditMessageText, methods.AnswerCallbackQuery, methods.SendChatAction,
]
print(*(model.__name__ for model in needed if not model.__pydantic_complete__))
"""


def _unbuilt(*, warm: bool) -> list[str]:
    """Return the models that a new process has not built before its first update."""
    command = [sys.executable, "-c", PROGRAM.format(warm=warm)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_nothing_is_left_to_build() -> None:
    """The models of a message, of a press and of their answers are built."""
    assert _unbuilt(warm=True) == []


def test_models_are_unbuilt_without_it() -> None:
    """Without the preparation, the first press would build them."""
    assert "Update" in _unbuilt(warm=False)
