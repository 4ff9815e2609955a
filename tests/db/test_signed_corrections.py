"""Test that a press signs only the correction that its request names."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.corrections import CorrectionKind
from db.session import sqlstate
from tests.factories import people, presses, rows

ADJUSTMENT = (
    "INSERT INTO corrections (kind, wallet_id, other_wallet_id, amount, proposed_by, proposed_in,"
    " reason) VALUES ('adjustment', :from_wallet, :to_wallet, :amount, :by, :press, :reason)"
)
RESET = (
    "INSERT INTO corrections (kind, wallet_id, proposed_by, proposed_in, reason)"
    " VALUES ('balance_reset', :from_wallet, :by, :press, :reason)"
)
ORPHAN = (
    "INSERT INTO corrections (kind, wallet_id, other_wallet_id, amount, entry_id, proposed_by,"
    " proposed_in, reason) VALUES ('orphan_entry', :from_wallet, CAST(:other AS bigint), :amount,"
    " :entry_id, :by, :press, :reason)"
)
PAYOUT = (
    "INSERT INTO corrections (kind, target_id, proposed_by, proposed_in, reason)"
    " VALUES (:kind, :target_id, :by, :press, :reason)"
)


@pytest.mark.parametrize(
    ("kind", "named", "statement", "change"),
    [
        ("adjustment", ("from_wallet", "to_wallet", "amount"), ADJUSTMENT, {"amount": 77_700}),
        ("adjustment", ("from_wallet", "to_wallet", "amount"), ADJUSTMENT, {"from_wallet": 0}),
        ("adjustment", ("from_wallet", "to_wallet", "amount"), ADJUSTMENT, {"to_wallet": 0}),
        ("adjustment", ("from_wallet", "to_wallet", "amount"), ADJUSTMENT, {"reason": "z"}),
        ("balance_reset", ("wallet_id",), RESET, {"from_wallet": 0}),
        ("balance_reset", ("wallet_id",), ADJUSTMENT, {}),
        ("orphan_entry", ("entry_id",), ORPHAN, {"entry_id": 0}),
        ("orphan_entry", ("entry_id",), ORPHAN, {"from_wallet": 0}),
        ("orphan_entry", ("entry_id",), ORPHAN, {"amount": 1}),
        ("orphan_entry", ("entry_id",), ORPHAN, {"other": 0}),
        ("missing_payout", ("target_id",), PAYOUT, {"target_id": 0}),
        ("missing_payout", ("target_id",), PAYOUT, {"kind": "escrow_reversal"}),
    ],
)
async def test_the_press_signs_only_the_correction_that_the_request_names(
    session: AsyncSession, kind: str, named: tuple[str, ...], statement: str, change: dict[str, Any]
) -> None:
    admin, deal = await people.staff(session), await people.deal(session)
    await people.person(session, balance=900)
    entry_id, wallet_id, amount = (
        await rows.table(
            session,
            "SELECT e.id, e.wallet_id, e.amount FROM ledger_entries e JOIN wallets w"
            " ON w.id = e.wallet_id WHERE w.kind = 'user' ORDER BY e.id DESC LIMIT 1",
        )
    )[0]
    other = await rows.one(session, "SELECT min(id) FROM wallets")
    third = await rows.one(session, "SELECT min(id) FROM wallets WHERE id > :id", id=other)
    facts: dict[str, Any] = {
        "kind": kind,
        "from_wallet": wallet_id,
        "wallet_id": wallet_id,
        "to_wallet": other,
        "other": None,
        "amount": amount,
        "entry_id": entry_id,
        "target_id": deal.target.id,
        "reason": "x",
    }
    before = {
        "from_wallet": third,
        "to_wallet": third,
        "other": other,
        "entry_id": await rows.one(session, "SELECT min(id) FROM ledger_entries"),
        "target_id": (await people.deal(session)).target.id,
    }
    changed = {name: before[name] if value == 0 else value for name, value in change.items()}
    press = await presses.request_correction(
        session,
        admin,
        CorrectionKind(kind),
        reason="x",
        **{name: facts[name] for name in named},
    )
    signed = {"by": admin.user_id, "press": press.inbox_id}
    with pytest.raises(DBAPIError) as refusal:
        async with session.begin_nested():
            await session.execute(text(statement), facts | changed | signed)
    assert sqlstate(refusal.value) == "AD080"
    right = {"adjustment": ADJUSTMENT, "balance_reset": RESET, "orphan_entry": ORPHAN}
    await session.execute(text(right.get(kind, PAYOUT)), facts | signed)
