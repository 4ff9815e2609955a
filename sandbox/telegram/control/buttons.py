"""Find the buttons of a chat, and check a person's choice of a chat."""

from collections.abc import Iterator

from sandbox.telegram.entities import Chat, Message, User
from sandbox.telegram.errors import ControlError
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

ButtonMatch = tuple[Message, Json]


def newest_first(state: State, chat: Chat) -> Iterator[Message]:
    """Yield the messages of a chat, newest first."""
    return reversed(state.messages.get(chat.id, {}).values())


def reply_keyboard(state: State, chat: Chat) -> Message | None:
    """Return the message whose reply keyboard the chat shows now, or None."""
    for message in state.messages_with_keyboard(chat.id):
        if message.keyboard and message.keyboard.get("keyboard"):
            return message
        if message.keyboard and message.keyboard.get("remove_keyboard"):
            return None
    return None


def inline_buttons(message: Message) -> list[Json]:
    """Return all inline buttons of a message in one list."""
    markup = message.body.get("reply_markup") or {}
    return [button for row in markup.get("inline_keyboard", ()) for button in row]


def _buttons_by_message(
    state: State, chat: Chat, message_id: int | None
) -> Iterator[list[ButtonMatch]]:
    """Yield the inline buttons of each message, then the buttons of the reply keyboard."""
    for message in newest_first(state, chat):
        if message_id in {None, message.message_id}:
            yield [(message, button) for button in inline_buttons(message)]
    keyboard_message = reply_keyboard(state, chat)
    if (
        keyboard_message is not None
        and keyboard_message.keyboard
        and message_id in {None, keyboard_message.message_id}
    ):
        yield [
            (keyboard_message, button)
            for row in keyboard_message.keyboard["keyboard"]
            for button in row
        ]


def find_at(message: Message, row: int, column: int) -> ButtonMatch:
    """Return a message and its button at `row` and `column`, which begin at 0.

    Raises ControlError if there is no such button.
    """
    markup = message.body.get("reply_markup") or {"inline_keyboard": []}
    try:
        return message, markup["inline_keyboard"][row][column]
    except IndexError:
        raise ControlError("the message has no button there", status=404) from None


def find_by_text(state: State, chat: Chat, text: str, message_id: int | None) -> ButtonMatch:
    """Find a button by its text, and return the message and the button.

    An exact text has priority over a part of a text. Raises ControlError if no button fits, or if
    several buttons of one message fit.
    """
    groups = list(_buttons_by_message(state, chat, message_id))
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for group in groups:
            matching = [match for match in group if fits(match[1]["text"], text)]
            if len(matching) > 1:
                raise ControlError(f"several buttons of message {group[0][0].message_id} fit")
            if matching:
                return matching[0]
    raise ControlError("no message of this chat has such a button", status=404)


def check_choice(state: State, person: User, channel: Chat, request_chat: Json) -> None:
    """Raise ControlError if a button does not let a person choose this chat."""
    if (channel.type == "channel") != request_chat["chat_is_channel"]:
        raise ControlError("the button asks for another type of chat")
    membership = state.member(channel.id, person.id)
    if request_chat.get("chat_is_created") and membership.status != "creator":
        raise ControlError("the button offers only channels that this person created")
    if "chat_has_username" in request_chat and request_chat["chat_has_username"] != bool(
        channel.username
    ):
        raise ControlError("the button offers only channels with, or only without, a username")
    bot_membership = state.member(channel.id, state.bot_id)
    if request_chat.get("bot_is_member") and not bot_membership.present:
        raise ControlError("the button offers only chats in which the bot is")
    needed = request_chat.get("user_administrator_rights") or {}
    if any(needed[right] and not membership.may(right) for right in needed):
        raise ControlError("this person lacks the rights that the button asks for", status=403)
    missing = [
        right
        for right, requested in (request_chat.get("bot_administrator_rights") or {}).items()
        if requested and not bot_membership.may(right)
    ]
    if missing and not membership.may("can_promote_members"):
        raise ControlError("this person may not make the bot an administrator", status=403)
