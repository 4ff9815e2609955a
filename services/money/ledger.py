"""Call the ledger's database functions, which no other module calls."""

import json
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.money import Reason, WalletKind
from db.session import detail
from services.platform import errors

_POST = text(
    "SELECT transfer_id, created FROM post_transfer("
    ":key, :reason, :reference_id, :wallet_ids, :amounts, :reasons, :actor_id, :correlation_id)"
).bindparams(
    bindparam("wallet_ids", type_=ARRAY(BigInteger)),
    bindparam("amounts", type_=ARRAY(BigInteger)),
    bindparam("reasons", type_=ARRAY(Text)),
    bindparam("reference_id", type_=BigInteger),
    bindparam("actor_id", type_=BigInteger),
)
_OPEN = text("SELECT open_wallet(:kind, :user_id, :counterparty_id, :currency)").bindparams(
    bindparam("user_id", type_=BigInteger), bindparam("counterparty_id", type_=BigInteger)
)

_LOCK = text("SELECT lock_wallet(:wallet_id)")

_HOLD = text("SELECT hold_escrow(:target_id, NULL, :correlation_id)").bindparams(
    bindparam("target_id", type_=BigInteger), bindparam("correlation_id", type_=Text)
)


@dataclass(frozen=True)
class Leg:
    """One wallet and one signed amount (minor units) of a transfer."""

    wallet_id: int
    amount: int
    reason: Reason


@dataclass(frozen=True)
class Posted:
    """A transfer, and whether this call of `post` created the transfer."""

    transfer_id: int
    created: bool
    """False if a transfer with the same key and content existed already."""


async def post(
    session: AsyncSession,
    *,
    key: str,
    reason: Reason,
    reference_id: int,
    legs: list[Leg],
    actor_id: int | None = None,
) -> Posted:
    """Write one transfer to the ledger, and return the transfer.

    A second call with the same key and content returns the first transfer. Locks the wallets in the
    order of their ids. Raises InsufficientFunds, IdempotencyConflict, InvalidTransfer,
    CurrencyMismatch, InvalidAmount. After an error, the caller must roll back.
    """
    try:
        found = await session.execute(
            _POST,
            {
                "key": key,
                "reason": reason.value,
                "reference_id": reference_id,
                "wallet_ids": [leg.wallet_id for leg in legs],
                "amounts": [leg.amount for leg in legs],
                "reasons": [leg.reason.value for leg in legs],
                "actor_id": actor_id,
                "correlation_id": correlation_id.get(),
            },
        )
    except DBAPIError as error:
        raise domain_error(error, key, max(abs(leg.amount) for leg in legs)) from error
    row = found.one()
    return Posted(row.transfer_id, row.created)


async def hold(session: AsyncSession, *, target_id: int) -> None:
    """Move the price of a placement from the advertiser's wallet into a new escrow.

    The caller must have locked the placement's target. Locks both wallets. Raises OpenLoss,
    InsufficientFunds; the caller must then roll back.
    """
    parameters = {"target_id": target_id, "correlation_id": correlation_id.get()}
    try:
        await session.execute(_HOLD, parameters)
    except DBAPIError as error:
        raise domain_error(error, f"escrow_hold:{target_id}") from error


async def open_wallet(
    session: AsyncSession,
    kind: WalletKind,
    *,
    currency: str,
    user_id: int | None = None,
    counterparty_id: int | None = None,
) -> int:
    """Return the id of a person's wallet of one kind, after opening a missing wallet.

    `user_id` is the person of a `user` or `withdrawal` wallet. `counterparty_id` is the person of
    the platform's wallet. A wallet of the kind `escrow` has no person and is always new.
    """
    found = await session.execute(
        _OPEN,
        {
            "kind": kind.value,
            "user_id": user_id,
            "counterparty_id": counterparty_id,
            "currency": currency,
        },
    )
    wallet_id: int = found.scalar_one()
    return wallet_id


async def lock_wallet(session: AsyncSession, wallet_id: int) -> int:
    """Lock a person's own wallet until the end of the transaction, and return the balance.

    The balance is in minor units. The caller must lock several wallets in the order of their ids.
    Raises NotFound.
    """
    found = await session.execute(_LOCK, {"wallet_id": wallet_id})
    balance: int | None = found.scalar_one()
    if balance is None:
        raise errors.NotFound("wallet", wallet_id)
    return balance


def domain_error(error: DBAPIError, key: str, amount: int = 0) -> Exception:
    """Translate an error of `post_transfer` or `hold_escrow` into a domain error (`errors`).

    Returns any other database error unchanged. `amount` is the largest amount of a leg, in minor
    units.
    """
    state = getattr(error.orig, "sqlstate", None)
    if state == "AD001":
        return errors.IdempotencyConflict(key)
    if state in {"AD002", "AD055"}:
        facts = json.loads(detail(error))
        return (errors.InsufficientFunds if state == "AD002" else errors.OpenLoss)(**facts)
    if state in {"AD003", "AD004"}:
        return errors.InvalidTransfer("legs" if state == "AD003" else "wallets")
    if state == "AD005":
        return errors.CurrencyMismatch("one", "several")
    if state == "22003":  # the sum of a balance and a leg exceeds bigint
        return errors.InvalidAmount(amount)
    return error
