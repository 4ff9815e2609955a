"""Test that the bot's login acts in a person's name only with the person's own update."""

import json
from typing import Any

import asyncpg
import pytest
from aiogram_dialog.utils import intent_callback_data

from bot.callbacks import OnWithdrawal, Retry, Withdraw, WithdrawalAct, WithdrawTo
from bot.payout_callbacks import WithdrawWithFee
from db.models.users import RequestKind, Role
from services.market import staff_requests
from services.money import withdrawals
from services.platform import inbox, users
from services.platform.actors import Actor
from tests.conftest import Database
from tests.db.refused import refused_state
from tests.factories import people, presses
from tests.factories.people import Deal
from tests.services.money.test_destinations import confirmed


@pytest.fixture
async def deal(database: Database) -> Deal:
    async with database.sessions.begin() as session:
        return await people.deal(session)


def _purchase(deal: Deal, *, retry_of: int | None = None) -> str:
    return (
        "INSERT INTO campaign_targets"
        " (campaign_id, channel_id, owner_id, price, promised_hours, fee_bps, answer_due_at,"
        " retry_of)"
        f" VALUES ({deal.campaign.id}, {deal.channel.id}, {deal.owner.user_id}, 5000, 24, 0,"
        f" clock(), {retry_of or 'NULL'})"
    )


async def _press(database: Database, who: Actor, data: str) -> int:
    async with database.sessions.begin() as session:
        return (await presses.press(session, who, data)).inbox_id or 0


async def test_an_advertiser_buys_by_the_button_of_the_form(
    database: Database, bot: asyncpg.Connection, deal: Deal
) -> None:
    submit, back = [intent_callback_data("an-intent", name) or "" for name in ("submit", "back")]
    await _press(database, deal.owner, submit)  # another person
    await _press(database, deal.advertiser, back)
    await _press(database, deal.advertiser, "submit")  # of no form
    assert await refused_state(bot, _purchase(deal)) == "AD079"
    pressed = await _press(database, deal.advertiser, submit)
    assert await refused_state(bot, _purchase(deal)) is None
    async with database.sessions.begin() as session:
        await inbox.mark_handled(session, pressed)
    assert await refused_state(bot, _purchase(deal)) == "AD079"


@pytest.mark.parametrize(
    ("price", "hours", "state"), [(5_000, 24, None), (4_000, 24, "AD079"), (5_000, 2, "AD079")]
)
async def test_an_advertiser_buys_again_on_the_terms_of_the_button(
    database: Database,
    bot: asyncpg.Connection,
    deal: Deal,
    price: int,
    hours: int,
    state: str | None,
) -> None:
    data = Retry(id=deal.target.id, price=price, hours=hours).pack()
    await _press(database, deal.advertiser, data)
    assert await refused_state(bot, _purchase(deal, retry_of=deal.target.id)) == state


async def test_a_channel_goes_to_a_person_who_has_chosen_it(
    database: Database, bot: asyncpg.Connection, deal: Deal
) -> None:
    async with database.sessions.begin() as session:
        buyer = await people.person(session)
        telegram_id = (await users.get(session, buyer.user_id or 0)).telegram_id
    give = f"UPDATE channels SET owner_id = {buyer.user_id} WHERE id = {deal.channel.id}"
    for number, chat_id, state in ((1, 5, "AD079"), (2, deal.channel.chat_id, None)):
        message: dict[str, Any] = {"from": {"id": telegram_id}, "chat": {"id": telegram_id}}
        message["chat_shared"] = {"chat_id": chat_id, "request_id": 1}
        async with database.sessions.begin() as session:
            await inbox.store(session, [{"update_id": number, "message": message}])
        assert await refused_state(bot, give) == state
    await bot.execute(give)
    facts = await bot.fetchval(
        "SELECT metadata FROM user_audit_logs WHERE action = 'channel_taken_over'"
    )
    assert json.loads(facts)["channel_id"] == deal.channel.id


def _withdrawal(
    who: Actor, amount: int, key: str, destination_id: int | None = None, *, fee: int = 0
) -> str:
    return (
        "INSERT INTO withdrawals (key, user_id, amount, currency, destination_id, fee)"
        f" VALUES ('{key}', {who.user_id}, {amount}, 'USD', {destination_id or 'NULL'}, {fee})"
    )


@pytest.mark.parametrize("has_destination", [False, True])
async def test_a_person_asks_for_a_withdrawal_by_its_button(
    database: Database, bot: asyncpg.Connection, deal: Deal, *, has_destination: bool
) -> None:
    who, id_ = deal.advertiser, None
    if has_destination:
        async with database.sessions.begin() as session:
            id_ = (await confirmed(session, who)).id
    data = Withdraw(amount=5, key="k").pack()
    if id_ is not None:
        data = WithdrawTo(amount=5, key="k", destination=id_).pack()
    key = f"press:{who.user_id}:k"
    await _press(database, deal.owner, data)  # another person
    await _press(database, who, data.replace(":5:", ":6:", 1))
    assert await refused_state(bot, _withdrawal(who, 5, key, id_)) == "AD079"
    pressed = await _press(database, who, data)
    for amount, other_key, destination_id in (
        (4, key, id_),
        (5, f"press:{who.user_id}:other", id_),
        (5, "k", id_),
        *([(5, key, None)] if has_destination else []),
    ):
        by_hand = _withdrawal(who, amount, other_key, destination_id)
        assert await refused_state(bot, by_hand) == "AD079"
    assert await refused_state(bot, _withdrawal(deal.owner, 5, key)) == "AD079"
    assert await refused_state(bot, _withdrawal(who, 5, key, id_)) is None
    async with database.sessions.begin() as session:
        await inbox.mark_handled(session, pressed)
    assert await refused_state(bot, _withdrawal(who, 5, key, id_)) == "AD079"


@pytest.mark.parametrize("has_destination", [False, True])
async def test_a_person_agrees_to_the_fee_of_a_withdrawal_by_its_button(
    database: Database, bot: asyncpg.Connection, deal: Deal, *, has_destination: bool
) -> None:
    who, id_ = deal.advertiser, None
    if has_destination:
        async with database.sessions.begin() as session:
            id_ = (await confirmed(session, who)).id
    key = f"press:{who.user_id}:k"
    data = WithdrawWithFee(amount=999, key="k", fee_bps=500, destination=id_ or 0).pack()
    await _press(database, deal.owner, data)  # another person
    for wrong in ("wfee:999:k::0", "wfee:999:k:x:0", f"x{data}", data.replace("500", "50000")):
        await _press(database, who, wrong)
    assert await refused_state(bot, _withdrawal(who, 999, key, id_, fee=49)) == "AD079"
    await _press(database, who, data)
    for amount, fee, destination_id in (
        *((999, fee, id_) for fee in (0, 48, 50)),
        (1_000, 49, id_),
        (1_000, 50, id_),
        *([(999, 49, None)] if has_destination else []),
    ):
        by_hand = _withdrawal(who, amount, key, destination_id, fee=fee)
        assert await refused_state(bot, by_hand) == "AD079"
    assert await refused_state(bot, _withdrawal(who, 999, key, id_, fee=49)) is None


async def test_a_second_admin_confirms_the_withdrawal_of_a_tester(
    database: Database, bot: asyncpg.Connection, deal: Deal
) -> None:
    who, admin = deal.advertiser, deal.moderator
    async with database.sessions.begin() as session:
        second = await people.staff(session)
        request = await staff_requests.create(
            session,
            actor=admin,
            kind=RequestKind.CLEAN_UP_TESTER,
            arguments={},
            reason="x",
            subject_telegram_id=(await users.get(session, who.user_id or 0)).telegram_id,
            from_shell=True,
        )
        mine = await presses.press(session, admin, f"request:mine:{request.id}")
        await staff_requests.acknowledge(session, actor=mine, request_id=request.id)
    by_request = _withdrawal(who, 5, f"clean_up:{request.id}")
    await _press(database, admin, f"request:yes_sure:{request.id}")
    assert await refused_state(bot, by_request) == "AD079"
    await _press(database, second, f"request:yes_sure:{request.id}")
    assert await refused_state(bot, by_request) is None
    with_fee = _withdrawal(who, 5, f"clean_up:{request.id}", fee=1)
    assert await refused_state(bot, with_fee) == "AD079"
    of_another = _withdrawal(deal.owner, 5, f"clean_up:{request.id}")
    assert await refused_state(bot, of_another) == "AD079"


@pytest.mark.parametrize(
    ("move", "words"),
    [
        ("'approved', decided_by = {admin}", "withdrawal:approve_sure:{id}:"),
        ("'paid', external_reference = 'wire', settled_at = now()", "/paid {id} wire"),
        ("'returned', return_reason = 'x', settled_at = now()", "/return #{id} it came back"),
        ("'returned', return_reason = 'x', settled_at = now()", "withdrawal:return:{id}:x"),
    ],
)
async def test_an_admin_decides_about_a_withdrawal_by_a_press_or_a_command(
    database: Database, bot: asyncpg.Connection, deal: Deal, move: str, words: str
) -> None:
    who, admin = deal.advertiser, deal.moderator
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        asked = await withdrawals.request(session, actor=who, amount=5, key="form")
        if "approve" not in words:
            await withdrawals.approve(session, actor=admin, withdrawal_id=asked.id)
    decide = f"UPDATE withdrawals SET status = {move.format(admin=admin.user_id)}"

    async def say(actor: Actor, number: object) -> int:
        said = words.format(id=number)
        deliver = presses.press if said.startswith("withdrawal") else presses.write
        async with database.sessions.begin() as session:
            return (await deliver(session, actor, said)).inbox_id or 0

    for actor, number in ((who, asked.id), (operator, asked.id), (admin, f"{asked.id}0")):
        await say(actor, number)
    await _press(database, admin, OnWithdrawal(act=WithdrawalAct.ASK_REASON, id=asked.id).pack())
    assert await refused_state(bot, decide) == "AD087"
    said = await say(admin, asked.id)
    assert await refused_state(bot, decide) is None
    async with database.sessions.begin() as session:
        await inbox.mark_handled(session, said)
    assert await refused_state(bot, decide) == "AD087"


def test_the_database_reads_the_data_of_the_buttons_about_withdrawals() -> None:
    for act, word in (("APPROVE_CONFIRMED", "approve_sure"), ("RETURN", "return")):
        assert OnWithdrawal(act=WithdrawalAct[act], id=7).pack() == f"withdrawal:{word}:7:"
