"""What the environment and `.env` bring, and what the sandbox brings itself."""

import os
from dataclasses import dataclass
from pathlib import Path

import dotenv

from bot import settings
from db.money import STARS
from sandbox.startup_errors import CannotStart

NAMES = tuple(name.upper() for name in settings.Settings.model_fields)

# Settings that lead out of the sandbox: to Telegram, or to servers of somebody's own.
_OUTSIDE = frozenset(
    {
        "BOT_TOKEN",
        "BOT_API_URL",
        "ADMIN_CHAT_ID",
        "SUPER_ADMIN_IDS",
        "DATABASE_URL",
        "MIGRATION_DATABASE_URL",
        "REDIS_URL",
        "PAYMENT_PROVIDER_TOKEN",
        "WEBHOOK_URL",
        "WEBHOOK_SECRET",
        "HTTP_HOST",
        "HTTP_PORT",
    }
)
_PAYMENT_PROVIDER_TOKEN = "1:TEST:sandbox"  # noqa: S105 - nobody's
# Only to check the other settings with, before the servers have an address.
_PROVISIONAL = {
    "BOT_TOKEN": "1:unknown",
    "ADMIN_CHAT_ID": "-1",
    "DATABASE_URL": "postgresql://adtech_app@/adtech",
    "REDIS_URL": "unix:///",
}


@dataclass(frozen=True)
class Surroundings:
    """The settings that were given; all that is not given is empty."""

    given: dict[str, str]

    @property
    def telegram(self) -> bool:
        """Telegram instead of our own Bot API server."""
        return bool(self.given["BOT_TOKEN"])

    @property
    def own_database(self) -> bool:
        """A PostgreSQL from outside instead of the embedded one."""
        return bool(self.given["DATABASE_URL"])

    @property
    def own_redis(self) -> bool:
        """A Redis from outside instead of the embedded one."""
        return bool(self.given["REDIS_URL"])

    def check(self) -> None:
        """Check all settings as the bot will do; a wrong one is said on stderr, exit status 2."""
        provisional = {name: value for name, value in _PROVISIONAL.items() if not self.given[name]}
        os.environ.update(self.for_children(provisional))
        settings.load()

    def for_children(self, provided: dict[str, str]) -> dict[str, str]:
        """The environment of the bot and the scheduler.

        Every setting is in it, so that a `.env` in the current folder adds nothing, and the
        owner's role of the database is not.
        """
        own = {
            "LOG_FORMAT": "console",
            "HTTP_HOST": "127.0.0.1",
            "ENVIRONMENT": "development",
        }
        if not self.telegram and self.given["CURRENCY"] != STARS:
            own["PAYMENT_PROVIDER_TOKEN"] = _PAYMENT_PROVIDER_TOKEN
        merged = {name: self.given[name] or own.get(name, "") for name in NAMES}
        if not self.telegram:
            merged |= {"WEBHOOK_URL": "", "WEBHOOK_SECRET": ""}
        others = {name: value for name, value in os.environ.items() if name not in NAMES}
        python_path = os.pathsep.join(
            filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")))
        )
        return (
            others
            | merged
            | {"PYTHONPATH": python_path, "PYTHONUNBUFFERED": "1"}
            | provided
            | {"MIGRATION_DATABASE_URL": ""}
        )


def read(*, isolated: bool) -> Surroundings:
    """Read the environment and, behind it, `.env` of the current folder.

    With `isolated`, nothing leads out of the sandbox, whatever is set: `.env` is not read, and
    of the environment only what tunes. Raises CannotStart when only one of two is set.
    """
    found = {} if isolated else dict(dotenv.dotenv_values(".env"))
    found |= os.environ
    given = {
        name: "" if isolated and name in _OUTSIDE else (found.get(name) or "") for name in NAMES
    }
    for first, second in (
        ("BOT_TOKEN", "ADMIN_CHAT_ID"),
        ("DATABASE_URL", "MIGRATION_DATABASE_URL"),
    ):
        if bool(given[first]) != bool(given[second]):
            missing = second if given[first] else first
            raise CannotStart(f"{missing} is missing: set {first} and {second}, or neither")
    return Surroundings(given)
