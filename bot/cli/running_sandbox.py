"""Find the settings of a sandbox that runs beside the product (`make run`)."""

import json
import os
from contextlib import suppress
from pathlib import Path

from bot import env_file

WORLD_FILE = Path(".local/world.json")
"""The file that a running sandbox writes and removes at its end, from the product's folder."""
_WANTED = "DATABASE_URL"


def find_settings() -> dict[str, str]:
    """Return the settings of a running sandbox that the environment does not have.

    The result is empty if no sandbox runs, if the environment or a file of settings names a
    database, or if ADTECH_ENV_FILE is set.
    """
    if os.environ.get(_WANTED) or os.environ.get(env_file.VARIABLE):
        return {}
    with suppress(env_file.EnvFileError):  # settings.load() says what is wrong with the file
        if _WANTED in env_file.read():
            return {}
    found = _read(env_file.BESIDE_PRODUCT.parent / WORLD_FILE)
    return {name: value for name, value in found.items() if not os.environ.get(name)}


def _read(path: Path) -> dict[str, str]:
    """Return the settings in the sandbox's file. The result is empty if no sandbox runs."""
    try:
        settings = json.loads(path.read_bytes()).get("settings", {})
    except (OSError, ValueError, AttributeError):
        return {}
    return {str(name): str(value) for name, value in settings.items()}
