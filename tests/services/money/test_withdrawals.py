"""Test the request, the approval, the payment and the return of a withdrawal."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.users import Role
from db.money import MAX_AMOUNT
from services.money import withdrawal_details, withdrawals
from services.platform import errors
from services.platform.actors import SYSTEM, Actor
from tests.conftest import Database
from tests.factories import people, rows

Act = Callable[[AsyncSession, Actor, int], Awaitable[Any]]
WHERE_IT_IS = (
    "SELECT kind, balance FROM wallets WHERE :id IN (user_id, counterparty_id)"
    " AND (balance <> 0 OR kind = 'withdrawal') ORDER BY kind"
)


async def _requested(session: AsyncSession, *, balance: int = 1_000, amount: int = 400) -> Any:
    """Return a person and a withdrawal that this person has requested."""
    person = await people.person(session, balance=balance)
    withdrawal = await withdrawals.request(session, actor=person, amount=amount, key="form")
    await people.commit(session)
    return person, withdrawal


async def approve(session: AsyncSession, admin: Actor, id_: int) -> Any:
    return await withdrawals.approve(session, actor=admin, withdrawal_id=id_)


async def pay(session: AsyncSession, admin: Actor, id_: int) -> Any:
    return await withdrawals.mark_paid(
        session, actor=admin, withdrawal_id=id_, external_reference="bank-1"
    )


async def give_back(session: AsyncSession, admin: Actor, id_: int) -> Any:
    return await withdrawals.return_money(
        session, actor=admin, withdrawal_id=id_, reason="wrong account"
    )


async def cancel(session: AsyncSession, person: Actor, id_: int) -> Any:
    return await withdrawals.cancel(session, actor=person, withdrawal_id=id_)


def by(step: Act, actor: Actor, id_: int) -> Callable[[AsyncSession], Awaitable[Any]]:
    """Return a function that does the step `step` of the withdrawal `id_`."""
    return lambda session: step(session, actor, id_)


async def _notices(session: AsyncSession, id_: int) -> list[tuple[Any, ...]]:
    return await rows.table(
        session,
        "SELECT user_id, payload->>'status' FROM outbox WHERE kind = 'withdrawal_changed'"
        " AND (payload->>'withdrawal_id')::bigint = :id ORDER BY id",
        id=id_,
    )


async def test_a_withdrawal_is_requested_approved_and_paid(session: AsyncSession) -> None:
    person, withdrawal = await _requested(session)
    admin = await people.staff(session)
    assert await rows.table(session, WHERE_IT_IS, id=person.user_id) == [
        ("external", -1_000),
        ("user", 600),
        ("withdrawal", 400),
    ]
    assert (await approve(session, admin, withdrawal.id)).status == "approved"
    assert [w.status for w in await withdrawal_details.list_open(session, limit=5, offset=0)] == [
        "approved"
    ]
    paid = await pay(session, admin, withdrawal.id)
    await people.commit(session)
    assert (paid.status, paid.external_reference, paid.decided_by) == (
        "paid",
        "bank-1",
        admin.user_id,
    )
    assert paid.settled_at is not None
    assert await rows.table(session, WHERE_IT_IS, id=person.user_id) == [
        ("external", -600),
        ("user", 600),
        ("withdrawal", 0),
    ]
    assert await _notices(session, withdrawal.id) == [
        (None, "requested"),
        (person.user_id, "approved"),
        (person.user_id, "paid"),
    ]
    assert await rows.table(
        session,
        "SELECT action, user_id, role FROM user_audit_logs WHERE action LIKE 'withdrawal%'"
        " ORDER BY id",
    ) == [
        ("withdrawal_requested", person.user_id, "owner"),
        ("withdrawal_approved", admin.user_id, "admin"),
        ("withdrawal_paid", admin.user_id, "admin"),
    ]
    assert await withdrawal_details.list_open(session, limit=5, offset=0) == []
    mine = await withdrawals.of_user(session, user_id=person.user_id, limit=5, offset=0)
    assert [row.id for row in mine] == [withdrawal.id]


@pytest.mark.parametrize("steps", ["give_back", "approve give_back", "cancel"])
async def test_a_returned_withdrawal_gives_all_money_back(
    session: AsyncSession, steps: str
) -> None:
    person, withdrawal = await _requested(session)
    admin = await people.staff(session)
    for step in steps.split():
        done = await globals()[step](session, person if step == "cancel" else admin, withdrawal.id)
    await people.commit(session)
    assert done.status == "returned"
    assert done.return_reason == ("cancelled" if steps == "cancel" else "wrong account")
    assert await rows.available(session, person) == 1_000
    assert (await _notices(session, withdrawal.id))[-1] == (person.user_id, "returned")


@pytest.mark.parametrize("step", [approve, pay, give_back, cancel])
async def test_a_repeat_returns_the_first_result(session: AsyncSession, step: Act) -> None:
    person, withdrawal = await _requested(session)
    actor = person if step is cancel else await people.staff(session)
    if step is pay:
        await approve(session, actor, withdrawal.id)
    first = await step(session, actor, withdrawal.id)
    before = await rows.snapshot(session)
    assert (await step(session, actor, withdrawal.id)).id == first.id
    assert await rows.snapshot(session) == before


async def test_a_form_sent_twice_is_one_withdrawal(session: AsyncSession) -> None:
    person, withdrawal = await _requested(session)
    before = await rows.snapshot(session)
    again = await withdrawals.request(session, actor=person, amount=400, key="form")
    assert again.id == withdrawal.id
    other = await people.person(session, balance=500)
    for actor, amount in ((person, 401), (other, 400)):
        with pytest.raises(errors.IdempotencyConflict):
            await withdrawals.request(session, actor=actor, amount=amount, key="form")
    assert rows.grown(before, await rows.snapshot(session)).get("withdrawals") is None


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT + 1])
async def test_invalid_amounts_are_refused(session: AsyncSession, amount: int) -> None:
    person = await people.person(session, balance=100)
    with pytest.raises(errors.InvalidAmount):
        await withdrawals.request(session, actor=person, amount=amount, key="k")


async def test_the_system_cannot_withdraw_and_an_unknown_withdrawal_is_not_found(
    session: AsyncSession,
) -> None:
    with pytest.raises(errors.AccessDenied):
        await withdrawals.request(session, actor=SYSTEM, amount=1, key="form")
    for read in (withdrawal_details.get_details, withdrawals.get):
        with pytest.raises(errors.NotFound):
            await read(session, 999_999)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
async def test_invalid_reasons_are_refused(session: AsyncSession, reason: str) -> None:
    _, withdrawal = await _requested(session)
    admin = await people.staff(session)
    with pytest.raises(errors.InvalidText):
        await withdrawals.return_money(
            session, actor=admin, withdrawal_id=withdrawal.id, reason=reason
        )


async def test_an_amount_above_the_balance_is_refused(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=100)
    refusal = await rows.refused(
        database.sessions,
        lambda session: withdrawals.request(session, actor=person, amount=101, key="k"),
        actor=person,
        action="withdrawal_request",
    )
    assert isinstance(refusal, errors.InsufficientFunds)
    assert (refusal.needed, refusal.balance) == (101, 100)


async def test_the_switch_stops_requests_and_approvals_but_no_record_of_a_payment(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        person, waiting = await _requested(session)
        rich = await people.person(session, balance=100)
        admin = await people.staff(session)
        approved = await withdrawals.request(session, actor=rich, amount=60, key="other")
        await approve(session, admin, approved.id)
        await people.stop(session, Switch.WITHDRAWALS)

    async def ask(session: AsyncSession) -> Any:
        return await withdrawals.request(session, actor=person, amount=1, key="new")

    async def let(session: AsyncSession) -> Any:
        return await approve(session, admin, waiting.id)

    for act, actor in ((ask, person), (let, admin)):
        refusal = await rows.refused(database.sessions, act, actor=actor, action="withdrawal")
        assert isinstance(refusal, errors.SwitchStopped)
    async with database.sessions.begin() as session:  # a repeated request is no new request
        again = await withdrawals.request(session, actor=person, amount=400, key="form")
        assert again.id == waiting.id
        assert (await pay(session, admin, approved.id)).status == "paid"
    payment: dict[str, Any] = {"withdrawal_id": waiting.id, "external_reference": "bank-2"}
    with pytest.raises(errors.SecondPersonNeeded):  # it was paid outside before its approval
        async with database.sessions.begin() as session:
            await withdrawals.mark_paid(session, actor=admin, **payment)
    async with database.sessions.begin() as session:
        await people.decided_payment(session, admin, **payment)
        paid = await withdrawals.mark_paid(session, actor=admin, confirmed=True, **payment)
        assert (paid.status, paid.decided_by) == ("paid", admin.user_id)


async def test_a_blocked_persons_withdrawal_waits(database: Database) -> None:
    async with database.sessions.begin() as session:
        person, withdrawal = await _requested(session)
        admin = await people.staff(session)
        await people.block(session, person)
    for act, actor in (
        (lambda s: approve(s, admin, withdrawal.id), admin),
        (lambda s: withdrawals.request(s, actor=person, amount=1, key="new"), person),
    ):
        refusal = await rows.refused(database.sessions, act, actor=actor, action="withdrawal")
        assert isinstance(refusal, errors.PersonBlocked)
    async with database.sessions.begin() as session:
        (row,) = await withdrawal_details.list_open(session, limit=5, offset=0)
        assert (row.status, row.blocked) == ("requested", True)
        payment = {"withdrawal_id": withdrawal.id, "external_reference": "bank-1"}
        await people.decided_payment(session, admin, **payment)
        paid = await withdrawals.mark_paid(session, actor=admin, confirmed=True, **payment)
        assert paid.status == "paid"


@pytest.mark.parametrize("step", [approve, pay, give_back])
async def test_only_staff_decide_and_never_on_their_own_money(
    database: Database, step: Act
) -> None:
    async with database.sessions.begin() as session:
        admin = await people.staff(session)
        operator = await people.staff(session, Role.OPERATOR)
        person, withdrawal = await _requested(session)
        mine = Actor(person.user_id, frozenset({Role.SUPER_ADMIN}), in_admin_chat=True)
    outside = Actor(admin.user_id, admin.roles, in_admin_chat=False)
    for actor, expected in (
        (person, errors.AccessDenied),
        (operator, errors.AccessDenied),
        (outside, errors.AccessDenied),
        (mine, errors.OwnMoney),
    ):
        refusal = await rows.refused(
            database.sessions,
            by(step, actor, withdrawal.id),
            actor=actor,
            action="withdrawal",
        )
        assert isinstance(refusal, expected)


async def test_only_the_person_cancels_and_only_before_approval(database: Database) -> None:
    async with database.sessions.begin() as session:
        person, withdrawal = await _requested(session)
        other, admin = await people.person(session), await people.staff(session)
    refusal = await rows.refused(
        database.sessions, lambda s: cancel(s, other, withdrawal.id), actor=other, action="cancel"
    )
    assert isinstance(refusal, errors.NotWithdrawalOwner)
    async with database.sessions.begin() as session:
        await approve(session, admin, withdrawal.id)
    refusal = await rows.refused(
        database.sessions, lambda s: cancel(s, person, withdrawal.id), actor=person, action="cancel"
    )
    assert isinstance(refusal, errors.InvalidMove)


async def test_an_outside_payment_belongs_to_one_withdrawal(database: Database) -> None:
    async with database.sessions.begin() as session:
        person, first = await _requested(session)
        admin = await people.staff(session)
        second = await withdrawals.request(session, actor=person, amount=100, key="second")
        await approve(session, admin, first.id)
        await pay(session, admin, first.id)
    with pytest.raises(errors.IdempotencyConflict):
        async with database.sessions.begin() as session:
            await pay(session, admin, second.id)
    with pytest.raises(errors.SecondPersonNeeded):
        async with database.sessions.begin() as session:
            await withdrawals.mark_paid(
                session, actor=admin, withdrawal_id=first.id, external_reference="bank-9"
            )
    for step in (approve, give_back):
        if step is give_back:
            with pytest.raises(errors.InvalidMove):
                async with database.sessions.begin() as session:
                    await step(session, admin, first.id)
        else:  # the withdrawal was approved before
            async with database.sessions.begin() as session:
                assert (await step(session, admin, first.id)).status == "paid"
    for wrong in ("", " ", "x" * 201):
        with pytest.raises(errors.InvalidText):
            async with database.sessions.begin() as session:
                await withdrawals.mark_paid(
                    session, actor=admin, withdrawal_id=second.id, external_reference=wrong
                )


async def test_concurrent_withdrawals_never_exceed_the_balance(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=1_050)
        admins = [await people.staff(session) for _ in range(4)]

    async def attempt(act: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        try:
            async with database.sessions.begin() as session:
                return await act(session)
        except errors.DomainError as error:
            return error

    def ask(n: int) -> Callable[[AsyncSession], Awaitable[Any]]:
        return lambda s: withdrawals.request(s, actor=person, amount=100, key=f"k{n // 2}")

    made = await asyncio.gather(*(attempt(ask(n)) for n in range(40)))
    ids = {row.id for row in made if not isinstance(row, errors.DomainError)}
    assert len(ids) == 10
    assert {type(row) for row in made if isinstance(row, Exception)} == {errors.InsufficientFunds}
    withdrawal = min(ids)
    async with database.sessions.begin() as session:
        await approve(session, admins[0], withdrawal)
    done = await asyncio.gather(
        *(attempt(by(pay, a, withdrawal)) for a in admins),
        *(attempt(by(give_back, a, withdrawal)) for a in admins),
    )
    async with database.sessions.begin() as session:
        status = (await withdrawals.get(session, withdrawal)).status
        assert await rows.available(session, person) == 50 + (100 if status == "returned" else 0)
    lost = [row for row in done if isinstance(row, errors.InvalidMove | errors.SecondPersonNeeded)]
    assert len(lost) == 4
    assert {row.status for row in done if row not in lost} == {status}


async def test_the_database_refuses_transfers_without_a_withdrawal(database: Database) -> None:
    async with database.sessions.begin() as session:
        person, withdrawal = await _requested(session)
        thief = await people.person(session, balance=1)
        admin = await people.staff(session)
        deposit_id = await rows.one(session, "SELECT min(id) FROM deposits")
    find = "SELECT id FROM wallets WHERE kind = '{}' AND user_id = {}"
    holding = f"({find.format('withdrawal', person.user_id)})"
    mine = f"({find.format('user', thief.user_id)})"
    for sql, state in (
        ("UPDATE withdrawals SET status = 'returned', settled_at = now()", "AD020"),
        (
            (
                "UPDATE withdrawals SET status = 'paid', settled_at = now(),"
                f" external_reference = 'x', decided_by = {admin.user_id}"
            ),
            "AD020",
        ),
        *(
            (
                (
                    f"SELECT post_transfer('x', '{reason}', {reference},"
                    f" ARRAY[{holding}, {mine}],"
                    f" ARRAY[-400, 400]::bigint[], ARRAY['{leg}', '{leg}'], NULL, NULL)"
                ),
                state,
            )
            for reason, leg, reference, state in (
                ("withdrawal_return", "withdrawal_return", withdrawal.id, "AD020"),
                ("withdrawal", "withdrawal", withdrawal.id, "AD020"),
                ("withdrawal", "fee", withdrawal.id, "AD024"),
                ("withdrawal_hold", "withdrawal_hold", withdrawal.id, "AD020"),
                ("adjustment", "adjustment", withdrawal.id, "AD023"),
                ("deposit", "deposit", deposit_id, "AD020"),
                ("clawback", "clawback", withdrawal.id, "AD021"),
            )
        ),
    ):
        with pytest.raises(DBAPIError) as refusal:
            async with database.sessions.begin() as session:
                await rows.table(session, f"{sql} {'RETURNING id' * sql.startswith('UPDATE')}")
        assert getattr(refusal.value.orig, "sqlstate", None) == state, sql
