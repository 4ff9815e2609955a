"""Test that an admin can sign a request only with an update from Telegram."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.callbacks import CorrectionAct, OnCorrection, OnStaffRequest, RequestAct
from bot.operator_callbacks import IncidentAct, OnIncident
from db.models.corrections import CorrectionKind
from db.models.users import RequestKind, Role
from db.session import sqlstate
from services.market import staff_requests
from services.money import incidents, withdrawals
from services.platform import users
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import people, presses, rows

CARDS = (
    "SELECT count(*) FROM outbox WHERE kind = 'staff_request_changed'"
    " AND user_id IS NULL AND (payload->>'request_id')::bigint = :id"
)


async def _acknowledged(session: AsyncSession, admin: Actor) -> int:
    """Create a request that its admin has acknowledged, and return the request's id."""
    request = await staff_requests.create(
        session,
        actor=admin,
        kind=RequestKind.CLAWBACK,
        arguments={"charge_id": "x"},
        reason="x",
        from_shell=True,
    )
    press = await presses.press(session, admin, f"request:mine:{request.id}")
    await staff_requests.acknowledge(session, actor=press, request_id=request.id)
    return request.id


async def _sign(session: AsyncSession, by: Actor, request_id: int) -> str | None:
    """Confirm a request with an SQL UPDATE. Return the SQLSTATE of the error, or None."""
    try:
        async with session.begin_nested():
            await session.execute(
                text(
                    "UPDATE staff_requests SET status = 'done', decided_at = clock(),"
                    " decided_by = :by, decided_in = :press WHERE id = :id"
                ),
                {"by": by.user_id, "press": by.inbox_id, "id": request_id},
            )
    except DBAPIError as error:
        return sqlstate(error)
    return None


def test_the_database_reads_the_data_of_the_buttons() -> None:
    for act, word in (("ACKNOWLEDGE", "mine"), ("CONFIRM", "yes"), ("DROP", "no")):
        assert OnStaffRequest(act=RequestAct[act], id=7).pack() == f"request:{word}:7"
    assert OnIncident(act=IncidentAct.CLOSE_CONFIRMED, id=7).pack() == "incident:close_sure:7"
    press = OnCorrection(act=CorrectionAct.CONFIRM, id=7, reason="seen").pack()
    assert press == "correction:yes:7:seen"


@pytest.mark.parametrize(
    "data",
    [
        "request:yes_sure:{other}",
        "request:yes_sure:{id}0",
        "request:no_sure:{id}",
        "request:mine:{id}",
        "x",
    ],
)
async def test_only_the_button_of_the_request_confirms_it(session: AsyncSession, data: str) -> None:
    one, two = await people.staff(session), await people.staff(session)
    id_, other = [await _acknowledged(session, one) for _ in range(2)]
    press = await presses.press(session, two, data.format(id=id_, other=other))
    assert await _sign(session, press, id_) == "AD061"
    press = await presses.press(session, two, f"request:yes_sure:{id_}")
    assert await _sign(session, press, id_) is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE inbox SET done_at = now(), payload = NULL WHERE id = :id",
        "UPDATE inbox SET failed_at = now() WHERE id = :id",
    ],
)
async def test_a_press_that_was_handled_signs_nothing_more(
    session: AsyncSession, change: str
) -> None:
    one, two = await people.staff(session), await people.staff(session)
    id_ = await _acknowledged(session, one)
    press = await presses.press(session, two, f"request:yes_sure:{id_}")
    await session.execute(text(change), {"id": press.inbox_id})
    assert await _sign(session, press, id_) == "AD061"


async def test_another_persons_press_signs_nothing(session: AsyncSession) -> None:
    one, two, three = [await people.staff(session) for _ in range(3)]
    id_ = await _acknowledged(session, one)
    press = await presses.press(session, three, f"request:yes_sure:{id_}")
    mixed = Actor(two.user_id, two.roles, inbox_id=press.inbox_id)
    assert await _sign(session, mixed, id_) == "AD061"
    assert await _sign(session, Actor(two.user_id, two.roles), id_) == "AD061"


async def test_a_person_without_the_role_signs_nothing(session: AsyncSession) -> None:
    one, blocked = await people.staff(session), await people.staff(session)
    id_ = await _acknowledged(session, one)
    await people.block(session, blocked)
    for who in (await people.person(session), await people.staff(session, Role.OPERATOR), blocked):
        press = await presses.press(session, who, f"request:yes_sure:{id_}")
        assert await _sign(session, press, id_) == "AD062"
    two = await people.staff(session)
    press = await presses.press(session, two, f"request:yes_sure:{id_}")
    await people.block(session, one)
    assert await _sign(session, press, id_) == "AD062"


async def test_a_person_refuses_a_request_only_by_a_press(session: AsyncSession) -> None:
    one, two = await people.staff(session), await people.staff(session)
    id_ = await _acknowledged(session, one)
    drop = text(
        "UPDATE staff_requests SET status = 'dropped', decided_at = clock(), decided_by = :by"
        " WHERE id = :id"
    )
    with pytest.raises(DBAPIError) as refusal:
        async with session.begin_nested():
            await session.execute(drop, {"by": two.user_id, "id": id_})
    assert sqlstate(refusal.value) == "AD061"
    await session.execute(drop, {"by": None, "id": id_})  # as the clock does after 72 hours


async def test_each_decision_is_told_by_the_database(session: AsyncSession) -> None:
    one, two = await people.staff(session), await people.staff(session)
    id_ = await _acknowledged(session, one)
    assert await rows.one(session, CARDS, id=id_) == 2  # asked, acknowledged
    press = await presses.press(session, two, f"request:yes_sure:{id_}")
    assert await _sign(session, press, id_) is None
    assert await rows.one(session, CARDS, id=id_) == 3


GRANT: dict[str, Any] = {"kind": "grant_role", "arguments": {"role": "admin"}}
PAID: dict[str, Any] = {"kind": "record_payment"}


@pytest.mark.parametrize(
    ("request_", "words", "more"),
    [
        (GRANT, "/grant {whom} operator she joins", {}),
        (GRANT, "/grant {whom}0 admin she joins", {}),
        (GRANT, "/revoke {whom} admin she leaves", {}),
        (GRANT, "grant {whom} admin she joins", {}),
        (GRANT, "/grant {whom} admin she joins", {"forward_origin": {}}),
        (GRANT, "/grant {whom} admin she joins", {"via_bot": {}}),
        (GRANT, "/grant {whom} admin she joins", {"sender_business_bot": {}}),
        (GRANT, "/grant {whom} admin she joins", {"sender_chat": {}}),
        (GRANT, "/grant {whom} admin she leaves", {}),
        (PAID, "/paid {withdrawal} wire-2\nshe joins", {}),
        (PAID, "/paid {withdrawal} wire-11\nshe joins", {}),
        (PAID, "/paid {withdrawal} wire-1 again\nshe joins", {}),
        (PAID, "/paid {withdrawal}0 wire-1\nshe joins", {}),
        (PAID, "/return {withdrawal} wire-1\nshe joins", {}),
        (PAID, "/paid {withdrawal} wire-1", {}),
        (PAID, "/paid {withdrawal} wire-1\nanother reason", {}),
        ({"kind": "clawback"}, "/clawback x why", {}),
    ],
)
async def test_a_request_from_the_chat_is_what_its_requester_wrote(
    session: AsyncSession, request_: dict[str, Any], words: str, more: dict[str, Any]
) -> None:
    head, person = (
        await people.staff(session, Role.SUPER_ADMIN),
        await people.person(session, balance=9),
    )
    withdrawal = await withdrawals.request(session, actor=person, amount=5, key="form")
    whom = (await users.get(session, person.user_id or 0)).telegram_id
    arguments = {"withdrawal_id": withdrawal.id, "external_reference": "wire-1"}
    right = {
        "grant_role": f"/grant@our_bot #0{whom}  admin she joins ",
        "record_payment": f"/paid {withdrawal.id} wire-1 \n she joins ",
    }

    async def ask(said: str, **parts: Any) -> str | None:
        press = await presses.write(session, head, said, **parts)
        try:
            async with session.begin_nested():
                await session.execute(
                    text(
                        "INSERT INTO staff_requests (kind, arguments, subject_id, reason,"
                        " requested_by, acknowledged, acknowledged_in) VALUES (:kind,"
                        " CAST(:arguments AS jsonb), :whom, 'she joins', :by, true, :press)"
                    ),
                    {
                        "kind": request_["kind"],
                        "arguments": json.dumps(request_.get("arguments", arguments)),
                        "whom": person.user_id,
                        "by": head.user_id,
                        "press": press.inbox_id,
                    },
                )
        except DBAPIError as error:
            return sqlstate(error)
        return None

    assert await ask(words.format(whom=whom, withdrawal=withdrawal.id), **more) == "AD063"
    if request_["kind"] in right:
        assert await ask(right[request_["kind"]]) is None


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("/confirm {id} seen", None),
        ("/confirm@our_bot #{id} seen", None),
        ("/confirm {id}", "AD061"),
        ("/confirm {id}0 seen", "AD061"),
        ("/refuse {id} seen", "AD061"),
    ],
)
async def test_a_correction_is_confirmed_in_words(
    session: AsyncSession, words: str, state: str | None
) -> None:
    proposer, confirmer = await people.staff(session), await people.staff(session)
    wallet = await rows.one(session, "SELECT max(id) FROM wallets WHERE kind = 'user'")
    asked = await presses.request_correction(
        session, proposer, CorrectionKind.BALANCE_RESET, reason="x", wallet_id=wallet
    )
    values = {"wallet": wallet, "by": proposer.user_id, "press": asked.inbox_id}
    id_ = await rows.one(
        session,
        "INSERT INTO corrections (kind, wallet_id, proposed_by, proposed_in, reason)"
        " VALUES ('balance_reset', :wallet, :by, :press, 'x') RETURNING id",
        **values,
    )
    said = await presses.write(session, confirmer, words.format(id=id_))
    found = None
    try:
        async with session.begin_nested():
            await session.execute(
                text(
                    "UPDATE corrections SET status = 'confirmed', confirm_reason = 'x',"
                    " confirmed_by = :by, confirmed_in = :press WHERE id = :id"
                ),
                {"by": confirmer.user_id, "press": said.inbox_id, "id": id_},
            )
    except DBAPIError as error:
        found = sqlstate(error)
    assert found == state


async def test_a_correction_is_proposed_by_the_press_on_ones_own_request(
    session: AsyncSession,
) -> None:
    admin, other = await people.staff(session), await people.staff(session)
    clawback = await _acknowledged(session, admin)
    wallet = await rows.one(session, "SELECT max(id) FROM wallets WHERE kind = 'user'")
    theirs = await presses.request_correction(
        session, other, CorrectionKind.BALANCE_RESET, reason="x", wallet_id=wallet
    )
    data = "SELECT payload #>> '{callback_query,data}' FROM inbox WHERE id = :id"
    for pressed in (
        await rows.one(session, data, id=theirs.inbox_id),
        f"request:mine:{clawback}",
    ):
        press = await presses.press(session, admin, pressed)
        with pytest.raises(DBAPIError) as refusal:
            async with session.begin_nested():
                await session.execute(
                    text(
                        "INSERT INTO corrections (kind, wallet_id, proposed_by, proposed_in,"
                        " reason) VALUES ('balance_reset', :wallet, :by, :press, 'x')"
                    ),
                    {"wallet": wallet, "by": admin.user_id, "press": press.inbox_id},
                )
        assert sqlstate(refusal.value) == "AD064"


async def test_an_incident_is_closed_by_its_own_press(database: Database) -> None:
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        one, two = [
            await rows.one(session, "SELECT open_incident(:kind, '{}')", kind=kind)
            for kind in ("drill", "another drill")
        ]
        assert await incidents.check_ledger_invariant(session) == []
    async with database.sessions.begin() as session:
        press = await presses.close_incident(session, operator, one)
    for actor, incident_id, state in (
        (operator, one, "AD061"),  # no press at all
        (press, two, "AD061"),  # the press for another incident
    ):
        with pytest.raises(DBAPIError) as refused:
            async with database.sessions.begin() as session:
                await incidents.close_incident(session, actor=actor, incident_id=incident_id)
        assert sqlstate(refused.value) == state
    async with database.sessions.begin() as session:
        await incidents.close_incident(session, actor=press, incident_id=one)
