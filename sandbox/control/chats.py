"""Channels and groups: making them, who is in them, what people post there."""

from sandbox import formatting, messages, serializers, updates
from sandbox.control import message_input
from sandbox.control.world import Order, find_message, find_person, participant
from sandbox.entities import Chat, Member, Stored, User
from sandbox.errors import ControlError
from sandbox.messages import Draft
from sandbox.persistence import Json
from sandbox.state import State, channel_id

STATUSES = frozenset({"administrator", "member", "left", "kicked"})


async def add_channel(order: Order) -> Json:
    """A new channel; the bot is not in it."""
    return serializers.chat(order.state, _found(order, "channel"))


async def add_group(order: Order) -> Json:
    """A new private supergroup with these members; "bot" is the bot's own name for it."""
    state = order.state
    place = _found(order, "supergroup")
    for user_id in order.get("member_ids", list) or []:
        member_id = state.bot_id if user_id == "bot" else find_person(state, user_id).id
        if member_id != place.owner_id:
            change_member(state, Member(place.id, member_id, "member"), by=place.owner_id)
    return serializers.chat(state, place)


def _found(order: Order, kind: str) -> Chat:
    state = order.state
    owner = find_person(state, order.need("owner_id", int))
    username = order.get("username", str)
    if username and any(chat.username == username for chat in state.chats.values()):
        raise ControlError("this username is taken", status=409)
    subscribers = order.get("subscribers", int)
    place = Chat(
        channel_id(state.new_id()),
        kind,
        title=order.need("title", str),
        username=username,
        owner_id=owner.id,
        subscribers=(1000 if subscribers is None else subscribers) if kind == "channel" else 0,
        protected=order.flag("protected"),
    )
    state.add_chat(place)
    state.set_member(Member(place.id, owner.id, "creator"))
    created = {"channel_chat_created": True} if kind == "channel" else {"group_chat_created": True}
    messages.post_by_person(state, place, Draft(created, service=True), owner.id)
    return place


async def set_member(order: Order) -> Json:
    """Make somebody, or the bot, this in the chat; in a private chat: block and unblock."""
    state, place = order.state, order.chat()
    wanted = order.body.get("user_id")
    is_bot = wanted == "bot" or order.flag("bot") or wanted == state.bot_id
    if not is_bot and not isinstance(wanted, int):
        raise ControlError('user_id must be a number or "bot"')
    user_id = state.bot_id if is_bot else find_person(state, wanted or 0).id
    status = order.need("status", str)
    if status not in STATUSES:
        raise ControlError(f"status must be one of {', '.join(sorted(STATUSES))}")
    by = order.get("by", int) or place.owner_id or place.id
    if place.type == "private" and (not is_bot or status not in {"member", "kicked"}):
        raise ControlError('in a private chat only the bot can be "member" or "kicked" (blocked)')
    if state.member(place.id, user_id).status == "creator":
        raise ControlError("the creator of a chat stays its creator", status=409)
    rights = {name: order.flag(name) for name in serializers.ALL_RIGHTS & order.body.keys()}
    member = Member(place.id, user_id, status, rights if status == "administrator" else {})
    change_member(state, member, by=find_person(state, by).id)
    return serializers.member(state, member)


def change_member(state: State, new: Member, *, by: int | None) -> None:
    """Change a standing, with the updates and the service message that belong to it."""
    old = state.member(new.chat_id, new.user_id)
    if (old.status, old.rights) == (new.status, new.rights):
        return
    place = state.chats[new.chat_id]
    actor = by or new.user_id
    # Who is thrown out still gets the news that it was; so it is told by the old standing.
    told_before = old.present and not new.present
    if told_before and place.type == "supergroup" and new.user_id != state.bot_id:
        _say_member(state, place, "left_chat_member", new.user_id, actor)
    state.set_member(new)
    updates.tell_membership(state, old, new, actor)
    if new.present and not old.present and place.type == "supergroup":
        _say_member(state, place, "new_chat_members", new.user_id, actor)


def _say_member(state: State, place: Chat, field: str, user_id: int, by: int) -> None:
    who = serializers.user(state.users[user_id])
    content: Json = {field: [who] if field == "new_chat_members" else who}
    messages.post_by_person(state, place, Draft(content, service=True), by)


def start_private(state: State, person: User) -> None:
    """A first message begins the chat; one after a block lifts it."""
    old = state.member(person.id, state.bot_id)
    if old.present:
        return
    new = Member(person.id, state.bot_id, "member")
    state.set_member(new)
    if old.status == "kicked":
        updates.tell_membership(state, old, new, person.id)


def grant(state: State, channel: Chat, person: User, rights: dict[str, bool]) -> None:
    """Make the bot an administrator with at least these rights, as the picker does."""
    asked = {name for name, wanted in rights.items() if wanted}
    standing = state.member(channel.id, state.bot_id)
    if not asked or all(standing.may(name) for name in asked):
        return
    merged = dict(standing.rights) | dict.fromkeys(asked, True)
    change_member(state, Member(channel.id, state.bot_id, "administrator", merged), by=person.id)


async def post(order: Order) -> Json:
    """A person's post in a channel."""
    place, person = _channel_of(order, "can_post_messages")
    return messages.post_by_person(
        order.state, place, message_input.from_order(order), person.id
    ).body


async def edit(order: Order) -> Json:
    """A person edits a message.

    The bot is told of an edit of somebody's message, and of nothing when its own post is edited.
    """
    state, place = order.state, order.chat()
    person = find_person(state, order.need("user_id", int))
    stored = find_message(state, place, order.need("message_id", int))
    _may_touch(state, place, person, stored, "can_edit_messages")
    rich = formatting.understand(order.need("text", str), None, order.get("entities", list))
    if "text" in stored.body:
        content = messages.text_fields(rich)
    else:
        kept = messages.content_of(stored)
        kept.pop("caption", None)
        kept.pop("caption_entities", None)
        content = kept | messages.caption_fields(rich)
    messages.edit(state, stored, content, stored.body.get("reply_markup"))
    if stored.author_id != state.bot_id and updates.sees(state, place, stored):
        kind = "edited_channel_post" if place.type == "channel" else "edited_message"
        updates.queue(state, kind, stored.body)
    return stored.body


async def delete(order: Order) -> Json:
    """A person deletes a message; nobody is told, as at Telegram."""
    state, place = order.state, order.chat()
    person = find_person(state, order.need("user_id", int))
    stored = find_message(state, place, order.need("message_id", int))
    _may_touch(state, place, person, stored, "can_delete_messages")
    state.delete_message(stored)
    return {"ok": True}


def _channel_of(order: Order, right: str) -> tuple[Chat, User]:
    place = order.chat()
    if place.type != "channel":
        raise ControlError("this is for channels; elsewhere use /control/users/{id}/send")
    person = find_person(order.state, order.need("user_id", int))
    if not order.state.member(place.id, person.id).may(right):
        raise ControlError("this person may not do that in the channel", status=403)
    return place, person


def _may_touch(state: State, place: Chat, person: User, stored: Stored, right: str) -> None:
    """One's own message, or an administrator's right over that of others."""
    participant(state, place, person)
    if place.type == "private" and right == "can_delete_messages":
        return
    if stored.author_id != person.id and not state.member(place.id, person.id).may(right):
        raise ControlError("this person may not change this message", status=403)
