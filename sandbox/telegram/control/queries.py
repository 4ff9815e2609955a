"""Handle control API requests that read chats, messages and the sandbox's state."""

from sandbox.telegram import serializers
from sandbox.telegram.control import buttons
from sandbox.telegram.control.request import ControlRequest, path_number
from sandbox.telegram.entities import Chat, Message
from sandbox.telegram.errors import ControlError
from sandbox.telegram.messages import FILES
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

LONGEST_WAIT = 60.0
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


async def list_messages(request: ControlRequest) -> Json:
    """Return the messages of a chat with an id above `after`, oldest first.

    The function first waits up to `wait` seconds for such a message. If `version` is given, the
    function waits for any change after this version of the chat.
    """
    state, chat = request.state, request.chat()
    after = path_number(request.query.get("after", "0"))
    version_text = request.query.get("version")
    version = None if version_text is None else path_number(version_text)
    try:
        wait = min(float(request.query.get("wait", "0")), LONGEST_WAIT)
    except ValueError:
        raise ControlError("wait must be a number of seconds") from None

    def changed() -> bool | None:
        if version is not None and state.chat_version(chat.id) > version:
            return True
        if version is None and max(state.messages.get(chat.id, {}), default=0) > after:
            return True
        return None

    await state.notifier.wait(changed, wait)
    rows = state.messages.get(chat.id, {})
    keyboard_message = buttons.reply_keyboard(state, chat)
    return {
        "version": state.chat_version(chat.id),
        "messages": [serialize_message(rows[number]) for number in sorted(rows) if number > after],
        "keyboard": _serialize_keyboard(keyboard_message),
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
        "buttons": _serialize_buttons(message),
        "edited": "edit_date" in body,
        "version": message.version,
        "service": next((name for name in SERVICE_FIELDS if name in body), None),
    }
    if view["media"]:
        file = body[view["media"]]
        file = file[-1] if isinstance(file, list) else file
        view["file_id"], view["file_name"] = file["file_id"], file.get("file_name")
    if message.service:
        view["details"] = body.get(str(view["service"]))
    for name in (
        *("invoice", "forward_origin", "link_preview_options", "media_group_id"),
        *("has_media_spoiler", "show_caption_above_media"),
    ):
        if name in body:
            view[name] = body[name]
    if "reply_to_message" in body:
        view["reply_to_message_id"] = body["reply_to_message"]["message_id"]
    return view


def _serialize_buttons(message: Message) -> list[list[Json]]:
    markup = message.body.get("reply_markup")
    if markup is None:
        return [[_serialize_button(button)] for button in buttons.inline_buttons(message)]
    return [[_serialize_button(button) for button in row] for row in markup["inline_keyboard"]]


def _serialize_button(button: Json) -> Json:
    kind = next((kind for kind in BUTTON_KINDS if kind in button), "text")
    view = {"text": button["text"], "kind": "callback" if kind == "callback_data" else kind}
    if kind == "url":
        view["url"] = button["url"]
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
