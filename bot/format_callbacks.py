"""Define the data in the buttons with which owners change what their channels sell."""

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class ShowFormats(CallbackData, prefix="formats"):
    """The data of a button that shows the formats that a channel sells. `id` is the channel's."""

    id: int


class FormatAct(StrEnum):
    """An owner's action for a format that a channel sells."""

    CARD = "card"
    RETIRE = "retire"


class OnFormat(CallbackData, prefix="format"):
    """The data of a button about a format. `channel` is the id of its channel."""

    act: FormatAct
    channel: int
    id: int


class ShowLanguages(CallbackData, prefix="speaks"):
    """The data of a button that shows the languages that a channel can have."""

    id: int


class SetLanguage(CallbackData, prefix="speak"):
    """The data of a button that sets the language of a channel by its ISO 639 code."""

    id: int
    language: str
