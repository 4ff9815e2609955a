"""What the product says: Fluent files through aiogram-i18n, spoken to one person."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from aiogram_i18n.cores.fluent_runtime_core import FluentRuntimeCore

from bot import formatting
from services.platform import users

LANGUAGES = users.LANGUAGES
DEFAULT_LANGUAGE = users.DEFAULT_LANGUAGE
LOCALES = Path(__file__).parent / "locales"


@cache
def core() -> FluentRuntimeCore:
    """Load the Fluent files once for the process; a text missing in Russian is said in English."""
    loaded = FluentRuntimeCore(
        path=LOCALES / "{locale}",
        default_locale=DEFAULT_LANGUAGE,
        locales_map=dict.fromkeys(LANGUAGES[1:], DEFAULT_LANGUAGE),
    )
    loaded.locales.update(loaded.find_locales())
    return loaded


@dataclass(frozen=True)
class Texts:
    """The product's words for one person: language, currency and time zone."""

    language: str
    currency: str
    time_zone: str | None = None

    def __call__(self, message_id: str, /, **values: str | int) -> str:
        """Say one message of the Fluent files. Ids are passed as strings, counts as numbers."""
        return core().get(message_id, self.language, **values)

    def money(self, amount: int, currency: str | None = None) -> str:
        """Write whole minor units as money."""
        return formatting.format_money(amount, currency or self.currency, self.language)

    def time(self, at: datetime) -> str:
        """Write a moment in the person's zone."""
        return formatting.format_time(at, self.time_zone, self.language)


def everywhere(message_id: str) -> frozenset[str]:
    """Give a text in every language: what a reply keyboard's button may send back."""
    return frozenset(core().get(message_id, language) for language in LANGUAGES)
