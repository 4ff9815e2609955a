"""Keep the buttons of an answer that a row of the outbox gives later.

The buttons are signed with the bot's token, which no row of the database has. Otherwise somebody
with a password of the database could let the staff press a button that does not do what it says.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiogram.types import InlineKeyboardMarkup, ReplyKeyboardMarkup, ReplyKeyboardRemove

from bot.screens.outgoing import Outgoing
from db.models.operations import OutboxMessage

KINDS = frozenset({"answer_lost", "switch_answer_lost"})
"""The kinds of outbox rows that have buttons of this module."""
_TYPES: Mapping[str, type[InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove]] = {
    "inline": InlineKeyboardMarkup,
    "reply": ReplyKeyboardMarkup,
    "remove": ReplyKeyboardRemove,
}


def keep(
    token: str, user_id: int | None, payload: Mapping[str, Any], keyboard: object
) -> dict[str, Any]:
    """Return the payload of an outbox row with the buttons of its answer.

    `user_id` is the receiver's row (None: the admin chat). `payload` has the answer's text. It is
    returned unchanged if `keyboard` is no keyboard.
    """
    for name, kind in _TYPES.items():
        if isinstance(keyboard, kind):
            buttons = keyboard.model_dump(mode="json", exclude_none=True)
            kept = {**payload, "keyboard": name, "buttons": buttons}
            return {**kept, "signature": _sign(token, user_id, kept)}
    return dict(payload)


def add(token: str, row: OutboxMessage, screen: Outgoing) -> Outgoing:
    """Return the screen of an outbox row with the kept buttons of the row.

    A row without buttons, of another kind, or with a wrong signature changes nothing.
    """
    payload = row.payload
    signature, kind = payload.get("signature"), _TYPES.get(str(payload.get("keyboard")))
    if row.kind not in KINDS or kind is None or not isinstance(signature, str):
        return screen
    if not hmac.compare_digest(signature, _sign(token, row.user_id, payload)):
        return screen
    return replace(screen, keyboard=kind.model_validate(payload["buttons"]))


def _sign(token: str, user_id: int | None, payload: Mapping[str, Any]) -> str:
    """Return the signature of a text and its buttons for one receiver."""
    signed = [user_id, payload.get("text"), payload.get("keyboard"), payload.get("buttons")]
    content = json.dumps(signed, sort_keys=True, separators=(",", ":"))
    return hmac.new(token.encode(), content.encode(), hashlib.sha256).hexdigest()
