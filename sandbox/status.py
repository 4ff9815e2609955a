"""Say what runs in a folder and where, with `python -m sandbox.status`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from sandbox.telegram import folder_lock
from sandbox.telegram.startup_errors import CannotStart

NOTHING, NOT_READY = 1, 3
"""The exit statuses when nothing runs, and when the sandbox is starting or stopping."""
_NAMES = {
    "postgres": "PostgreSQL",
    "valkey": "Valkey",
    "bot": "bot",
    "scheduler": "scheduler",
    "redirect": "redirect of tracked links",
}


def main() -> None:
    """Print what runs. The exit status is 0 only if every process runs."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.status")
    parser.add_argument("--local", type=Path, default=Path(".local"), help="folder for all data")
    folder: Path = parser.parse_args().local
    text, status = describe(folder)
    print(text)
    sys.exit(status)


def describe(folder: Path) -> tuple[str, int]:
    """Return what runs in a folder as a text, and the exit status."""
    if not _is_locked(folder):
        return f"Nothing runs in {folder}. To start it: make run", NOTHING
    world = read_world(folder)
    if world is None:
        return f"The sandbox in {folder} is starting or stopping. Ask again.", NOT_READY
    lines = []
    if "page_url" in world:
        lines += [f"The sandbox in {folder} runs. Open this page in a browser:", ""]
        lines += [f"  {world['page_url']}", ""]
    else:
        lines += [f"The bot in {folder} runs, with the real Telegram.", ""]
    processes: dict[str, int] = world["processes"]
    settings: dict[str, str] = world["settings"]
    expected = [name for name in _NAMES if name in processes or name in ("bot", "scheduler")]
    for name in expected:
        state = f"PID {processes[name]}" if name in processes else "does not run"
        lines.append(f"  {_NAMES[name]:<26}{state}")
    lines += [
        "",
        f"  {'health':<26}{world['health_url']}",
        *([f"  {'Bot API':<26}{world['bot_api_url']}"] if "bot_api_url" in world else []),
        f"  {'links of ads':<26}{settings.get('PUBLIC_URL') or 'are not tracked'}",
        f"  {'logs':<26}{folder / 'log'}",
        "",
        "Ctrl-C in its terminal stops everything.",
    ]
    missing = set(expected) - processes.keys()
    return "\n".join(lines), NOT_READY if missing else 0


def read_world(folder: Path) -> dict[str, Any] | None:
    """Return the facts about the sandbox that runs in a folder, or None before it is ready."""
    try:
        world: dict[str, Any] = json.loads((folder / "world.json").read_text())
    except (OSError, ValueError):
        return None
    return world


def _is_locked(folder: Path) -> bool:
    """Return whether another process has the folder's lock. Nothing is created."""
    if not (folder / "lock").exists():
        return False
    try:
        folder_lock.lock(folder).close()
    except CannotStart as error:
        return isinstance(error.__cause__, BlockingIOError)
    return False


if __name__ == "__main__":
    main()
