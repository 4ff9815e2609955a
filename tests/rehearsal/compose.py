"""Read from deploy/compose.yml which processes a release has, and with which settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[2] / "deploy/compose.yml"
_VARIABLE = re.compile(r"\$\{(\w+)(?:(:\?)|:-([^}]*))\}")


@dataclass(frozen=True)
class Service:
    """A service of the compose file: its command, and its environment variables."""

    command: list[str]
    environment: dict[str, str]


def read(name: str, values: Mapping[str, str], file: Path = FILE) -> Service:
    """Return a service, with `values` in the place of the file's variables.

    Raises KeyError if `values` lacks a variable that the file requires.
    """
    service: dict[str, Any] = yaml.safe_load(file.read_text())["services"][name]

    def fill(match: re.Match[str]) -> str:
        variable, required, default = match.groups()
        return values[variable] if required else values.get(variable) or default

    return Service(
        command=[str(word) for word in service["command"]],
        environment={
            key: _VARIABLE.sub(fill, str(value)) for key, value in service["environment"].items()
        },
    )
