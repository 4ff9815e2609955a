"""Test that a correction of the books needs two admins."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role
from db.money import MAX_AMOUNT
from services.money import correction_details, corrections, ledger, wallets
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import breakage, people, presses, rows

TOLD = (
    "SELECT user_id, (payload ->> 'amount')::int, payload ->> 'currency' FROM outbox"
    " WHERE kind = 'wallet_corrected' ORDER BY id"
)


async def _wallet(session: AsyncSession, who: Actor) -> int:
    return (await wallets.of_user(session, who.user_id or 0)).id


async def _proposed(
    session: AsyncSession, proposer: Actor, one: Actor, two: Actor, *, amount: int = 40, **more: Any
) -> Any:
    return await presses.propose(
        corrections.propose_adjustment,
        session,
        actor=proposer,
        from_wallet=await _wallet(session, one),
        to_wallet=await _wallet(session, two),
        amount=amount,
        reason="paid for the wrong placement",
        **more,
    )


async def _confirm(session: AsyncSession, who: Actor, id_: int) -> Any:
    who = await presses.confirm_correction(session, who, id_)
    return await corrections.confirm(session, actor=who, correction_id=id_, reason="checked")


def _confirming(who: Actor, id_: int) -> Callable[[AsyncSession], Awaitable[Any]]:
    return lambda session: _confirm(session, who, id_)


def _refusing(who: Actor, id_: int) -> Callable[[AsyncSession], Awaitable[Any]]:
    return lambda session: corrections.drop(session, actor=who, correction_id=id_, reason="x")


def _proposing(who: Actor, one: Actor, two: Actor) -> Callable[[AsyncSession], Awaitable[Any]]:
    return lambda session: _proposed(session, who, one, two)


async def _run(database: Database, statements: list[str]) -> None:
    """Run SQL statements in one transaction, with the application's database role."""
    async with database.sessions.begin() as session:
        for sql in statements:
            await rows.table(session, sql)


async def test_two_admins_move_money_by_a_compensating_transfer(session: AsyncSession) -> None:
    one, two = await people.person(session, balance=100), await people.person(session)
    proposer, confirmer = await people.staff(session), await people.staff(session)
    proposed = await _proposed(session, proposer, one, two)
    await people.commit(session)
    assert (proposed.status, await rows.available(session, two)) == ("proposed", 0)
    assert [row.id for row in await corrections.list_open(session, limit=5, offset=0)] == [
        proposed.id
    ]
    done = await _confirm(session, confirmer, proposed.id)
    await people.commit(session)
    assert (done.status, done.proposed_by, done.confirmed_by) == (
        "done",
        proposer.user_id,
        confirmer.user_id,
    )
    assert (done.reason, done.confirm_reason) == ("paid for the wrong placement", "checked")
    assert [await rows.available(session, who) for who in (one, two)] == [60, 40]
    assert await rows.table(
        session,
        "SELECT t.reason, t.reference_id, t.actor_id, e.amount, e.reason FROM ledger_transfers t"
        " JOIN ledger_entries e ON e.transfer_id = t.id WHERE t.reason = 'adjustment'"
        " ORDER BY e.amount",
    ) == [
        ("adjustment", done.id, confirmer.user_id, -40, "adjustment"),
        ("adjustment", done.id, confirmer.user_id, 40, "adjustment"),
    ]
    assert await rows.table(
        session,
        "SELECT action, user_id, (metadata->>'amount')::int FROM user_audit_logs"
        " WHERE action LIKE 'correction%' ORDER BY id",
    ) == [
        ("correction_proposed", proposer.user_id, 40),
        ("correction_done", confirmer.user_id, 40),
    ]
    assert await rows.table(
        session,
        "SELECT user_id, payload->>'status' FROM outbox WHERE kind = 'correction_changed'"
        " ORDER BY id",
    ) == [(None, "proposed"), (None, "done")]
    assert await rows.table(session, TOLD) == [(one.user_id, -40, "USD"), (two.user_id, 40, "USD")]
    assert await corrections.list_open(session, limit=5, offset=0) == []
    again = await presses.confirm_correction(session, confirmer, done.id)
    before = await rows.snapshot(session)
    repeated = await corrections.confirm(
        session, actor=again, correction_id=done.id, reason="checked"
    )
    assert repeated.id == done.id
    assert await rows.snapshot(session) == before


async def test_two_admins_without_an_interest_in_the_money_are_needed(database: Database) -> None:
    async with database.sessions.begin() as session:
        one, two = await people.person(session, balance=100), await people.person(session)
        proposer, operator = await people.staff(session), await people.staff(session, Role.OPERATOR)
        proposed = await _proposed(session, proposer, one, two)
    staff = frozenset({Role.ADMIN})
    for actor, expected in (
        (proposer, errors.SamePerson),
        (operator, errors.AccessDenied),
        (Actor(operator.user_id, staff, in_admin_chat=False), errors.AccessDenied),
        (Actor(one.user_id, staff, in_admin_chat=True), errors.OwnMoney),
        (Actor(two.user_id, staff, in_admin_chat=True), errors.OwnMoney),
    ):
        refusal = await rows.refused(
            database.sessions,
            _confirming(actor, proposed.id),
            actor=actor,
            action="correction_confirm",
        )
        assert isinstance(refusal, expected)
    for actor, expected in (
        (operator, errors.AccessDenied),
        (Actor(two.user_id, staff, in_admin_chat=True), errors.OwnMoney),
    ):
        for act, action in (
            (_proposing(actor, one, two), "correction_propose"),
            (_refusing(actor, proposed.id), "correction_drop"),
        ):
            refusal = await rows.refused(database.sessions, act, actor=actor, action=action)
            assert isinstance(refusal, expected)


async def test_the_external_wallet_of_a_person_counts_as_their_money(session: AsyncSession) -> None:
    mine = await people.person(session, balance=100)
    me = Actor(mine.user_id, frozenset({Role.ADMIN}), in_admin_chat=True)
    outside = await rows.one(
        session, "SELECT id FROM wallets WHERE counterparty_id = :id", id=mine.user_id
    )
    other = await people.person(session)
    with pytest.raises(errors.OwnMoney):
        await corrections.propose_adjustment(
            session,
            actor=me,
            from_wallet=outside,
            to_wallet=await _wallet(session, other),
            amount=5,
            reason="x",
        )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount": 0}, errors.InvalidAmount),
        ({"amount": -5}, errors.InvalidAmount),
        ({"amount": MAX_AMOUNT + 1}, errors.InvalidAmount),
        ({"reason": "  "}, errors.InvalidText),
        ({"reason": "x" * 501}, errors.InvalidText),
        ({"to_wallet": 999_999}, errors.NotFound),
        ({"to_wallet": "same"}, errors.NotCorrectable),
        ({"to_wallet": "escrow"}, errors.NotCorrectable),
    ],
)
async def test_invalid_adjustments_are_refused(
    session: AsyncSession, change: dict[str, Any], expected: type[Exception]
) -> None:
    deal = await people.approved(session)
    mine = await _wallet(session, deal.advertiser)
    wallets_by_name = {
        "same": mine,
        "escrow": await rows.one(session, "SELECT wallet_id FROM escrows"),
    }
    proposal: dict[str, Any] = {
        "amount": 5,
        "reason": "x",
        "to_wallet": await _wallet(session, deal.owner),
    } | change
    proposal["to_wallet"] = wallets_by_name.get(proposal["to_wallet"], proposal["to_wallet"])
    proposer = await people.staff(session)
    with pytest.raises(expected):
        await corrections.propose_adjustment(session, actor=proposer, from_wallet=mine, **proposal)


async def test_invalid_orphans_and_missing_payouts_are_refused(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.approved(session)
        proposer = await people.staff(session)
        wallet_id = await rows.one(session, "SELECT wallet_id FROM escrows")
    await breakage.run_unguarded(database, breakage.orphan(wallet_id, 5))
    async with database.sessions() as session:
        of_an_escrow = await rows.one(session, "SELECT max(id) FROM ledger_entries")
        with pytest.raises(errors.NotCorrectable):
            await corrections.propose_orphan(
                session, actor=proposer, entry_id=of_an_escrow, reason="x"
            )
        with pytest.raises(errors.NotCorrectable):
            await corrections.propose_missing_payout(
                session, actor=proposer, target_id=deal.target.id, reason="x"
            )
    await breakage.run_unguarded(
        database,
        f"DELETE FROM ledger_entries WHERE id = {of_an_escrow}",
        "DELETE FROM ledger_transfers WHERE key = 'by hand'",
    )


async def test_a_proposal_about_an_unknown_row_is_refused(session: AsyncSession) -> None:
    with pytest.raises(errors.NotFound):
        await correction_details.get(session, correction_id=999_999)
    proposer = await people.staff(session)
    for propose in (corrections.propose_missing_payout, corrections.propose_escrow_reversal):
        with pytest.raises(errors.NotFound):
            await propose(session, actor=proposer, target_id=999_999, reason="x")


async def test_a_repeated_proposal_returns_the_first(session: AsyncSession) -> None:
    one, two = await people.person(session, balance=100), await people.person(session)
    proposer = await people.staff(session)
    first = await _proposed(session, proposer, one, two, key="form")
    assert (await _proposed(session, proposer, one, two, key="form")).id == first.id
    with pytest.raises(errors.IdempotencyConflict):
        await _proposed(session, proposer, one, two, key="form", amount=41)
    assert (await _proposed(session, proposer, one, two)).id != first.id
    reset = [
        await presses.propose(
            corrections.propose_balance_reset,
            session,
            actor=proposer,
            wallet_id=await _wallet(session, one),
            reason="drift",
        )
        for _ in range(2)
    ]
    assert reset[0].id == reset[1].id


async def test_an_adjustment_without_enough_money_stays_proposed(database: Database) -> None:
    async with database.sessions.begin() as session:
        one, two = await people.person(session, balance=10), await people.person(session)
        confirmer = await people.staff(session)
        proposed = await _proposed(session, await people.staff(session), one, two)
    refusal = await rows.refused(
        database.sessions,
        lambda session: _confirm(session, confirmer, proposed.id),
        actor=confirmer,
        action="correction_confirm",
    )
    assert isinstance(refusal, errors.InsufficientFunds)


async def test_a_refused_correction_cannot_be_confirmed(session: AsyncSession) -> None:
    one, two = await people.person(session, balance=100), await people.person(session)
    proposer, other = await people.staff(session), await people.staff(session)
    proposed = await _proposed(session, proposer, one, two)
    with pytest.raises(errors.InvalidText):
        await corrections.drop(session, actor=other, correction_id=proposed.id, reason="  ")
    for actor in (proposer, other):
        dropped = await corrections.drop(
            session, actor=actor, correction_id=proposed.id, reason="the wrong wallet"
        )
        assert dropped.status == "dropped"
    assert await rows.table(
        session,
        "SELECT user_id, metadata->>'reason' FROM user_audit_logs"
        " WHERE action = 'correction_dropped'",
    ) == [(proposer.user_id, "the wrong wallet")]
    with pytest.raises(errors.InvalidMove):
        await _confirm(session, other, proposed.id)
    with pytest.raises(errors.NotFound):
        await _confirm(session, other, 999_999)


async def test_many_confirmations_at_once_move_the_money_once(database: Database) -> None:
    async with database.sessions.begin() as session:
        one, two = await people.person(session, balance=100), await people.person(session)
        proposed = await _proposed(session, await people.staff(session), one, two)
        admins = [await people.staff(session) for _ in range(5)]

    async def attempt(actor: Actor) -> str:
        async with database.sessions.begin() as session:
            return str((await _confirm(session, actor, proposed.id)).status)

    assert await asyncio.gather(*(attempt(admin) for admin in admins * 4)) == ["done"] * 20
    async with database.sessions.begin() as session:
        assert [await rows.available(session, who) for who in (one, two)] == [60, 40]


async def test_the_database_refuses_an_adjustment_without_two_people(database: Database) -> None:
    async with database.sessions.begin() as session:
        one, two = await people.person(session, balance=100), await people.person(session)
        a, b = await _wallet(session, one), await _wallet(session, two)
        proposer, other = await people.staff(session), await people.staff(session)
        proposed = await _proposed(session, proposer, one, two)
        done = await _proposed(session, proposer, one, two)
        await _confirm(session, other, done.id)
    await database.as_owner(breakage.UNSIGNED)
    sign = "UPDATE corrections SET status = 'done', confirm_reason = 'x', done_at = now(),"
    post = (
        f"SELECT post_transfer('x', 'adjustment', {proposed.id}, ARRAY[{a}, {b}]::bigint[],"
        " ARRAY[{0}, {1}]::bigint[], ARRAY['adjustment', 'adjustment'], NULL, NULL)"
    )
    mine = f"WHERE id = {proposed.id} RETURNING id"
    signed = f"{sign} confirmed_by = {other.user_id} {mine}"
    legs = "a transfer does not match the row that it belongs to"
    for attempt, message in (
        ([post.format(-40, 40)], legs),  # the correction is not confirmed
        ([signed], legs),  # the transfer is missing
        (
            [f"{sign} confirmed_by = {proposer.user_id} {mine}", post.format(-40, 40)],
            "ck_corrections_two_people",
        ),
        ([signed, post.format(-41, 41)], legs),  # the amount is too high
        ([signed, post.format(40, -40)], legs),  # the direction is wrong
        (
            [f"UPDATE corrections SET status = 'proposed' WHERE id = {done.id} RETURNING id"],
            "no row of corrections moves from done to proposed",
        ),
    ):
        with pytest.raises(DBAPIError, match=message):
            await _run(database, attempt)
    async with database.sessions.begin() as session:
        assert [await rows.available(session, who) for who in (one, two)] == [60, 40]
    with pytest.raises(errors.NotFound):
        async with database.sessions.begin() as session:
            await ledger.lock_wallet(session, 999_999)
