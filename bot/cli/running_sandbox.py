"""Find the settings of a sandbox that runs beside the product (`make run`)."""

import json
import os
from contextlib import suppress
from pathlib import Path

from bot import env_file

WORLD_FILE = Path(".local/world.json")
"""The file of the running sandbox, from the folder of the product. It ends with the sandbox."""
_WANTED = "DATABASE_URL"


def find_settings() -> dict[str, str]:
    """Return the settings of a running sandbox that the environment does not have.

    They are empty if no sandbox runs, if the environment or a file of settings names a database, or
    if ADTECH_ENV_FILE is set.
    """
    if os.environ.get(_WANTED) or os.environ.get(env_file.VARIABLE):
        return {}
    with suppress(env_file.EnvFileError):  # settings.load() says what is wrong with the file
        if _WANTED in env_file.read():
            return {}
    found = _read(env_file.BESIDE_PRODUCT.parent / WORLD_FILE)
    return {name: value for name, value in found.items() if not os.environ.get(name)}


def _read(path: Path) -> dict[str, str]:
    """Return the settings in the sandbox's file, which are empty if no sandbox runs."""
    try:
        settings = json.loads(path.read_bytes()).get("settings", {})
    except (OSError, ValueError, AttributeError):
        return {}
    return {str(name): str(value) for name, value in settings.items()}
