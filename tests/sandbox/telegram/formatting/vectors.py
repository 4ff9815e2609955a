"""Read the test vectors of TDLib (`test/message_entities.cpp` and `test/link.cpp`).

An entity stands there as its type, offset, length and details: an address, a language, an id, or a
date and its format.
"""

import json
from pathlib import Path
from typing import Any

from sandbox.telegram.formatting.entity import Entity

Json = dict[str, Any]


def read(name: str) -> Any:
    """Return the vectors of a file of this folder."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text())


def to_entity(row: list[Any]) -> Entity:
    """Return the entity of a row of the vectors."""
    kind, offset, length, *more = row
    details: Json = {}
    if kind == "date_time" and more:
        details = {"unix_time": more[0], "date_time_format": more[1]}
    elif kind == "text_mention" and more:
        details = {"user": {"id": more[0]}}
    elif more:
        names = {"text_link": "url", "pre": "language", "custom_emoji": "custom_emoji_id"}
        # The vectors give some entities a detail that their type does not have.
        details = {names[kind]: more[0]} if kind in names else {}
    return Entity(kind, offset, length, details)
