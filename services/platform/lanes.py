"""Define the lanes of updates. Updates with the same lane are handled in order.

A lane is a number, usually the id of the update's chat. Some updates have another lane. Therefore
other updates of the same chat do not delay them.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import User, UserRole

SWITCH_LANES = 2**60
"""The lane of an update about kill switches in a group is this number plus the sender's id.

Such an update is the command /killswitch, or a press of one of its buttons.
"""
PRE_CHECKOUT_LANES = 2**61
"""The lane of a pre-checkout query is this number plus the id of the person who wants to pay.

With a pre-checkout query, Telegram asks whether the bot accepts the payment.
"""
SWITCH_COMMAND = "/killswitch"
SWITCH_BUTTONS = "switch:"
_ID_LIMIT = 2**52
"""All ids of Telegram are below this number: they have at most 52 significant bits."""


def own_lane(payload: dict[str, Any]) -> int | None:
    """Return the lane of an update whose lane is not its chat. Return None for all other updates.

    The update is raw JSON that is not trusted: any part can be missing or can have another type.
    """
    if (person_id := _person_id(payload.get("pre_checkout_query"))) is not None:
        return PRE_CHECKOUT_LANES + person_id
    press, message = payload.get("callback_query"), payload.get("message")
    if isinstance(press, dict) and str(press.get("data")).startswith(SWITCH_BUTTONS):
        asker, shown = press, press.get("message")
    elif isinstance(message, dict) and str(message.get("text")).startswith(SWITCH_COMMAND):
        asker = shown = message
    else:
        return None
    person_id = _person_id(asker)
    return SWITCH_LANES + person_id if person_id is not None and _in_group(shown) else None


async def staff_lanes(session: AsyncSession, *chat_ids: int) -> frozenset[int]:
    """Return the lanes of the staff: `chat_ids`, and the lanes of people with a role.

    Blocked people are left out. Updates with the same lane are handled in order.
    """
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
