"""What stands behind a command of the admin chat."""

from aiogram.filters import CommandObject

_LONGEST_ID = 15
_WORDS = 2


def id_and_words(command: CommandObject) -> tuple[int, str] | None:
    """Read `/command 12 the rest of it`, also `#12`; None where either part is missing."""
    words = (command.args or "").split(maxsplit=_WORDS - 1)
    if len(words) != _WORDS:
        return None
    number = words[0].removeprefix("#")
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_ID):
        return None
    return int(number), words[1].strip()
