"""Define the `adtech` commands about money.

A command that changes something makes a request for the admin chat.
"""

from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot import formatting
from bot.cli.commands import ACKNOWLEDGED, CONFIRMED, DATABASE, LEDGER, LOOK, MONEY, command
from bot.cli.shell import (
    Person,
    Reason,
    ReasonOption,
    request,
    require_text,
    row_id,
    run_once,
)
from bot.cli.tables import err, print_rows, say
from bot.texts import DEFAULT_LANGUAGE
from db.models.operations import InboxUpdate
from db.models.users import RequestKind
from services.money import (
    deposits,
    received_payments,
    reconciliation,
    withdrawal_details,
)
from services.money.reconciliation import Finding
from services.platform import errors, inbox, parked_updates

SHOWN = 100
_REPAIRED_BY_RESET = frozenset({Finding.DRIFTED_BALANCE, Finding.NOT_IN_BALANCE})
Wallet = Annotated[
    int,
    typer.Argument(
        parser=row_id, metavar="WALLET", help="Id of a wallet. See `adtech report ledger`."
    ),
]
_CHARGE = "Telegram's or the provider's id of the payment."
Charge = Annotated[str | None, typer.Option(callback=require_text, help=_CHARGE)]

_ENTRY_COLUMNS = (
    *("version", "entry", "transfer", "at", "reason", "amount", "balance_after", "sum_so_far"),
    "findings",
)


app = typer.Typer(no_args_is_help=True)


@command(app, group=LEDGER, example="adtech reconcile 42", needs=DATABASE, prints_rows=True)
def reconcile(wallet: Wallet) -> None:
    """Show each ledger entry of a wallet, and whether the entries and the balance agree.

    Exit with status 1 if they do not agree.
    """
    result = run_once(lambda session: reconciliation.explain(session, wallet))
    print_rows(
        _ENTRY_COLUMNS,
        [
            {
                "version": line.version,
                "entry": line.entry_id,
                "transfer": line.transfer_id,
                "at": line.at.isoformat(timespec="seconds"),
                "reason": line.reason,
                "amount": line.amount,
                "balance_after": line.balance_after,
                "sum_so_far": line.expected,
                "findings": ", ".join(line.findings),
            }
            for line in result.lines
        ],
    )
    say(
        f"Wallet {result.wallet_id} ({result.kind}): balance {result.balance} {result.currency}"
        f" in minor units at version {result.version}; its entries sum to {result.ledger_sum}."
    )
    if result.sound:
        say("Everything agrees.")
        return
    for finding in result.findings:
        err.print(finding.value, style="bold red")
    err.print(f"Not sound. {_advise(result)}", style="bold red", markup=False)
    raise typer.Exit(1)


def _advise(wallet: reconciliation.Explanation) -> str:
    """Return what an admin types to repair a wallet that is not sound."""
    orphans = [line.entry_id for line in wallet.lines if Finding.ORPHAN_ENTRY in line.findings]
    found = {finding for line in wallet.lines for finding in line.findings} | set(wallet.findings)
    proposals = []
    if found & _REPAIRED_BY_RESET:
        proposals.append(f"adtech propose reset {wallet.wallet_id}")
    proposals += [f"adtech propose orphan {entry}" for entry in orphans]
    if not proposals:
        return "No correction repairs this: an entry is lost or was changed. See docs/runbook.md."
    typed = "\n".join(f'  {each} "<reason>" --as ID' for each in proposals)
    return f"Find the cause first. Then an admin proposes the repair, one at a time:\n{typed}"


@command(
    app,
    "withdrawals",
    group=MONEY,
    example="adtech withdrawals --json",
    needs=DATABASE,
    prints_rows=True,
)
def list_withdrawals() -> None:
    """Show the withdrawals that staff must approve or pay, the oldest first."""
    waiting = run_once(lambda session: withdrawal_details.list_open(session, limit=SHOWN, offset=0))
    print_rows(
        ("withdrawal", "person", "amount", "to_pay", "status", "since"),
        [
            {
                "withdrawal": row.withdrawal_id,
                "person": row.telegram_id,
                "amount": formatting.format_money(row.amount, row.currency, DEFAULT_LANGUAGE),
                "to_pay": formatting.format_money(row.payable, row.currency, DEFAULT_LANGUAGE),
                "status": f"{row.status}, blocked" if row.blocked else row.status,
                "since": row.created_at,
            }
            for row in waiting
        ],
    )


@command(
    app,
    "parked-payments",
    group=MONEY,
    example="adtech parked-payments --csv",
    needs=DATABASE,
    prints_rows=True,
)
def list_parked_payments(charge: Charge = None) -> None:
    """Show the payments and refunds of people that the bot could not book, the oldest first."""
    parked = run_once(lambda session: _find_parked(session, charge))
    rows: list[dict[str, object]] = []
    for row in parked:
        telegram_id, provider_id = parked_updates.payment_ids(row)
        rows.append(
            {
                "update": row.id,
                "chat": row.lane,
                "parked": row.failed_at,
                "charge": telegram_id,
                "provider_id": provider_id,
                "error": row.last_error,
            }
        )
    print_rows(("update", "chat", "parked", "charge", "provider_id", "error"), rows)


async def _find_parked(session: AsyncSession, charge: str | None) -> Sequence[InboxUpdate]:
    """Return the parked payments and refunds, or only those of the payment with the id `charge`."""
    charge_ids = None
    if charge is not None:
        charge_ids = await received_payments.find_charge_ids(session, charge)
    return await parked_updates.list_payments(session, limit=SHOWN, charge_ids=charge_ids)


@command(
    app,
    "parked-updates",
    group=LOOK,
    example="adtech parked-updates",
    needs=DATABASE,
    prints_rows=True,
)
def list_parked_updates() -> None:
    """Show the updates from Telegram that could not be handled, the oldest first.

    Updates about payments and refunds are not shown.
    """
    parked = run_once(lambda session: parked_updates.list_others(session, limit=SHOWN))
    print_rows(
        ("update", "chat", "parked", "error", "content"),
        [
            {
                "update": row.id,
                "chat": row.lane,
                "parked": row.failed_at,
                "error": row.last_error,
                "content": (row.payload or {}).get(inbox.SET_ASIDE)
                or ", ".join(name for name in row.payload or {} if name != "update_id"),
            }
            for row in parked
        ],
    )


@command(
    app,
    "retry-payment",
    group=MONEY,
    example="adtech retry-payment --charge CHARGE_ID --as 123456789",
    needs=ACKNOWLEDGED,
)
def retry_payment(
    person: Person,
    update: Annotated[
        int | None,
        typer.Argument(parser=row_id, metavar="UPDATE", help="Id that `parked-payments` shows."),
    ] = None,
    charge: Charge = None,
    reason: ReasonOption = "repaired",
) -> None:
    """Request that the bot tries again to book a payment or refund. Nothing is booked twice.

    The payment is named by the id of its update, or by `--charge`.
    """
    if (update is None) == (charge is None):
        raise typer.BadParameter("name the payment by the id of its update, or by --charge")
    if charge is not None:
        update = run_once(lambda session: _find_one_parked(session, charge))
    elif update is not None:
        run_once(lambda session: _require_parked(session, update))
    request(RequestKind.RETRY_PAYMENT, {"inbox_id": update}, reason=reason, person=person)


async def _require_parked(session: AsyncSession, inbox_id: int) -> None:
    """Raise NotFound if no parked update about a payment has this id."""
    if not await parked_updates.is_payment(session, inbox_id):
        raise errors.NotFound("update", inbox_id)


async def _find_one_parked(session: AsyncSession, charge: str) -> int:
    """Return the inbox id of the only parked update about a payment. Raises DomainError."""
    parked = await _find_parked(session, charge)
    if not parked:
        raise errors.NotFound("parked_payment", charge)
    if len(parked) > 1:
        raise errors.AmbiguousCharge(charge, len(parked))
    return parked[0].id


@command(
    app,
    "clawback",
    group=MONEY,
    example='adtech clawback CHARGE_ID "chargeback of the bank" --as 123456789',
    needs=CONFIRMED,
)
def claw_back(
    charge: Annotated[str, typer.Argument(callback=require_text, metavar="CHARGE", help=_CHARGE)],
    reason: Reason,
    person: Person,
) -> None:
    """Request to take back a deposit whose payer already has the money back.

    A second admin must confirm the request.
    """
    deposit = run_once(lambda session: deposits.find_by_charge(session, charge))
    arguments = {"charge_id": deposit.external_reference}
    if charge != deposit.external_reference:
        arguments["provider_charge_id"] = charge
    request(RequestKind.CLAWBACK, arguments, reason=reason, person=person)
