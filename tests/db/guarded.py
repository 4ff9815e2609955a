"""Run SQL for the tests of the guards of the database, that is, of its checks.

The SQL runs in the role of the tables' owner.
"""

from collections.abc import Sequence

import asyncpg
import pytest

Leg = tuple[int, int, str]


async def refused(connection: asyncpg.Connection, state: str, *statements: str) -> None:
    """Run the statements in one transaction, and assert that they fail.

    `state` is the expected SQLSTATE of the error.
    """

    async def attempt() -> None:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)

    with pytest.raises(asyncpg.PostgresError) as refusal:
        await attempt()
    assert refusal.value.sqlstate == state, refusal.value


def post(key: str, reason: str, reference: int | str, *legs: Leg) -> str:
    """Return an SQL statement that records a transfer.

    Each leg has three values: the id of a wallet, an amount in minor units, and a reason.
    """
    wallets, amounts, reasons = zip(*legs, strict=True)
    return (
        f"SELECT post_transfer('{key}', '{reason}', {reference}, ARRAY{list(wallets)}::bigint[],"
        f" ARRAY{list(amounts)}::bigint[], ARRAY{list(reasons)}, NULL, NULL)"
    )


async def done(
    connection: asyncpg.Connection, signers: Sequence[int], a: int, b: int, amount: int
) -> int:
    """Insert a correction with the status `done`, and return its id.

    The correction moves `amount` minor units between the wallets `a` and `b`. `signers` are two
    user ids: the admin who proposes, and the admin who confirms. The caller must record the
    transfer of the correction in the same transaction. Before the call, run `breakage.UNSIGNED`. It
    disables the triggers that require a press of a button from each admin.
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
