"""Implement the Bot API's methods that send and copy albums."""

from typing import Any

from aiogram import methods
from aiogram.types import InputMediaDocument, InputMediaPhoto, InputMediaVideo

from sandbox.telegram import messages, permissions
from sandbox.telegram.entities import Message
from sandbox.telegram.errors import bad_request
from sandbox.telegram.messages import Draft
from sandbox.telegram.method_call import MethodCall, parse_text, unwrap_default
from sandbox.telegram.methods import file_details
from sandbox.telegram.methods.sending import post_message
from sandbox.telegram.persistence import Json

LEAST, MOST = 2, 10
"""An album has between LEAST and MOST messages."""
MOST_COPIED = 100
_MIXED = frozenset({"photo", "video"})
"""The kinds of files that an album can have together."""


def send_media_group(call: MethodCall[methods.SendMediaGroup]) -> list[Json]:
    """Send an album, and return its messages.

    All checks come before the first message, so that an album is sent whole or not at all.
    """
    request = call.request
    if not LEAST <= len(request.media) <= MOST:
        raise bad_request("there must be from 2 to 10 messages to send in an album")
    kinds = {str(each.type) for each in request.media}
    if len(kinds) > 1 and not kinds <= _MIXED:
        raise bad_request("can't mix these types of media in an album")
    contents = [_content(call, each) for each in request.media]
    chat = permissions.find_writable_chat(call.state, request.chat_id, len(contents))
    album = str(call.state.new_id())
    drafts = [Draft(content, extra={"media_group_id": album}) for content in contents]
    return [post_message(call, chat, draft).body for draft in drafts]


def _content(call: MethodCall[methods.SendMediaGroup], item: Any) -> Json:
    if not isinstance(item, InputMediaPhoto | InputMediaVideo | InputMediaDocument):
        raise bad_request(f"media of type {item.type} is not supported in the sandbox")
    caption = parse_text(call.state, item.caption, item.parse_mode, item.caption_entities)
    file = file_details.message_fields(call, str(item.type), item.media, item)
    if isinstance(item, InputMediaDocument):
        return messages.caption_fields(caption) | file
    above = bool(unwrap_default(item.show_caption_above_media))
    content = messages.caption_fields(caption, above=above)
    content |= messages.spoiler_fields(has_spoiler=bool(item.has_spoiler))
    return content | file


def copy_messages(call: MethodCall[methods.CopyMessages]) -> list[Json]:
    """Copy messages, and return the ids of the copies. What can't be copied is skipped.

    Messages of one album are an album again.
    """
    request = call.request
    source = permissions.find_visible_chat(call.state, request.from_chat_id)
    numbers = request.message_ids
    if not 1 <= len(numbers) <= MOST_COPIED or numbers != sorted(set(numbers)):
        raise bad_request("MESSAGE_IDS_INVALID")
    found = [call.state.find_message(source.id, number) for number in numbers]
    originals = [each for each in found if each is not None and _can_be_copied(each)]
    if not originals:
        raise bad_request("there are no messages to copy")
    chat = permissions.find_writable_chat(call.state, request.chat_id, len(originals))
    albums: dict[str, str] = {}
    copies = []
    for original in originals:
        draft = Draft(messages.editable_content(original))
        album = original.body.get("media_group_id")
        if album is not None:
            draft.extra["media_group_id"] = albums.setdefault(album, str(call.state.new_id()))
        if request.remove_caption and "text" not in draft.content:
            draft.content = messages.content_without_caption(original)
        draft.protected = bool(unwrap_default(request.protect_content))
        copies.append(messages.post_by_bot(call.state, chat, draft))
    return [{"message_id": copy.message_id} for copy in copies]


def _can_be_copied(message: Message) -> bool:
    return not message.service and "invoice" not in message.body
