"""Explain to people why the bot refused an action."""

import re
from dataclasses import fields
from datetime import datetime

from bot.texts import Texts
from services.platform import channel_errors, errors

AUDITED = (
    errors.AccessDenied,
    errors.NotCampaignOwner,
    errors.NotChannelOwner,
    errors.NotWithdrawalOwner,
    errors.OwnMoney,
    errors.SamePerson,
    errors.PersonBlocked,
    errors.SwitchStopped,
    errors.CampaignNotActive,
    errors.InsufficientFunds,
    errors.OpenLoss,
    errors.AdvertiserOwes,
    channel_errors.ManagerEnded,
)
"""The classes of errors for which the bot writes an `access_denied` audit row."""

_AMOUNTS = frozenset({"needed", "balance", "left", "price", "least", "fee"})


def message_id(error_class: type[errors.DomainError]) -> str:
    """Return the id of the text about an error, for example `error-insufficient-funds`."""
    return "error" + re.sub(r"([A-Z])", r"-\1", error_class.__name__).lower()


def explain(t: Texts, error: errors.DomainError) -> str:
    """Return a text that says what is wrong and what the person can do."""
    values: dict[str, str | int] = {}
    for field in fields(error):  # type: ignore[arg-type]  # every subclass is a dataclass
        value = getattr(error, field.name)
        if field.name in _AMOUNTS:
            values[field.name] = t.money(value, getattr(error, "currency", None))
        elif isinstance(value, datetime):
            values[field.name] = t.time(value)
        elif isinstance(value, tuple):
            values[field.name] = ", ".join(map(t.time, value)) or "none"
        elif field.name in {"limit", "length", "promised_hours"}:
            values[field.name] = value
        else:
            values[field.name] = "" if value is None else str(value)
    return t(message_id(type(error)), **values)
