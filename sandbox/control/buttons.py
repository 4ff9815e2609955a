"""Finding a button by its words, and what a channel picker offers."""

from collections.abc import Iterator

from sandbox.entities import Chat, Stored, User
from sandbox.errors import ControlError
from sandbox.persistence import Json
from sandbox.state import State

Found = tuple[Stored, Json]


def newest_first(state: State, place: Chat) -> list[Stored]:
    """The chat's messages, the last one first."""
    rows = state.messages.get(place.id, {})
    return [rows[number] for number in sorted(rows, reverse=True)]


def reply_keyboard(state: State, place: Chat) -> Stored | None:
    """The message whose reply keyboard is shown under the chat now."""
    for stored in newest_first(state, place):
        if stored.keyboard is None:
            continue
        if stored.keyboard.get("keyboard"):
            return stored
        if stored.keyboard.get("remove_keyboard"):
            return None
    return None


def of_message(stored: Stored) -> list[Json]:
    """The inline buttons under a message, row by row; an invoice without any has one to pay."""
    markup = stored.body.get("reply_markup")
    if markup is None and "invoice" in stored.body:
        return [{"text": "Pay", "pay": True}]
    return [button for row in (markup or {}).get("inline_keyboard", ()) for button in row]


def _groups(state: State, place: Chat, message_id: int | None) -> Iterator[list[Found]]:
    """Buttons by message, in the order in which a person would look."""
    for stored in newest_first(state, place):
        if message_id in {None, stored.message_id}:
            yield [(stored, button) for button in of_message(stored)]
    shown = reply_keyboard(state, place)
    if shown is not None and shown.keyboard and message_id in {None, shown.message_id}:
        yield [(shown, button) for row in shown.keyboard["keyboard"] for button in row]


def at(stored: Stored, row: int, column: int) -> Found:
    """The inline button of a message at a place counted from 0."""
    markup = stored.body.get("reply_markup") or {"inline_keyboard": [of_message(stored)]}
    try:
        return stored, markup["inline_keyboard"][row][column]
    except IndexError:
        raise ControlError("the message has no button there", status=404) from None


def find(state: State, place: Chat, text: str, message_id: int | None) -> Found:
    """The button with this text; else the only one that begins with it; else contains it."""
    groups = list(_groups(state, place, message_id))
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for group in groups:
            matching = [found for found in group if fits(found[1]["text"], text)]
            if len(matching) > 1:
                raise ControlError(f"several buttons of message {group[0][0].message_id} fit")
            if matching:
                return matching[0]
    raise ControlError("no message of this chat has such a button", status=404)


def check_choice(state: State, person: User, channel: Chat, wanted: Json) -> None:
    """Refuse a chat that Telegram's picker would not offer for this button."""
    if (channel.type == "channel") != wanted["chat_is_channel"]:
        raise ControlError("the button asks for another type of chat")
    own = state.member(channel.id, person.id)
    if wanted.get("chat_is_created") and own.status != "creator":
        raise ControlError("the button offers only channels that this person created")
    if "chat_has_username" in wanted and wanted["chat_has_username"] != bool(channel.username):
        raise ControlError("the button offers only channels with, or only without, a username")
    bot_there = state.member(channel.id, state.bot_id)
    if wanted.get("bot_is_member") and not bot_there.present:
        raise ControlError("the button offers only chats in which the bot is")
    needed = wanted.get("user_administrator_rights") or {}
    if any(needed[right] and not own.may(right) for right in needed):
        raise ControlError("this person lacks the rights that the button asks for", status=403)
    missing = [
        right
        for right, asked in (wanted.get("bot_administrator_rights") or {}).items()
        if asked and not bot_there.may(right)
    ]
    if missing and not own.may("can_promote_members"):
        raise ControlError("this person may not make the bot an administrator", status=403)
