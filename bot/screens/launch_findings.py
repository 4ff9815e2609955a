"""Write what a check of the launch found in a person's language.

The checks store their findings in names and numbers that need no translation.
"""

import re
from collections.abc import Callable, Sequence

from bot.texts import Texts

_FACTS = {
    "no answer": "silent",
    "balance < price": "balance",
    **{name: name for name in ("scheduler", "bot", "database")},
}
_STATES = frozenset(
    {"queued", "sending", "uncertain", "success", "failed", "cancelled"}
    | {"held", "released", "refunded"}
)
_COUNTS = "pending|escrows|campaigns|post_jobs|incidents|violations|ledger checks|due"
_FORMS: Sequence[tuple[re.Pattern[str], Callable[[Texts, re.Match[str]], str]]] = (
    (re.compile(r"price > (\d+)"), lambda t, m: t("launch-price", amount=t.money(int(m[1])))),
    (re.compile(r"(\d+) min"), lambda t, m: t("launch-minutes", count=int(m[1]))),
    (re.compile(r"tester (\d+)"), lambda t, m: t("launch-tester", id=m[1])),
    (re.compile(r"transfer (\d+)"), lambda t, m: t("launch-transfer", id=m[1])),
    (
        re.compile(rf"({_COUNTS}): (\d+)(.*)"),
        lambda t, m: t("launch-counted", name=m[1].replace(" ", "_"), count=int(m[2])) + m[3],
    ),
)


def show(t: Texts, found: str) -> str:
    """Return a stored finding for people. What has no text of its own stays as it is."""
    return ", ".join(_show(t, part) for part in found.split(", "))


def _show(t: Texts, part: str) -> str:
    if part in _FACTS:
        return t("launch-fact", name=_FACTS[part])
    if part in _STATES:
        return t("state", status=part)
    for form, write in _FORMS:
        if match := form.fullmatch(part):
            return write(t, match)
    return part
