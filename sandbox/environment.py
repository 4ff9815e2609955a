"""Read the settings from the environment and from `.env`, and add the sandbox's settings."""

import os
from dataclasses import dataclass

from cryptography.fernet import Fernet

from bot import env_file, settings
from bot.redirect_settings import RedirectSettings
from db.models.destinations import PayoutMethod
from db.money import STARS
from sandbox.telegram.startup_errors import CannotStart

NAMES = tuple(
    name.upper() for name in {**settings.Settings.model_fields, **RedirectSettings.model_fields}
)

# Settings that connect the sandbox to Telegram or to external servers.
_OUTSIDE = frozenset(
    {
        "BOT_TOKEN",
        "BOT_API_URL",
        "ADMIN_CHAT_ID",
        "SUPER_ADMIN_IDS",
        "DATABASE_URL",
        "INTAKE_DATABASE_URL",
        "CLOCK_DATABASE_URL",
        "REPORTS_DATABASE_URL",
        "MIGRATION_DATABASE_URL",
        "REDIS_URL",
        "PAYMENT_PROVIDER_TOKEN",
        "REDIRECT_DATABASE_URL",
        "WEBHOOK_URL",
        "WEBHOOK_SECRET",
        "PUBLIC_URL",
        "TRUSTED_PROXIES",
        "LINKS_FILE",
        "REDIRECT_PORT",
        "REDIRECT_METRICS_PORT",
        "HTTP_HOST",
        "HTTP_PORT",
        "METRICS_PORT",
        "SCHEDULER_HTTP_PORT",
        "ALERT_WEBHOOK_URL",
        "ALERT_SMTP_URL",
        "ALERT_EMAIL_FROM",
        "ALERT_EMAIL_TO",
        "DEAD_MAN_URL",
    }
)
_OF_INTERPRETERS = ("PYTHON", "PG")
"""Prefixes of the variables that configure Python or PostgreSQL's clients."""
_PAYMENT_PROVIDER_TOKEN = "1:TEST:sandbox"  # noqa: S105 - not a real token
_PAYOUT_METHODS = ",".join(PayoutMethod)
# These values only allow a check of the other settings before the servers have an address.
_PROVISIONAL = {
    "BOT_TOKEN": "1:unknown",
    "ADMIN_CHAT_ID": "-1",
    "DATABASE_URL": "postgresql://adtech_app@/adtech",
    "REDIS_URL": "unix:///",
}


@dataclass(frozen=True)
class EnvironmentSettings:
    """The settings from the environment and `.env`, with "" for a missing setting."""

    values: dict[str, str]

    @property
    def real_telegram(self) -> bool:
        """Return whether the bot uses the real Telegram instead of the simulated one."""
        return bool(self.values["BOT_TOKEN"])

    @property
    def external_database(self) -> bool:
        """Return whether the settings name an external PostgreSQL server."""
        return bool(self.values["DATABASE_URL"])

    @property
    def external_redis(self) -> bool:
        """Return whether the settings name an external Redis server."""
        return bool(self.values["REDIS_URL"])

    def check(self) -> None:
        """Check all settings by the bot's rules.

        If a setting is wrong, print its name on stderr and exit with status 2.
        """
        provisional = {name: value for name, value in _PROVISIONAL.items() if not self.values[name]}
        if not self.real_telegram:
            provisional["DESTINATION_KEYS"] = Fernet.generate_key().decode()
        os.environ.update(self.child_environment(provisional))
        settings.load()

    def child_environment(self, provided: dict[str, str]) -> dict[str, str]:
        """Return the environment variables for the bot and the scheduler.

        `provided` overrides other settings. MIGRATION_DATABASE_URL is empty.
        """
        defaults = {
            "LOG_FORMAT": "console",
            "HTTP_HOST": "127.0.0.1",
            "ENVIRONMENT": "development",
        }
        if not self.real_telegram:
            defaults["PAYOUT_METHODS"] = _PAYOUT_METHODS
        if not self.real_telegram and self.values["CURRENCY"] != STARS:
            defaults["PAYMENT_PROVIDER_TOKEN"] = _PAYMENT_PROVIDER_TOKEN
        merged = {name: self.values[name] or defaults.get(name, "") for name in NAMES}
        if not self.real_telegram:
            merged |= {"WEBHOOK_URL": "", "WEBHOOK_SECRET": "", "PUBLIC_URL": ""}
        others = {
            name: value
            for name, value in os.environ.items()
            if name not in NAMES and not name.startswith(_OF_INTERPRETERS)
        }
        # The programs read no file, so an empty setting stays empty. Neither program may connect as
        # the owner of the tables.
        fixed = {env_file.VARIABLE: os.devnull, "MIGRATION_DATABASE_URL": ""}
        return others | merged | {"PYTHONUNBUFFERED": "1"} | provided | fixed


def read(*, isolated: bool) -> EnvironmentSettings:
    """Read the settings from the environment, and missing settings from `.env`.

    If `isolated` is true, `.env` and all settings for external services are ignored. Raises
    CannotStart if `.env` cannot be read, or if one of two settings that belong together is missing.
    """
    try:
        sources = {} if isolated else env_file.read()
    except env_file.EnvFileError as error:
        raise CannotStart(str(error)) from None
    sources |= {name: value for name, value in os.environ.items() if value}
    values = {
        name: "" if isolated and name in _OUTSIDE else (sources.get(name) or "") for name in NAMES
    }
    for first, second in (
        ("BOT_TOKEN", "ADMIN_CHAT_ID"),
        ("DATABASE_URL", "MIGRATION_DATABASE_URL"),
    ):
        if bool(values[first]) != bool(values[second]):
            missing = second if values[first] else first
            raise CannotStart(f"{missing} is missing: set {first} and {second}, or neither")
    return EnvironmentSettings(values)
