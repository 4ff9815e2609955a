"""Let the readers of channels see posts, and react to them, as time passes."""

import math

from sandbox.telegram import serializers, updates
from sandbox.telegram.entities import Chat, Message
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

FOLLOWED_SECONDS = 14 * 86400
"""How long the readers of a post become more."""
GATHERED_SECONDS = 300
"""Telegram gathers the reactions of some minutes in one update."""
SHARES = {"👍": 0.6, "❤": 0.25, "🔥": 0.15}
"""How the reactions are divided among the emoji."""


def grow(state: State) -> None:
    """Set the views and the reactions that young posts have by now."""
    now = state.now()
    for message in list(state.growing_posts.values()):
        chat = state.chats[message.chat_id]
        age = now - message.body["date"]
        seen = count_views(chat, age)
        if seen > message.views:
            message.views = seen
            state.show_change(message)
        counts = _count_reactions(chat, message) if chat.reaction_share else message.reactions
        if counts != message.reactions and now - message.reacted_at >= GATHERED_SECONDS:
            react(state, message, counts)
        if age > FOLLOWED_SECONDS and counts == message.reactions:
            del state.growing_posts[message.key]


def count_views(chat: Chat, age: float) -> int:
    """Return how many readers have seen a post of this age in seconds.

    After `reading_hours`, 63 % of those who ever see it have seen it.
    """
    seen = 1 - math.exp(-max(age, 0) / (chat.reading_hours * 3600))
    return int(chat.subscribers * chat.reach * seen)


def _count_reactions(chat: Chat, message: Message) -> dict[str, int]:
    """Return the reactions by now, which never become fewer."""
    total = message.views * chat.reaction_share
    grown = {emoji: int(total * share) for emoji, share in SHARES.items()}
    counts = dict(message.reactions)
    for emoji, count in grown.items():
        if count > counts.get(emoji, 0):
            counts[emoji] = count
    return counts


def react(state: State, message: Message, counts: dict[str, int]) -> Json:
    """Set all reactions to a post of a channel, and tell the bot. Return the update's body.

    As in Telegram, nobody is named, and only an administrator that asks for these updates gets
    them.
    """
    message.reactions = counts
    message.reacted_at = state.now()
    state.save_message(message)
    chat = state.chats[message.chat_id]
    body: Json = {
        "chat": serializers.serialize_chat(state, chat),
        "message_id": message.message_id,
        "date": message.reacted_at,
        "reactions": [
            {"type": {"type": "emoji", "emoji": emoji}, "total_count": count}
            for emoji, count in counts.items()
        ],
    }
    if state.member(chat.id, state.bot_id).status == "administrator":
        updates.queue(state, "message_reaction_count", body)
    return body
