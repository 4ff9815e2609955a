"""Making and changing messages, whoever writes them."""

from dataclasses import dataclass, field

from sandbox import formatting, serializers, updates
from sandbox.entities import Chat, Stored
from sandbox.errors import bad_request
from sandbox.formatting import Rich
from sandbox.persistence import Json
from sandbox.state import State

MAX_TEXT = 4096
MAX_CAPTION = 1024
MEDIA = ("photo", "video", "animation")
# What of a message's body is its content, as "message is not modified" compares it.
CONTENT = (
    "text",
    "entities",
    "caption",
    "caption_entities",
    "link_preview_options",
    "show_caption_above_media",
    "has_media_spoiler",
    "document",
    *MEDIA,
)


@dataclass
class Draft:
    """What somebody is about to send; `content` is Telegram's fields of the message."""

    content: Json
    inline: Json | None = None
    keyboard: Json | None = None
    service: bool = False
    protected: bool = False
    extra: Json = field(default_factory=dict)


def text_fields(rich: Rich) -> Json:
    """Text and entities, after Telegram's checks of its size."""
    if not rich.text:
        raise bad_request("message text is empty")
    if formatting.utf16_length(rich.text) > MAX_TEXT:
        raise bad_request("message is too long")
    return {"text": rich.text} | ({"entities": rich.entities} if rich.entities else {})


def caption_fields(rich: Rich) -> Json:
    """Caption and entities; none at all when it is empty."""
    if formatting.utf16_length(rich.text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    if not rich.text:
        return {}
    entities = {"caption_entities": rich.entities} if rich.entities else {}
    return {"caption": rich.text} | entities


def post_by_bot(state: State, place: Chat, draft: Draft) -> Stored:
    """The bot's message; nothing comes back to it as an update.

    In a channel it is in the log of publications before anybody is answered.
    """
    body = _body(state, place, draft)
    if place.type == "channel":
        body["sender_chat"] = serializers.chat(state, place)
    else:
        body["from"] = serializers.user(state.bot)
    stored = _store(state, place, draft, body, state.bot_id)
    if place.type == "channel" and not draft.service:
        state.publications.append(
            {
                "chat_id": place.id,
                "message_id": stored.message_id,
                "date": body["date"],
                **{name: body[name] for name in CONTENT if name in body},
                **({"reply_markup": draft.inline} if draft.inline else {}),
            }
        )
    return stored


def post_by_person(
    state: State, place: Chat, draft: Draft, user_id: int, sender_chat: Chat | None = None
) -> Stored:
    """A person's message, with the update that the bot gets of it."""
    body = _body(state, place, draft)
    if place.type == "channel":
        body["sender_chat"] = serializers.chat(state, place)
    elif sender_chat is None:
        body["from"] = serializers.user(state.users[user_id])
    else:
        anonymous = sender_chat.id == place.id
        body["from"] = serializers.ANONYMOUS_ADMIN if anonymous else serializers.CHANNEL_BOT
        body["sender_chat"] = serializers.chat(state, sender_chat)
    stored = _store(state, place, draft, body, user_id)
    if updates.sees(state, place, stored):
        updates.queue(state, "channel_post" if place.type == "channel" else "message", stored.body)
    return stored


def _body(state: State, place: Chat, draft: Draft) -> Json:
    body: Json = {
        "message_id": state.next_message_id(place),
        "date": state.now(),
        "chat": serializers.chat(state, place),
        **draft.content,
        **draft.extra,
    }
    if draft.inline:
        body["reply_markup"] = draft.inline
    if draft.protected or place.protected:
        body["has_protected_content"] = True
    return body


def _store(state: State, place: Chat, draft: Draft, body: Json, author_id: int) -> Stored:
    stored = Stored(
        place.id, body["message_id"], author_id, body, draft.keyboard, service=draft.service
    )
    state.save_message(stored)
    return stored


def content_of(stored: Stored) -> Json:
    """Those fields that an edit may change, the inline keyboard left out."""
    return {name: stored.body[name] for name in CONTENT if name in stored.body}


def edit(state: State, stored: Stored, content: Json, inline: Json | None) -> Stored:
    """Give the message this content and this keyboard; refuse when it has both already.

    The stored body is replaced and not changed, because answers and updates share it.
    """
    if content == content_of(stored) and inline == stored.body.get("reply_markup"):
        raise bad_request(
            "message is not modified: specified new message content and reply markup are "
            "exactly the same as a current content and reply markup of the message"
        )
    body = {
        name: value
        for name, value in stored.body.items()
        if name not in CONTENT and name != "reply_markup"
    }
    body |= content
    body["edit_date"] = state.now()
    if inline:
        body["reply_markup"] = inline
    stored.body = body
    state.save_message(stored)
    return stored
