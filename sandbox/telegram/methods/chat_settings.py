"""Implement the Bot API's methods with which a bot changes the data and the pins of a chat."""

from typing import Any

from aiogram import methods
from aiogram.types import BufferedInputFile

from sandbox.telegram import media, messages, permissions
from sandbox.telegram.entities import Chat
from sandbox.telegram.errors import bad_request
from sandbox.telegram.messages import Draft
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.methods.members import granted_permissions
from sandbox.telegram.parsing import Upload
from sandbox.telegram.persistence import Json

MAX_TITLE = 128
MAX_DESCRIPTION = 255


def set_chat_title(call: MethodCall[methods.SetChatTitle]) -> bool:
    """Change the title of a chat, and post Telegram's service message about it."""
    title = call.request.title.strip()
    if not title:
        raise bad_request("chat title is empty")
    if len(title) > MAX_TITLE:
        raise bad_request("chat title is too long")
    chat = _find_chat(call, "title")
    if title == chat.title:
        raise bad_request("chat title is not modified")
    chat.title = title
    _save(call, chat, {"new_chat_title": title})
    return True


def set_chat_description(call: MethodCall[methods.SetChatDescription]) -> bool:
    """Change or remove the description of a chat. Nobody is told."""
    description = call.request.description or ""
    if len(description) > MAX_DESCRIPTION:
        raise bad_request("chat description is too long")
    chat = _find_chat(call, "description")
    if description == (chat.description or ""):
        raise bad_request("chat description is not modified")
    chat.description = description or None
    call.state.save_chat(chat)
    return True


def set_chat_photo(call: MethodCall[methods.SetChatPhoto]) -> bool:
    """Change the picture of a chat, and post Telegram's service message about it."""
    chat = _find_chat(call, "photo")
    photo = call.request.photo
    if not isinstance(photo, BufferedInputFile):
        raise bad_request("there is no photo in the request")
    file = media.store_photo(call.state, Upload(photo.data, None, None))
    chat.photo_id = file.id
    _save(call, chat, {"new_chat_photo": [media.photo_size(file)]})
    return True


def delete_chat_photo(call: MethodCall[methods.DeleteChatPhoto]) -> bool:
    """Remove the picture of a chat, and post Telegram's service message about it."""
    chat = _find_chat(call, "photo")
    if chat.photo_id is None:
        raise bad_request("CHAT_NOT_MODIFIED")
    chat.photo_id = None
    _save(call, chat, {"delete_chat_photo": True})
    return True


def set_chat_permissions(call: MethodCall[methods.SetChatPermissions]) -> bool:
    """Set what the members of a supergroup may do."""
    chat = permissions.find_readable_chat(call.state, call.request.chat_id)
    if chat.type != "supergroup":
        raise bad_request("method is available only for supergroups")
    if not permissions.bot_may(call.state, chat, "can_restrict_members"):
        raise bad_request("not enough rights to change chat permissions")
    chat.permissions = granted_permissions(call.request.permissions)
    call.state.save_chat(chat)
    return True


def pin_chat_message(call: MethodCall[methods.PinChatMessage]) -> bool:
    """Pin a message, and post Telegram's service message about the pin."""
    chat = _find_chat_with_pins(call)
    message = permissions.find_message(call.state, chat, call.request.message_id, "pin")
    if message.service:
        raise bad_request("service messages can't be pinned")
    if message.message_id in chat.pinned_ids:
        return True
    chat.pinned_ids.append(message.message_id)
    _save(call, chat, {"pinned_message": message.body})
    return True


def unpin_chat_message(call: MethodCall[methods.UnpinChatMessage]) -> bool:
    """Unpin one message, or without its id the newest pinned message."""
    chat = _find_chat_with_pins(call)
    if call.request.message_id is not None:
        permissions.find_message(call.state, chat, call.request.message_id, "unpin")
    if not chat.pinned_ids:
        return True
    message_id = call.request.message_id or chat.pinned_ids[-1]
    chat.pinned_ids = [each for each in chat.pinned_ids if each != message_id]
    call.state.save_chat(chat)
    return True


def unpin_all_chat_messages(call: MethodCall[methods.UnpinAllChatMessages]) -> bool:
    """Unpin all messages of a chat."""
    chat = _find_chat_with_pins(call)
    chat.pinned_ids = []
    call.state.save_chat(chat)
    return True


def _find_chat(call: MethodCall[Any], what: str) -> Chat:
    chat = permissions.find_readable_chat(call.state, call.request.chat_id)
    if chat.type == "private":
        raise bad_request(f"can't change private chat {what}")
    if not permissions.bot_may(call.state, chat, "can_change_info"):
        raise bad_request(f"not enough rights to change chat {what}")
    return chat


def _find_chat_with_pins(call: MethodCall[Any]) -> Chat:
    chat = permissions.find_readable_chat(call.state, call.request.chat_id)
    right = {"channel": "can_edit_messages", "supergroup": "can_pin_messages"}.get(chat.type)
    if right and not permissions.bot_may(call.state, chat, right):
        raise bad_request("not enough rights to manage pinned messages in the chat")
    return chat


def _save(call: MethodCall[Any], chat: Chat, told: Json) -> None:
    call.state.save_chat(chat)
    messages.post_by_bot(call.state, chat, Draft(told, service=True))
