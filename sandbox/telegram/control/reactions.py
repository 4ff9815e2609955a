"""Handle control API requests in which the readers of a channel react to a post."""

from sandbox.telegram import serializers, updates
from sandbox.telegram.control.request import ControlRequest, find_message
from sandbox.telegram.errors import ControlError
from sandbox.telegram.persistence import Json


async def react(request: ControlRequest) -> Json:
    """Set the numbers of all reactions to a post, by their emoji, and tell the bot.

    As in Telegram, nobody is named, and only an administrator that asks for these updates gets
    them. Telegram gathers the reactions of up to some minutes, and here each request is one update.
    """
    state, chat = request.state, request.chat()
    if chat.type != "channel":
        raise ControlError("this is for channels")
    message = find_message(state, chat, request.require("message_id", int))
    counts = request.require("reactions", dict)
    if not all(emoji and type(count) is int and count > 0 for emoji, count in counts.items()):
        raise ControlError("reactions must have a positive number for each emoji")
    message.reactions = counts
    state.save_message(message)
    body: Json = {
        "chat": serializers.serialize_chat(state, chat),
        "message_id": message.message_id,
        "date": state.now(),
        "reactions": [
            {"type": {"type": "emoji", "emoji": emoji}, "total_count": count}
            for emoji, count in counts.items()
        ],
    }
    if state.member(chat.id, state.bot_id).status == "administrator":
        updates.queue(state, "message_reaction_count", body)
    return body
