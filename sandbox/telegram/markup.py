"""Check keyboards against Telegram's limits."""

from typing import Any

from aiogram.types import InlineKeyboardMarkup, ReplyKeyboardMarkup
from pydantic import BaseModel

from sandbox.telegram.errors import bad_request
from sandbox.telegram.persistence import Json

MAX_BUTTONS = 100
MAX_ROW = 8
MAX_CALLBACK_DATA = 64
INLINE_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)


def as_json(model: BaseModel) -> Json:
    """Convert an aiogram object to JSON, without unset fields."""
    # aiogram's default values cannot be dumped, so unset fields are left out.
    dumped: dict[str, Any] = model.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_unset=True
    )
    return dumped


def split_markup(markup: BaseModel | None) -> tuple[Json | None, Json | None]:
    """Check a keyboard, and return the inline keyboard and any other markup.

    Each value can be None. Raises TelegramError if the keyboard breaks a limit of Telegram.
    """
    if markup is None:
        return None, None
    if isinstance(markup, InlineKeyboardMarkup):
        return inline_keyboard(markup), None
    if isinstance(markup, ReplyKeyboardMarkup):
        _check_size([len(row) for row in markup.keyboard])
        for row in markup.keyboard:
            for button in row:
                if not button.text.strip():
                    raise bad_request("reply keyboard button text must be non-empty")
    return None, as_json(markup)


def inline_keyboard(markup: InlineKeyboardMarkup | None) -> Json | None:
    """Return an inline keyboard without empty rows, or None if no row is left.

    Raises TelegramError if the keyboard breaks a limit of Telegram.
    """
    if markup is None:
        return None
    dumped = as_json(markup)
    rows = [row for row in dumped["inline_keyboard"] if row]
    _check_size([len(row) for row in rows])
    for row in rows:
        for button in row:
            _check_button(button)
    return {"inline_keyboard": rows} if rows else None


def _check_size(rows: list[int]) -> None:
    if sum(rows) > MAX_BUTTONS or any(row > MAX_ROW for row in rows):
        raise bad_request("reply markup is too long")


def _check_button(button: Json) -> None:
    if not button["text"].strip():
        raise bad_request("can't parse inline keyboard button: text must be non-empty")
    actions = [name for name in INLINE_ACTIONS if name in button]
    if len(actions) != 1:
        raise bad_request("can't parse inline keyboard button: exactly one action is needed")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(data.encode()) <= MAX_CALLBACK_DATA:
        raise bad_request("BUTTON_DATA_INVALID")
    url = button.get("url")
    if url is not None and not url.startswith(("http://", "https://", "tg://", "ton://")):
        raise bad_request("inline keyboard button URL is invalid: unsupported URL protocol")
