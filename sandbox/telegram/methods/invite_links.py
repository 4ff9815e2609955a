"""Implement the Bot API's methods about invite links and requests to join."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from aiogram import methods

from sandbox.telegram import invite_links, permissions
from sandbox.telegram.entities import Chat, InviteLink
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

MAX_NAME = 32
MOST_MEMBERS = 99_999


def export_chat_invite_link(call: MethodCall[methods.ExportChatInviteLink]) -> str:
    """Replace the bot's primary invite link, and return the new link."""
    chat = _find_chat(call)
    for link in invite_links.of_bot(call.state, chat):
        if link.is_primary and not link.is_revoked:
            link.is_revoked = True
            call.state.save_invite_link(link)
    return _create(call.state, chat, is_primary=True).link


def create_chat_invite_link(call: MethodCall[methods.CreateChatInviteLink]) -> Json:
    """Create a further invite link."""
    chat = _find_chat(call)
    options = _options(call.state, call.request)
    link = _create(call.state, chat, **options)
    return invite_links.serialize(call.state, link)


def edit_chat_invite_link(call: MethodCall[methods.EditChatInviteLink]) -> Json:
    """Replace the options of an invite link that is not the primary one."""
    chat = _find_chat(call)
    link = _find_link(call.state, chat, call.request.invite_link)
    if link.is_primary or link.is_revoked:
        raise bad_request("INVITE_HASH_EXPIRED" if link.is_revoked else "CHAT_INVITE_PERMANENT")
    for name, value in _options(call.state, call.request).items():
        setattr(link, name, value)
    call.state.save_invite_link(link)
    return invite_links.serialize(call.state, link)


def revoke_chat_invite_link(call: MethodCall[methods.RevokeChatInviteLink]) -> Json:
    """Revoke an invite link. A new primary link takes the place of a revoked one."""
    chat = _find_chat(call)
    link = _find_link(call.state, chat, call.request.invite_link)
    if link.is_revoked:
        raise bad_request("INVITE_HASH_EXPIRED")
    link.is_revoked = True
    call.state.save_invite_link(link)
    if link.is_primary:
        _create(call.state, chat, is_primary=True)
    return invite_links.serialize(call.state, link)


def approve_chat_join_request(call: MethodCall[methods.ApproveChatJoinRequest]) -> bool:
    """Let a person in who has asked to join."""
    chat = _find_chat(call)
    if not invite_links.take_request(call.state, chat, call.request.user_id):
        raise bad_request("HIDE_REQUESTER_MISSING")
    invite_links.add_member(call.state, chat, call.request.user_id, by=call.state.bot_id)
    return True


def decline_chat_join_request(call: MethodCall[methods.DeclineChatJoinRequest]) -> bool:
    """Refuse a person who has asked to join."""
    chat = _find_chat(call)
    if not invite_links.take_request(call.state, chat, call.request.user_id):
        raise bad_request("HIDE_REQUESTER_MISSING")
    return True


def _find_chat(call: MethodCall[Any]) -> Chat:
    chat = permissions.find_readable_chat(call.state, call.request.chat_id)
    if chat.type == "private":
        raise bad_request("can't create invite links in private chats")
    if not permissions.bot_may(call.state, chat, "can_invite_users"):
        raise bad_request("not enough rights to manage chat invite link")
    return chat


def _find_link(state: State, chat: Chat, text: str) -> InviteLink:
    link = state.invite_links.get(text)
    if link is None or link.chat_id != chat.id or link.creator_id != state.bot_id:
        raise bad_request("INVITE_HASH_EXPIRED")
    return link


def _create(state: State, chat: Chat, **options: Any) -> InviteLink:
    text = f"https://t.me/+{secrets.token_urlsafe(12)}"
    link = InviteLink(text, chat.id, state.bot_id, **options)
    state.save_invite_link(link)
    return link


def _options(
    state: State, request: methods.CreateChatInviteLink | methods.EditChatInviteLink
) -> Json:
    """Return the checked options of a link. Times are seconds since 1970."""
    if len(request.name or "") > MAX_NAME:
        raise bad_request("CHAT_INVITE_NAME_TOO_LONG")
    if request.member_limit is not None and not 0 <= request.member_limit <= MOST_MEMBERS:
        raise bad_request("USAGE_LIMIT_INVALID")
    if request.member_limit and request.creates_join_request:
        raise bad_request(
            "member limit can't be specified for links requiring administrator approval"
        )
    return {
        "name": request.name,
        "expire_date": _seconds(state, request.expire_date),
        "member_limit": request.member_limit or None,
        "creates_join_request": bool(request.creates_join_request),
    }


def _seconds(state: State, value: datetime | timedelta | int | None) -> int | None:
    if isinstance(value, datetime):
        return int(value.timestamp()) or None
    if isinstance(value, timedelta):
        return state.now() + int(value.total_seconds())
    return value or None
