"""Implement the Bot API's methods about chats and their members."""

from aiogram import methods

from sandbox.telegram import permissions, serializers, updates
from sandbox.telegram.entities import Chat, Member
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State


def get_chat(call: MethodCall[methods.GetChat]) -> Json:
    """Return all data of a chat. Raises TelegramError if the bot may not read the chat."""
    return serializers.serialize_full_chat(
        call.state, permissions.find_visible_chat(call.state, call.request.chat_id)
    )


def _find_chat_with_members(state: State, chat_id: int | str) -> Chat:
    """Return a chat whose members the bot may see, or raise TelegramError."""
    chat = permissions.find_chat(state, chat_id)
    membership = state.member(chat.id, state.bot_id)
    if membership.status == "kicked" or chat.type == "supergroup":
        return permissions.find_visible_chat(state, chat_id)
    if chat.type == "channel" and membership.status != "administrator":
        raise bad_request("member list is inaccessible")
    return chat


def get_chat_member(call: MethodCall[methods.GetChatMember]) -> Json:
    """Return a user's membership, with the status `left` for a user who was never there."""
    chat = _find_chat_with_members(call.state, call.request.chat_id)
    user_id = call.request.user_id
    if user_id not in call.state.users:
        raise bad_request("PARTICIPANT_ID_INVALID")
    if chat.type == "private":
        if user_id not in {chat.id, call.state.bot_id}:
            raise bad_request("PARTICIPANT_ID_INVALID")
        return serializers.serialize_member(call.state, Member(chat.id, user_id, "member"))
    return serializers.serialize_member(call.state, call.state.member(chat.id, user_id))


def get_chat_member_count(call: MethodCall[methods.GetChatMemberCount]) -> int:
    """Return the number of a channel's subscribers or of a group's members."""
    chat = permissions.find_visible_chat(call.state, call.request.chat_id)
    if chat.type == "private":
        return 2
    present = sum(member.present for member in call.state.members_of(chat.id))
    return max(chat.subscribers, present)


def get_chat_administrators(call: MethodCall[methods.GetChatAdministrators]) -> list[Json]:
    """Return the creator and the administrators of a chat."""
    chat = _find_chat_with_members(call.state, call.request.chat_id)
    if chat.type == "private":
        raise bad_request("there are no administrators in the private chat")
    return [
        serializers.serialize_member(call.state, member)
        for member in call.state.members_of(chat.id)
        if member.status in {"creator", "administrator"}
    ]


def leave_chat(call: MethodCall[methods.LeaveChat]) -> bool:
    """Remove the bot from a chat at the bot's own request."""
    state = call.state
    chat = permissions.find_readable_chat(state, call.request.chat_id)
    if chat.type == "private":
        raise bad_request("chat member status can't be changed in private chats")
    old = state.member(chat.id, state.bot_id)
    new = Member(chat.id, state.bot_id, "left")
    state.set_member(new)
    updates.queue_membership_update(state, old, new, state.bot_id)
    return True
