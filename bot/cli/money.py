"""Define the `adtech` commands about money: explain a wallet, list open work, repair the ledger.

A command that changes something only makes a request. The person in whose name it was typed
acknowledges the request in the admin chat, and a second admin confirms what needs two people.
"""

from typing import Annotated

import typer

from bot import formatting
from bot.cli.shell import Person, err, out, print_rows, request, run_once
from bot.texts import DEFAULT_LANGUAGE
from db.models.money import Correction, CorrectionKind
from db.models.users import RequestKind
from services.money import corrections, reconciliation, withdrawal_details
from services.platform import inbox

SHOWN = 100
Why = Annotated[str, typer.Argument(help="Why; kept with the correction.")]
Wallet = Annotated[int, typer.Argument(min=1, help="Id of a wallet; `report drift` lists some.")]
Target = Annotated[int, typer.Argument(min=1, help="Id of a placement.")]

app = typer.Typer(no_args_is_help=True)
propose_app = typer.Typer(
    no_args_is_help=True, help="Propose a repair of the books; another admin confirms it."
)
app.add_typer(propose_app, name="propose")


@app.command()
def reconcile(wallet: Wallet) -> None:
    """Explain a wallet entry by entry. Exit with status 1 if balance and entries disagree."""
    result = run_once(lambda session: reconciliation.explain(session, wallet))
    print_rows(
        [
            {
                "version": line.version,
                "entry": line.entry_id,
                "transfer": line.transfer_id,
                "at": line.at.isoformat(timespec="seconds"),
                "reason": line.reason,
                "amount": line.amount,
                "balance after": line.balance_after,
                "sum so far": line.expected,
                "findings": ", ".join(line.findings),
            }
            for line in result.lines
        ],
        out,
    )
    out.print(
        f"Wallet {result.wallet_id} ({result.kind}): balance {result.balance} {result.currency}"
        f" in minor units at version {result.version}; its entries sum to {result.ledger_sum}."
    )
    if result.sound:
        out.print("Everything agrees.")
        return
    for finding in result.findings:
        err.print(finding.value, style="bold red")
    err.print("Not sound: see the findings. Repairs: adtech propose --help", style="bold red")
    raise typer.Exit(1)


@app.command("withdrawals")
def list_withdrawals() -> None:
    """Show the withdrawals that wait for staff, oldest first."""
    waiting = run_once(lambda session: withdrawal_details.list_open(session, limit=SHOWN, offset=0))
    print_rows(
        [
            {
                "withdrawal": row.withdrawal_id,
                "person": row.telegram_id,
                "amount": formatting.format_money(row.amount, row.currency, DEFAULT_LANGUAGE),
                "status": f"{row.status}, blocked" if row.blocked else row.status,
                "since": f"{row.created_at:%Y-%m-%d %H:%M}",
            }
            for row in waiting
        ],
        out,
    )


@app.command("parked-payments")
def list_parked_payments() -> None:
    """Show the payments that were paid but could not be credited, oldest first."""
    parked = run_once(lambda session: inbox.parked_payments(session, limit=SHOWN))
    print_rows(
        [
            {
                "update": row.id,
                "chat": row.lane,
                "parked": f"{row.failed_at:%Y-%m-%d %H:%M}",
                "error": row.last_error,
            }
            for row in parked
        ],
        out,
    )


@app.command("retry-payment")
def retry_payment(
    update: Annotated[int, typer.Argument(min=1, help="Id, as `parked-payments` shows it.")],
    person: Person,
    reason: Annotated[str, typer.Option(help="Why; kept with the request.")] = "repaired",
) -> None:
    """Let the bot handle a parked payment again.

    A parked payment was kept after an error and is not tried again. No payment is credited twice.
    """
    request(RequestKind.RETRY_PAYMENT, {"inbox_id": update}, reason=reason, person=person)


@app.command("clawback")
def claw_back(
    charge: Annotated[str, typer.Argument(help="Charge id of the deposit, as /deposits shows it.")],
    reason: Why,
    person: Person,
) -> None:
    """Take a deposit back whose payer reversed the payment outside. A second admin confirms it."""
    request(RequestKind.CLAWBACK, {"charge_id": charge}, reason=reason, person=person)


@app.command("corrections")
def list_corrections() -> None:
    """Show the corrections that wait for another admin or for `adtech repair`."""
    waiting = run_once(lambda session: corrections.list_open(session, limit=SHOWN, offset=0))
    print_rows([_row(correction) for correction in waiting], out)


@app.command()
def repair(correction: Annotated[int, typer.Argument(min=1)]) -> None:
    """Apply a confirmed correction as the owner of the tables (MIGRATION_DATABASE_URL)."""
    done = run_once(
        lambda session: reconciliation.repair(session, correction_id=correction), as_owner=True
    )
    out.print(f"Correction {done.id}: {done.status.value}. Now run: adtech check")


@propose_app.command()
def adjustment(
    from_wallet: Wallet,
    to_wallet: Wallet,
    amount: Annotated[int, typer.Argument(help="Whole minor units.")],
    reason: Why,
    person: Person,
) -> None:
    """Propose to move an amount from one wallet to another."""
    _propose(
        CorrectionKind.ADJUSTMENT,
        reason,
        person,
        from_wallet=from_wallet,
        to_wallet=to_wallet,
        amount=amount,
    )


@propose_app.command()
def reset(wallet: Wallet, reason: Why, person: Person) -> None:
    """Propose to set a wrong balance of a wallet to the balance in the wallet's last entry."""
    _propose(CorrectionKind.BALANCE_RESET, reason, person, wallet_id=wallet)


@propose_app.command()
def orphan(
    entry: Annotated[int, typer.Argument(min=1, help="Id of the entry, as `reconcile` shows it.")],
    reason: Why,
    person: Person,
) -> None:
    """Propose to balance an orphan (an entry that its wallet's balance does not include)."""
    _propose(CorrectionKind.ORPHAN_ENTRY, reason, person, entry_id=entry)


@propose_app.command()
def payout(target: Target, reason: Why, person: Person) -> None:
    """Propose to pay the owner of a placement that is marked as released but was never paid out."""
    _propose(CorrectionKind.MISSING_PAYOUT, reason, person, target_id=target)


@propose_app.command()
def reversal(target: Target, reason: Why, person: Person) -> None:
    """Propose to mark an escrow as held again, because it was closed but its money did not move."""
    _propose(CorrectionKind.ESCROW_REVERSAL, reason, person, target_id=target)


def _propose(kind: CorrectionKind, reason: str, person: int, **arguments: int) -> None:
    request(
        RequestKind.CORRECTION,
        {"correction": kind.value, **arguments},
        reason=reason,
        person=person,
    )
    out.print("After that, another admin has to confirm the correction: /corrections")


def _row(correction: Correction) -> dict[str, object]:
    """Return a correction as a row of a printed table. A column is empty if its value is None."""
    columns: dict[str, object] = {
        "correction": correction.id,
        "kind": correction.kind.value,
        "wallet": correction.wallet_id,
        "to wallet": correction.other_wallet_id,
        "amount": correction.amount,
        "entry": correction.entry_id,
        "placement": correction.target_id,
        "status": correction.status.value,
        "reason": correction.reason,
    }
    return {name: "" if value is None else value for name, value in columns.items()}
