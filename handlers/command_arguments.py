"""Parse the arguments of staff commands."""

from aiogram.filters import CommandObject

_MAX_ID_LENGTH = 15
_ARGUMENTS = 2


def id_and_text(command: CommandObject) -> tuple[int, str] | None:
    """Return the id and the text of `/command 12 a text` or `/command #12 a text`.

    Returns None if the id or the text is missing.
    """
    arguments = (command.args or "").split(maxsplit=_ARGUMENTS - 1)
    if len(arguments) != _ARGUMENTS:
        return None
    number = arguments[0].removeprefix("#")
    if not (number.isascii() and number.isdecimal() and len(number) <= _MAX_ID_LENGTH):
        return None
    return int(number), arguments[1].strip()
