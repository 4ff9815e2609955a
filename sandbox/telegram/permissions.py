"""Find chats and messages for the bot, and check the bot's permissions.

The functions raise TelegramError with Telegram's texts.
"""

from sandbox.telegram.entities import Chat, Message
from sandbox.telegram.errors import TelegramError, bad_request, forbidden
from sandbox.telegram.state import State

DELETABLE_SECONDS = 2 * 86400
# Nobody deletes the message about the creation of a channel or group.
CREATION = frozenset({"channel_chat_created", "group_chat_created"})


def find_chat(state: State, chat_id: int | str | None) -> Chat:
    """Return the chat with this id or @username. The bot need not be a member of the chat."""
    if chat_id is None:
        raise bad_request("chat_id is empty")
    chat = (
        state.chats.get(chat_id) if isinstance(chat_id, int) else _find_by_username(state, chat_id)
    )
    if chat is None:
        raise bad_request("chat not found")
    if chat.migrated_to_id is not None:
        raise TelegramError(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=chat.migrated_to_id,
        )
    return chat


def _find_by_username(state: State, name: str) -> Chat | None:
    if not name.startswith("@"):
        return None
    username = name[1:].lower()
    for chat in state.chats.values():
        if chat.username and chat.username.lower() == username:
            return chat
    return None


def find_readable_chat(state: State, chat_id: int | str | None) -> Chat:
    """Return a chat that the bot may read, or raise TelegramError.

    The bot must be in the chat. In a private chat, the person must have started the bot and not
    blocked it.
    """
    chat = find_chat(state, chat_id)
    membership = state.member(chat.id, state.bot_id)
    if membership.present:
        return chat
    if chat.type == "private":
        if membership.status == "kicked":
            raise forbidden("bot was blocked by the user")
        raise forbidden("bot can't initiate conversation with a user")
    if membership.status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.type} chat")
    raise forbidden(f"bot is not a member of the {chat.type} chat")


def find_visible_chat(state: State, chat_id: int | str | None) -> Chat:
    """Return a chat that the bot may read, or a public one that the bot was not thrown out of.

    Raises TelegramError for any other chat.
    """
    chat = find_chat(state, chat_id)
    is_public = chat.type != "private" and chat.username is not None
    if is_public and state.member(chat.id, state.bot_id).status != "kicked":
        return chat
    return find_readable_chat(state, chat_id)


def find_writable_chat(state: State, chat_id: int | str | None, messages: int = 1) -> Chat:
    """Return a chat to which the bot may send, and count `messages` messages.

    Raises TelegramError if the bot may not send, or if a flood limit is exceeded.
    """
    chat = find_readable_chat(state, chat_id)
    if chat.type == "channel" and not bot_may(state, chat, "can_post_messages"):
        raise bad_request("need administrator rights in the channel chat")
    state.limits.admit(chat.id, private=chat.type == "private", messages=messages)
    return chat


def bot_may(state: State, chat: Chat, right: str) -> bool:
    """Return whether the bot is an administrator with this right in the chat."""
    return state.member(chat.id, state.bot_id).may(right)


def find_message(state: State, chat: Chat, message_id: int | None, verb: str) -> Message:
    """Return a message of a chat.

    Raises TelegramError "message to `verb` not found" if the message does not exist.
    """
    message = None if message_id is None else state.find_message(chat.id, message_id)
    if message is None:
        raise bad_request(f"message to {verb} not found")
    return message


def find_editable_message(
    state: State, chat_id: int | str | None, message_id: int | None
) -> Message:
    """Return a message that the bot may edit, or raise TelegramError.

    In a channel, the right to edit covers every message, and the right to post covers the bot's own
    posts. In other chats, the bot may edit its own messages.
    """
    chat = find_readable_chat(state, chat_id)
    message = find_message(state, chat, message_id, "edit")
    own = message.author_id == state.bot_id
    if chat.type == "channel":
        may_edit = bot_may(state, chat, "can_edit_messages") or (
            own and bot_may(state, chat, "can_post_messages")
        )
    else:
        may_edit = own
    if message.service or not may_edit or "forward_origin" in message.body:
        raise bad_request("message can't be edited")
    return message


def find_deletable_message(state: State, chat: Chat, message_id: int) -> Message:
    """Return a message that the bot may delete, or raise TelegramError.

    Nothing can be deleted after 48 hours. In a private chat, this includes everything but the bot's
    own service messages. In other chats, the right to delete covers every message. Without this
    right, the bot may delete its own messages, and its posts only with the right to post.
    """
    message = find_message(state, chat, message_id, "delete")
    is_recent = state.now() - message.body["date"] < DELETABLE_SECONDS
    if chat.type == "private":
        if not is_recent or (message.service and message.author_id == state.bot_id):
            raise bad_request("message can't be deleted for everyone")
    elif not is_recent or CREATION & message.body.keys() or not _may_delete(state, chat, message):
        raise bad_request("message can't be deleted")
    return message


def _may_delete(state: State, chat: Chat, message: Message) -> bool:
    if bot_may(state, chat, "can_delete_messages"):
        return True
    if message.author_id != state.bot_id:
        return False
    needs_right = chat.type == "channel" or message.service
    return not needs_right or bot_may(state, chat, "can_post_messages")
