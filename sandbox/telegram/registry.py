"""List the Bot API's methods and field types, from aiogram's classes."""

from datetime import datetime, timedelta
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from aiogram import methods
from aiogram.methods.base import TelegramMethod
from aiogram.types import InputFile

MethodClass = type[TelegramMethod[Any]]

# Telegram ignores the case of method names.
METHODS: dict[str, MethodClass] = {
    cls.__api_method__.lower(): cls
    for cls in (getattr(methods, name) for name in methods.__all__)
    if cls is not TelegramMethod and issubclass(cls, TelegramMethod)
}
# Telegram also answers to the former names of these methods.
METHODS |= {
    "getchatmemberscount": methods.GetChatMemberCount,
    "kickchatmember": methods.BanChatMember,
    "setstickersetthumb": methods.SetStickerSetThumbnail,
}


def _alternatives(annotation: object) -> set[object]:
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return set().union(*(_alternatives(part) for part in get_args(annotation)))
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    return {annotation}


@cache
def form_kinds(cls: MethodClass) -> dict[str, str]:
    """Return, for each field of a method, how its form text is converted.

    The values are "number", "flag", "text", "file", "json" and "plain".
    """
    # aiogram may not have built the model yet. Until it is built, its annotations are only names.
    cls.model_rebuild()
    return {name: _kind(field.annotation) for name, field in cls.model_fields.items()}


def _kind(annotation: object) -> str:
    types = _alternatives(annotation)
    if int in types and types <= {int, str, datetime, timedelta, type(None)}:
        # Pydantic would keep "-100" as a string in a field of the type `int | str`.
        return "number"
    if str in types:
        return "text"
    if InputFile in types:
        return "file"
    if bool in types:
        return "flag"
    if float in types:
        return "plain"
    return "json"
