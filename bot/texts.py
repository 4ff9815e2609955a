"""Provide the bot's texts from the Fluent files, in the language of one person."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from aiogram_i18n.cores.fluent_runtime_core import FluentRuntimeCore

from bot import formatting, names, time_zones
from services.platform import users

LANGUAGES = users.LANGUAGES
DEFAULT_LANGUAGE = users.DEFAULT_LANGUAGE
LOCALES = Path(__file__).parent / "locales"


@cache
def core() -> FluentRuntimeCore:
    """Load the bot's texts from the Fluent files, one time in each process.

    If a translation is missing, the text appears in English.
    """
    loaded = FluentRuntimeCore(
        path=LOCALES / "{locale}",
        default_locale=DEFAULT_LANGUAGE,
        locales_map=dict.fromkeys(LANGUAGES[1:], DEFAULT_LANGUAGE),
    )
    loaded.locales.update(loaded.find_locales())
    return loaded


@dataclass(frozen=True)
class Texts:
    """The bot's texts for one person, in the person's language, currency and time zone."""

    language: str
    currency: str
    time_zone: str | None = None

    def __call__(self, message_id: str, /, **values: str | int) -> str:
        """Return one of the bot's texts, with `values` in it.

        Numbers are formatted for the language. Therefore the caller passes a count as a number and
        an id as a string. Strings are put into one line, because a person may have chosen them.
        """
        shown = {
            name: names.one_line(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        return core().get(message_id, self.language, **shown)

    def money(self, amount: int, currency: str | None = None) -> str:
        """Format whole minor units as money. Without `currency`, use the currency of the texts."""
        return formatting.format_money(amount, currency or self.currency, self.language)

    @property
    def zone(self) -> str:
        """The name of the person's time zone, or a text that says that the zone is not set."""
        t = self
        return time_zones.label(self.time_zone) if self.time_zone else t("zone-unset")

    def time(self, at: datetime) -> str:
        """Format an aware datetime in the person's zone."""
        return formatting.format_time(at, self.time_zone, self.language)


def in_all_languages(message_id: str) -> frozenset[str]:
    """Return the translations of a text into all languages.

    A button of a reply keyboard sends its own text as a message. A handler must know this text in
    all languages, because the person may have changed the language after the bot sent the keyboard.
    """
    return frozenset(core().get(message_id, language) for language in LANGUAGES)
