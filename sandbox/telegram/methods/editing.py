"""Implement the Bot API's methods that edit and delete messages."""

from aiogram import methods
from aiogram.types import (
    InputMediaAnimation,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)

from sandbox.telegram import markup, messages, permissions
from sandbox.telegram.entities import Message
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall, parse_text, unwrap_default
from sandbox.telegram.methods import file_details
from sandbox.telegram.methods.sending import text_content
from sandbox.telegram.persistence import Json

MAX_DELETED = 100


def edit_message_text(call: MethodCall[methods.EditMessageText]) -> Json:
    """Replace the text and the inline keyboard of a message.

    A request without a keyboard removes the message's keyboard.
    """
    request = call.request
    content = text_content(call)
    inline = markup.inline_keyboard(request.reply_markup)
    message = permissions.find_editable_message(call.state, request.chat_id, request.message_id)
    if "text" not in message.body:
        raise bad_request("there is no text in the message to edit")
    return messages.edit_by_bot(call.state, message, content, inline).body


def edit_message_caption(call: MethodCall[methods.EditMessageCaption]) -> Json:
    """Replace the caption and the inline keyboard of a message with a file."""
    request = call.request
    caption = parse_text(call.state, request.caption, request.parse_mode, request.caption_entities)
    above = bool(unwrap_default(request.show_caption_above_media))
    inline = markup.inline_keyboard(request.reply_markup)
    message = permissions.find_editable_message(call.state, request.chat_id, request.message_id)
    if not _has_file(message):
        raise bad_request("there is no caption in the message to edit")
    changed = messages.caption_fields(caption, above=above and messages.shows_media(message.body))
    content = messages.content_without_caption(message) | changed
    return messages.edit_by_bot(call.state, message, content, inline).body


def edit_message_media(call: MethodCall[methods.EditMessageMedia]) -> Json:
    """Replace the media, the caption and the inline keyboard of a message.

    The spoiler and the place of the caption belong to the new media: a request that leaves them out
    removes them.
    """
    request = call.request
    new_media = request.media
    if not isinstance(
        new_media, (InputMediaPhoto, InputMediaVideo, InputMediaAnimation, InputMediaDocument)
    ):
        raise bad_request(f"media of type {new_media.type} is not supported in the sandbox")
    caption = parse_text(
        call.state, new_media.caption, new_media.parse_mode, new_media.caption_entities
    )
    if isinstance(new_media, InputMediaDocument):
        content = messages.caption_fields(caption)
    else:
        above = bool(unwrap_default(new_media.show_caption_above_media))
        content = messages.caption_fields(caption, above=above)
        content |= messages.spoiler_fields(has_spoiler=bool(new_media.has_spoiler))
    inline = markup.inline_keyboard(request.reply_markup)
    message = permissions.find_editable_message(call.state, request.chat_id, request.message_id)
    content |= file_details.message_fields(call, new_media.type, new_media.media, new_media)
    return messages.edit_by_bot(call.state, message, content, inline).body


def edit_message_reply_markup(call: MethodCall[methods.EditMessageReplyMarkup]) -> Json:
    """Replace or remove the inline keyboard of a message."""
    request = call.request
    inline = markup.inline_keyboard(request.reply_markup)
    message = permissions.find_editable_message(call.state, request.chat_id, request.message_id)
    return messages.edit_by_bot(
        call.state, message, messages.editable_content(message), inline
    ).body


def stop_message_live_location(call: MethodCall[methods.StopMessageLiveLocation]) -> Json:
    """Raise TelegramError, because the sandbox has no live locations.

    The function first checks the permission to edit, as TDLib's `edit_message_live_location` does.
    """
    markup.inline_keyboard(call.request.reply_markup)
    permissions.find_editable_message(call.state, call.request.chat_id, call.request.message_id)
    raise bad_request("there is no live location in the message to edit")


def _has_file(message: Message) -> bool:
    return any(kind in message.body for kind in messages.CAPTIONED)


def delete_message(call: MethodCall[methods.DeleteMessage]) -> bool:
    """Delete one message, if the bot may delete it."""
    chat = permissions.find_readable_chat(call.state, call.request.chat_id)
    call.state.delete_message(
        permissions.find_deletable_message(call.state, chat, call.request.message_id)
    )
    return True


def delete_messages(call: MethodCall[methods.DeleteMessages]) -> bool:
    """Delete several messages, and skip missing messages as Telegram does."""
    chat = permissions.find_readable_chat(call.state, call.request.chat_id)
    if not 1 <= len(call.request.message_ids) <= MAX_DELETED:
        raise bad_request("MESSAGE_IDS_INVALID")
    known = [
        number
        for number in dict.fromkeys(call.request.message_ids)
        if call.state.find_message(chat.id, number)
    ]
    for message in [
        permissions.find_deletable_message(call.state, chat, number) for number in known
    ]:
        call.state.delete_message(message)
    return True
