"""Test which people must confirm a request of the staff."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.corrections import CorrectionKind
from db.models.operations import Switch
from db.models.users import RequestKind, RequestStatus, Role, StaffRequest, UserRole
from services.market import staff_requests, user_blocks
from services.money import invariants, wallets, withdrawals
from services.platform import errors, killswitches, roles, users
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import people, presses, rows

STATUS = "SELECT status FROM staff_requests WHERE id = :id"


async def _telegram_id(session: AsyncSession, who: Actor) -> int:
    return (await users.get(session, who.user_id or 0)).telegram_id


async def _asked(
    session: AsyncSession,
    who: Actor,
    kind: RequestKind,
    subject: Actor | None = None,
    *,
    from_shell: bool = True,
    **arguments: Any,
) -> int:
    """Create a staff request, and return the request's id."""
    telegram_id = await _telegram_id(session, subject) if subject else None
    if not from_shell:
        command = f"/{kind.removesuffix('_role')} {telegram_id} {arguments.get('role')} a reason"
        if kind is RequestKind.RECORD_PAYMENT:
            command = "/paid {withdrawal_id} {external_reference}\na reason".format(**arguments)
        who = await presses.write(session, who, command)
    request = await staff_requests.create(
        session,
        actor=who,
        kind=kind,
        arguments=arguments,
        reason="a reason",
        subject_telegram_id=telegram_id,
        from_shell=from_shell,
    )
    return request.id


async def _acknowledge(session: AsyncSession, who: Actor, request_id: int) -> StaffRequest:
    who = await presses.press(session, who, f"request:mine:{request_id}")
    return await staff_requests.acknowledge(session, actor=who, request_id=request_id)


async def _confirm(session: AsyncSession, who: Actor, request_id: int) -> StaffRequest:
    who = await presses.press(session, who, f"request:yes_sure:{request_id}")
    return await staff_requests.confirm(session, actor=who, request_id=request_id)


async def _drop(session: AsyncSession, who: Actor, request_id: int) -> StaffRequest:
    who = await presses.press(session, who, f"request:no_sure:{request_id}")
    return await staff_requests.drop(session, actor=who, request_id=request_id)


async def test_a_shell_runs_a_switch_only_after_its_person_pressed(session: AsyncSession) -> None:
    honest, other = [await people.staff(session, Role.OPERATOR) for _ in range(2)]
    await people.stop(session, Switch.PAYOUTS)
    asked = await _asked(session, honest, RequestKind.RUN_SWITCH, key="payouts")
    assert not await killswitches.are_running(session, Switch.PAYOUTS)
    for press in (_acknowledge, _confirm):
        with pytest.raises((errors.AccessDenied, errors.NotAcknowledged)):
            await press(session, other, asked)
    assert not await killswitches.are_running(session, Switch.PAYOUTS)
    for _ in range(2):
        done = await _acknowledge(session, honest, asked)
        assert done.status is RequestStatus.DONE
    assert await killswitches.are_running(session, Switch.PAYOUTS)
    changed = (
        "SELECT count(*) FROM user_audit_logs WHERE action = 'kill_switch_run' AND user_id = :id"
    )
    assert await rows.one(session, changed, id=honest.user_id) == 1
    with pytest.raises(errors.InvalidMove):
        await _drop(session, honest, asked)


async def test_a_request_does_not_undo_a_newer_stop(session: AsyncSession) -> None:
    honest = await people.staff(session, Role.OPERATOR)
    await people.stop(session, Switch.PAYOUTS)
    asked = await _asked(session, honest, RequestKind.RUN_SWITCH, key="payouts")
    await people.run_switches(session)
    await people.stop(session, Switch.PAYOUTS)
    with pytest.raises(errors.ProposalEnded):
        await _acknowledge(session, honest, asked)
    assert not await killswitches.are_running(session, Switch.PAYOUTS)


async def test_a_request_that_was_not_theirs_is_refused_by_anybody(session: AsyncSession) -> None:
    honest, other = [await people.staff(session, Role.OPERATOR) for _ in range(2)]
    for who in (honest, other):
        asked = await _asked(session, honest, RequestKind.RUN_SWITCH, key="payouts")
        for _ in range(2):
            assert (await _drop(session, who, asked)).status is RequestStatus.DROPPED
        with pytest.raises(errors.InvalidMove):
            await _acknowledge(session, honest, asked)


async def test_a_role_is_granted_and_revoked_by_two_super_admins(session: AsyncSession) -> None:
    one, two = [await people.staff(session, Role.SUPER_ADMIN) for _ in range(2)]
    newcomer = await people.person(session)
    for kind, expected in (
        (RequestKind.GRANT_ROLE, {Role.OPERATOR}),
        (RequestKind.REVOKE_ROLE, frozenset()),
    ):
        asked = await _asked(session, one, kind, newcomer, from_shell=False, role="operator")
        with pytest.raises(errors.SamePerson):
            await _confirm(session, one, asked)
        admin = await people.staff(session)
        with pytest.raises(errors.AccessDenied):
            await _confirm(session, admin, asked)
        for _ in range(2):
            assert (await _confirm(session, two, asked)).status is RequestStatus.DONE
        await people.commit(session)
        assert await users.roles(session, newcomer.user_id or 0) == expected
    actions = (
        "SELECT action FROM user_audit_logs WHERE action IN ('role_granted', 'role_revoked')"
        " AND (metadata->>'staff_user_id')::bigint = :id ORDER BY id"
    )
    assert await rows.table(session, actions, id=newcomer.user_id) == [
        ("role_granted",),
        ("role_revoked",),
    ]


async def test_a_role_from_a_shell_needs_the_requester_and_a_second_person(
    session: AsyncSession,
) -> None:
    one, two = [await people.staff(session, Role.SUPER_ADMIN) for _ in range(2)]
    newcomer = await people.person(session)
    asked = await _asked(session, one, RequestKind.GRANT_ROLE, newcomer, role="admin")
    with pytest.raises(errors.NotAcknowledged):
        await _confirm(session, two, asked)
    for _ in range(2):
        assert (await _acknowledge(session, one, asked)).status is RequestStatus.PROPOSED
    assert await users.roles(session, newcomer.user_id or 0) == frozenset()
    await _confirm(session, two, asked)
    assert await users.roles(session, newcomer.user_id or 0) == {Role.ADMIN}


async def test_nobody_decides_about_their_own_role(session: AsyncSession) -> None:
    one, two = [await people.staff(session, Role.SUPER_ADMIN) for _ in range(2)]
    asked = await _asked(
        session, one, RequestKind.REVOKE_ROLE, two, from_shell=False, role="super_admin"
    )
    for press in (_confirm, _drop):
        with pytest.raises(errors.OwnMoney):
            await press(session, two, asked)
    three = await people.staff(session, Role.SUPER_ADMIN)
    await _confirm(session, three, asked)
    assert await users.roles(session, two.user_id or 0) == frozenset()


async def test_only_requests_for_two_people_come_from_the_chat(session: AsyncSession) -> None:
    operator = await people.staff(session, Role.OPERATOR)
    with pytest.raises(errors.AccessDenied):
        await _asked(session, operator, RequestKind.RUN_SWITCH, from_shell=False, key="payouts")
    outside = Actor(operator.user_id, operator.roles, in_admin_chat=False)
    with pytest.raises(errors.AccessDenied):
        await _asked(session, outside, RequestKind.RUN_SWITCH, key="payouts")
    with pytest.raises(errors.AccessDenied):
        await _asked(session, operator, RequestKind.GRANT_ROLE, operator, role="admin")


async def test_blocks_come_from_requests(session: AsyncSession) -> None:
    admin, person = await people.staff(session), await people.person(session)
    for kind, blocked in ((RequestKind.BLOCK, True), (RequestKind.UNBLOCK, False)):
        await _acknowledge(session, admin, await _asked(session, admin, kind, person))
        found = (await users.get(session, person.user_id or 0)).blocked
        assert found is blocked


async def test_a_blocked_person_has_no_role(session: AsyncSession) -> None:
    head, admin = await people.staff(session, Role.SUPER_ADMIN), await people.staff(session)
    other = await people.staff(session)
    asked = await _asked(session, admin, RequestKind.BLOCK, await people.person(session))
    with pytest.raises(errors.AccessDenied):
        await _asked(session, other, RequestKind.BLOCK, admin)
    block = await _asked(session, head, RequestKind.BLOCK, admin)
    await _acknowledge(session, head, block)
    await _confirm(session, await people.staff(session, Role.SUPER_ADMIN), block)
    assert await users.roles(session, admin.user_id or 0) == frozenset()
    with pytest.raises(errors.ProposalEnded):
        await _acknowledge(session, admin, asked)
    assert await staff_requests.drop_ended(session, limit=10) == 1
    assert await rows.one(session, STATUS, id=asked) == "dropped"


async def test_a_correction_from_a_shell_is_proposed_after_its_person_pressed(
    session: AsyncSession,
) -> None:
    admin, rich = await people.staff(session), await people.person(session, balance=500)
    poor = await people.person(session)
    one, two = [(await wallets.of_user(session, who.user_id or 0)).id for who in (rich, poor)]
    asked = await _asked(
        session,
        admin,
        RequestKind.CORRECTION,
        correction=CorrectionKind.ADJUSTMENT.value,
        from_wallet=one,
        to_wallet=two,
        amount=30,
    )
    assert await rows.table(session, "SELECT status FROM corrections") == []
    await _acknowledge(session, admin, asked)
    proposed = "SELECT kind, amount, status, proposed_by, key FROM corrections"
    assert await rows.table(session, proposed) == [
        ("adjustment", 30, "proposed", admin.user_id, f"staff_request:{asked}")
    ]
    assert await rows.available(session, poor) == 0


async def test_a_chargeback_by_letter_needs_two_admins(session: AsyncSession) -> None:
    one, two = await people.staff(session), await people.staff(session)
    payer = await people.person(session, balance=500)
    charge = await rows.one(session, "SELECT external_reference FROM deposits")
    asked = await _asked(session, one, RequestKind.CLAWBACK, charge_id=charge)
    await _acknowledge(session, one, asked)
    assert await rows.available(session, payer) == 500
    own = Actor(payer.user_id, frozenset({Role.ADMIN}), in_admin_chat=True)
    with pytest.raises(errors.OwnMoney):
        await _confirm(session, own, asked)
    for _ in range(2):
        await _confirm(session, two, asked)
    await people.commit(session)
    assert await rows.available(session, payer) == 0
    assert (await users.get(session, payer.user_id or 0)).blocked
    assert await rows.one(session, "SELECT count(*) FROM clawbacks") == 1
    assert await invariants.run(session) == []
    unknown = await _asked(session, one, RequestKind.CLAWBACK, charge_id="nobody's")
    await _acknowledge(session, one, unknown)
    with pytest.raises(errors.NotFound):
        await _confirm(session, two, unknown)


async def test_a_request_ends_after_72_hours(database: Database) -> None:
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        one, two = [await people.staff(session) for _ in range(2)]
        asked = await _asked(session, operator, RequestKind.RUN_SWITCH, key="payouts")
        for_two = await _asked(session, one, RequestKind.CLAWBACK, charge_id="x")
        await _acknowledge(session, one, for_two)
        done = await _asked(session, one, RequestKind.BLOCK, await people.person(session))
        await _acknowledge(session, one, done)
    await database.forward(timedelta(hours=71, minutes=59))
    async with database.sessions.begin() as session:
        assert await staff_requests.drop_ended(session, limit=10) == 0
    await database.forward(timedelta(minutes=2))
    for who, press, request_id in ((operator, _acknowledge, asked), (two, _confirm, for_two)):
        with pytest.raises(errors.ProposalEnded):
            async with database.sessions.begin() as session:
                await press(session, who, request_id)
    async with database.sessions.begin() as session:
        assert await staff_requests.drop_ended(session, limit=10) == 2
        assert await staff_requests.drop_ended(session, limit=10) == 0
        assert await staff_requests.list_open(session, limit=5, offset=0) == []
        dropped = "SELECT user_id FROM user_audit_logs WHERE action = 'request_dropped'"
        assert await rows.table(session, dropped) == [(None,), (None,)]
        assert await rows.one(session, STATUS, id=done) == "done"


async def test_an_unknown_request_is_not_found_and_shown_to_staff_alone(
    session: AsyncSession,
) -> None:
    admin, person = await people.staff(session), await people.person(session)
    with pytest.raises(errors.NotFound):
        await staff_requests.get(session, 5)
    for press in (_acknowledge, _confirm, _drop):
        with pytest.raises(errors.NotFound):
            await press(session, admin, 5)
        with pytest.raises(errors.AccessDenied):
            await press(session, person, 5)


async def test_the_database_refuses_one_person_for_an_act_of_two(session: AsyncSession) -> None:
    one, two = [await people.staff(session, Role.SUPER_ADMIN) for _ in range(2)]
    asked = await _asked(session, one, RequestKind.GRANT_ROLE, two, from_shell=False, role="admin")
    for decider, act in ((one, "mine"), (two, "yes_sure")):
        pressed = await presses.press(session, decider, f"request:{act}:{asked}")
        with pytest.raises(IntegrityError, match="two_people"):
            async with session.begin_nested():
                await rows.table(
                    session,
                    "UPDATE staff_requests SET status = 'done', decided_at = clock(),"
                    " decided_by = :by, decided_in = :press WHERE id = :id RETURNING id",
                    by=pressed.user_id,
                    press=pressed.inbox_id,
                    id=asked,
                )


async def test_a_person_must_have_used_the_bot(session: AsyncSession) -> None:
    one = await people.staff(session, Role.SUPER_ADMIN)
    with pytest.raises(errors.NotFound):
        await staff_requests.create(
            session,
            actor=one,
            kind=RequestKind.GRANT_ROLE,
            arguments={"role": "admin"},
            reason="x",
            subject_telegram_id=5,
            from_shell=False,
        )
    newcomer = await people.person(session)
    with pytest.raises(errors.InvalidText):
        await staff_requests.create(
            session,
            actor=one,
            kind=RequestKind.GRANT_ROLE,
            arguments={"role": "admin"},
            reason=" ",
            subject_telegram_id=await _telegram_id(session, newcomer),
            from_shell=False,
        )


async def test_a_blocked_person_gets_no_role(session: AsyncSession) -> None:
    one, two = [await people.staff(session, Role.SUPER_ADMIN) for _ in range(2)]
    person = await people.person(session)
    await user_blocks.block_by_staff(session, actor=one, user_id=person.user_id or 0, reason="x")
    asked = await _asked(
        session, one, RequestKind.GRANT_ROLE, person, from_shell=False, role="admin"
    )
    with pytest.raises(errors.PersonBlocked):
        await _confirm(session, two, asked)
    assert [user.id for user, _ in await roles.staff(session)] == [one.user_id, two.user_id]


@pytest.mark.parametrize("acknowledged", [True, False])
async def test_a_dropped_request_of_two_people_stays_dropped(
    session: AsyncSession, *, acknowledged: bool
) -> None:
    one, two = [await people.staff(session) for _ in range(2)]
    asked = await _asked(session, one, RequestKind.CLAWBACK, charge_id="x")
    if acknowledged:
        await _acknowledge(session, one, asked)
    await _drop(session, two, asked)
    for who, press in ((one, _acknowledge), (two, _confirm)):
        with pytest.raises(errors.InvalidMove):
            await press(session, who, asked)
    assert (await staff_requests.get(session, asked)).request.acknowledged is acknowledged


async def _returned_withdrawal(session: AsyncSession, person: Actor, admin: Actor) -> int:
    made = await withdrawals.request(session, actor=person, amount=400, key="form-1")
    await withdrawals.return_money(session, actor=admin, withdrawal_id=made.id, reason="no")
    return made.id


async def test_two_admins_record_a_payment_after_the_return(session: AsyncSession) -> None:
    person = await people.person(session, balance=1_000)
    one, two = [await people.staff(session) for _ in range(2)]
    asked = await _asked(
        session,
        one,
        RequestKind.RECORD_PAYMENT,
        from_shell=False,
        withdrawal_id=await _returned_withdrawal(session, person, one),
        external_reference="bank-1",
    )
    assert await rows.available(session, person) == 1_000
    await _confirm(session, two, asked)
    await people.commit(session)
    assert await rows.available(session, person) == 600
    assert await invariants.run(session) == []


async def test_nobody_asks_for_the_record_of_their_own_payment(session: AsyncSession) -> None:
    two = await people.staff(session)
    person = await people.person(session, balance=1_000)
    session.add(UserRole(user_id=person.user_id, role=Role.ADMIN))
    await session.flush()
    one = replace(two, user_id=person.user_id)
    asked = await _asked(
        session,
        one,
        RequestKind.RECORD_PAYMENT,
        from_shell=False,
        withdrawal_id=await _returned_withdrawal(session, person, two),
        external_reference="bank-1",
    )
    with pytest.raises(errors.OwnMoney):
        await _confirm(session, two, asked)
    assert await rows.available(session, person) == 1_000
    assert await invariants.run(session) == []
