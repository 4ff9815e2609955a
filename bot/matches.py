"""Provide a filter of updates that is asked in the event loop."""

from aiogram import F
from aiogram.enums import ChatType
from aiogram.filters import Filter
from aiogram.types import TelegramObject
from aiogram.utils.magic_filter import MagicFilter


class Matches(Filter):
    """Pass an update for which a magic filter gives a true value.

    aiogram asks a bare magic filter in a thread, which costs more than the filter itself
    (aiogram 3.31, `dispatcher/event/handler.py`, `CallableObject.call`).
    """

    def __init__(self, rule: MagicFilter) -> None:
        """Take the magic filter, such as `F.chat.type == "private"`."""
        self._rule = rule

    async def __call__(self, event: TelegramObject) -> bool:
        """Return whether the magic filter accepts the update."""
        return bool(self._rule.resolve(event))


IN_PRIVATE_CHAT = Matches(F.chat.type == ChatType.PRIVATE)
OUTSIDE_PRIVATE_CHAT = Matches(F.chat.type != ChatType.PRIVATE)
