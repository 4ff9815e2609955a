"""Users, chats and members as the Bot API shows them."""

from sandbox.entities import Chat, Member, User
from sandbox.persistence import Json
from sandbox.state import State

# The rights that every administrator has, said or not.
ADMINISTRATOR_RIGHTS = (
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
)
CHANNEL_RIGHTS = ("can_post_messages", "can_edit_messages", "can_manage_direct_messages")
GROUP_RIGHTS = ("can_pin_messages", "can_manage_topics", "can_manage_tags")
ALL_RIGHTS = frozenset(ADMINISTRATOR_RIGHTS + CHANNEL_RIGHTS + GROUP_RIGHTS)

# Accounts under which Telegram shows those who speak as a chat.
ANONYMOUS_ADMIN = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
CHANNEL_BOT = {
    "id": 136817688,
    "is_bot": True,
    "first_name": "Channel",
    "username": "Channel_Bot",
}


def user(person: User) -> Json:
    """A User object."""
    view: Json = {"id": person.id, "is_bot": person.is_bot, "first_name": person.first_name}
    if person.username:
        view["username"] = person.username
    if person.language_code and not person.is_bot:
        view["language_code"] = person.language_code
    return view


def chat(state: State, place: Chat) -> Json:
    """A Chat object."""
    if place.type == "private":
        person = state.users[place.id]
        view: Json = {"id": place.id, "type": "private", "first_name": person.first_name}
        name = person.username
    else:
        view = {"id": place.id, "type": place.type, "title": place.title}
        name = place.username
    if name:
        view["username"] = name
    return view


def full_chat(state: State, place: Chat) -> Json:
    """A ChatFullInfo object."""
    view = chat(state, place)
    gifts = (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    )
    view |= {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }
    if "username" in view:
        view["active_usernames"] = [view["username"]]
    if place.protected:
        view["has_protected_content"] = True
    if place.type == "supergroup":
        view["permissions"] = {"can_send_messages": True}
    pinned = state.find_message(place.id, place.pinned_id) if place.pinned_id else None
    if pinned:
        view["pinned_message"] = pinned.body
    return view


def member(state: State, row: Member) -> Json:
    """A ChatMember object."""
    view: Json = {"status": row.status, "user": user(state.users[row.user_id])}
    if row.status == "creator":
        view["is_anonymous"] = row.rights.get("is_anonymous", False)
    elif row.status == "administrator":
        place = state.chats[row.chat_id]
        own = CHANNEL_RIGHTS if place.type == "channel" else GROUP_RIGHTS
        view["can_be_edited"] = False
        view |= {name: row.may(name) for name in ADMINISTRATOR_RIGHTS + own}
        view["can_manage_chat"] = True
    elif row.status == "kicked":
        view["until_date"] = 0
    return view
