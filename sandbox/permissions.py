"""What the bot may do where; refusals in Telegram's words."""

from sandbox.entities import Chat, Stored
from sandbox.errors import bad_request, forbidden
from sandbox.state import State

DELETABLE_SECONDS = 48 * 3600


def resolve(state: State, chat_id: int | str | None) -> Chat:
    """The chat of an id or @username, wherever the bot stands in it."""
    if chat_id is None:
        raise bad_request("chat_id is empty")
    found = state.chats.get(chat_id) if isinstance(chat_id, int) else _by_username(state, chat_id)
    if found is None:
        raise bad_request("chat not found")
    return found


def _by_username(state: State, name: str) -> Chat | None:
    """Channels and supergroups only: a bot cannot write to a person by name."""
    if not name.startswith("@"):
        return None
    wanted = name[1:].lower()
    for place in state.chats.values():
        if place.username and place.username.lower() == wanted:
            return place
    return None


def readable(state: State, chat_id: int | str | None) -> Chat:
    """A chat that the bot is in, or a private one that was begun and is not blocked."""
    place = resolve(state, chat_id)
    standing = state.member(place.id, state.bot_id)
    if standing.present:
        return place
    if place.type == "private":
        if standing.status == "kicked":
            raise forbidden("bot was blocked by the user")
        raise forbidden("bot can't initiate conversation with a user")
    if standing.status == "kicked":
        raise forbidden(f"bot was kicked from the {place.type} chat")
    raise forbidden(f"bot is not a member of the {place.type} chat")


def writable(state: State, chat_id: int | str | None) -> Chat:
    """A chat that the bot may send to, if the flood limits let it."""
    place = readable(state, chat_id)
    if place.type == "channel" and not bot_may(state, place, "can_post_messages"):
        raise bad_request("need administrator rights in the channel chat")
    state.limits.admit(place.id, private=place.type == "private")
    return place


def bot_may(state: State, place: Chat, right: str) -> bool:
    """Whether the bot has an administrator's right in the chat."""
    return state.member(place.id, state.bot_id).may(right)


def message(state: State, place: Chat, message_id: int | None, verb: str) -> Stored:
    """A message of the chat; `verb` names in the refusal what was wanted with it."""
    stored = None if message_id is None else state.find_message(place.id, message_id)
    if stored is None:
        raise bad_request(f"message to {verb} not found")
    return stored


def editable(state: State, chat_id: int | str | None, message_id: int | None) -> Stored:
    """A message that the bot may edit.

    Its own as long as it may post there; those of others only in a channel where it has the
    right to edit messages.
    """
    place = readable(state, chat_id)
    stored = message(state, place, message_id, "edit")
    own = stored.author_id == state.bot_id
    if place.type == "channel":
        may_edit = bot_may(state, place, "can_edit_messages") or (
            own and bot_may(state, place, "can_post_messages")
        )
    else:
        may_edit = own
    if stored.service or not may_edit or "forward_origin" in stored.body:
        raise bad_request("message can't be edited")
    return stored


def deletable(state: State, place: Chat, message_id: int) -> Stored:
    """A message that the bot may delete: within 48 hours, or with the right to delete any."""
    stored = message(state, place, message_id, "delete")
    young = state.now() - stored.body["date"] <= DELETABLE_SECONDS
    if place.type == "private":
        allowed = young
    elif bot_may(state, place, "can_delete_messages"):
        allowed = True
    else:
        own = stored.author_id == state.bot_id
        posting = place.type != "channel" or bot_may(state, place, "can_post_messages")
        allowed = own and young and posting
    if not allowed:
        raise bad_request("message can't be deleted")
    return stored
