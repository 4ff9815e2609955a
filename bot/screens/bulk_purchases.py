"""Build the table of placements in several channels, and the result after they were bought."""

from collections.abc import Sequence

from bot import names
from bot.callbacks import FormName, Go, OpenForm, Screen
from bot.errors import message_id
from bot.screens import formats
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from services.market.bulk_purchases import Line

TITLE_LENGTH = 40
"""The largest number of characters of a title, so that twenty lines fit into one message."""


def table(t: Texts, lines: Sequence[Line]) -> str:
    """Return a line for each planned placement, with its price and time or with its refusal."""
    return "\n".join(_line(t, number, line) for number, line in enumerate(lines, 1))


def result(t: Texts, campaign_id: int, lines: Sequence[Line]) -> Outgoing:
    """Build the screen after placements were submitted, with those that could not be."""
    refused = [line for line in lines if line.refusal is not None]
    text = t("many-done", done=len(lines) - len(refused), refused=len(refused))
    if refused:
        text = f"{text}\n\n{table(t, refused)}"
    again = OpenForm(name=FormName.BUY, id=campaign_id)
    return Outgoing(
        text,
        rows(
            [button(t("menu-placements"), Go(screen=Screen.PLACEMENTS))],
            [button(t("many-again"), again)],
            [button(t("back"), Go(screen=Screen.CAMPAIGN, id=campaign_id))],
        ),
    )


def _line(t: Texts, number: int, line: Line) -> str:
    title = names.one_line(names.shorten(line.title, TITLE_LENGTH))
    price = t.money(line.terms.price) if line.terms else "none"
    if line.refusal is not None or line.terms is None:
        why = message_id(type(line.refusal)) if line.refusal else "none"
        return t("many-refused", number=str(number), title=title, price=price, why=why)
    return t(
        "many-line",
        number=str(number),
        title=title,
        kind=formats.kind(t, line.terms),
        price=price,
        when=t.time(line.publish_at) if line.publish_at else t("when-approved"),
    )
