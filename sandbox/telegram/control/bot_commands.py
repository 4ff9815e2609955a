"""Find the commands that a chat's menu shows."""

import json

from sandbox.telegram.entities import Chat
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State


def shown_in(state: State, chat: Chat) -> list[Json]:
    """Return the bot's commands for a chat: those of the narrowest scope that has any.

    Source: the Bot API's "Determining list of commands". A list in the person's own language comes
    before a list without a language.
    """
    if chat.type == "private":
        language = state.users[chat.id].language_code or ""
        scopes: list[Json] = [
            {"type": "chat", "chat_id": chat.id},
            {"type": "all_private_chats"},
            {"type": "default"},
        ]
    elif chat.type == "supergroup":
        language = ""
        scopes = [
            {"type": "chat", "chat_id": chat.id},
            {"type": "all_group_chats"},
            {"type": "default"},
        ]
    else:
        return []
    for scope in scopes:
        for code in dict.fromkeys((language, "")):
            commands: list[Json] | None = state.settings.get(
                f"commands:{json.dumps(scope, sort_keys=True)}:{code}"
            )
            if commands:
                return commands
    return []
