"""Money that came in, as the staff look at it."""

from bot.callbacks import ShowDeposits
from bot.screens.outgoing import Outgoing, rows
from bot.screens.paging import Page
from bot.texts import Texts
from services.money.deposits import Payment


def page(t: Texts, found: Page[Payment], waiting: tuple[int, int]) -> Outgoing:
    """The deposits, the newest first; above them what waits to be credited, however old."""
    lines = [t("deposits" if found.rows else "deposits-none")]
    count, amount = waiting
    if count:
        lines.append(t("deposits-wait", count=count, amount=t.money(amount)))
    lines += [
        t(
            "deposits-row",
            id=str(row.deposit_id),
            amount=t.money(row.amount, row.currency),
            person=str(row.telegram_id),
            source=row.source,
            when=t.time(row.created_at),
            status=row.status.value,
        )
        for row in found.rows
    ]
    return Outgoing(
        "\n".join(lines), rows(found.turns(t, lambda number: ShowDeposits(page=number)))
    )
