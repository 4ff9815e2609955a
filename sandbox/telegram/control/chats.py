"""Handle control API requests about channels, groups and their messages."""

from sandbox.telegram import (
    media,
    memberships,
    messages,
    new_chats,
    serializers,
    updates,
)
from sandbox.telegram.control import message_input
from sandbox.telegram.control.request import (
    ControlRequest,
    check_participant,
    find_message,
    find_person,
)
from sandbox.telegram.entities import Chat, Member, Message, User
from sandbox.telegram.errors import ControlError
from sandbox.telegram.formatting.entity import FormattedText
from sandbox.telegram.formatting.text import format_text
from sandbox.telegram.messages import Draft
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

STATUSES = frozenset({"administrator", "member", "left", "kicked"})


async def add_channel(request: ControlRequest) -> Json:
    """Create a channel without the bot."""
    return serializers.serialize_chat(request.state, _create_chat(request, "channel"))


async def add_group(request: ControlRequest) -> Json:
    """Create a supergroup with the members in the request's `member_ids`."""
    state = request.state
    chat = _create_chat(request, "supergroup")
    for user_id in request.get("member_ids", list) or []:
        member_id = state.bot_id if user_id == "bot" else find_person(state, user_id).id
        if member_id != chat.owner_id:
            memberships.change(state, Member(chat.id, member_id, "member"), by=chat.owner_id)
    return serializers.serialize_chat(state, chat)


def _create_chat(request: ControlRequest, kind: str) -> Chat:
    state = request.state
    owner = find_person(state, request.require("owner_id", int))
    username = request.get("username", str)
    if username and any(chat.username == username for chat in state.chats.values()):
        raise ControlError("this username is taken", status=409)
    subscribers = request.get("subscribers", int)
    chat = new_chats.create(
        state,
        kind,
        request.require("title", str),
        owner.id,
        username=username,
        subscribers=(1000 if subscribers is None else subscribers) if kind == "channel" else 0,
        protected=request.flag("protected"),
    )
    created = {"channel_chat_created": True} if kind == "channel" else {"group_chat_created": True}
    messages.post_by_person(state, chat, Draft(created, service=True), owner.id)
    return chat


async def set_member(request: ControlRequest) -> Json:
    """Set the status and the rights of a person or of the bot in a chat.

    In a private chat, only the bot's status can be set.
    """
    state, chat = request.state, request.chat()
    member_id = request.body.get("user_id")
    is_bot = member_id == "bot" or request.flag("bot") or member_id == state.bot_id
    if not is_bot and not isinstance(member_id, int):
        raise ControlError('user_id must be a number or "bot"')
    user_id = state.bot_id if is_bot else find_person(state, member_id or 0).id
    status = request.require("status", str)
    if status not in STATUSES:
        raise ControlError(f"status must be one of {', '.join(sorted(STATUSES))}")
    by = request.get("by", int) or chat.owner_id or chat.id
    if chat.type == "private" and (not is_bot or status not in {"member", "kicked"}):
        raise ControlError('in a private chat only the bot can be "member" or "kicked" (blocked)')
    if state.member(chat.id, user_id).status == "creator":
        return _let_owner_leave(state, chat, user_id, status)
    rights = {name: request.flag(name) for name in serializers.ALL_RIGHTS & request.body.keys()}
    member = Member(chat.id, user_id, status, rights if status == "administrator" else {})
    memberships.change(state, member, by=find_person(state, by).id)
    return serializers.serialize_member(state, member)


def _let_owner_leave(state: State, chat: Chat, user_id: int, status: str) -> Json:
    """Let the creator leave a chat. An administrator, if there is one, will be the next creator.

    The administrator becomes the creator only with a later transfer.
    """
    if status != "left":
        raise ControlError("the creator of a chat stays its creator, or leaves", status=409)
    people = (state.users[member.user_id] for member in state.members_of(chat.id) if member.rights)
    heir = next((person for person in people if not person.is_bot), None)
    content = {} if heir is None else {"new_owner": serializers.serialize_user(heir)}
    draft = Draft({"chat_owner_left": content}, service=True)
    messages.post_by_person(state, chat, draft, user_id)
    chat.owner_id = None
    state.save_chat(chat)
    member = Member(chat.id, user_id, "left")
    memberships.change(state, member, by=user_id)
    return serializers.serialize_member(state, member)


def start_private_chat(state: State, person: User) -> None:
    """Start a person's private chat with the bot, and end a block of the bot."""
    old = state.member(person.id, state.bot_id)
    if old.present:
        return
    new = Member(person.id, state.bot_id, "member")
    state.set_member(new)
    if old.status == "kicked":
        updates.queue_membership_update(state, old, new, person.id)


def grant_bot_rights(state: State, channel: Chat, person: User, rights: dict[str, bool]) -> None:
    """Add administrator rights to the bot in a channel, in the name of a person."""
    requested = {name for name, is_needed in rights.items() if is_needed}
    membership = state.member(channel.id, state.bot_id)
    if not requested or all(membership.may(name) for name in requested):
        return
    merged = dict(membership.rights) | dict.fromkeys(requested, True)
    new = Member(channel.id, state.bot_id, "administrator", merged)
    memberships.change(state, new, by=person.id)


async def post(request: ControlRequest) -> Json:
    """Post a message in a channel in the name of a person."""
    chat, person = _find_channel(request, "can_post_messages")
    return messages.post_by_person(
        request.state, chat, message_input.read_draft(request), person.id
    ).body


async def edit(request: ControlRequest) -> Json:
    """Edit the text or the caption of a message in the name of a person.

    The spoiler, the place of the caption and the options of the link preview change if the request
    has their fields. The bot gets no update about an edit of its own message.
    """
    state, chat = request.state, request.chat()
    person = find_person(state, request.require("user_id", int))
    message = find_message(state, chat, request.require("message_id", int))
    _check_may_change(state, chat, person, message, "can_edit_messages")
    formatted = format_text(request.require("text", str), None, request.get("entities", list))
    old = messages.editable_content(message)
    content: Json = {name: value for name, value in old.items() if name in messages.FILES}
    if "text" in old:
        content |= messages.text_fields(formatted) | message_input.preview_options(request, old)
    else:
        shown = messages.shows_media(old)
        content |= message_input.media_content(request, old, formatted, shown=shown)
    messages.edit(state, message, content, message.body.get("reply_markup"))
    if message.author_id != state.bot_id and updates.reaches_bot(state, chat, message):
        kind = "edited_channel_post" if chat.type == "channel" else "edited_message"
        updates.queue(state, kind, message.body)
    return message.body


async def replace_media(request: ControlRequest) -> Json:
    """Replace the media of a message in the name of a person. The bot gets no update.

    The spoiler and the place of the caption change if the request has their fields.
    """
    state, chat = request.state, request.chat()
    person = find_person(state, request.require("user_id", int))
    message = find_message(state, chat, request.require("message_id", int))
    _check_may_change(state, chat, person, message, "can_edit_messages")
    kind = request.get("kind", str) or "photo"
    if kind not in messages.FILES:
        raise ControlError(f"kind must be one of {', '.join(messages.FILES)}")
    old = messages.editable_content(message)
    text = FormattedText(
        old.get("text") or old.get("caption") or "",
        old.get("entities") or old.get("caption_entities") or [],
    )
    file = media.store_upload(state, kind, media.sample_upload(kind))
    content = media.message_fields(file)
    shown = messages.shows_media(content)
    content |= message_input.media_content(request, old, text, shown=shown)
    messages.edit(state, message, content, message.body.get("reply_markup"))
    return message.body


async def transfer(request: ControlRequest) -> Json:
    """Make another person the creator, and make the former creator an administrator."""
    state, chat = request.state, request.chat()
    person = find_person(state, request.require("user_id", int))
    if chat.type == "private":
        raise ControlError("a private chat has no creator")
    former = chat.owner_id
    if former == person.id:
        raise ControlError("this person is the creator", status=409)
    rights = dict.fromkeys(serializers.ALL_RIGHTS - {"is_anonymous"}, True)
    if former is not None:
        state.set_member(Member(chat.id, former, "administrator", rights))
    state.set_member(Member(chat.id, person.id, "creator"))
    chat.owner_id = person.id
    state.save_chat(chat)
    changed = {"chat_owner_changed": {"new_owner": serializers.serialize_user(person)}}
    draft = Draft(changed, service=True)
    messages.post_by_person(state, chat, draft, person.id if former is None else former)
    return serializers.serialize_chat(state, chat)


async def delete(request: ControlRequest) -> Json:
    """Delete a message in the name of a person, without an update for the bot."""
    state, chat = request.state, request.chat()
    person = find_person(state, request.require("user_id", int))
    message = find_message(state, chat, request.require("message_id", int))
    _check_may_change(state, chat, person, message, "can_delete_messages")
    state.delete_message(message)
    return {"ok": True}


def _find_channel(request: ControlRequest, right: str) -> tuple[Chat, User]:
    chat = request.chat()
    if chat.type != "channel":
        raise ControlError("this is for channels; elsewhere use /control/users/{id}/send")
    person = find_person(request.state, request.require("user_id", int))
    if not request.state.member(chat.id, person.id).may(right):
        raise ControlError("this person may not do that in the channel", status=403)
    return chat, person


def _check_may_change(state: State, chat: Chat, person: User, message: Message, right: str) -> None:
    check_participant(state, chat, person)
    if chat.type == "private" and right == "can_delete_messages":
        return
    if message.author_id != person.id and not state.member(chat.id, person.id).may(right):
        raise ControlError("this person may not change this message", status=403)
