"""Call the ledger's database functions. No other module calls these functions."""

import json
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Reason, WalletKind
from services.platform import errors
from services.platform.actors import correlation_id

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
    """One leg of a transfer: one wallet and one signed amount.

    If the amount is positive, the wallet gets it. If the amount is negative, the wallet gives it.
    """

    wallet_id: int
    amount: int
    """The amount in minor units."""
    reason: Reason


@dataclass(frozen=True)
class Posted:
    """The result of `post`: a transfer, and whether this call created the transfer."""

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
    """Write one transfer to the ledger, and return it.

    A second call with the same key and content returns the transfer of the first call. Locks the
    wallets of the legs in the order of their ids. Raises InsufficientFunds, IdempotencyConflict,
    InvalidTransfer, CurrencyMismatch, InvalidAmount. After an error, the caller must roll the
    transaction back.
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
    """Move the price of a target (a placement) from the advertiser's wallet into a new escrow.

    The caller must have locked the target. Locks the wallets of the advertiser and of the escrow.
    Raises InsufficientFunds. After this error, the caller must roll the transaction back.
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
    """Return the id of a person's wallet of one kind. Open an empty wallet if there is none.

    For a person's own wallet, the person is `user_id`. For a wallet of the platform, the person is
    `counterparty_id`. A wallet of the kind `escrow` has no person, and each call opens a new one.
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
    """Lock a wallet until the end of the transaction, and return its balance in minor units.

    A transfer needs this lock if its amount depends on the balance. Call this function only for a
    person's own wallet. Wallets must be locked in the order of their ids, and this wallet has the
    lowest id of that person. Raises NotFound.
    """
    found = await session.execute(_LOCK, {"wallet_id": wallet_id})
    balance: int | None = found.scalar_one()
    if balance is None:
        raise errors.NotFound("wallet", wallet_id)
    return balance


def domain_error(error: DBAPIError, key: str, amount: int = 0) -> Exception:
    """Translate an error of the database function `post_transfer` into a domain error (`errors`).

    Any other database error is returned unchanged. `key` is the transfer's key. `amount` is the
    largest amount of a leg, in minor units.
    """
    state = getattr(error.orig, "sqlstate", None)
    if state == "AD001":
        return errors.IdempotencyConflict(key)
    if state == "AD002":
        short = json.loads(getattr(getattr(error.orig, "__cause__", None), "detail", "{}"))
        return errors.InsufficientFunds(
            short["user_id"], short["needed"], short["balance"], short["currency"]
        )
    if state in {"AD003", "AD004"}:
        return errors.InvalidTransfer("legs" if state == "AD003" else "wallets")
    if state == "AD005":
        return errors.CurrencyMismatch("one", "several")
    if state == "22003":  # the sum of a balance and a leg exceeds bigint
        return errors.InvalidAmount(amount)
    return error
