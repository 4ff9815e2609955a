"""Editing and deleting."""

from aiogram import methods

from sandbox import markup, media, messages, permissions
from sandbox.entities import Stored
from sandbox.errors import bad_request
from sandbox.method_call import MethodCall, given, rich_text
from sandbox.methods.sending import link_preview
from sandbox.persistence import Json

MAX_DELETED = 100


def edit_message_text(call: MethodCall[methods.EditMessageText]) -> Json:
    """Another text; the inline keyboard becomes the request's, or goes."""
    request = call.request
    content = messages.text_fields(
        rich_text(call.state, request.text, request.parse_mode, request.entities)
    )
    preview = link_preview(request)
    if preview:
        content["link_preview_options"] = preview
    inline = markup.inline(request.reply_markup)
    stored = permissions.editable(call.state, request.chat_id, request.message_id)
    if "text" not in stored.body:
        raise bad_request("there is no text in the message to edit")
    return messages.edit(call.state, stored, content, inline).body


def edit_message_caption(call: MethodCall[methods.EditMessageCaption]) -> Json:
    """Another caption under the same photo, video or animation."""
    request = call.request
    caption = rich_text(call.state, request.caption, request.parse_mode, request.caption_entities)
    changed = messages.caption_fields(caption)
    if given(request.show_caption_above_media):
        changed["show_caption_above_media"] = True
    inline = markup.inline(request.reply_markup)
    stored = permissions.editable(call.state, request.chat_id, request.message_id)
    if not _has_media(stored):
        raise bad_request("there is no caption in the message to edit")
    replaced = ("caption", "caption_entities", "show_caption_above_media")
    kept = {key: value for key, value in messages.content_of(stored).items() if key not in replaced}
    return messages.edit(call.state, stored, kept | changed, inline).body


def edit_message_media(call: MethodCall[methods.EditMessageMedia]) -> Json:
    """Another photo, video or animation, with its caption."""
    request = call.request
    wanted = request.media
    if wanted.type not in messages.MEDIA:
        raise bad_request(f"media of type {wanted.type} is not supported in the sandbox")
    caption = rich_text(call.state, wanted.caption, wanted.parse_mode, wanted.caption_entities)
    content = messages.caption_fields(caption)
    inline = markup.inline(request.reply_markup)
    stored = permissions.editable(call.state, request.chat_id, request.message_id)
    content |= media.fields(media.from_request(call.state, wanted.type, wanted.media, call.files))
    return messages.edit(call.state, stored, content, inline).body


def edit_message_reply_markup(call: MethodCall[methods.EditMessageReplyMarkup]) -> Json:
    """Another inline keyboard, or none."""
    request = call.request
    inline = markup.inline(request.reply_markup)
    stored = permissions.editable(call.state, request.chat_id, request.message_id)
    return messages.edit(call.state, stored, messages.content_of(stored), inline).body


def _has_media(stored: Stored) -> bool:
    return any(kind in stored.body for kind in messages.MEDIA)


def delete_message(call: MethodCall[methods.DeleteMessage]) -> bool:
    """One message."""
    place = permissions.readable(call.state, call.request.chat_id)
    call.state.delete_message(permissions.deletable(call.state, place, call.request.message_id))
    return True


def delete_messages(call: MethodCall[methods.DeleteMessages]) -> bool:
    """Several; those that are not there are passed over, as at Telegram."""
    place = permissions.readable(call.state, call.request.chat_id)
    if not 1 <= len(call.request.message_ids) <= MAX_DELETED:
        raise bad_request("MESSAGE_IDS_INVALID")
    known = [
        number
        for number in dict.fromkeys(call.request.message_ids)
        if call.state.find_message(place.id, number)
    ]
    for stored in [permissions.deletable(call.state, place, number) for number in known]:
        call.state.delete_message(stored)
    return True
