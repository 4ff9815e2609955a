"""Build the staff's list of deposits."""

from bot.callbacks import ShowDeposits
from bot.screens.outgoing import Outgoing, rows
from bot.screens.paging import Page
from bot.texts import Texts
from services.money.deposits import DepositDetails


def deposits(t: Texts, page: Page[DepositDetails], waiting: tuple[int, int]) -> Outgoing:
    """Build the list of deposits, the newest first.

    `waiting` holds the number and the sum, in minor units, of the deposits that are not credited.
    """
    lines = [t("deposits" if page.rows else "deposits-none")]
    count, amount = waiting
    if count:
        lines.append(t("deposits-wait", count=count, amount=t.money(amount)))
    lines += [
        t(
            "deposits-row",
            id=str(row.deposit_id),
            charge=row.charge_id,
            provider=row.provider_charge_id or "none",
            amount=t.money(row.amount, row.currency),
            person=str(row.telegram_id),
            source=row.source,
            when=t.time(row.created_at),
            status=row.status.value,
        )
        for row in page.rows
    ]
    return Outgoing(
        "\n".join(lines), rows(page.buttons(t, lambda number: ShowDeposits(page=number)))
    )
