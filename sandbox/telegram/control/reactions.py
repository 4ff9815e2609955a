"""Handle control API requests about the readers of a channel, and their reactions to posts."""

from sandbox.telegram import audience
from sandbox.telegram.control.request import ControlRequest, find_message
from sandbox.telegram.entities import Chat
from sandbox.telegram.errors import ControlError
from sandbox.telegram.persistence import Json

LONGEST_HOURS = 1000


async def react(request: ControlRequest) -> Json:
    """Set the numbers of all reactions to a post, by their emoji, and tell the bot.

    Telegram gathers the reactions of up to some minutes, and here each request is one update.
    """
    chat = _find_channel(request)
    message = find_message(request.state, chat, request.require("message_id", int))
    counts = request.require("reactions", dict)
    if not all(emoji and type(count) is int and count > 0 for emoji, count in counts.items()):
        raise ControlError("reactions must have a positive number for each emoji")
    return audience.react(request.state, message, counts)


async def set_audience(request: ControlRequest) -> Json:
    """Set how many readers of a channel see a post, how fast, and how many of them react."""
    chat = _find_channel(request)
    chat.reach = _read_number(request, "reach", chat.reach, 1)
    chat.reaction_share = _read_number(request, "reaction_share", chat.reaction_share, 1)
    hours = _read_number(request, "reading_hours", chat.reading_hours, LONGEST_HOURS)
    if not hours:
        raise ControlError("reading_hours must be more than 0")
    chat.reading_hours = hours
    request.state.save_chat(chat)
    audience.grow(request.state)
    return {
        "reach": chat.reach,
        "reading_hours": chat.reading_hours,
        "reaction_share": chat.reaction_share,
    }


def _find_channel(request: ControlRequest) -> Chat:
    chat = request.chat()
    if chat.type != "channel":
        raise ControlError("this is for channels")
    return chat


def _read_number(request: ControlRequest, name: str, present: float, largest: float) -> float:
    value = request.body.get(name)
    if value is None:
        return present
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= largest:
        raise ControlError(f"{name} must be a number from 0 to {largest}")
    return float(value)
