"""Build the line about a violated rule: its rows, and what shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.texts import Texts
from services.money.rule_rows import LOOKS

_MAX_LISTED = 10


def line(t: Texts, name: str, offenders: Sequence[Mapping[str, Any]]) -> str:
    """Return the line about the rule `name`, with at most _MAX_LISTED of the rows that break it.

    The command in the line is for the first of these rows.
    """
    look = LOOKS.get(name)
    shown = [str(row.get("ref")) for row in offenders[:_MAX_LISTED]]
    refs = ", ".join([*shown, *["…"] * (len(offenders) > _MAX_LISTED)])
    if look is None or not offenders:
        return t("rule-line", name=name, what="other", refs=refs, command="none")
    return t("rule-line", name=name, what=look.what, refs=refs, command=look.at(offenders[0]))
