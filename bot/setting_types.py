"""Define the types of the values of settings, which check what the environment contains."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, SecretStr
from pydantic_settings import NoDecode

from bot import redis_url
from db import address, currencies, role_names
from db.models.destinations import PayoutMethod
from db.money import STARS
from services.launch import rollback_limits
from services.market import cancellations, complaints, placement_expiry, publish_times
from services.platform.encryption import Encryption
from services.platform.retention import SHORTEST_RETENTION

_ID_LIMIT = 2**52
"""All ids of Telegram are below this number: they have at most 52 significant bits."""


def _duration(value: object) -> object:
    """Convert a text such as `30` to seconds. Return any other value unchanged."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _ids(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _limits(value: object) -> object:
    return rollback_limits.parse(value) if isinstance(value, str) else value


def _roles(value: object) -> object:
    return role_names.parse(value) if isinstance(value, str) else value


def _in_bounds(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than zero")
    if value > publish_times.LONGEST_AHEAD:
        # Without this limit, a time that is computed from the setting could be above the year 9999.
        raise ValueError(f"must not be longer than {publish_times.LONGEST_AHEAD.days} days")
    return value


def _long_enough(value: timedelta) -> timedelta:
    if value < SHORTEST_RETENTION:
        raise ValueError(f"must be at least {SHORTEST_RETENTION.days} days")
    return value


def _short_cutoff(value: timedelta) -> timedelta:
    if value > cancellations.LONGEST_CUTOFF:
        raise ValueError(f"must not be longer than {cancellations.LONGEST_CUTOFF.days} days")
    return value


def _step_time(value: timedelta) -> timedelta:
    if not complaints.SHORTEST_STEP <= value <= complaints.LONGEST_STEP:
        raise ValueError(f"must be between 1 hour and {complaints.LONGEST_STEP.days} days")
    return value


def _before_decision(value: timedelta) -> timedelta:
    if value > placement_expiry.DECISION_LIMIT:
        hours = placement_expiry.DECISION_LIMIT // timedelta(hours=1)
        raise ValueError(f"must be at most {hours} hours, because a placement expires then")
    return value


def _database_url(value: SecretStr) -> SecretStr:
    address.parse(value.get_secret_value())
    return value


def _redis_url(value: SecretStr) -> SecretStr:
    redis_url.check(value.get_secret_value())
    return value


def _known_currency(value: str) -> str:
    known = value in currencies.EXPONENTS
    if not known and re.fullmatch("[A-Z]{3}", value):
        raise ValueError(
            "names a currency whose number of decimals at Telegram is not known, so that"
            " amounts could be wrong: choose one of db/currencies.py"
        )
    if not known:
        raise ValueError(
            "must be three capital letters of a currency that Telegram takes,"
            f" or {STARS} for Telegram Stars"
        )
    return value


def _methods(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def key_list(value: SecretStr) -> list[str]:
    """Return the keys in a setting, which have commas between them."""
    return [key.strip() for key in value.get_secret_value().split(",")]


def _keys(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        try:
            Encryption(key_list(value))
        except ValueError as error:
            raise ValueError("must be keys that `adtech new-key` prints, with commas") from error
    return value


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    is_whole = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not is_whole or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be https:// and a host, without a path")
    address.require_host_name(parts.hostname or "")
    return value.rstrip("/")


def _networks(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_in_bounds)]
CancelCutoff = Annotated[Duration, AfterValidator(_short_cutoff)]
ComplaintTime = Annotated[Duration, AfterValidator(_step_time)]
AnswerTime = Annotated[Duration, AfterValidator(_before_decision)]
Retention = Annotated[Duration, AfterValidator(_long_enough)]
AdminChatId = Annotated[int, Field(lt=0, gt=-_ID_LIMIT)]
UserId = Annotated[int, Field(gt=0, lt=_ID_LIMIT)]
UserIds = Annotated[tuple[UserId, ...], NoDecode, BeforeValidator(_ids)]
PayoutMethods = Annotated[tuple[PayoutMethod, ...], NoDecode, BeforeValidator(_methods)]
EncryptionKeys = Annotated[SecretStr, AfterValidator(_keys)]
"""Fernet keys with commas between them, the newest first."""
Port = Annotated[int, Field(ge=0, le=65_535)] | None
"""A port that is closed if it is None."""
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_networks)]
Currency = Annotated[str, AfterValidator(_known_currency)]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["json", "console"]
RollbackLimits = Annotated[Mapping[str, int], NoDecode, BeforeValidator(_limits)]
DatabaseRoles = Annotated[Mapping[str, str], NoDecode, BeforeValidator(_roles)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
