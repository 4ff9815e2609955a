"""Create people, a group and a channel with which anybody's bot can be tried."""

from sandbox.telegram import new_chats, updates
from sandbox.telegram.entities import Chat, Member, User
from sandbox.telegram.serializers import ALL_RIGHTS
from sandbox.telegram.state import State

_SUBSCRIBERS = 1_000


def prepare(state: State) -> None:
    """Create the first people and chats, unless there are chats already.

    A bot that is new to the chats becomes an administrator of all groups and channels, with all
    rights.
    """
    if not state.chats:
        person, second_person = (
            state.add_user(User(state.new_id(), name)) for name in ("Person", "Second person")
        )
        group = new_chats.create(state, "supergroup", "Group", person.id)
        state.set_member(Member(group.id, second_person.id, "member"))
        new_chats.create(state, "channel", "Channel", person.id, subscribers=_SUBSCRIBERS)
    if not any(user_id == state.bot_id for _, user_id in state.members):
        for chat in [chat for chat in state.chats.values() if chat.type != "private"]:
            _promote_bot(state, chat)
    state.commit()


def _promote_bot(state: State, chat: Chat) -> None:
    before = state.member(chat.id, state.bot_id)
    rights = dict.fromkeys(sorted(ALL_RIGHTS), True)
    bot = Member(chat.id, state.bot_id, "administrator", rights)
    state.set_member(bot)
    updates.queue_membership_update(state, before, bot, chat.owner_id or chat.id)
