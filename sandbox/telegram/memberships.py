"""Change who is in a chat, and tell the bot about it."""

from sandbox.telegram import messages, serializers, updates
from sandbox.telegram.entities import Chat, Member
from sandbox.telegram.messages import Draft
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State


def change(state: State, new: Member, *, by: int | None, more: Json | None = None) -> None:
    """Replace a membership by `new`, and send the bot the updates about the change.

    `by` is the id of the user who makes the change, or None for the member. `more` has further
    fields of the update.
    """
    old = state.member(new.chat_id, new.user_id)
    if old == new:
        return
    chat = state.chats[new.chat_id]
    actor = by or new.user_id
    # The service message of a removal is posted while the old membership counts. A removed bot gets
    # only the update about its removal, and no service message.
    is_removed = old.present and not new.present
    if is_removed and chat.type == "supergroup" and new.user_id != state.bot_id:
        _post_service_message(state, chat, "left_chat_member", new.user_id, actor)
    state.set_member(new)
    updates.queue_membership_update(state, old, new, actor, more)
    if new.present and not old.present and chat.type == "supergroup":
        _post_service_message(state, chat, "new_chat_members", new.user_id, actor)


def _post_service_message(state: State, chat: Chat, field: str, user_id: int, by: int) -> None:
    user = serializers.serialize_user(state.users[user_id])
    content: Json = {field: [user] if field == "new_chat_members" else user}
    draft = Draft(content, service=True)
    if by == state.bot_id:
        messages.post_by_bot(state, chat, draft)
    else:
        messages.post_by_person(state, chat, draft, by)
