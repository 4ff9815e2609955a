"""Let people join chats by invite links."""

from sandbox.telegram import memberships, serializers, updates
from sandbox.telegram.entities import Chat, InviteLink, Member
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State


def of_bot(state: State, chat: Chat) -> list[InviteLink]:
    """Return all invite links of a chat that the bot has created."""
    return [
        link
        for link in state.invite_links.values()
        if link.chat_id == chat.id and link.creator_id == state.bot_id
    ]


def serialize(state: State, link: InviteLink) -> Json:
    """Return a link as a Telegram ChatInviteLink object."""
    view: Json = {
        "invite_link": link.link,
        "creator": serializers.serialize_user(state.users[link.creator_id]),
        "creates_join_request": link.creates_join_request,
        "is_primary": link.is_primary,
        "is_revoked": link.is_revoked,
    }
    for name in ("name", "expire_date", "member_limit"):
        if getattr(link, name):
            view[name] = getattr(link, name)
    if link.requests:
        view["pending_join_request_count"] = len(link.requests)
    return view


def is_open(state: State, link: InviteLink) -> bool:
    """Return whether a person can still use a link."""
    expired = link.expire_date is not None and link.expire_date <= state.now()
    full = link.member_limit is not None and link.joined >= link.member_limit
    return not (link.is_revoked or expired or full)


def use(state: State, link: InviteLink, user_id: int) -> bool:
    """Let a person use an open link, and return whether the person is in the chat now.

    If the link asks for an approval, the bot gets an update about the request to join.
    """
    chat = state.chats[link.chat_id]
    if not link.creates_join_request:
        link.joined += 1
        state.save_invite_link(link)
        add_member(state, chat, user_id, by=user_id, link=link)
        return True
    if user_id not in link.requests:
        link.requests.append(user_id)
        state.save_invite_link(link)
        _queue_request(state, chat, link, user_id)
    return False


def _queue_request(state: State, chat: Chat, link: InviteLink, user_id: int) -> None:
    if not state.member(chat.id, state.bot_id).may("can_invite_users"):
        return
    body = {
        "chat": serializers.serialize_chat(state, chat),
        "from": serializers.serialize_user(state.users[user_id]),
        "user_chat_id": user_id,
        "date": state.now(),
        "invite_link": serialize(state, link),
    }
    updates.queue(state, "chat_join_request", body)


def take_request(state: State, chat: Chat, user_id: int) -> bool:
    """Remove a person's request to join, and return whether there was one."""
    for link in state.invite_links.values():
        if link.chat_id == chat.id and user_id in link.requests:
            link.requests.remove(user_id)
            state.save_invite_link(link)
            return True
    return False


def add_member(
    state: State, chat: Chat, user_id: int, *, by: int, link: InviteLink | None = None
) -> None:
    """Make a person a member. The update names the link with which the person has joined."""
    more = {} if link is None else {"invite_link": serialize(state, link)}
    memberships.change(state, Member(chat.id, user_id, "member"), by=by, more=more)
