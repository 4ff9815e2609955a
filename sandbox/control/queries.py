"""What a person, or a program in their place, can see."""

from sandbox import serializers
from sandbox.control import buttons
from sandbox.control.world import Order, path_number
from sandbox.entities import Chat, Stored
from sandbox.errors import ControlError
from sandbox.messages import MEDIA
from sandbox.persistence import Json
from sandbox.state import State

LONGEST_WAIT = 60.0
BUTTON_KINDS = ("callback_data", "url", "pay", "request_chat", "web_app", "copy_text")
SERVICE_FIELDS = (
    "chat_shared",
    "successful_payment",
    "refunded_payment",
    "new_chat_members",
    "left_chat_member",
    "pinned_message",
    "channel_chat_created",
    "group_chat_created",
)


async def state(order: Order) -> Json:
    """People, chats with the bot's standing in them, faults, and the sandbox's time."""
    world = order.state
    processes = order.world.processes
    return {
        "bot": serializers.user(world.bot),
        "people": [
            serializers.user(person) for person in world.users.values() if not person.is_bot
        ],
        "chats": [_chat(world, place) for place in world.chats.values()],
        "faults": world.faults.listed(),
        "limits": world.limits.enabled,
        "polled": bool(world.settings.get("polled")),
        "pending_updates": len(world.updates),
        "now": world.now(),
        "clock_shift": world.shift,
        "processes": processes.pids() if processes else {},
    }


def _chat(world: State, place: Chat) -> Json:
    title = world.users[place.id].first_name if place.type == "private" else place.title
    bot = world.member(place.id, world.bot_id)
    return {
        "id": place.id,
        "type": place.type,
        "title": title,
        "username": place.username,
        "subscribers": place.subscribers,
        "bot_status": bot.status,
        "bot_rights": sorted(name for name, there in bot.rights.items() if there),
        "version": world.chat_version(place.id),
        "members": [
            {"user_id": member.user_id, "status": member.status}
            for member in world.members_of(place.id)
            if member.user_id != world.bot_id
        ],
    }


async def messages(order: Order) -> Json:
    """The messages of a chat as it shows them now, oldest first.

    With `wait` it answers as soon as there is one above `after`, or, with `version`, as soon as
    the chat has changed since that version (a deletion counts).
    """
    world, place = order.state, order.chat()
    after = path_number(order.query.get("after", "0"))
    known = order.query.get("version")
    version = None if known is None else path_number(known)
    try:
        wait = min(float(order.query.get("wait", "0")), LONGEST_WAIT)
    except ValueError:
        raise ControlError("wait must be a number of seconds") from None

    def changed() -> bool | None:
        if version is not None and world.chat_version(place.id) > version:
            return True
        if version is None and max(world.messages.get(place.id, {}), default=0) > after:
            return True
        return None

    await world.pulse.wait(changed, wait)
    rows = world.messages.get(place.id, {})
    shown = buttons.reply_keyboard(world, place)
    return {
        "version": world.chat_version(place.id),
        "messages": [message(rows[number]) for number in sorted(rows) if number > after],
        "keyboard": _keyboard(shown),
    }


def message(stored: Stored) -> Json:
    """One message as a client shows it."""
    body = stored.body
    sender = body.get("sender_chat") or body.get("from") or {}
    view: Json = {
        "message_id": stored.message_id,
        "date": body["date"],
        "from": sender.get("id"),
        "from_name": sender.get("title") or sender.get("first_name"),
        "author_id": stored.author_id,
        "text": body.get("text"),
        "caption": body.get("caption"),
        "entities": body.get("entities") or body.get("caption_entities") or [],
        "media": next((kind for kind in MEDIA if kind in body), None),
        "buttons": _buttons(stored),
        "edited": "edit_date" in body,
        "version": stored.version,
        "service": next((name for name in SERVICE_FIELDS if name in body), None),
    }
    if view["media"]:
        shown = body[view["media"]]
        view["file_id"] = (shown[-1] if isinstance(shown, list) else shown)["file_id"]
    if stored.service:
        view["details"] = body.get(str(view["service"]))
    for name in ("invoice", "forward_origin"):
        if name in body:
            view[name] = body[name]
    if "reply_to_message" in body:
        view["reply_to_message_id"] = body["reply_to_message"]["message_id"]
    return view


def _buttons(stored: Stored) -> list[list[Json]]:
    markup = stored.body.get("reply_markup")
    if markup is None:
        return [[_button(button)] for button in buttons.of_message(stored)]
    return [[_button(button) for button in row] for row in markup["inline_keyboard"]]


def _button(button: Json) -> Json:
    kind = next((kind for kind in BUTTON_KINDS if kind in button), "text")
    view = {"text": button["text"], "kind": "callback" if kind == "callback_data" else kind}
    if kind == "url":
        view["url"] = button["url"]
    return view


def _keyboard(shown: Stored | None) -> Json | None:
    """The reply keyboard under the chat."""
    if shown is None or shown.keyboard is None:
        return None
    rows = [[_button(button) for button in row] for row in shown.keyboard["keyboard"]]
    placeholder = shown.keyboard.get("input_field_placeholder")
    return {"buttons": rows, "message_id": shown.message_id, "placeholder": placeholder}


async def published(order: Order) -> Json:
    """Every message that the bot ever put into a channel, deleted ones too."""
    entries = order.state.publications.entries
    wanted = order.query.get("chat_id")
    if wanted is not None:
        number = path_number(wanted)
        entries = [entry for entry in entries if entry["chat_id"] == number]
    return {"published": entries}
