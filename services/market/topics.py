"""Name the topics and the languages that a channel can have."""

from services.platform import errors

TOPICS = (
    *("news", "politics", "city", "business", "finance", "crypto", "marketing", "work"),
    *("technology", "science", "education", "psychology", "entertainment", "humour", "games"),
    *("music", "films", "sport", "health", "beauty", "food", "home", "cars", "travel"),
    *("shopping", "blogs"),
)
"""The topics of the fixed list. The database function `known_topic` has the same list."""
OTHER = "other"
"""The topic of a channel whose owner typed another text before there was this list."""
LANGUAGES = {
    "en": "English",
    "ru": "Русский",
    "uk": "Українська",
    "be": "Беларуская",
    "kk": "Қазақша",
    "uz": "O'zbekcha",
    "az": "Azərbaycanca",
    "hy": "Հայերեն",
    "ka": "ქართული",
    "tr": "Türkçe",
    "fa": "فارسی",
    "ar": "العربية",
    "hi": "हिन्दी",
    "id": "Indonesia",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
    "pt": "Português",
    "pl": "Polski",
    "zh": "中文",
}
"""The languages of channels by their ISO 639 codes, each with its own name for itself."""


def require_topic(topic: str) -> str:
    """Return a topic of the fixed list. Raises InvalidTerms for any other text."""
    if topic not in (*TOPICS, OTHER):
        raise errors.InvalidTerms("topic")
    return topic


def require_language(code: str) -> str:
    """Return the code of a language that a channel can have. Raises InvalidTerms."""
    if code not in LANGUAGES:
        raise errors.InvalidTerms("language")
    return code
