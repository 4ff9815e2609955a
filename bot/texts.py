"""Provide the bot's texts from the Fluent files."""

from dataclasses import dataclass
from datetime import date, datetime
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
    """Load the bot's texts one time in each process. A missing translation appears in English."""
    loaded = FluentRuntimeCore(
        path=LOCALES / "{locale}",
        default_locale=DEFAULT_LANGUAGE,
        locales_map=dict.fromkeys(LANGUAGES[1:], DEFAULT_LANGUAGE),
    )
    loaded.locales.update(loaded.find_locales())
    return loaded


@dataclass(frozen=True)
class Texts:
    """The bot's texts in one person's language, currency and time zone."""

    language: str
    currency: str
    time_zone: str | None = None

    def __call__(self, message_id: str, /, **values: str | int) -> str:
        """Return one of the bot's texts, with `values` in it.

        Pass a count as a number and an id as a string: numbers are formatted for the language.
        """
        if not values:
            return _unchanging(message_id, self.language)
        shown = {
            name: names.one_line(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        return core().get(message_id, self.language, **shown)

    def money(self, amount: int, currency: str | None = None) -> str:
        """Format whole minor units. The default currency is the currency of the texts."""
        return formatting.format_money(amount, currency or self.currency, self.language)

    def decimal(self, value: float) -> str:
        """Format a number with at most one decimal."""
        return formatting.format_number(value, self.language)

    def compact(self, number: int) -> str:
        """Format a large number in few characters."""
        return formatting.format_compact(number, self.language)

    @property
    def zone(self) -> str:
        """The name of the person's time zone, or a text that says that the zone is not set."""
        t = self
        return time_zones.label(self.time_zone) if self.time_zone else t("zone-unset")

    def day(self, day: date) -> str:
        """Format a day of the calendar."""
        return formatting.format_day(day, self.language)

    def weekday(self, day: date) -> str:
        """Format a day of the calendar with its day of the week and without the year."""
        return formatting.format_weekday(day, self.language)

    def weekday_name(self, number: int) -> str:
        """Return the short name of a day of the week by its ISO number: Monday is 1."""
        return formatting.format_weekday_name(number, self.language)

    def month(self, day: date) -> str:
        """Format the month of a day."""
        return formatting.format_month(day, self.language)

    def clock(self, at: datetime) -> str:
        """Format the time of day of an aware datetime in the person's zone."""
        return formatting.format_clock(at, self.time_zone)

    def time(self, at: datetime) -> str:
        """Format an aware datetime in the person's zone."""
        return formatting.format_time(at, self.time_zone, self.language)

    def time_and_zone(self, at: datetime) -> str:
        """Format an aware datetime in the person's zone, with the full name of the zone."""
        return formatting.format_time_and_zone(at, self.time_zone, self.language)


@cache
def _unchanging(message_id: str, language: str) -> str:
    """Return a text without variables, which Fluent builds once."""
    return core().get(message_id, language)


def in_all_languages(message_id: str, **values: str) -> frozenset[str]:
    """Return the translations of a text into all languages."""
    # A person may change the language after the bot sent a keyboard with the text.
    return frozenset(core().get(message_id, language, **values) for language in LANGUAGES)
