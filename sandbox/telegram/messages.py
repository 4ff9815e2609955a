"""Create and edit messages of the bot and of people."""

from dataclasses import dataclass, field

from sandbox.telegram import serializers, updates
from sandbox.telegram.entities import Chat, Message
from sandbox.telegram.errors import bad_request
from sandbox.telegram.formatting.cleaning import is_empty
from sandbox.telegram.formatting.entity import FormattedText
from sandbox.telegram.formatting.utf16 import utf16_length
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

# The fields of the original that a forward does not have.
NOT_FORWARDED = (
    *("message_id", "date", "chat", "from", "sender_chat", "edit_date", "reply_markup"),
    *("reply_to_message", "media_group_id"),
)
MAX_TEXT = 4096
MAX_CAPTION = 1024
MEDIA = ("photo", "video", "animation")
FILES = (*MEDIA, "document")
CAPTIONED = (*FILES, "audio", "voice")
"""The files that have a caption."""
OTHER_CONTENTS = (
    *("video_note", "sticker", "dice", "location", "venue", "contact", "poll"),
    "paid_media",
)
"""The contents that have neither a text nor a caption."""
# A new caption replaces these fields of the body.
CAPTION = ("caption", "caption_entities", "show_caption_above_media")
# An edit compares these fields of the body for the error "message is not modified".
CONTENT = (
    *("text", "entities", "link_preview_options", "has_media_spoiler"),
    *(*CAPTION, *CAPTIONED, *OTHER_CONTENTS),
)


@dataclass
class Draft:
    """A message that has not been sent yet.

    `content` has the fields that an edit can change. `inline` is the inline keyboard, and
    `keyboard` is the reply keyboard.
    """

    content: Json
    inline: Json | None = None
    keyboard: Json | None = None
    service: bool = False
    protected: bool = False
    extra: Json = field(default_factory=dict)


def text_fields(formatted: FormattedText) -> Json:
    """Return the message fields for a text.

    Raises TelegramError if the text is empty or too long.
    """
    if is_empty(formatted.text):
        raise bad_request("message text is empty")
    if utf16_length(formatted.text) > MAX_TEXT:
        raise bad_request("message is too long")
    return {"text": formatted.text} | (
        {"entities": formatted.entities} if formatted.entities else {}
    )


def caption_fields(formatted: FormattedText, *, above: bool = False) -> Json:
    """Return the message fields for a caption, which can be empty.

    `above` says whether the caption stands above the media. As in Telegram, an empty caption has no
    place. Raises TelegramError if the caption is too long.
    """
    if utf16_length(formatted.text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    if not formatted.text:
        return {}
    fields: Json = {"caption": formatted.text}
    if formatted.entities:
        fields["caption_entities"] = formatted.entities
    if above:
        fields["show_caption_above_media"] = True
    return fields


def spoiler_fields(*, has_spoiler: bool) -> Json:
    """Return the message fields that say whether a reader must press the media to see them."""
    return {"has_media_spoiler": True} if has_spoiler else {}


def shows_media(content: Json) -> bool:
    """Return whether a message shows its file, so that its caption has a place."""
    return any(kind in content for kind in MEDIA)


def post_by_bot(state: State, chat: Chat, draft: Draft) -> Message:
    """Post a message of the bot, and log the post if the chat is a channel."""
    if chat.type == "channel" and "forward_origin" not in draft.content:
        draft.content = without_custom_emoji(draft.content)
    body = _build_body(state, chat, draft)
    if chat.type == "channel":
        body["sender_chat"] = serializers.serialize_chat(state, chat)
    else:
        body["from"] = serializers.serialize_user(state.bot)
    message = _store_message(state, chat, draft, body, state.bot_id)
    if draft.service:
        updates.queue_own_service_message(state, chat, message)
    if chat.type == "channel" and not draft.service:
        state.publications.append(
            {
                "chat_id": chat.id,
                "message_id": message.message_id,
                "date": body["date"],
                **{name: body[name] for name in (*CONTENT, "media_group_id") if name in body},
                **({"reply_markup": draft.inline} if draft.inline else {}),
            }
        )
    return message


def without_custom_emoji(content: Json) -> Json:
    """Return content without custom emoji, which a bot cannot use in a channel.

    The emoji that each of them replaces stays in the text.
    """
    kept = dict(content)
    for name in ("entities", "caption_entities"):
        entities = [each for each in content.get(name, ()) if each["type"] != "custom_emoji"]
        if entities:
            kept[name] = entities
        else:
            kept.pop(name, None)
    return kept


def edit_by_bot(state: State, message: Message, content: Json, inline: Json | None) -> Message:
    """Replace the content and the inline keyboard of a message as the bot may do it."""
    in_channel = state.chats[message.chat_id].type == "channel"
    return edit(state, message, without_custom_emoji(content) if in_channel else content, inline)


def post_by_person(
    state: State, chat: Chat, draft: Draft, user_id: int, sender_chat: Chat | None = None
) -> Message:
    """Post a person's message, and queue an update if the bot can see the message.

    If `sender_chat` is given, the person writes in the name of this chat.
    """
    body = _build_body(state, chat, draft)
    if chat.type == "channel":
        body["sender_chat"] = serializers.serialize_chat(state, chat)
    elif sender_chat is None:
        body["from"] = serializers.serialize_user(state.users[user_id])
    else:
        anonymous = sender_chat.id == chat.id
        body["from"] = serializers.ANONYMOUS_ADMIN if anonymous else serializers.CHANNEL_BOT
        body["sender_chat"] = serializers.serialize_chat(state, sender_chat)
    message = _store_message(state, chat, draft, body, user_id)
    if updates.reaches_bot(state, chat, message):
        updates.queue(state, "channel_post" if chat.type == "channel" else "message", message.body)
    return message


def _build_body(state: State, chat: Chat, draft: Draft) -> Json:
    body: Json = {
        "message_id": state.next_message_id(chat),
        "date": state.now(),
        "chat": serializers.serialize_chat(state, chat),
        **draft.content,
        **draft.extra,
    }
    if draft.inline:
        body["reply_markup"] = draft.inline
    if draft.protected or chat.protected:
        body["has_protected_content"] = True
    return body


def _store_message(state: State, chat: Chat, draft: Draft, body: Json, author_id: int) -> Message:
    message = Message(
        chat.id, body["message_id"], author_id, body, draft.keyboard, service=draft.service
    )
    if chat.auto_delete_seconds:
        message.deletes_at = body["date"] + chat.auto_delete_seconds
    state.save_message(message)
    return message


def forwarded_content(original: Message) -> Json:
    """Return the content of a forward of a message, with a note of its origin."""
    content = {key: value for key, value in original.body.items() if key not in NOT_FORWARDED}
    content["forward_origin"] = original.body.get("forward_origin") or _forward_origin(original)
    return content


def forwarded_keyboard(original: Message) -> Json | None:
    """Return the original's keyboard if it has only links, as in Telegram."""
    keyboard: Json | None = original.body.get("reply_markup")
    rows = keyboard["inline_keyboard"] if keyboard else []
    return keyboard if rows and all("url" in button for row in rows for button in row) else None


def _forward_origin(original: Message) -> Json:
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


def editable_content(message: Message) -> Json:
    """Return a message's editable fields, without the inline keyboard."""
    return {name: message.body[name] for name in CONTENT if name in message.body}


def content_without_caption(message: Message) -> Json:
    """Return a message's editable fields, without its caption and the inline keyboard."""
    return {name: value for name, value in editable_content(message).items() if name not in CAPTION}


def edit(state: State, message: Message, content: Json, inline: Json | None) -> Message:
    """Replace the content and the inline keyboard of a message.

    Raises TelegramError if both are the same as before.
    """
    if content == editable_content(message) and inline == message.body.get("reply_markup"):
        raise bad_request(
            "message is not modified: specified new message content and reply markup are "
            "exactly the same as a current content and reply markup of the message"
        )
    # Answers and updates can still contain the old body, so the old body is never changed.
    body = {
        name: value
        for name, value in message.body.items()
        if name not in CONTENT and name != "reply_markup"
    }
    body |= content
    body["edit_date"] = state.now()
    if inline:
        body["reply_markup"] = inline
    message.body = body
    state.save_message(message)
    return message
