"""Implement the Bot API's methods that send one file."""

from typing import Any

from aiogram import methods

from sandbox.telegram import markup, messages, permissions
from sandbox.telegram.messages import Draft
from sandbox.telegram.method_call import MethodCall, parse_text, unwrap_default
from sandbox.telegram.methods import file_details
from sandbox.telegram.methods.sending import post_message
from sandbox.telegram.persistence import Json


def send_photo(call: MethodCall[methods.SendPhoto]) -> Json:
    """Send a photo."""
    return _send(call, "photo", call.request.photo, _shown_caption(call))


def send_video(call: MethodCall[methods.SendVideo]) -> Json:
    """Send a video."""
    return _send(call, "video", call.request.video, _shown_caption(call))


def send_animation(call: MethodCall[methods.SendAnimation]) -> Json:
    """Send an animation (a GIF)."""
    return _send(call, "animation", call.request.animation, _shown_caption(call))


def send_document(call: MethodCall[methods.SendDocument]) -> Json:
    """Send a file of any kind, which the chat shows with its name."""
    return _send(call, "document", call.request.document, _caption(call))


def send_audio(call: MethodCall[methods.SendAudio]) -> Json:
    """Send a piece of music."""
    return _send(call, "audio", call.request.audio, _caption(call))


def send_voice(call: MethodCall[methods.SendVoice]) -> Json:
    """Send a voice message."""
    return _send(call, "voice", call.request.voice, _caption(call))


def send_video_note(call: MethodCall[methods.SendVideoNote]) -> Json:
    """Send a round video."""
    return _send(call, "video_note", call.request.video_note, {})


def send_sticker(call: MethodCall[methods.SendSticker]) -> Json:
    """Send a sticker."""
    content: Json = _send(call, "sticker", call.request.sticker, {})
    return content


def _caption(call: MethodCall[Any]) -> Json:
    request = call.request
    return messages.caption_fields(
        parse_text(call.state, request.caption, request.parse_mode, request.caption_entities)
    )


def _shown_caption(call: MethodCall[Any]) -> Json:
    """Return the caption with its place, and the spoiler, of a file that the chat shows."""
    request = call.request
    caption = parse_text(call.state, request.caption, request.parse_mode, request.caption_entities)
    above = bool(unwrap_default(request.show_caption_above_media))
    content = messages.caption_fields(caption, above=above)
    return content | messages.spoiler_fields(has_spoiler=bool(request.has_spoiler))


def _send(call: MethodCall[Any], kind: str, source: object, content: Json) -> Json:
    request = call.request
    # All checks that can refuse come before the file is stored.
    inline, keyboard = markup.split_markup(request.reply_markup)
    chat = permissions.find_writable_chat(call.state, request.chat_id)
    content |= file_details.message_fields(call, kind, source, request)
    return post_message(call, chat, Draft(content, inline, keyboard)).body
