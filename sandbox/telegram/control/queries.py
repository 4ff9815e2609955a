"""Handle control API requests that read chats, messages and the sandbox's state."""

import math
from itertools import islice, takewhile

from sandbox.telegram import serializers
from sandbox.telegram.control import bot_commands, buttons
from sandbox.telegram.control.request import ControlRequest, path_number
from sandbox.telegram.entities import Chat, Message
from sandbox.telegram.errors import ControlError
from sandbox.telegram.messages import FILES
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

LONGEST_WAIT = 60.0
OTHER_CONTENTS = (
    *("sticker", "voice", "audio", "video_note", "contact", "location", "venue", "poll", "dice"),
    *("paid_media", "checklist", "story", "game"),
)
"""The fields of messages that are neither a text nor a file with a caption."""
BUTTON_KINDS = ("callback_data", "url", "pay", "request_chat", "web_app", "copy_text")
SERVICE_FIELDS = (
    "chat_shared",
    "successful_payment",
    "refunded_payment",
    "new_chat_members",
    "left_chat_member",
    "pinned_message",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "message_auto_delete_timer_changed",
    "chat_owner_changed",
    "chat_owner_left",
    "channel_chat_created",
    "group_chat_created",
)


async def show_state(request: ControlRequest) -> Json:
    """Return the people, chats, faults, processes and time of the sandbox."""
    state = request.state
    processes = request.context.processes
    return {
        "bot": serializers.serialize_user(state.bot),
        "people": [
            serializers.serialize_user(person)
            for person in state.users.values()
            if not person.is_bot
        ],
        "chats": [_serialize_chat(state, chat) for chat in state.chats.values()],
        "faults": state.faults.as_json(),
        "limits": state.limits.enabled,
        "ignored_fields": dict(state.ignored_fields),
        "polled": bool(state.settings.get("polled")),
        "pending_updates": len(state.updates),
        "now": state.now(),
        "clock_shift": state.shift,
        "processes": processes.pids() if processes else {},
    }


def _serialize_chat(state: State, chat: Chat) -> Json:
    title = state.users[chat.id].first_name if chat.type == "private" else chat.title
    bot = state.member(chat.id, state.bot_id)
    return {
        "id": chat.id,
        "type": chat.type,
        "title": title,
        "username": chat.username,
        "subscribers": chat.subscribers,
        "auto_delete_seconds": chat.auto_delete_seconds,
        "bot_status": bot.status,
        "bot_rights": sorted(name for name, granted in bot.rights.items() if granted),
        "version": state.chat_version(chat.id),
        "members": [
            {"user_id": member.user_id, "status": member.status}
            for member in state.members_of(chat.id)
            if member.user_id != state.bot_id
        ],
    }


def read_wait(request: ControlRequest) -> float:
    """Return how many seconds a request may wait, or raise ControlError."""
    try:
        wait = float(request.query.get("wait", "0"))
    except ValueError:
        wait = math.nan
    if math.isnan(wait):
        raise ControlError("wait must be a number of seconds")
    return min(wait, LONGEST_WAIT)


async def list_messages(request: ControlRequest) -> Json:
    """Return messages of a chat, oldest first: those with an id above `after` or below `before`.

    At most `limit` messages are returned: the oldest ones above `after`, or else the newest ones.
    `around` is the id of a message in the middle. The function first waits up to `wait` seconds for
    a message above `after`. If `version` is given, the function waits for any change after this
    version of the chat.
    """
    state, chat = request.state, request.chat()
    after, before, around, version, limit = (
        None if name not in request.query else path_number(request.query[name])
        for name in ("after", "before", "around", "version", "limit")
    )

    def changed() -> bool | None:
        if version is not None:
            return state.chat_version(chat.id) > version or None
        return state.last_message_id(chat.id) > (after or 0) or None

    await state.notifier.wait(changed, read_wait(request))
    rows = state.messages.get(chat.id, {})
    numbers = _choose(rows, after, before, around, limit)
    return {
        "version": state.chat_version(chat.id),
        "messages": [serialize_message(rows[number]) for number in numbers],
        "has_older": bool(numbers) and numbers[0] != next(iter(rows)),
        "has_newer": bool(numbers) and numbers[-1] != state.last_message_id(chat.id),
        **chat_controls(state, chat),
    }


def _choose(
    rows: dict[int, Message],
    after: int | None,
    before: int | None,
    around: int | None,
    limit: int | None,
) -> list[int]:
    """Return the ids of the messages that a request asks for, in their order."""
    if limit is not None and limit < 1:
        raise ControlError("limit must be at least 1")
    # Ids grow, so the order of the dictionary is the order of the ids.
    if around is not None:
        half = (limit or len(rows)) // 2
        older = list(islice((n for n in reversed(rows) if n < around), half))
        newer = list(takewhile(lambda n: n >= around, reversed(rows)))[::-1]
        return older[::-1] + newer[: half or None]
    newest_first = (n for n in reversed(rows) if before is None or n < before)
    if after is None:
        return list(islice(newest_first, limit))[::-1]
    return list(takewhile(lambda n: n > after, newest_first))[::-1][:limit]


def chat_controls(state: State, chat: Chat) -> Json:
    """Return what stands below a chat's messages: its reply keyboard and the bot's commands."""
    return {
        "keyboard": _serialize_keyboard(buttons.reply_keyboard(state, chat)),
        "commands": bot_commands.shown_in(state, chat),
    }


def serialize_message(message: Message) -> Json:
    """Return a message with the fields that the sandbox's page shows."""
    body = message.body
    sender = body.get("sender_chat") or body.get("from") or {}
    view: Json = {
        "message_id": message.message_id,
        "date": body["date"],
        "from": sender.get("id"),
        "from_name": sender.get("title") or sender.get("first_name"),
        "author_id": message.author_id,
        "text": body.get("text"),
        "caption": body.get("caption"),
        "entities": body.get("entities") or body.get("caption_entities") or [],
        "media": next((kind for kind in FILES if kind in body), None),
        "contents": {kind: body[kind] for kind in OTHER_CONTENTS if kind in body},
        "buttons": _serialize_buttons(message),
        "edited": "edit_date" in body,
        "version": message.version,
        "service": _find_service_field(message),
        "receipt": message.charge_id,
    }
    if view["media"]:
        file = body[view["media"]]
        file = file[-1] if isinstance(file, list) else file
        view["file_id"], view["file_name"] = file["file_id"], file.get("file_name")
        view["file_size"], view["mime_type"] = file.get("file_size"), file.get("mime_type")
        view["width"], view["height"] = file.get("width"), file.get("height")
    if message.service:
        view["details"] = body.get(str(view["service"]))
    for name in (
        *("invoice", "forward_origin", "link_preview_options", "media_group_id"),
        *("has_media_spoiler", "show_caption_above_media"),
    ):
        if name in body:
            view[name] = body[name]
    if message.views:
        view["views"] = message.views
    if message.reactions:
        view["reactions"] = message.reactions
    if "reply_to_message" in body:
        replied = body["reply_to_message"]
        view["reply_to_message_id"] = replied["message_id"]
        sender = replied.get("sender_chat") or replied.get("from") or {}
        view["reply_to"] = {
            "message_id": replied["message_id"],
            "from_name": sender.get("title") or sender.get("first_name"),
            "text": (replied.get("text") or replied.get("caption") or "")[:120],
            "media": next((kind for kind in (*FILES, *OTHER_CONTENTS) if kind in replied), None),
        }
    return view


def _find_service_field(message: Message) -> str | None:
    """Return the field of a service message, or "service" for a field without a sentence."""
    known = next((name for name in SERVICE_FIELDS if name in message.body), None)
    return known or ("service" if message.service else None)


def _serialize_buttons(message: Message) -> list[list[Json]]:
    markup = message.body.get("reply_markup")
    if markup is None:
        return [[_serialize_button(button)] for button in buttons.inline_buttons(message)]
    return [[_serialize_button(button) for button in row] for row in markup["inline_keyboard"]]


def _serialize_button(button: Json) -> Json:
    kind = next((kind for kind in BUTTON_KINDS if kind in button), "text")
    view = {"text": button["text"], "kind": "callback" if kind == "callback_data" else kind}
    for name in ("url", "copy_text", "request_chat", "style"):
        if name in button:
            view[name] = button[name]
    return view


def _serialize_keyboard(keyboard_message: Message | None) -> Json | None:
    if keyboard_message is None or keyboard_message.keyboard is None:
        return None
    rows = [
        [_serialize_button(button) for button in row]
        for row in keyboard_message.keyboard["keyboard"]
    ]
    placeholder = keyboard_message.keyboard.get("input_field_placeholder")
    return {"buttons": rows, "message_id": keyboard_message.message_id, "placeholder": placeholder}


async def list_publications(request: ControlRequest) -> Json:
    """Return all posts of the bot in channels, including deleted posts."""
    entries = request.state.publications.entries
    chat_id = request.query.get("chat_id")
    if chat_id is not None:
        number = path_number(chat_id)
        entries = [entry for entry in entries if entry["chat_id"] == number]
    return {"published": entries}
