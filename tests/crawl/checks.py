"""Check what the bot has sent: languages, raw keys, limits and ways on."""

import re
from collections.abc import Iterable
from functools import cache

from bot.texts import DEFAULT_LANGUAGE, LANGUAGES, LOCALES, core
from db.models.operations import Switch
from services.market import topics
from tests.crawl.inputs import WORDS
from tests.crawl.observer import Call

LONGEST_LABEL = 64
"""Longer labels do not fit a phone. Telegram has no limit of its own."""
_OWN_WORDS = re.compile(
    rf"\b(?:{'|'.join([*WORDS, *topics.LANGUAGES.values()])})(?:_(?:en|ru))*\d*\b", re.IGNORECASE
)
"""The words of people, and the own names of languages."""
_CUT_WORDS = re.compile(
    rf"\b(?:{'|'.join(sorted({word[:end] for word in WORDS for end in range(1, len(word))}))})…",
    re.IGNORECASE,
)
"""The beginnings of people's words, which a button with a long text shows at its end."""
_ADDRESSES = re.compile(
    r"(?:https?|tg)://\S+|(?:t\.me|example\.com)\S*|@\w+|/[a-z]+\b\S*|#\S+|adtech [a-z -]+[\da-f]*"
    rf"|\b(?:{'|'.join(Switch)})\b"
)
_CAUSES = re.compile(r"\w+Error: [^\n]*")
"""Words of a program about an error, which only the staff read, in its own language."""
_CYRILLIC = re.compile(r"[\u0400-\u04ff]{2,}")
_LATIN = re.compile(r"[A-Za-z]{3,}")
_SENTENCE = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){2,}")
"""At least three Latin words in a row."""
_LEFT_OVER = re.compile(
    r"\{ ?\$|\{\s*[a-z\"]|\bNone\b(?! of )|\bTrue\b|\bFalse\b"
    r"| object at 0x|Decimal\(|datetime\.|<class"
)
_ID = re.compile(r"^([a-z][a-z0-9-]*) =", re.MULTILINE)
_NO_TEXT = re.compile(r"^[a-z][a-z0-9-]* =|^#.*|\[[^\]]*\]|\{ *[a-z0-9-]+ *\}", re.MULTILINE)
"""The parts of a Fluent file that people never read."""
_NAMES = frozenset(
    ("telegram", "utc", "ton", "usdt", "csv", "pdf", "html", "stars", "iban", "gif", "test")
)
"""Latin words that Russian texts have."""


@cache
def raw_keys() -> frozenset[str]:
    """Return the ids of texts that no text contains as a word."""
    ids = {
        name
        for path in (LOCALES / DEFAULT_LANGUAGE).glob("*.ftl")
        for name in _ID.findall(path.read_text())
    }
    return frozenset(each for each in ids if "-" in each) - _words_of_texts()


def _words_of_texts() -> set[str]:
    """Return the words with a hyphen that texts have, for example `top-up`."""
    return {
        word
        for language in LANGUAGES
        for path in (LOCALES / language).glob("*.ftl")
        for word in _keys_in(_NO_TEXT.sub("", path.read_text()))
    }


def _keys_in(text: str) -> list[str]:
    return re.findall(r"[a-z]+(?:-[a-z0-9]+)+", text)


def apologies() -> list[str]:
    """Return the beginnings of the texts with which the bot apologizes for an error."""
    return [
        core().get(name, language, reference="")[:40]
        for name in ("surprise", "surprise-saved")
        for language in LANGUAGES
    ]


def text_faults(text: str, language: str | None) -> Iterable[str]:
    """Yield what is wrong with a text. Without a language, the language is not checked."""
    if found := _LEFT_OVER.search(text):
        yield f"a placeholder or a value of Python: {found[0]!r}"
    if keys := raw_keys() & set(_keys_in(text)):
        yield f"a raw key: {sorted(keys)}"
    if any(text.startswith(each) for each in apologies()):
        yield "an apology for an error"
    own = _ADDRESSES.sub(" ", _CUT_WORDS.sub(" ", _OWN_WORDS.sub(" ", _CAUSES.sub(" ", text))))
    if language == "en":
        if foreign := _CYRILLIC.findall(own):
            yield f"Russian words for an English reader: {foreign[:5]}"
    elif language == "ru":
        foreign = _SENTENCE.findall(own)
        if not _CYRILLIC.search(own):
            foreign += [word for word in _LATIN.findall(own) if word.lower() not in _NAMES]
        if foreign:
            yield f"English words for a Russian reader: {foreign[:6]}"


_EXPECTED_ERRORS = (
    *("not modified", "bot was kicked", "bot was blocked", "message can't be deleted"),
    *("bot is not a member", "need administrator rights", "member list is inaccessible"),
    "message to copy not found",
)
"""The parts of the errors that people of a walk cause on purpose, or by the age of messages."""


def call_faults(call: Call, language: str | None) -> Iterable[str]:
    """Yield what is wrong with a call, each with the text in which it is."""
    if call.name == "SendChatAction" and "Request timeout" in call.error:
        # A busy machine answers late, and nobody misses a typing sign.
        return
    if call.error and not any(each in call.error for each in _EXPECTED_ERRORS):
        yield f"Telegram refused {call.name}: {call.error}"
    for text in call.texts:
        for fault in text_faults(text, language):
            yield f"{call.name} has {fault}, in {text[:300]!r}"
    for label in call.labels:
        if len(label) > LONGEST_LABEL:
            yield f"a button is too long for a phone: {label!r}"


def leads_on(call: Call) -> bool:
    """Return whether a message has a button, or names a command to go on with."""
    return bool(call.labels) or any(re.search(r"(?:^|\s|\()/[a-z]+", text) for text in call.texts)
