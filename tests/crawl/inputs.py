"""Provide what people of the walk write: right answers to the steps of forms, and odd messages.

Nobody of the walk writes a word of a real language, except for those of WORDS. So a text in
the wrong language is a text of the bot.
"""

import re
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.services.money.test_payout_addresses import ton_address

_WORDS = (
    *("bread", "fresh", "bakery", "daily", "weekly", "morning", "bicycles", "courses", "shop"),
    *("advertiser", "owner", "admin", "manager", "newcomer", "stranger", "moderation", "talk"),
    *("daerb", "casino"),
    *(
        "every",
        "poor",
        "blocked",
        "super",
        "ana",
        "bob",
        "second",
        "marketplace",
        "crumbs",
        "contact",
    ),
)
Content = dict[str, Any]
"""The fields of a message for the sandbox's control API."""
TON = ton_address()
_ANSWERS: dict[str, tuple[str, ...]] = {
    "name": ("Bakery", "Fresh bread", "Crumbs"),
    "other_name": ("Bakery", "Daily bread"),
    "button_text": ("Shop", "Fresh bread"),
    "button_url": ("https://example.com/bread", "https://example.com/shop?x=1"),
    "budget": ("200", "350", "50.50", "1000"),
    "amount": ("20", "55", "100", "250"),
    "price": ("50", "30", "75.50", "5"),
    "right": ("50", "40"),
    "hours": ("24", "1/24", "2/48", "72", "0"),
    "link": ("https://t.me/+AbCdEfGh12345678",),
    "address": (TON, TON[:-1] + "x"),
    "channel": ("daily", "@daily_ana", "weekly", "bob"),
    "topic": ("News", "Travel"),
}
"""The right answers to a step of a form, by the end of the name of its state."""
_ZONES = ("Berlin", "Moscow", "UTC+3", "New York", "UTC")
_CLOCK_TIMES = ("18:00", "09:30", "21:15")
_WITH_WORDS = frozenset(("ad", "text", "file", "preview", "words", "complaint", "answer"))
_WITH_DAYS = frozenset(("day", "month", "time"))
"""The last words of the steps that take text, or a day."""
_PLAIN = ("Fresh bread every morning", "Bread: https://example.com/bread", "crumbs, fresh crumbs")
ODD_TEXTS = (
    "\N{CROISSANT}" * 40,
    "\N{REGIONAL INDICATOR SYMBOL LETTER D}",
    "bread \N{ZERO WIDTH JOINER}\N{VARIATION SELECTOR-16}\N{EMOJI MODIFIER FITZPATRICK TYPE-5}",
    "\N{RIGHT-TO-LEFT OVERRIDE}bread\N{POP DIRECTIONAL FORMATTING} \N{HEBREW LETTER ALEF}",
    "\N{ARABIC LETTER ALEF}\N{ARABIC LETTER BEH} 12 \N{RIGHT-TO-LEFT MARK}",
    "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NON-JOINER}\N{WORD JOINER}",
    "\N{HANGUL FILLER}",
    "\N{BRAILLE PATTERN BLANK}",
    "bread " * 682 + "crum",
    "\N{CROISSANT}" * 2_048,
    "<b>bread</b> <a href='https://example.com'>shop</a> &amp; &lt;i>",
    "*bread* _fresh_ [shop](https://example.com) `crumbs`",
    "-1",
    "0",
    "0.001",
    "1e9",
    "99999999999999999999999999",
    "1,000.50",
    "\N{ARABIC-INDIC DIGIT FIVE}\N{ARABIC-INDIC DIGIT ZERO}",
    "\N{FULLWIDTH DIGIT FIVE}\N{FULLWIDTH DIGIT ZERO}",
    "12/99",
    "2026-02-30 25:61",
    "0001-01-01 00:00",
    "9999-12-31 23:59",
    "https://",
    "http://[::1",
    "javascript:bread",
    "tg://resolve?domain=shop",
    "https://example.com/" + "x" * 3_000,
    "@bread",
    "bread\n\n\n\nfresh\r\nbread\tshop",
    "%s %d {0} $bread \\ ' \" ; --",
    "\N{COMBINING ACUTE ACCENT}" * 300,
)
WORDS = sorted({*_WORDS, *re.findall("[A-Za-z]{2,20}", " ".join(ODD_TEXTS))})
"""All Latin words that people of the walk write, and that their names and channels have."""
_NAMES = ("sticker", "voice", "video_note", "contact", "location")
_FILES = ("photo", "video", "animation", "document")


def takes_text(state: str) -> bool:
    """Return whether the step of a form with this state (`Form:step`) takes a message."""
    step = _last_word(state)
    return (
        step in {*_ANSWERS, *_WITH_WORDS, *_WITH_DAYS, "hour", "zone"}
        or state.partition(":")[2] in _ANSWERS
    )


def answer(rng: Random, state: str, now: datetime) -> Content:
    """Return a message that the step of a form may take. Its days are those after `now`."""
    step, last = state.partition(":")[2], _last_word(state)
    if step == "file" or (step in {"ad", "text"} and rng.random() < 0.3):
        return media(rng)
    if last == "zone":
        return {"text": rng.choice(_ZONES)}
    if last == "hour":
        return {"text": rng.choice(_CLOCK_TIMES)}
    if last in _WITH_DAYS:
        return {"text": rng.choice(_days(rng, now))}
    return {"text": rng.choice(_ANSWERS.get(step, _PLAIN))}


def _last_word(state: str) -> str:
    """Return the last word of a step, for example `day` of `BuyForm:many_day`."""
    return state.partition(":")[2].rpartition("_")[2]


def _days(rng: Random, now: datetime) -> tuple[str, ...]:
    """Return a day after `now` in the ways in which people write it, with and without a time."""
    day = now + timedelta(days=rng.choice((1, 2, 5, 12, 25)))
    clock_time = rng.choice(_CLOCK_TIMES)
    return (
        f"{day:%Y-%m-%d} {clock_time}",
        f"{day:%d.%m.%Y} {clock_time}",
        f"{day:%Y-%m-%d}",
        clock_time,
    )


def media(rng: Random) -> Content:
    """Return a message with a file, and mostly with a caption."""
    content: Content = {rng.choice(_FILES): True}
    if rng.random() < 0.7:
        content["caption"] = rng.choice((*_PLAIN, "bread " * 170, "\N{CROISSANT}" * 512))
    if rng.random() < 0.2:
        content["has_media_spoiler"] = True
    return content


def odd(rng: Random) -> Content:
    """Return a message that hardly any step of a form expects."""
    kind = rng.random()
    if kind < 0.6:
        return {"text": rng.choice(ODD_TEXTS)}
    if kind < 0.7:
        return {"text": "bread fresh shop", "entities": _entities(rng)}
    if kind < 0.9:
        return {rng.choice(_NAMES): True}
    return media(rng)


def _entities(rng: Random) -> list[Content]:
    kinds: tuple[Content, ...] = (
        {"type": "bold"},
        {"type": "spoiler"},
        {"type": "blockquote"},
        {"type": "pre", "language": "bread"},
        {"type": "text_link", "url": "https://example.com/shop"},
        {"type": "custom_emoji", "custom_emoji_id": "5368324170671202286"},
    )
    chosen = rng.sample(kinds, 2)
    return [{"offset": 0, "length": 11, **chosen[0]}, {"offset": 6, "length": 5, **chosen[1]}]
