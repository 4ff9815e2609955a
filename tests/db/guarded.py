"""Run SQL for the tests of the database's checks."""

from collections.abc import Sequence

import asyncpg
import pytest

Leg = tuple[int, int, str]


async def refused(connection: asyncpg.Connection, state: str, *statements: str) -> None:
    """Assert that the statements fail with the SQLSTATE `state` in one transaction."""

    async def attempt() -> None:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)

    with pytest.raises(asyncpg.PostgresError) as refusal:
        await attempt()
    assert refusal.value.sqlstate == state, refusal.value


def post(key: str, reason: str, reference: int | str, *legs: Leg) -> str:
    """Return an SQL statement that records a transfer.

    A leg is a wallet's id, an amount in minor units, and a reason.
    """
    wallets, amounts, reasons = zip(*legs, strict=True)
    return (
        f"SELECT post_transfer('{key}', '{reason}', {reference}, ARRAY{list(wallets)}::bigint[],"
        f" ARRAY{list(amounts)}::bigint[], ARRAY{list(reasons)}, NULL, NULL)"
    )


async def done(
    connection: asyncpg.Connection, signers: Sequence[int], a: int, b: int, amount: int
) -> int:
    """Insert a `done` correction of `amount` minor units, and return the correction's id.

    The caller must run `breakage.UNSIGNED` before, and record the transfer in the same transaction.
    """
    one, two = signers
    found = await connection.fetchval(
        "INSERT INTO corrections (kind, wallet_id, other_wallet_id, amount, proposed_by, reason)"
        " VALUES ('adjustment', $1, $2, $3, $4, 'x') RETURNING id",
        a,
        b,
        amount,
        one,
    )
    await connection.execute(
        "UPDATE corrections SET status = 'done', confirmed_by = $2, confirm_reason = 'x',"
        " done_at = now() WHERE id = $1",
        found,
        two,
    )
    return int(found)
