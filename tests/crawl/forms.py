"""Read which form of a person is open, and what a button does."""

import re
from dataclasses import dataclass
from typing import Any

from aiogram.fsm.storage.base import StorageKey
from aiogram_dialog.utils import CB_SEP

from bot.callbacks import BESIDE
from tests.handlers.marketplace import Marketplace

WAYS_OUT = (f"{CB_SEP}cancel", f"{CB_SEP}back")
"""The ends of the data of buttons that leave a step of a form."""
_WORD = re.compile(r"[a-z][a-z_]*")


@dataclass(frozen=True)
class OpenForm:
    """The step of a form that waits for a person."""

    state: str
    """The form and its step, for example `CampaignForm:name`."""
    message_id: int | None
    """The id of the message that shows the step."""


async def find_open(market: Marketplace, chat_id: int) -> OpenForm | None:
    """Return the open form of a private chat, or None. A form whose draft is lost is not open."""
    stack = await _read(market, chat_id, "stack:")
    if not stack.get("intents"):
        return None
    context = await _read(market, chat_id, f"context:{stack['intents'][-1]}")
    if not context:
        return None
    return OpenForm(context["state"], stack.get("last_message_id"))


async def lose(market: Marketplace, chat_id: int) -> None:
    """Delete the draft of the open form of a private chat, but not the note that it is open."""
    stack = await _read(market, chat_id, "stack:")
    await market.dependencies.storage.set_data(
        _key(market, chat_id, f"context:{stack['intents'][-1]}"), {}
    )


async def kind_of(market: Marketplace, chat_id: int, data: str) -> str:
    """Return what a button does, without the numbers of campaigns, placements and forms."""
    data = data.removeprefix(BESIDE)
    if CB_SEP in data:
        intent, _, widget = data.partition(CB_SEP)
        context = await _read(market, chat_id, f"context:{intent}")
        return f"{context.get('state', 'closed form')}/{widget.partition(':')[0]}"
    prefix, *fields = data.split(":")
    return ":".join([prefix, *(field for field in fields if _WORD.fullmatch(field))])


async def _read(market: Marketplace, chat_id: int, part: str) -> dict[str, Any]:
    return await market.dependencies.storage.get_data(_key(market, chat_id, part))


def _key(market: Marketplace, chat_id: int, part: str) -> StorageKey:
    return StorageKey(
        bot_id=market.bot.id, chat_id=chat_id, user_id=chat_id, destiny=f"aiogd:{part}"
    )
