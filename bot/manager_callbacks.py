"""Define the data in the buttons with which an owner names the managers of a channel."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class ManagerAct(StrEnum):
    """An owner's action for the managers of a channel."""

    LIST = "list"
    NAME = "name"
    END = "end"


class OnManager(CallbackData, prefix="manager"):
    """The data of a button about a manager of a channel.

    `telegram_id` is 0 for the list. The database function `name_manager` knows this data.
    """

    act: ManagerAct
    id: int
    telegram_id: int = 0
