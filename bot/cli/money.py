"""Define the `adtech` commands about money.

Except for `repair`, a command that changes something makes a request for the admin chat.
"""

from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot import formatting
from bot.cli.shell import Person, err, out, print_rows, request, run_once, staff
from bot.texts import DEFAULT_LANGUAGE
from db.models.corrections import Correction, CorrectionKind, CorrectionStatus
from db.models.operations import InboxUpdate
from db.models.users import RequestKind, RequestStatus, StaffRequest
from services.market import staff_requests
from services.money import (
    corrections,
    deposits,
    received_payments,
    reconciliation,
    withdrawal_details,
)
from services.platform import errors, inbox

SHOWN = 100
Why = Annotated[str, typer.Argument(help="The reason. The correction keeps it.")]
Wallet = Annotated[int, typer.Argument(min=1, help="Id of a wallet. See `adtech report drift`.")]
Charge = Annotated[str | None, typer.Option(help="Telegram's or the provider's id of the payment.")]
Target = Annotated[int, typer.Argument(min=1, help="The id of a placement.")]

app = typer.Typer(no_args_is_help=True)
propose_app = typer.Typer(
    no_args_is_help=True, help="Propose a repair of the ledger. Another admin must confirm it."
)
app.add_typer(propose_app, name="propose")


@app.command()
def reconcile(wallet: Wallet) -> None:
    """Show each ledger entry of a wallet, and whether the entries and the balance agree.

    Exit with status 1 if they do not agree.
    """
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
    """Show the withdrawals that staff must approve or pay, the oldest first."""
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
def list_parked_payments(charge: Charge = None) -> None:
    """Show the payments and refunds of people that the bot could not book, the oldest first."""
    parked = run_once(lambda session: _find_parked(session, charge))
    rows: list[dict[str, object]] = []
    for row in parked:
        telegram_id, provider_id = inbox.payment_ids(row)
        rows.append(
            {
                "update": row.id,
                "chat": row.lane,
                "parked": f"{row.failed_at:%Y-%m-%d %H:%M}",
                "charge": telegram_id,
                "provider's id": provider_id,
                "error": row.last_error,
            }
        )
    print_rows(rows, out)


async def _find_parked(session: AsyncSession, charge: str | None) -> Sequence[InboxUpdate]:
    """Return the parked payments and refunds, or only those of the payment with the id `charge`."""
    charge_ids = None
    if charge is not None:
        charge_ids = await received_payments.find_charge_ids(session, charge)
    return await inbox.parked_payments(session, limit=SHOWN, charge_ids=charge_ids)


@app.command("parked-updates")
def list_parked_updates() -> None:
    """Show the updates from Telegram that could not be handled, the oldest first.

    Updates about payments and refunds are not shown.
    """
    parked = run_once(lambda session: inbox.parked_updates(session, limit=SHOWN))
    print_rows(
        [
            {
                "update": row.id,
                "chat": row.lane,
                "parked": f"{row.failed_at:%Y-%m-%d %H:%M}",
                "error": row.last_error,
                "content": (row.payload or {}).get(inbox.SET_ASIDE)
                or ", ".join(name for name in row.payload or {} if name != "update_id"),
            }
            for row in parked
        ],
        out,
    )


@app.command("retry-payment")
def retry_payment(
    person: Person,
    update: Annotated[
        int | None, typer.Argument(min=1, help="Id that `parked-payments` shows.")
    ] = None,
    charge: Charge = None,
    reason: Annotated[str, typer.Option(help="The reason for the request.")] = "repaired",
) -> None:
    """Request that the bot tries again to book a payment or refund. Nothing is booked twice.

    The payment is named by the id of its update, or by `--charge`.
    """
    if (update is None) == (charge is None):
        raise typer.BadParameter("name the payment by the id of its update, or by --charge")
    if charge is not None:
        update = run_once(lambda session: _find_one_parked(session, charge))
    request(RequestKind.RETRY_PAYMENT, {"inbox_id": update}, reason=reason, person=person)


async def _find_one_parked(session: AsyncSession, charge: str) -> int:
    """Return the inbox id of the only parked update about a payment. Raises DomainError."""
    parked = await _find_parked(session, charge)
    if not parked:
        raise errors.NotFound("parked_payment", charge)
    if len(parked) > 1:
        raise errors.AmbiguousCharge(charge, len(parked))
    return parked[0].id


@app.command("clawback")
def claw_back(
    charge: Annotated[str, typer.Argument(help="Telegram's or the provider's id of the payment.")],
    reason: Why,
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


@app.command("corrections")
def list_corrections() -> None:
    """Show the corrections (repairs of the ledger) that are not done.

    Another admin must confirm them, or `adtech repair` must apply them.
    """
    waiting = run_once(lambda session: corrections.list_open(session, limit=SHOWN, offset=0))
    print_rows([_row(correction) for correction in waiting], out)


@app.command()
def repair(correction: Annotated[int, typer.Argument(min=1)], person: Person) -> None:
    """Apply a confirmed correction of the ledger. The command needs MIGRATION_DATABASE_URL.

    Run it twice: the first call makes a request, and you press "That was me" in the admin chat. The
    second call applies the correction.
    """
    status, signature = run_once(
        lambda session: _find_signature(session, correction, person), as_owner=True
    )
    if status is CorrectionStatus.CONFIRMED and (
        signature is None or signature.status is RequestStatus.PROPOSED
    ):
        if signature is None:
            request(
                RequestKind.REPAIR,
                {"correction": correction},
                reason=f"adtech repair {correction}",
                person=person,
            )
        else:
            out.print(f"Request {signature.id} still waits for “That was me” in the admin chat.")
        out.print("After that, run the same command again: it applies the correction.")
        return
    done = run_once(
        lambda session: reconciliation.repair(session, correction_id=correction), as_owner=True
    )
    out.print(f"Correction {done.id}: {done.status.value}. Now run: adtech check")


async def _find_signature(
    session: AsyncSession, correction_id: int, telegram_id: int
) -> tuple[CorrectionStatus, StaffRequest | None]:
    """Return a correction's status, and the person's request to apply it if there is one.

    A request that was signed before the confirmation does not count.
    """
    actor = await staff(session, telegram_id)
    correction = await corrections.lock(session, correction_id)
    if correction.status is CorrectionStatus.CONFIRMED:
        await corrections.require_repairable(session, actor=actor, correction_id=correction_id)
    newest = await staff_requests.find_newest(
        session,
        kind=RequestKind.REPAIR,
        arguments={"correction": correction_id},
        requested_by=actor.require_user(action="correction_apply"),
    )
    signed_at = newest.decided_at if newest is not None else None
    if signed_at and correction.confirmed_at and signed_at < correction.confirmed_at:
        newest = None
    return correction.status, newest


@propose_app.command()
def adjustment(
    from_wallet: Wallet,
    to_wallet: Wallet,
    amount: Annotated[int, typer.Argument(help="In whole minor units (cents, Stars).")],
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
    """Propose to replace a wallet's wrong balance by the balance in its last entry."""
    _propose(CorrectionKind.BALANCE_RESET, reason, person, wallet_id=wallet)


@propose_app.command()
def orphan(
    entry: Annotated[int, typer.Argument(min=1, help="Id of the entry that `reconcile` shows.")],
    reason: Why,
    person: Person,
) -> None:
    """Propose to balance an orphan: an entry that is not included in its wallet's balance."""
    _propose(CorrectionKind.ORPHAN_ENTRY, reason, person, entry_id=entry)


@propose_app.command()
def payout(target: Target, reason: Why, person: Person) -> None:
    """Propose to pay the owner of a placement that is marked as released but was never paid out."""
    _propose(CorrectionKind.MISSING_PAYOUT, reason, person, target_id=target)


@propose_app.command()
def reversal(target: Target, reason: Why, person: Person) -> None:
    """Propose to mark the escrow (the held money) of a placement as held again.

    Use this if the escrow was marked as released or refunded, but its money did not move.
    """
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
