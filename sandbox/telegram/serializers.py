"""Convert users, chats and members to the JSON objects of the Bot API."""

from aiogram.types import ChatPermissions

from sandbox.telegram.entities import Chat, Member, User
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

# The rights that every ChatMemberAdministrator object lists, in channels and in groups.
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

# The users that Telegram puts into `from` when a person writes in the name of a chat.
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


def serialize_user(person: User) -> Json:
    """Return a user as a Telegram User object."""
    view: Json = {"id": person.id, "is_bot": person.is_bot, "first_name": person.first_name}
    if person.username:
        view["username"] = person.username
    if person.language_code and not person.is_bot:
        view["language_code"] = person.language_code
    return view


def serialize_chat(state: State, chat: Chat) -> Json:
    """Return a chat as a Telegram Chat object."""
    if chat.type == "private":
        person = state.users[chat.id]
        view: Json = {"id": chat.id, "type": "private", "first_name": person.first_name}
        name = person.username
    else:
        view = {"id": chat.id, "type": chat.type, "title": chat.title}
        name = chat.username
    if name:
        view["username"] = name
    return view


def serialize_full_chat(state: State, chat: Chat) -> Json:
    """Return a chat as a Telegram ChatFullInfo object."""
    view = serialize_chat(state, chat)
    gift_types = (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    )
    view |= {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gift_types, False),
    }
    if "username" in view:
        view["active_usernames"] = [view["username"]]
    if chat.protected:
        view["has_protected_content"] = True
    if chat.description:
        view["description"] = chat.description
    if chat.auto_delete_seconds:
        view["message_auto_delete_time"] = chat.auto_delete_seconds
    if chat.photo_id is not None:
        file = state.files[chat.photo_id]
        view["photo"] = {
            f"{size}_{name}": value
            for size in ("small", "big")
            for name, value in (("file_id", file.id), ("file_unique_id", file.unique_id))
        }
    if chat.type == "supergroup":
        everything = dict.fromkeys(ChatPermissions.model_fields, True)
        view["permissions"] = chat.permissions or everything
    if (link := _primary_link(state, chat)) is not None:
        view["invite_link"] = link
    pinned = state.find_message(chat.id, chat.pinned_ids[-1]) if chat.pinned_ids else None
    if pinned:
        view["pinned_message"] = pinned.body
    return view


def _primary_link(state: State, chat: Chat) -> str | None:
    """Return the bot's primary invite link, which only the bot sees."""
    for link in state.invite_links.values():
        if link.chat_id == chat.id and link.is_primary and not link.is_revoked:
            return link.link
    return None


def serialize_member(state: State, member: Member) -> Json:
    """Return a membership as a Telegram ChatMember object."""
    view: Json = {"status": member.status, "user": serialize_user(state.users[member.user_id])}
    if member.status == "creator":
        view["is_anonymous"] = member.rights.get("is_anonymous", False)
    elif member.status == "administrator":
        chat = state.chats[member.chat_id]
        own = CHANNEL_RIGHTS if chat.type == "channel" else GROUP_RIGHTS
        view["can_be_edited"] = False
        view |= {name: member.may(name) for name in ADMINISTRATOR_RIGHTS + own}
        view["can_manage_chat"] = True
        if member.custom_title:
            view["custom_title"] = member.custom_title
    elif member.status == "restricted":
        view |= {"is_member": member.present, "until_date": member.until_date, **member.rights}
    elif member.status == "kicked":
        view["until_date"] = member.until_date
    return view
