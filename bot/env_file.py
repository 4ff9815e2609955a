"""Find and read the file `.env`, which holds settings.

It is the file in the folder of the product, or the one that ADTECH_ENV_FILE names. The current
folder may belong to another project, so its files are not read.
"""

import io
import os
from pathlib import Path

from dotenv.parser import parse_stream

VARIABLE = "ADTECH_ENV_FILE"
"""The environment variable that names another file."""
BESIDE_PRODUCT = Path(__file__).parents[1] / ".env"
_PATHS = ("AUDIT_CHAIN_FILE", "LINKS_FILE")
"""The settings that hold a path. In the file, a path begins at the folder of the file."""


class EnvFileError(Exception):
    """The file of settings cannot be read. The message is one line without the file's values."""


def read() -> dict[str, str]:
    """Return the settings of the file that are not empty, as they are written there.

    The result is empty if there is no file. Raises EnvFileError if the file cannot be read.
    """
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else BESIDE_PRODUCT
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if named:
            raise EnvFileError(f"{VARIABLE} names a file that does not exist") from None
        return {}
    except (OSError, ValueError) as error:
        raise EnvFileError(f"{_name(named)} cannot be read ({type(error).__name__})") from None
    values = _parse(content, _name(named))
    for setting in _PATHS & values.keys():
        values[setting] = str(path.parent.absolute() / values[setting])
    return values


def where_to_set(setting: str) -> str:
    """Return what to do about a missing setting: an instruction without a full stop."""
    named = os.environ.get(VARIABLE)
    place = f"the file that {VARIABLE} names" if named else str(BESIDE_PRODUCT)
    return f"set {setting} in the environment, or in {place}"


def _name(named: str | None) -> str:
    return f"the file of {VARIABLE}" if named else ".env"


def _parse(content: bytes, name: str) -> dict[str, str]:
    try:
        text = content.decode("utf-8-sig")  # some editors write a mark before the text
    except UnicodeDecodeError:
        raise EnvFileError(f"{name} cannot be read: it is not UTF-8") from None
    if "\0" in text:
        raise EnvFileError(f"{name} cannot be read: it contains a zero byte")
    values: dict[str, str | None] = {}
    for line in parse_stream(io.StringIO(text)):
        if line.error:
            first = line.original.line + _blank_lines(line.original.string)
            raise EnvFileError(f"{name} cannot be read: line {first} is not NAME=value")
        if line.key:
            values[line.key.upper()] = line.value
    return {setting: value for setting, value in values.items() if value}


def _blank_lines(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")
