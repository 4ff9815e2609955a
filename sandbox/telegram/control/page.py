"""Handle control API requests with which a page stays up to date."""

import asyncio
from typing import Any

from sandbox.telegram import serializers
from sandbox.telegram.control import queries
from sandbox.telegram.control.request import ControlRequest, check_participant, path_number
from sandbox.telegram.entities import IN_CHAT, Chat, Message
from sandbox.telegram.errors import ControlError
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

GATHER_SECONDS = 0.03
"""How long an answer waits for more changes after the first one."""
MOST_UNREAD = 100
PREVIEW_LENGTH = 120
BOT_TEXTS = ("description", "short_description", "name")


async def follow_world(request: ControlRequest) -> Json:
    """Return what has changed since a version, after up to `wait` seconds.

    Without `since`, or if it is too old to know the differences, `reset` is true and the answer has
    the whole world. With `chat` and `chat_since` it also has the changes of this chat's messages.
    """
    state = request.state
    changes = state.changes
    since = path_number(request.query.get("since", "0"))
    is_reset = since < changes.first
    if not is_reset and changes.version <= since:
        wait = queries.read_wait(request)
        await state.notifier.wait(lambda: changes.version > since or None, wait)
        await asyncio.sleep(GATHER_SECONDS if wait else 0)
    view: Json = {
        "version": changes.version,
        "reset": is_reset,
        "now": state.now(),
        "bot": _serialize_bot(state),
        "offers": {
            "clock": request.context.move_clock is not None,
            "start_over": request.context.start_over is not None,
        },
        "guide": request.context.guide.as_json() if request.context.guide else [],
        "chats": [
            serialize_chat_row(state, state.chats[chat_id])
            for chat_id in (list(state.chats) if is_reset else changes.changed_chats(since))
        ],
    }
    if is_reset or changes.people_version > since:
        view["people"] = [
            serializers.serialize_user(user) for user in state.users.values() if not user.is_bot
        ]
    if "chat" in request.query:
        view["open"] = _changes_of_chat(request)
    return view


def _changes_of_chat(request: ControlRequest) -> Json | None:
    """Return the changes of the page's open chat, or None if there is no such chat any more."""
    state = request.state
    chat = state.chats.get(path_number(request.query["chat"]))
    if chat is None:
        return None
    since = path_number(request.query.get("chat_since", "0"))
    changed = state.changes.changed_messages(chat.id, since)
    rows = state.messages.get(chat.id, {})
    shown = sorted((changed or set()) & rows.keys())
    return {
        "chat_id": chat.id,
        "version": state.chat_version(chat.id),
        "reset": changed is None,
        "messages": [queries.serialize_message(rows[number]) for number in shown],
        "deleted": sorted((changed or set()) - rows.keys()),
        **queries.chat_controls(state, chat),
    }


def _serialize_bot(state: State) -> Json:
    settings = state.settings
    texts = {name: settings.get(f"{name}:") or None for name in BOT_TEXTS}
    return serializers.serialize_user(state.bot) | {
        "description": texts["description"],
        "short_description": texts["short_description"],
        "first_name": texts["name"] or state.bot.first_name,
    }


def serialize_chat_row(state: State, chat: Chat) -> Json:
    """Return a chat as the page's list shows it, with its newest message and unread messages."""
    bot = state.member(chat.id, state.bot_id)
    members = [member for member in state.members_of(chat.id) if member.user_id != state.bot_id]
    readers = (
        [chat.id]
        if chat.type == "private"
        else [member.user_id for member in members if member.status in IN_CHAT]
    )
    newest = state.find_message(chat.id, state.last_message_id(chat.id))
    pinned = state.find_message(chat.id, chat.pinned_ids[-1]) if chat.pinned_ids else None
    return {
        "id": chat.id,
        "type": chat.type,
        "title": chat.title,
        "username": chat.username,
        "description": chat.description,
        "subscribers": chat.subscribers,
        "protected": chat.protected,
        "photo_id": chat.photo_id,
        "auto_delete_seconds": chat.auto_delete_seconds,
        "bot_status": bot.status,
        "bot_rights": sorted(name for name, granted in bot.rights.items() if granted),
        "members": [{"user_id": row.user_id, "status": row.status} for row in members],
        "action": state.find_action(chat.id),
        "version": state.chat_version(chat.id),
        "last": None if newest is None else serialize_preview(newest),
        "pinned": None if pinned is None else serialize_preview(pinned),
        "unread": {str(reader): _count_unread(state, chat, reader) for reader in readers},
    }


def serialize_preview(message: Message) -> Json:
    """Return the beginning of a message, for one line of text."""
    view = queries.serialize_message(message)
    text: Any = view["text"] or view["caption"] or ""
    names = ("message_id", "date", "author_id", "from_name", "media", "service", "details")
    return {name: view.get(name) for name in names} | {
        "text": text[:PREVIEW_LENGTH],
        "content": next(iter(view["contents"]), "invoice" if "invoice" in view else None),
    }


def _count_unread(state: State, chat: Chat, reader: int) -> int:
    """Count the messages of others that a person has not read, up to MOST_UNREAD."""
    mark = state.read_marks.get((chat.id, reader), 0)
    rows = state.messages.get(chat.id, {})
    count = 0
    for message_id in reversed(rows):
        if message_id <= mark or rows[message_id].author_id == reader or count == MOST_UNREAD:
            break
        count += 1
    return count


async def mark_read(request: ControlRequest) -> Json:
    """Save that a person has read a chat up to a message."""
    state, chat, person = request.state, request.chat(), request.person_in_body()
    check_participant(state, chat, person)
    message_id = request.require("message_id", int)
    if not 0 <= message_id <= state.last_message_id(chat.id):
        raise ControlError("there is no such message in the chat", status=404)
    state.mark_read(chat.id, person.id, message_id)
    return {"ok": True}


async def start_over(request: ControlRequest) -> Json:
    """Begin a new world, if the program that runs the sandbox can do that."""
    if request.context.start_over is None:
        raise ControlError("this sandbox cannot start over by itself", status=409)
    await request.context.start_over()
    return {"ok": True}
