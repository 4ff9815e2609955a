"""Read the settings from the environment and from the file `.env` of the product.

`.env.example` explains each setting.
"""

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from bot import env_file
from bot.setting_types import (
    AdminChatId,
    AnswerTime,
    CancelCutoff,
    ComplaintTime,
    Currency,
    DatabaseRoles,
    DatabaseUrl,
    Duration,
    EncryptionKeys,
    LogFormat,
    LogLevel,
    PayoutMethods,
    Port,
    PublicUrl,
    RedisUrl,
    Retention,
    RollbackLimits,
    UserIds,
    key_list,
)
from db import address, currencies, role_names, session
from db.money import STARS
from services.launch import rollback_limits
from services.market import agreements, cancellations, complaints, publish_times
from services.money.payout_terms import PayoutTerms
from services.platform.encryption import Encryption

# Telegram may answer one search from an old cache. Only two searches prove that a post is absent.
SHORTEST_PRODUCTION_PROBE_GAP = timedelta(minutes=3)
"""The smallest PROBE_GAP (time between two searches for a post) in production."""

S = TypeVar("S", bound="FromEnvironment")

LAUNCH_TOP_UPS = 50
"""Without LAUNCH_AMOUNT, the launch's placement costs at most this many times the least top-up."""


def _is_web_address(url: str, *schemes: str) -> bool:
    """Return whether a URL has one of the schemes, and a host that can be looked up."""
    try:
        parts = urlsplit(url)
        address.require_host_name(parts.hostname or "")
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False  # the error's text may contain a part of a password
    return is_complete and parts.scheme in schemes


def _role(database_url: SecretStr) -> str:
    return address.parse(database_url.get_secret_value()).user


class _EnvFile(EnvSettingsSource):
    """The source that has the settings of the file `.env`."""

    def __init__(self, settings_class: type[BaseSettings], values: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        super().__init__(settings_class)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._values


class FromEnvironment(BaseSettings):
    """Settings that are read from the environment and from the file `.env`."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=False,
    )

    log_level: LogLevel = "INFO"
    log_format: LogFormat = "json"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - env_file reads it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no secrets are in files
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources of the settings, the one with the highest priority first."""
        return init_settings, env_settings, _EnvFile(settings_cls, env_file.read())

    @model_validator(mode="before")
    @classmethod
    def _drop_empty_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != ""}


class Settings(FromEnvironment):
    """All settings of the bot and the scheduler, validated."""

    bot_token: SecretStr
    bot_api_url: str = ""
    admin_chat_id: AdminChatId
    super_admin_ids: UserIds = ()
    database_url: DatabaseUrl
    intake_database_url: DatabaseUrl | None = None
    clock_database_url: DatabaseUrl | None = None
    reports_database_url: DatabaseUrl | None = None
    migration_database_url: DatabaseUrl | None = None
    database_roles: DatabaseRoles = role_names.USUAL
    database_pool_size: Annotated[int, Field(ge=2, le=200)] = session.POOL_SIZE
    redis_url: RedisUrl
    currency: Currency = "USD"
    payment_provider_token: SecretStr = SecretStr("")
    platform_fee_bps: Annotated[int, Field(ge=0, le=9_999)] = 1_000
    support_contact: str = ""
    top_up_min: Annotated[int, Field(ge=1)] | None = None
    top_up_max: Annotated[int, Field(ge=1)] | None = None
    payout_min: Annotated[int, Field(ge=1)] = 1
    payout_time: Duration = timedelta(days=3)
    payout_fee_bps: Annotated[int, Field(ge=0, le=9_999)] = 0
    stars_hold_days: Annotated[int, Field(ge=0, le=365)] = 21
    payout_methods: PayoutMethods = ()
    destination_keys: EncryptionKeys = SecretStr("")
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    public_url: PublicUrl = ""
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    metrics_port: Port = None
    scheduler_http_port: Port = None
    alert_webhook_url: SecretStr = SecretStr("")
    alert_smtp_url: SecretStr = SecretStr("")
    alert_email_from: str = ""
    alert_email_to: str = ""
    dead_man_url: SecretStr = SecretStr("")
    escrow_sla: Duration = timedelta(hours=24)
    post_lease: Duration = timedelta(seconds=30)
    probe_gap: Duration = timedelta(minutes=5)
    launch_amount: Annotated[int, Field(ge=1)] | None = None
    launch_watch: Duration = timedelta(minutes=30)
    rollback_limits: RollbackLimits = rollback_limits.DEFAULTS
    publish_ahead: Duration = publish_times.LONGEST_AHEAD
    owner_answer: AnswerTime = agreements.ANSWER_TIME
    complaint_window: Duration = complaints.WINDOW
    complaint_answer: ComplaintTime = complaints.ANSWER_TIME
    complaint_decision: ComplaintTime = complaints.STAFF_TIME
    cancel_cutoff: CancelCutoff = cancellations.CUTOFF
    retention: Retention = timedelta(days=90)
    messages_per_second: Annotated[int, Field(ge=1)] = 30
    audit_chain_file: Path | None = None
    daily_report_hour: Annotated[int, Field(ge=0, le=23)] = 6
    pg_bin: Path | None = None
    environment: Literal["development", "staging", "production"] = "production"

    @field_validator("bot_token")
    @classmethod
    def _check_bot_token(cls, value: SecretStr) -> SecretStr:
        bot_id, colon, secret = value.get_secret_value().partition(":")
        if not (bot_id.isdecimal() and colon and secret) or any(c.isspace() for c in secret):
            raise ValueError("must be a bot's token: its number, a colon, its secret")
        return value

    @field_validator("bot_api_url")
    @classmethod
    def _check_bot_api_url(cls, value: str) -> str:
        if not _is_web_address(value, "http", "https"):
            raise ValueError("must be an address that starts with http:// or https://")
        return value.rstrip("/")

    @field_validator("webhook_url")
    @classmethod
    def _check_webhook_url(cls, value: str) -> str:
        if not _is_web_address(value, "https"):
            raise ValueError("must be an address that starts with https://, as Telegram asks")
        return value

    @field_validator("alert_webhook_url", "dead_man_url")
    @classmethod
    def _check_alert_url(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not _is_web_address(url, "http", "https"):
            raise ValueError("must be an address that starts with http:// or https://")
        return value

    @field_validator("alert_smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not _is_web_address(url, "smtp", "smtps"):
            raise ValueError("must be an address that starts with smtp:// or smtps://")
        return value

    @field_validator("alert_email_from", "alert_email_to")
    @classmethod
    def _check_email(cls, value: str) -> str:
        name, at, host = value.rpartition("@")
        if not (name and at and host and value.isascii() and value.isprintable()) or " " in value:
            raise ValueError("must be one e-mail address")
        return value

    @field_validator("http_host")
    @classmethod
    def _check_http_host(cls, value: str) -> str:
        host = value.removeprefix("[").removesuffix("]")  # as IPv6 stands in an address
        address.require_host_name(host)
        return host

    @field_validator("webhook_secret")
    @classmethod
    def _check_webhook_secret(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        allowed = secret.isascii() and secret.replace("_", "").replace("-", "").isalnum()
        if not allowed or len(secret) > 256:  # noqa: PLR2004 - Telegram's bound
            raise ValueError("must be 1 to 256 letters, digits, _ or -")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.webhook_url and not self.webhook_secret.get_secret_value():
            raise ValueError("WEBHOOK_SECRET must be set when WEBHOOK_URL is: it proves who calls")
        if self.alert_smtp_url.get_secret_value() and not self.alert_email_to:
            raise ValueError("ALERT_EMAIL_TO must be set when ALERT_SMTP_URL is")
        if self.currency == STARS and self.payment_provider_token.get_secret_value():
            raise ValueError(f"PAYMENT_PROVIDER_TOKEN must be empty when CURRENCY is {STARS}")
        if self.payout_methods and not self.destination_keys.get_secret_value():
            raise ValueError("DESTINATION_KEYS must be set when PAYOUT_METHODS is")
        least, most = self.top_up_limits
        if not (least and most):
            raise ValueError(
                f"TOP_UP_MIN and TOP_UP_MAX must be set when CURRENCY is {self.currency}:"
                " Telegram's bounds are not known"
            )
        if least > most:
            raise ValueError(f"TOP_UP_MIN ({least}) must not be above TOP_UP_MAX ({most})")
        if self.environment == "production" and self.probe_gap < SHORTEST_PRODUCTION_PROBE_GAP:
            raise ValueError("PROBE_GAP must be at least 180 seconds in production")
        one_login = role_names.is_single(self.database_roles)
        owner = None if one_login else self.migration_database_url
        for name in ("database", "intake_database", "clock_database", "reports_database"):
            url: SecretStr | None = getattr(self, f"{name}_url")
            if owner is not None and url is not None and _role(owner) == _role(url):
                setting = f"{name}_url".upper()
                raise ValueError(f"MIGRATION_DATABASE_URL must name another role than {setting}")
        return self

    @model_validator(mode="after")
    def _check_public_url(self) -> Self:
        if self.environment == "production" and self.public_url.startswith("http:"):
            raise ValueError("PUBLIC_URL must start with https:// in production")
        return self

    @property
    def top_up_limits(self) -> tuple[int, int]:
        """The smallest and the largest amount of a top-up, in minor units."""
        least, most = currencies.LIMITS.get(self.currency, (0, 0))
        return self.top_up_min or least, self.top_up_max or most

    @property
    def payout_terms(self) -> PayoutTerms:
        """The conditions under which people withdraw money."""
        return PayoutTerms(self.payout_min, self.payout_fee_bps, self.stars_hold_days)

    @property
    def encryption(self) -> Encryption:
        """The encryption of payout destinations. Raises ValueError if there are no keys."""
        return Encryption(key_list(self.destination_keys))

    @property
    def launch_limit(self) -> int:
        """The largest price of the placement that the launch buys, in minor units."""
        return self.launch_amount or LAUNCH_TOP_UPS * self.top_up_limits[0]

    def database_url_of(self, job_url: SecretStr | None) -> str:
        """Return `job_url`, or DATABASE_URL if `job_url` is None."""
        return (job_url or self.database_url).get_secret_value()


class CommandSettings(BaseModel):
    """The settings that a command of `adtech` can use. A setting that is wrong is left out."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore")

    database_url: DatabaseUrl | None = None
    clock_database_url: DatabaseUrl | None = None
    reports_database_url: DatabaseUrl | None = None
    migration_database_url: DatabaseUrl | None = None
    currency: Currency = "USD"
    audit_chain_file: Path | None = None
    escrow_sla: Duration = timedelta(hours=24)
    rollback_limits: RollbackLimits = rollback_limits.DEFAULTS
    redis_url: SecretStr | None = None
    destination_keys: EncryptionKeys = SecretStr("")
    pg_bin: Path | None = None
    log_level: LogLevel = "INFO"
    log_format: LogFormat = "json"

    def first(self, *names: str) -> tuple[str, str]:
        """Return the name and the address of the first of these settings that is set."""
        urls: list[tuple[str, SecretStr | None]] = [
            (name, getattr(self, name.lower())) for name in names
        ]
        return next((name, url.get_secret_value()) for name, url in urls if url is not None)


def load_for_command(*databases: str, uses: str = "") -> CommandSettings:
    """Read the settings of a command that uses the first of these databases that is set.

    `databases` are names of settings, for example DATABASE_URL. No other setting can be missing,
    and no other wrong setting matters, except `uses`. If none of `databases` is set, or one of them
    is wrong, write the setting's name to stderr and exit with status 2.
    """
    values = {name.lower(): value for name, value in os.environ.items() if value}
    needed = [name.lower() for name in databases]
    try:
        values = {name.lower(): value for name, value in env_file.read().items()} | values
    except env_file.EnvFileError as error:
        if not any(name in values for name in needed):
            _refuse(str(error))
    if not any(name in values for name in needed):
        missing = databases[-1]
        _refuse(f"{missing} is missing: {env_file.where_to_set(missing)}")
    try:
        return CommandSettings.model_validate(values)
    except ValidationError as error:
        wrong = {str(e["loc"][0]): e for e in _details(error)}
    if unusable := [wrong[name] for name in (*needed, uses.lower()) if name in wrong]:
        _refuse("; ".join(_sentence(e["loc"], e["type"], e["msg"]) for e in unusable))
    return CommandSettings.model_validate(
        {name: value for name, value in values.items() if name not in wrong}
    )


def load() -> Settings:
    """Read the settings of the bot and the scheduler, as `load_as` does."""
    return load_as(Settings)


def load_as(model: type[S]) -> S:
    """Read settings from the environment, and from `.env` if they are missing there.

    If a setting is wrong or missing, write its name to stderr and exit with status 2. Values are
    never printed.
    """
    try:
        return model()
    except ValidationError as error:
        problem = "; ".join(_sentence(e["loc"], e["type"], e["msg"]) for e in _details(error))
    except env_file.EnvFileError as error:
        problem = str(error)
    except SettingsError as error:
        problem = f"the environment cannot be read ({type(error).__name__})"
    return _refuse(problem)


def _refuse(problem: str) -> NoReturn:
    sys.stderr.write(f"settings: {problem}\n")
    raise SystemExit(2)


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _sentence(location: tuple[int | str, ...], kind: str, message: str) -> str:
    text = "is missing" if kind == "missing" else message.removeprefix("Value error, ")
    # A problem of several settings together has no location. Its text begins with a setting's name.
    return f"{str(location[0]).upper()} {text}" if location else text
