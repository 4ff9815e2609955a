"""Define the lanes of updates. The bot handles the updates of one lane in order."""

import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import User, UserRole

SWITCH_LANES = 2**60
"""This number plus the sender's id is the lane of an update about kill switches in a group."""
PRE_CHECKOUT_LANES = 2**61
"""This number plus the payer's id is the lane of a pre-checkout query."""
SWITCH_COMMAND = "/killswitch"
STOP_COMMAND = re.compile(r"/stop(@\w+)?(\s|$)", re.IGNORECASE)
"""The command that stops all kill switches, at the beginning of a message."""
SWITCH_BUTTONS = ("switch:", "switch_run:")
_ID_LIMIT = 2**52
"""All ids of Telegram are below this number."""


def own_lane(payload: dict[str, Any]) -> int | None:
    """Return the lane of an update whose lane is not its chat, or None for any other update.

    Any part of the JSON can be missing or have another type.
    """
    if (person_id := _person_id(payload.get("pre_checkout_query"))) is not None:
        return PRE_CHECKOUT_LANES + person_id
    press, message = payload.get("callback_query"), payload.get("message")
    if isinstance(press, dict) and str(press.get("data")).startswith(SWITCH_BUTTONS):
        asker, shown = press, press.get("message")
    elif isinstance(message, dict) and is_switch_command(str(message.get("text"))):
        asker = shown = message
    else:
        return None
    person_id = _person_id(asker)
    return SWITCH_LANES + person_id if person_id is not None and _in_group(shown) else None


def is_switch_command(text: str) -> bool:
    """Return whether a message is a command about kill switches."""
    return text.lower().startswith(SWITCH_COMMAND) or STOP_COMMAND.match(text) is not None


async def staff_lanes(session: AsyncSession, *chat_ids: int) -> frozenset[int]:
    """Return the lanes of the staff: `chat_ids`, and the lanes of unblocked people with a role."""
    people = await session.scalars(
        select(User.telegram_id)
        .join(UserRole, UserRole.user_id == User.id)
        .where(User.blocked.is_(False))
        .distinct()
    )
    ids = people.all()
    return frozenset({*chat_ids, *ids, *(SWITCH_LANES + person_id for person_id in ids)})


def _person_id(content: object) -> int | None:
    person = content.get("from") if isinstance(content, dict) else None
    person_id = person.get("id") if isinstance(person, dict) else None
    return person_id if isinstance(person_id, int) and 0 < person_id < _ID_LIMIT else None


def _in_group(message: object) -> bool:
    chat = message.get("chat") if isinstance(message, dict) else None
    chat_id = chat.get("id") if isinstance(chat, dict) else None
    return isinstance(chat_id, int) and chat_id < 0
