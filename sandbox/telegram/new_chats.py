"""Create channels and groups."""

from sandbox.telegram.entities import Chat, Member
from sandbox.telegram.state import State, channel_id


def create(
    state: State,
    kind: str,
    title: str,
    creator_id: int,
    *,
    username: str | None = None,
    subscribers: int = 0,
    protected: bool = False,
) -> Chat:
    """Create a chat of the kind `channel` or `supergroup`, whose only member is its creator."""
    chat = Chat(
        channel_id(state.new_id()),
        kind,
        title=title,
        username=username,
        owner_id=creator_id,
        subscribers=subscribers,
        protected=protected,
    )
    state.add_chat(chat)
    state.set_member(Member(chat.id, creator_id, "creator"))
    return chat
