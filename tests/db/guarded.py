"""Run SQL in the role of the tables' owner, for the tests of the database's guards (its checks)."""

from collections.abc import Sequence

import asyncpg
import pytest

Leg = tuple[int, int, str]


async def refused(connection: asyncpg.Connection, state: str, *statements: str) -> None:
    """Run the statements in one transaction; assert that they fail with this SQLSTATE."""

    async def attempt() -> None:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)

    with pytest.raises(asyncpg.PostgresError) as refusal:
        await attempt()
    assert refusal.value.sqlstate == state, refusal.value


def post(key: str, reason: str, reference: int | str, *legs: Leg) -> str:
    """Return SQL that records a transfer with these legs; a leg is (wallet, amount, reason)."""
    wallets, amounts, reasons = zip(*legs, strict=True)
    return (
        f"SELECT post_transfer('{key}', '{reason}', {reference}, ARRAY{list(wallets)}::bigint[],"
        f" ARRAY{list(amounts)}::bigint[], ARRAY{list(reasons)}, NULL, NULL)"
    )


async def done(
    connection: asyncpg.Connection, signers: Sequence[int], a: int, b: int, amount: int
) -> int:
    """Insert a correction with the status `done`, and return its id.

    The correction moves `amount` between the wallets `a` and `b`. `signers` are the user ids of the
    two admins: who proposes and who confirms. The caller must record the transfer of the correction
    in the same transaction. The triggers that ask for the admins' presses must be disabled
    (`breakage.UNSIGNED`).
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
