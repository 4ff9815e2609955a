"""Implement the Bot API's methods about the bot's profile, commands and files."""

import json
from typing import Any

from aiogram import methods

from sandbox.telegram import markup, parsing, permissions, serializers
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.persistence import Json

MAX_COMMANDS = 100


def get_me(call: MethodCall[methods.GetMe]) -> Json:
    """Return the bot's user and the bot's abilities in groups."""
    return serializers.serialize_user(call.state.bot) | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def _scope_key(call: MethodCall[Any]) -> str:
    """Return the settings key for the commands of one scope and language."""
    scope = call.request.scope
    dumped: Json = markup.as_json(scope) if scope else {"type": "default"}
    dumped.setdefault("type", "default")
    chat_id = dumped.get("chat_id")
    if chat_id is not None:
        is_number = isinstance(chat_id, str) and parsing.NUMBER.fullmatch(chat_id)
        named = int(chat_id) if is_number else chat_id
        dumped["chat_id"] = permissions.find_chat(call.state, named).id
    scope_text = json.dumps(dumped, sort_keys=True)
    return f"commands:{scope_text}:{call.request.language_code or ''}"


def set_my_commands(call: MethodCall[methods.SetMyCommands]) -> bool:
    """Save the commands for the bot's menu."""
    commands = [markup.as_json(command) for command in call.request.commands]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        name = command["command"].removeprefix("/")
        if not (name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:  # noqa: PLR2004 - Telegram's own bounds
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    call.state.set(_scope_key(call), commands)
    return True


def get_my_commands(call: MethodCall[methods.GetMyCommands]) -> list[Json]:
    """Return the commands of the bot's menu."""
    commands: list[Json] = call.state.settings.get(_scope_key(call)) or []
    return commands


def delete_my_commands(call: MethodCall[methods.DeleteMyCommands]) -> bool:
    """Remove the commands of one scope and language."""
    call.state.set(_scope_key(call), None)
    return True


def set_my_description(call: MethodCall[methods.SetMyDescription]) -> bool:
    """Save the description that an empty chat with the bot shows."""
    return _set_text(call, "description", 512)


def set_my_short_description(call: MethodCall[methods.SetMyShortDescription]) -> bool:
    """Save the short description that the bot's profile shows."""
    return _set_text(call, "short_description", 120)


def set_my_name(call: MethodCall[methods.SetMyName]) -> bool:
    """Save the bot's name in one language."""
    return _set_text(call, "name", 64)


def _set_text(call: MethodCall[Any], field: str, longest: int) -> bool:
    text = getattr(call.request, field) or ""
    if len(text) > longest:
        raise bad_request(f"bot {field.replace('_', ' ')} is too long")
    call.state.set(f"{field}:{call.request.language_code or ''}", text)
    return True


def get_my_description(call: MethodCall[methods.GetMyDescription]) -> Json:
    """Return the description that an empty chat with the bot shows."""
    return _get_text(call, "description")


def get_my_short_description(call: MethodCall[methods.GetMyShortDescription]) -> Json:
    """Return the short description that the bot's profile shows."""
    return _get_text(call, "short_description")


def get_my_name(call: MethodCall[methods.GetMyName]) -> Json:
    """Return the bot's name in one language, with the default name as the fallback."""
    return {"name": _get_text(call, "name")["name"] or call.state.bot.first_name}


def _get_text(call: MethodCall[Any], field: str) -> Json:
    language = call.request.language_code or ""
    settings = call.state.settings
    return {field: settings.get(f"{field}:{language}") or settings.get(f"{field}:") or ""}


def get_file(call: MethodCall[methods.GetFile]) -> Json:
    """Return a file's data and download path."""
    file = call.state.files.get(call.request.file_id)
    if file is None:
        raise bad_request("invalid file_id")
    return {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "file_size": file.size,
        "file_path": f"{file.kind}s/{file.id}",
    }
