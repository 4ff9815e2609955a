"""The first people and chats of a folder: enough to walk one ad through everything."""

from dataclasses import asdict, dataclass

from sandbox import updates
from sandbox.entities import Chat, Member, User
from sandbox.state import State, channel_id

_SETTING = "small_world"


@dataclass(frozen=True)
class SeedData:
    """Their ids."""

    advertiser: int
    owner: int
    admin: int
    admin_chat_id: int
    channel_id: int

    @property
    def people(self) -> dict[str, int]:
        """Ids of the people by their part."""
        return {"advertiser": self.advertiser, "owner": self.owner, "admin": self.admin}


def of(state: State) -> SeedData:
    """The world of this folder, made at the first call, all of it or nothing."""
    if _SETTING in state.settings:
        return SeedData(**state.settings[_SETTING])
    advertiser, owner, admin = (
        state.add_user(User(state.new_id(), name)) for name in ("Advertiser", "Owner", "Admin")
    )
    channel = _chat(state, "channel", "Owner's channel", owner, subscribers=1000)
    admin_chat = _chat(state, "supergroup", "Admin chat", admin)
    # An administrator reads every message of a group, a member only commands and replies.
    bot = Member(admin_chat.id, state.bot_id, "administrator", {"can_manage_chat": True})
    before = state.member(admin_chat.id, state.bot_id)
    state.set_member(bot)
    updates.tell_membership(state, before, bot, admin.id)
    world = SeedData(advertiser.id, owner.id, admin.id, admin_chat.id, channel.id)
    state.set(_SETTING, asdict(world))
    state.commit()
    return world


def _chat(state: State, kind: str, title: str, creator: User, subscribers: int = 0) -> Chat:
    chat = Chat(
        channel_id(state.new_id()),
        kind,
        title=title,
        owner_id=creator.id,
        subscribers=subscribers,
    )
    state.add_chat(chat)
    state.set_member(Member(chat.id, creator.id, "creator"))
    return chat
