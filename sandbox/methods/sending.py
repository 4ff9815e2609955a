"""sendMessage and its kin."""

from typing import Any

from aiogram import methods

from sandbox import markup, media, messages, permissions
from sandbox.entities import Chat, Stored
from sandbox.errors import bad_request
from sandbox.messages import Draft
from sandbox.method_call import MethodCall, given, rich_text
from sandbox.persistence import Json

CHAT_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
# What a copy takes from its original, and what a forward leaves behind.
UNCOPIED = ("message_id", "date", "chat", "from", "sender_chat", "edit_date", "reply_markup")


def send_message(call: MethodCall[methods.SendMessage]) -> Json:
    """A text."""
    request = call.request
    content = messages.text_fields(
        rich_text(call.state, request.text, request.parse_mode, request.entities)
    )
    preview = link_preview(request)
    if preview:
        content["link_preview_options"] = preview
    return send(call, content)


def link_preview(request: methods.SendMessage | methods.EditMessageText) -> Json:
    """The message's link_preview_options, from either generation of the field."""
    options = given(request.link_preview_options)
    if options is not None:
        return markup.as_json(options)
    return {"is_disabled": True} if given(request.disable_web_page_preview) else {}


def send_photo(call: MethodCall[methods.SendPhoto]) -> Json:
    """A photo."""
    return _send_media(call, "photo", call.request.photo)


def send_video(call: MethodCall[methods.SendVideo]) -> Json:
    """A video."""
    return _send_media(call, "video", call.request.video)


def send_animation(call: MethodCall[methods.SendAnimation]) -> Json:
    """A GIF."""
    return _send_media(call, "animation", call.request.animation)


def _send_media(
    call: MethodCall[methods.SendPhoto]
    | MethodCall[methods.SendVideo]
    | MethodCall[methods.SendAnimation],
    kind: str,
    source: object,
) -> Json:
    request = call.request
    caption = rich_text(call.state, request.caption, request.parse_mode, request.caption_entities)
    content = messages.caption_fields(caption)
    if request.has_spoiler:
        content["has_media_spoiler"] = True
    if given(request.show_caption_above_media):
        content["show_caption_above_media"] = True
    # Everything that can be refused is refused before the file is kept.
    inline, keyboard = markup.split(request.reply_markup)
    place = permissions.writable(call.state, request.chat_id)
    content |= media.fields(media.from_request(call.state, kind, source, call.files))
    return _post(call, place, Draft(content, inline, keyboard)).body


def send(call: MethodCall[Any], content: Json) -> Json:
    """Put content that was checked into the request's chat."""
    inline, keyboard = markup.split(call.request.reply_markup)
    place = permissions.writable(call.state, call.request.chat_id)
    return _post(call, place, Draft(content, inline, keyboard)).body


def _post(call: MethodCall[Any], place: Chat, draft: Draft) -> Stored:
    """The fields that all sending methods share: reply and protection."""
    if draft.keyboard and place.type == "channel":
        raise bad_request("inline keyboard expected")
    draft.protected = bool(given(call.request.protect_content))
    draft.extra |= _reply(call, place)
    return messages.post_by_bot(call.state, place, draft)


def _reply(call: MethodCall[Any], place: Chat) -> Json:
    request = call.request
    parameters = request.reply_parameters
    wanted = parameters.message_id if parameters else request.reply_to_message_id
    if not wanted:
        return {}
    original = call.state.find_message(place.id, wanted)
    if original is None:
        lenient = request.allow_sending_without_reply or (
            parameters and given(parameters.allow_sending_without_reply)
        )
        if lenient:
            return {}
        raise bad_request("message to be replied not found")
    quoted = {key: value for key, value in original.body.items() if key != "reply_to_message"}
    return {"reply_to_message": quoted}


def copy_message(call: MethodCall[methods.CopyMessage]) -> Json:
    """A copy with the bot as its author; the caption may be another one."""
    request = call.request
    source = permissions.readable(call.state, request.from_chat_id)
    original = permissions.message(call.state, source, request.message_id, "copy")
    protected = original.body.get("has_protected_content")
    if original.service or protected or "invoice" in original.body:
        raise bad_request("message can't be copied")
    content = messages.content_of(original)
    if request.caption is not None and "text" not in content:
        content.pop("caption", None)
        content.pop("caption_entities", None)
        caption = rich_text(
            call.state, request.caption, request.parse_mode, request.caption_entities
        )
        content |= messages.caption_fields(caption)
    inline, keyboard = markup.split(request.reply_markup)
    place = permissions.writable(call.state, request.chat_id)
    posted = _post(call, place, Draft(content, inline, keyboard))
    return {"message_id": posted.message_id}


def forward_message(call: MethodCall[methods.ForwardMessage]) -> Json:
    """A forward that says where it came from."""
    request = call.request
    source = permissions.readable(call.state, request.from_chat_id)
    original = permissions.message(call.state, source, request.message_id, "forward")
    if original.service or original.body.get("has_protected_content"):
        raise bad_request("message can't be forwarded")
    place = permissions.writable(call.state, request.chat_id)
    content = {key: value for key, value in original.body.items() if key not in UNCOPIED}
    content.pop("reply_to_message", None)
    content["forward_origin"] = original.body.get("forward_origin") or _origin(original)
    draft = Draft(content, protected=bool(given(request.protect_content)))
    return messages.post_by_bot(call.state, place, draft).body


def _origin(original: Stored) -> Json:
    body = original.body
    if body["chat"]["type"] == "channel":
        return {
            "type": "channel",
            "date": body["date"],
            "chat": body["chat"],
            "message_id": body["message_id"],
        }
    if "sender_chat" in body:
        return {"type": "chat", "date": body["date"], "sender_chat": body["sender_chat"]}
    return {"type": "user", "date": body["date"], "sender_user": body["from"]}


def send_chat_action(call: MethodCall[methods.SendChatAction]) -> bool:
    """Nothing that stays."""
    if call.request.action not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    permissions.readable(call.state, call.request.chat_id)
    return True
