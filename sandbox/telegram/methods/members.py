"""Implement the Bot API's methods with which a bot changes the members of a chat."""

from datetime import datetime, timedelta
from typing import Any

from aiogram import methods
from aiogram.types import ChatPermissions

from sandbox.telegram import markup, memberships, permissions
from sandbox.telegram.entities import Chat, Member
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.serializers import ALL_RIGHTS
from sandbox.telegram.state import State

SHORTEST_BAN, LONGEST_BAN = 30, 366 * 86_400
"""A shorter or longer time means for ever (Bot API, banChatMember)."""
MAX_TITLE = 16


def ban_chat_member(call: MethodCall[methods.BanChatMember]) -> bool:
    """Remove a user from a chat, and keep the user out until a time."""
    old = _find_member(call, "can_restrict_members")
    until = _until(call.state, call.request.until_date)
    _change(call, Member(old.chat_id, old.user_id, "kicked", until_date=until))
    if call.request.revoke_messages:
        _delete_messages(call.state, old)
    return True


def _delete_messages(state: State, member: Member) -> None:
    for message in list(state.messages.get(member.chat_id, {}).values()):
        if message.author_id == member.user_id:
            state.delete_message(message)


def unban_chat_member(call: MethodCall[methods.UnbanChatMember]) -> bool:
    """Let a banned user join again. Without `only_if_banned`, a member is removed."""
    old = _find_member(call, "can_restrict_members")
    if old.status == "kicked" or not call.request.only_if_banned:
        _change(call, Member(old.chat_id, old.user_id, "left"))
    return True


def restrict_chat_member(call: MethodCall[methods.RestrictChatMember]) -> bool:
    """Take permissions from a member of a supergroup, or give them back."""
    old = _find_member(call, "can_restrict_members")
    if call.state.chats[old.chat_id].type != "supergroup":
        raise bad_request("method is available only for supergroups")
    granted = granted_permissions(call.request.permissions)
    if all(granted.values()):
        status = "member" if old.present else old.status
        _change(call, Member(old.chat_id, old.user_id, status))
        return True
    until = _until(call.state, call.request.until_date)
    new = Member(
        old.chat_id,
        old.user_id,
        "restricted",
        granted,
        until_date=until,
        is_outside=not old.present,
    )
    _change(call, new)
    return True


def granted_permissions(given: ChatPermissions) -> dict[str, bool]:
    """Return every permission of a member, and whether it is granted."""
    dumped = markup.as_json(given)
    return {name: bool(dumped.get(name)) for name in ChatPermissions.model_fields}


def promote_chat_member(call: MethodCall[methods.PromoteChatMember]) -> bool:
    """Give a user rights of an administrator, or take them all."""
    old = _find_member(call, "can_promote_members")
    asked = {name for name in ALL_RIGHTS if getattr(call.request, name, None)}
    own = call.state.member(old.chat_id, call.state.bot_id)
    if not all(own.may(name) for name in asked - {"is_anonymous", "can_manage_chat"}):
        raise bad_request("RIGHT_FORBIDDEN")
    if not old.present and call.state.chats[old.chat_id].type == "supergroup":
        raise bad_request("USER_NOT_PARTICIPANT")
    status = "administrator" if asked else "member"
    _change(call, Member(old.chat_id, old.user_id, status, dict.fromkeys(sorted(asked), True)))
    return True


def set_chat_administrator_custom_title(
    call: MethodCall[methods.SetChatAdministratorCustomTitle],
) -> bool:
    """Set the title of an administrator whom the bot has promoted."""
    member = _find_member(call, "can_promote_members", is_creator_fine=True)
    title = call.request.custom_title
    if member.status != "administrator":
        raise bad_request("user is not an administrator")
    if len(title) > MAX_TITLE:
        raise bad_request("ADMIN_RANK_INVALID")
    member.custom_title = title
    call.state.set_member(member)
    return True


def _find_member(call: MethodCall[Any], right: str, *, is_creator_fine: bool = False) -> Member:
    """Return a membership that the bot may change, or raise TelegramError."""
    state, chat = call.state, permissions.find_readable_chat(call.state, call.request.chat_id)
    if chat.type == "private":
        raise bad_request("chat member status can't be changed in private chats")
    if call.request.user_id not in state.users:
        raise bad_request("PARTICIPANT_ID_INVALID")
    _check_right(state, chat, right)
    member = state.member(chat.id, call.request.user_id)
    if member.user_id == state.bot_id:
        raise bad_request("can't restrict self")
    if member.status == "creator" and not is_creator_fine:
        raise bad_request("can't remove chat owner")
    return member


def _check_right(state: State, chat: Chat, right: str) -> None:
    if not permissions.bot_may(state, chat, right):
        verb = "restrict/unrestrict chat member" if "restrict" in right else "promote chat member"
        raise bad_request(f"not enough rights to {verb}")


def _change(call: MethodCall[Any], new: Member) -> None:
    memberships.change(call.state, new, by=call.state.bot_id)


def _until(state: State, value: datetime | timedelta | int | None) -> int:
    """Return the time until which a change holds, in seconds since 1970. 0 means for ever."""
    if isinstance(value, datetime):
        value = int(value.timestamp())
    if isinstance(value, timedelta):
        value = state.now() + int(value.total_seconds())
    in_time = value is not None and SHORTEST_BAN <= value - state.now() <= LONGEST_BAN
    return value if value and in_time else 0
