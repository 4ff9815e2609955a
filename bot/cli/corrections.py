"""Define the `adtech` commands that propose corrections (repairs of the ledger) and apply them.

Except for `repair`, a command that changes something makes a request for the admin chat.
"""

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cli.commands import CONFIRMED, DATABASE, LEDGER, OWNER, command
from bot.cli.money import SHOWN, Wallet
from bot.cli.shell import LARGEST_ROW_ID, Person, Reason, request, row_id, run_once, staff
from bot.cli.tables import out, print_rows
from db.models.corrections import Correction, CorrectionKind, CorrectionStatus
from db.models.users import RequestKind, RequestStatus, StaffRequest
from services.market import staff_requests
from services.money import corrections, reconciliation

Target = Annotated[
    int, typer.Argument(parser=row_id, metavar="PLACEMENT", help="The id of a placement.")
]
_CORRECTION_COLUMNS = (
    *("correction", "kind", "wallet", "to_wallet", "amount", "entry", "placement"),
    *("status", "reason"),
)

app = typer.Typer(no_args_is_help=True)
propose_app = typer.Typer(
    no_args_is_help=True, help="Propose a repair of the ledger. Another admin must confirm it."
)
app.add_typer(propose_app, name="propose", rich_help_panel=LEDGER)


def _amount(value: str) -> int:
    """Read an amount in whole minor units. Raises BadParameter with an example."""
    if not value.isascii() or not value.isdecimal() or not 0 < int(value) <= LARGEST_ROW_ID:
        raise typer.BadParameter(
            f"{value!r} is no amount. Write a whole number of minor units above zero,"
            " for example 1250 for 12.50"
        )
    return int(value)


@command(
    app,
    "corrections",
    group=LEDGER,
    example="adtech corrections",
    needs=DATABASE,
    prints_rows=True,
)
def list_corrections() -> None:
    """Show the corrections (repairs of the ledger) that are not done.

    Another admin must confirm them, or `adtech repair` must apply them.
    """
    waiting = run_once(lambda session: corrections.list_open(session, limit=SHOWN, offset=0))
    print_rows(_CORRECTION_COLUMNS, [_row(correction) for correction in waiting])


@command(
    app,
    group=LEDGER,
    example="adtech repair 7 --as 123456789",
    needs=f"{OWNER}, a correction that two admins have signed, and “That was me” in the admin chat",
)
def repair(
    correction: Annotated[
        int,
        typer.Argument(
            parser=row_id, metavar="CORRECTION", help="Id that `adtech corrections` shows."
        ),
    ],
    person: Person,
) -> None:
    """Apply a confirmed correction of the ledger.

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
    out.print(f"Correction {done.id}: {done.status.value}. Now run: adtech check --full")


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


@command(
    propose_app,
    group=LEDGER,
    example='adtech propose adjustment 42 43 1250 "paid to the wrong owner" --as 123456789',
    needs=CONFIRMED,
)
def adjustment(
    from_wallet: Wallet,
    to_wallet: Wallet,
    amount: Annotated[
        int,
        typer.Argument(
            parser=_amount, metavar="AMOUNT", help="In whole minor units (cents, Stars)."
        ),
    ],
    reason: Reason,
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


@command(
    propose_app,
    group=LEDGER,
    example='adtech propose reset 42 "the balance was changed by hand" --as 123456789',
    needs=CONFIRMED,
)
def reset(wallet: Wallet, reason: Reason, person: Person) -> None:
    """Propose to replace a wallet's wrong balance by the balance in its last entry."""
    _propose(CorrectionKind.BALANCE_RESET, reason, person, wallet_id=wallet)


@command(
    propose_app,
    group=LEDGER,
    example='adtech propose orphan 1001 "the entry was written by hand" --as 123456789',
    needs=CONFIRMED,
)
def orphan(
    entry: Annotated[
        int,
        typer.Argument(
            parser=row_id, metavar="ENTRY", help="Id of the entry that `reconcile` shows."
        ),
    ],
    reason: Reason,
    person: Person,
) -> None:
    """Propose to balance an orphan: an entry that is not included in its wallet's balance."""
    _propose(CorrectionKind.ORPHAN_ENTRY, reason, person, entry_id=entry)


@command(
    propose_app,
    group=LEDGER,
    example='adtech propose payout 12 "released, but never paid" --as 123456789',
    needs=CONFIRMED,
)
def payout(target: Target, reason: Reason, person: Person) -> None:
    """Propose to pay the owner of a placement that is marked as released but was never paid out."""
    _propose(CorrectionKind.MISSING_PAYOUT, reason, person, target_id=target)


@command(
    propose_app,
    group=LEDGER,
    example='adtech propose reversal 12 "released, but the money did not move" --as 123456789',
    needs=CONFIRMED,
)
def reversal(target: Target, reason: Reason, person: Person) -> None:
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
    return {
        "correction": correction.id,
        "kind": correction.kind.value,
        "wallet": correction.wallet_id,
        "to_wallet": correction.other_wallet_id,
        "amount": correction.amount,
        "entry": correction.entry_id,
        "placement": correction.target_id,
        "status": correction.status.value,
        "reason": correction.reason,
    }
