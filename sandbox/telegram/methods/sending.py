"""Implement the Bot API's methods that send, copy and forward messages."""

from typing import Any

from aiogram import methods

from sandbox.telegram import markup, messages, permissions
from sandbox.telegram.entities import Chat, Message
from sandbox.telegram.errors import bad_request
from sandbox.telegram.messages import Draft
from sandbox.telegram.method_call import MethodCall, parse_text, unwrap_default
from sandbox.telegram.persistence import Json

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


def send_message(call: MethodCall[methods.SendMessage]) -> Json:
    """Send a text message."""
    return send(call, text_content(call))


def text_content(
    call: MethodCall[methods.SendMessage] | MethodCall[methods.EditMessageText],
) -> Json:
    """Return the text, the entities and the link preview of a text message."""
    request = call.request
    content = messages.text_fields(
        parse_text(call.state, request.text, request.parse_mode, request.entities)
    )
    preview = _link_preview(request)
    if preview:
        content["link_preview_options"] = preview
    return content


def _link_preview(request: methods.SendMessage | methods.EditMessageText) -> Json:
    options = unwrap_default(request.link_preview_options)
    if options is not None:
        # Telegram reports only the options that differ from the default.
        return {name: value for name, value in markup.as_json(options).items() if value}
    return {"is_disabled": True} if unwrap_default(request.disable_web_page_preview) else {}


def send(call: MethodCall[Any], content: Json, *, keyboard: Json | None = None) -> Json:
    """Post checked content in the request's chat, and return Telegram's Message object.

    `keyboard` is the inline keyboard of a request without one.
    """
    inline, reply_keyboard = markup.split_markup(call.request.reply_markup)
    chat = permissions.find_writable_chat(call.state, call.request.chat_id)
    return post_message(call, chat, Draft(content, inline or keyboard, reply_keyboard)).body


def post_message(call: MethodCall[Any], chat: Chat, draft: Draft) -> Message:
    """Post a message in a chat in which the bot may write, with the options of the request."""
    if draft.keyboard and chat.type == "channel":
        raise bad_request("inline keyboard expected")
    draft.protected = bool(unwrap_default(call.request.protect_content))
    draft.extra |= _reply_fields(call, chat)
    return messages.post_by_bot(call.state, chat, draft)


def _reply_fields(call: MethodCall[Any], chat: Chat) -> Json:
    request = call.request
    parameters = request.reply_parameters
    reply_to_id = parameters.message_id if parameters else request.reply_to_message_id
    if not reply_to_id:
        return {}
    original = call.state.find_message(chat.id, reply_to_id)
    if original is None:
        lenient = request.allow_sending_without_reply or (
            parameters and unwrap_default(parameters.allow_sending_without_reply)
        )
        if lenient:
            return {}
        raise bad_request("message to be replied not found")
    quoted = {key: value for key, value in original.body.items() if key != "reply_to_message"}
    return {"reply_to_message": quoted}


def copy_message(call: MethodCall[methods.CopyMessage]) -> Json:
    """Copy a message, and return the new message's id.

    A caption in the request replaces the original caption and its place. Without a caption, the
    request's place for the caption is ignored.
    """
    request = call.request
    source = permissions.find_visible_chat(call.state, request.from_chat_id)
    original = permissions.find_message(call.state, source, request.message_id, "copy")
    # A bot may copy protected content. Only forwards of it are refused.
    if original.service or "invoice" in original.body:
        raise bad_request("the message can't be copied")
    content = messages.editable_content(original)
    if request.caption is not None and "text" not in content:
        caption = parse_text(
            call.state, request.caption, request.parse_mode, request.caption_entities
        )
        above = bool(unwrap_default(request.show_caption_above_media))
        content = messages.content_without_caption(original)
        content |= messages.caption_fields(caption, above=above)
    inline, keyboard = markup.split_markup(request.reply_markup)
    chat = permissions.find_writable_chat(call.state, request.chat_id)
    posted = post_message(call, chat, Draft(content, inline, keyboard))
    return {"message_id": posted.message_id}


def forward_message(call: MethodCall[methods.ForwardMessage]) -> Json:
    """Forward a message, with a note of its origin."""
    request = call.request
    source = permissions.find_visible_chat(call.state, request.from_chat_id)
    original = permissions.find_message(call.state, source, request.message_id, "forward")
    if source.protected:
        raise bad_request("message has protected content and can't be forwarded")
    if original.service or original.body.get("has_protected_content"):
        raise bad_request("the message can't be forwarded")
    chat = permissions.find_writable_chat(call.state, request.chat_id)
    draft = Draft(
        messages.forwarded_content(original),
        messages.forwarded_keyboard(original),
        protected=bool(unwrap_default(request.protect_content)),
    )
    return messages.post_by_bot(call.state, chat, draft).body


def send_chat_action(call: MethodCall[methods.SendChatAction]) -> bool:
    """Show an action such as "typing" on the page for some seconds."""
    if call.request.action not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = permissions.find_readable_chat(call.state, call.request.chat_id)
    call.state.show_action(chat.id, call.request.action)
    return True
