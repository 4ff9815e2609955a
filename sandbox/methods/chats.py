"""Chats and who is in them."""

from aiogram import methods

from sandbox import messages, permissions, serializers, updates
from sandbox.entities import Chat, Member
from sandbox.errors import bad_request
from sandbox.messages import Draft
from sandbox.method_call import MethodCall
from sandbox.persistence import Json
from sandbox.state import State


def get_chat(call: MethodCall[methods.GetChat]) -> Json:
    """All about a chat."""
    return serializers.full_chat(call.state, permissions.readable(call.state, call.request.chat_id))


def _with_members(state: State, chat_id: int | str) -> Chat:
    """A chat whose members the bot may see: of a channel only as an administrator."""
    place = permissions.resolve(state, chat_id)
    standing = state.member(place.id, state.bot_id)
    if standing.status == "kicked" or place.type == "supergroup":
        return permissions.readable(state, chat_id)
    if place.type == "channel" and standing.status != "administrator":
        raise bad_request("member list is inaccessible")
    return place


def get_chat_member(call: MethodCall[methods.GetChatMember]) -> Json:
    """What somebody is in a chat; who never was there has `left`."""
    place = _with_members(call.state, call.request.chat_id)
    user_id = call.request.user_id
    if user_id not in call.state.users:
        raise bad_request("PARTICIPANT_ID_INVALID")
    if place.type == "private":
        if user_id not in {place.id, call.state.bot_id}:
            raise bad_request("PARTICIPANT_ID_INVALID")
        return serializers.member(call.state, Member(place.id, user_id, "member"))
    return serializers.member(call.state, call.state.member(place.id, user_id))


def get_chat_member_count(call: MethodCall[methods.GetChatMemberCount]) -> int:
    """Subscribers of a channel, members of a group."""
    place = permissions.readable(call.state, call.request.chat_id)
    if place.type == "private":
        return 2
    present = sum(member.present for member in call.state.members_of(place.id))
    return max(place.subscribers, present)


def get_chat_administrators(call: MethodCall[methods.GetChatAdministrators]) -> list[Json]:
    """The creator and the administrators, other bots left out."""
    place = _with_members(call.state, call.request.chat_id)
    if place.type == "private":
        raise bad_request("there are no administrators in the private chat")
    return [
        serializers.member(call.state, member)
        for member in call.state.members_of(place.id)
        if member.status in {"creator", "administrator"}
    ]


def leave_chat(call: MethodCall[methods.LeaveChat]) -> bool:
    """The bot goes by itself."""
    state = call.state
    place = permissions.readable(state, call.request.chat_id)
    if place.type == "private":
        raise bad_request("chat member status can't be changed in private chats")
    old = state.member(place.id, state.bot_id)
    new = Member(place.id, state.bot_id, "left")
    state.set_member(new)
    updates.tell_membership(state, old, new, state.bot_id)
    return True


def pin_chat_message(call: MethodCall[methods.PinChatMessage]) -> bool:
    """Pin one message and say so by a service message."""
    state = call.state
    place = permissions.readable(state, call.request.chat_id)
    right = {"channel": "can_edit_messages", "supergroup": "can_pin_messages"}.get(place.type)
    if right and not permissions.bot_may(state, place, right):
        raise bad_request("not enough rights to manage pinned messages in the chat")
    stored = permissions.message(state, place, call.request.message_id, "pin")
    if place.pinned_id == stored.message_id:
        return True
    place.pinned_id = stored.message_id
    state.save(place)
    draft = Draft({"pinned_message": stored.body}, service=True)
    messages.post_by_bot(state, place, draft)
    return True
