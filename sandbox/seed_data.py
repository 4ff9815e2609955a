"""Create the first people and chats of a new sandbox."""

from dataclasses import asdict, dataclass

from sandbox.telegram import new_chats, updates
from sandbox.telegram.entities import Member, User
from sandbox.telegram.state import State

_SETTING = "seed_data"


@dataclass(frozen=True)
class SeedData:
    """The ids of the first people and chats of a sandbox."""

    advertiser: int
    owner: int
    admin: int
    admin_chat_id: int
    channel_id: int
    second_admin: int | None = None
    """The second admin, or None in an older sandbox."""

    @property
    def people(self) -> dict[str, int]:
        """Return the people's ids by role, for example "advertiser"."""
        people = {"advertiser": self.advertiser, "owner": self.owner, "admin": self.admin}
        if self.second_admin is not None:
            people["second_admin"] = self.second_admin
        return people

    @property
    def super_admins(self) -> list[int]:
        """Return the ids of the super admins."""
        return [self.admin] if self.second_admin is None else [self.admin, self.second_admin]


def load_or_create(state: State) -> SeedData:
    """Return the ids of the first people and chats, which the first call creates."""
    if _SETTING in state.settings:
        return SeedData(**state.settings[_SETTING])
    advertiser, owner, admin, second_admin = (
        state.add_user(User(state.new_id(), name))
        for name in ("Advertiser", "Owner", "Admin", "Second admin")
    )
    channel = new_chats.create(state, "channel", "Owner's channel", owner.id, subscribers=1000)
    admin_chat = new_chats.create(state, "supergroup", "Admin chat", admin.id)
    state.set_member(Member(admin_chat.id, second_admin.id, "member"))
    # An administrator gets every message of a group, a member only commands and replies.
    bot = Member(admin_chat.id, state.bot_id, "administrator", {"can_manage_chat": True})
    before = state.member(admin_chat.id, state.bot_id)
    state.set_member(bot)
    updates.queue_membership_update(state, before, bot, admin.id)
    seed_data = SeedData(
        advertiser.id, owner.id, admin.id, admin_chat.id, channel.id, second_admin.id
    )
    state.set(_SETTING, asdict(seed_data))
    state.commit()
    return seed_data
