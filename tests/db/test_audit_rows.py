"""Test that the database writes one audit row about each act, whoever does it."""

from collections.abc import Mapping

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.corrections import CorrectionKind
from db.models.users import RequestKind
from sandbox import embedded
from services.market import channels, user_blocks
from services.money import wallets, withdrawals
from services.platform.actors import SYSTEM, Actor
from tests.conftest import Database
from tests.factories import business, payments, people, presses, rows
from tests.factories.attack import LOGIN


async def _run(server: embedded.Postgres, database: Database, login: str, *sql: str) -> None:
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(LOGIN[login], name))
    try:
        async with connection.transaction():
            for statement in sql:
                await connection.execute(statement)
    finally:
        await connection.close()


async def _rows_of(
    database: Database, action: str, facts: Mapping[str, int]
) -> list[tuple[int | None, str]]:
    (name, value), *_ = facts.items()
    async with database.sessions.begin() as session:
        return [
            (user_id, role)
            for user_id, role in await rows.table(
                session,
                "SELECT user_id, role FROM user_audit_logs WHERE action = :action"
                " AND metadata ->> :name = :value",
                action=action,
                name=name,
                value=str(value),
            )
        ]


async def test_a_withdrawal_moved_by_hand_has_its_audit_rows(
    server: embedded.Postgres, database: Database
) -> None:
    async with database.sessions.begin() as session:
        person, admin = await people.person(session, balance=900), await people.staff(session)
        asked = await withdrawals.request(session, actor=person, amount=500, key="form")
        held = await rows.one(session, "SELECT id FROM wallets WHERE kind = 'withdrawal'")
        own = (await wallets.of_user(session, person.user_id or 0)).id
        await presses.press(session, person, "withdraw:300:by-hand")
        for decision in ("approve_sure", "return"):
            await presses.press(session, admin, f"withdrawal:{decision}:{asked.id}:x")
    by_hand_key = f"press:{person.user_id}:by-hand"
    await _run(
        server,
        database,
        "bot",
        f"UPDATE withdrawals SET status = 'approved', decided_by = {admin.user_id}",
    )
    await _run(
        server,
        database,
        "bot",
        "UPDATE withdrawals SET status = 'returned', return_reason = 'x', settled_at = clock()",
        f"SELECT post_transfer('withdrawal_return:{asked.id}', 'withdrawal_return', {asked.id},"
        f" ARRAY[{held}, {own}], ARRAY[-500, 500]::bigint[],"
        " '{withdrawal_return,withdrawal_return}', NULL, NULL)",
    )
    await _run(
        server,
        database,
        "bot",
        "INSERT INTO withdrawals (key, user_id, amount, currency)"
        f" VALUES ('{by_hand_key}', {person.user_id}, 300, 'USD')",
        "SELECT post_transfer('withdrawal_hold:' || id, 'withdrawal_hold', id,"
        f" ARRAY[{own}, {held}], ARRAY[-300, 300]::bigint[],"
        " '{withdrawal_hold,withdrawal_hold}', NULL, NULL) FROM withdrawals"
        f" WHERE key = '{by_hand_key}'",
    )
    async with database.sessions.begin() as session:
        by_hand = await rows.one(session, "SELECT max(id) FROM withdrawals")
    by_hand_facts = {"withdrawal_id": by_hand}
    assert await _rows_of(database, "withdrawal_requested", by_hand_facts) == [
        (person.user_id, "system")
    ]
    facts = {"withdrawal_id": asked.id}
    assert await _rows_of(database, "withdrawal_requested", facts) == [(person.user_id, "owner")]
    assert await _rows_of(database, "withdrawal_approved", facts) == [(admin.user_id, "admin")]
    assert await _rows_of(database, "withdrawal_returned", facts) == [(None, "system")]


async def test_an_audit_row_about_somebody_else_does_not_replace_the_true_one(
    server: embedded.Postgres, database: Database
) -> None:
    async with database.sessions.begin() as session:
        made, other = await people.deal(session), await people.staff(session)
    admin, facts = made.moderator.user_id, {"target_id": made.target.id}
    await _run(
        server,
        database,
        "bot",
        "INSERT INTO user_audit_logs (action, user_id, role, metadata) VALUES"
        f" ('moderation_rejected', {other.user_id}, 'admin',"
        f" jsonb_build_object('target_id', {made.target.id}))",
        f"UPDATE campaign_targets SET status = 'rejected', decided_by = {admin}",
    )
    assert await _rows_of(database, "moderation_rejected", facts) == [
        (other.user_id, "admin"),
        (admin, "admin"),
    ]


async def test_an_escrow_moved_by_hand_has_its_audit_rows(
    server: embedded.Postgres, database: Database
) -> None:
    async with database.sessions.begin() as session:
        made = await people.failed(session)
        pending = await people.deal(session)
        escrow_wallet = await rows.one(session, "SELECT wallet_id FROM escrows")
        own = (await wallets.of_user(session, made.advertiser.user_id or 0)).id
    id_ = made.target.id
    await _run(
        server,
        database,
        "clock",
        f"UPDATE escrows SET status = 'refunded', settled_at = clock()"
        f" WHERE campaign_target_id = {id_}",
        f"UPDATE campaign_targets SET status = 'refunded' WHERE id = {id_}",
        f"SELECT post_transfer('refund:{id_}', 'refund', {id_}, ARRAY[{escrow_wallet}, {own}],"
        f" ARRAY[-{people.PRICE}, {people.PRICE}]::bigint[], '{{refund,refund}}', NULL, NULL)",
    )
    await _run(server, database, "bot", f"SELECT hold_escrow({pending.target.id}, NULL, NULL)")
    assert await _rows_of(database, "escrow_refunded", {"target_id": id_}) == [(None, "system")]
    held = {"target_id": pending.target.id}
    assert await _rows_of(database, "escrow_held", held) == [(None, "system")]
    assert await _rows_of(database, "escrow_held", {"target_id": id_}) == []


async def test_a_channel_with_another_owner_has_its_audit_row(
    server: embedded.Postgres, database: Database
) -> None:
    async with database.sessions.begin() as session:
        owner, thief = await people.person(session), await people.person(session)
        channel = await people.channel(session, owner)
        again = await people.channel(session, owner)
        await channels.remove(session, actor=owner, channel_id=again.id)
        await channels.connect(
            session,
            actor=thief,
            chat_id=again.chat_id,
            title="x",
            username=None,
            subscribers=1,
        )
    await _run(server, database, "app", f"UPDATE channels SET owner_id = {thief.user_id}")
    facts = {"channel_id": channel.id}
    assert await _rows_of(database, "channel_taken_over", facts) == [(thief.user_id, "system")]
    assert await _rows_of(database, "channel_taken_over", {"channel_id": again.id}) == []


@pytest.mark.parametrize("login", ["bot", "clock"])
async def test_a_block_and_its_end_have_their_audit_rows(
    server: embedded.Postgres, database: Database, login: str
) -> None:
    async with database.sessions.begin() as session:
        who = (await people.person(session)).user_id
    for blocked, action, name in (
        (True, "user_blocked", "blocked_user_id"),
        (False, "user_unblocked", "unblocked_user_id"),
    ):
        await _run(
            server, database, login, f"UPDATE users SET blocked = {blocked} WHERE id = {who}"
        )
        assert await _rows_of(database, action, {name: who or 0}) == [(None, "system")]


async def test_money_from_outside_moved_by_hand_has_its_audit_rows(
    server: embedded.Postgres, database: Database
) -> None:
    """Check the rows about a deposit, its clawback, a correction and a payment in excess."""
    async with database.sessions.begin() as session:
        payer, admin = await people.person(session), await people.staff(session)
        other = await people.staff(session)
        telegram_id = await rows.one(
            session, "SELECT telegram_id FROM users WHERE id = :id", id=payer.user_id
        )
        own = (await wallets.of_user(session, payer.user_id or 0)).id
        paid = await _paid(session, await people.person(session, balance=900), admin)
        victim = await rows.one(
            session,
            "SELECT wallet.id FROM wallets wallet JOIN withdrawals w ON w.user_id = wallet.user_id"
            " WHERE wallet.kind = 'user'",
        )
        facts = {"withdrawal_id": paid, "external_reference": "bank-2"}
        await payments.decided_request(session, RequestKind.RECORD_PAYMENT, facts, other, admin)
        press = await presses.request_correction(
            session, admin, CorrectionKind.BALANCE_RESET, reason="x", wallet_id=own
        )
    await _run(
        server,
        database,
        "bot",
        "INSERT INTO corrections (kind, wallet_id, proposed_by, proposed_in, reason)"
        f" VALUES ('balance_reset', {own}, {admin.user_id}, {press.inbox_id}, 'x')",
    )
    await _run(
        server,
        database,
        "intake",
        *(
            "INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency)"
            f" VALUES ('{kind}', 'c-1', {telegram_id}, 500, 'USD')"
            for kind in ("payment", "refund")
        ),
    )
    external = f"open_wallet('external', NULL, {payer.user_id}, 'USD')"
    deposit = "(SELECT id FROM deposits WHERE external_reference = 'c-1')"
    await _run(
        server,
        database,
        "bot",
        "INSERT INTO deposits (user_id, amount, currency, source, external_reference)"
        f" VALUES ({payer.user_id}, 500, 'USD', 'telegram', 'c-1')",
        "UPDATE deposits SET status = 'credited', credited_at = clock()"
        " WHERE external_reference = 'c-1'",
        f"SELECT post_transfer('deposit:c-1', 'deposit', {deposit}, ARRAY[{external}, {own}],"
        " ARRAY[-500, 500]::bigint[], '{deposit,deposit}', NULL, NULL)",
    )
    await _run(
        server,
        database,
        "bot",
        "INSERT INTO clawbacks (deposit_id, user_id, amount, recovered, loss, currency)"
        f" VALUES ({deposit}, {payer.user_id}, 500, 500, 0, 'USD')",
        "UPDATE deposits SET status = 'clawed_back' WHERE external_reference = 'c-1'",
        "SELECT post_transfer('clawback:c-1', 'clawback', (SELECT max(id) FROM clawbacks),"
        f" ARRAY[{own}, {external}], ARRAY[-500, 500]::bigint[], '{{clawback,clawback}}', NULL,"
        " NULL)",
    )
    await _run(server, database, "clock", "UPDATE corrections SET status = 'dropped'")
    await _run(
        server,
        database,
        "bot",
        "INSERT INTO excess_payments (withdrawal_id, user_id, amount, recovered, loss, currency,"
        f" external_reference, recorded_by) SELECT id, user_id, 500, 400, 100, 'USD', 'bank-2',"
        f" {admin.user_id} FROM withdrawals",
        "SELECT post_transfer('excess_payment:x', 'excess_payment',"
        f" (SELECT max(id) FROM excess_payments), ARRAY[{victim},"
        " (SELECT open_wallet('loss', NULL, user_id, 'USD') FROM withdrawals),"
        " (SELECT open_wallet('external', NULL, user_id, 'USD') FROM withdrawals)],"
        " ARRAY[-400, -100, 500]::bigint[],"
        " '{excess_payment,excess_payment,excess_payment}', NULL, NULL)",
    )
    async with database.sessions.begin() as session:
        (ids,) = await rows.table(
            session,
            f"SELECT {deposit}, (SELECT max(id) FROM clawbacks),"
            " (SELECT max(id) FROM excess_payments), (SELECT max(id) FROM corrections)",
        )
    system = [(None, "system")]
    assert await _rows_of(database, "deposit_credited", {"deposit_id": ids[0]}) == system
    assert await _rows_of(database, "deposit_clawed_back", {"clawback_id": ids[1]}) == system
    assert await _rows_of(database, "excess_payment_recorded", {"excess_payment_id": ids[2]}) == [
        (admin.user_id, "admin")
    ]
    correction = {"correction_id": ids[3]}
    assert await _rows_of(database, "correction_proposed", correction) == [(admin.user_id, "admin")]
    assert await _rows_of(database, "correction_dropped", correction) == system


async def _paid(session: AsyncSession, person: Actor, admin: Actor) -> int:
    made = await withdrawals.request(session, actor=person, amount=500, key="paid")
    await withdrawals.approve(session, actor=admin, withdrawal_id=made.id)
    await withdrawals.mark_paid(
        session, actor=admin, withdrawal_id=made.id, external_reference="bank-1"
    )
    return made.id


async def test_an_act_of_the_services_has_one_audit_row(database: Database) -> None:
    async with database.sessions.begin() as session:
        await business.create_placements(session)
    async with database.sessions.begin() as session:
        await business.move_external_money(session)
    async with database.sessions.begin() as session:
        person = await people.person(session, balance=900)
        owner = await people.person(session)
        channel = await people.channel(session, owner)
        await channels.connect(
            session,
            actor=person,
            chat_id=channel.chat_id,
            title="x",
            username=None,
            subscribers=1,
            former_owner_id=owner.user_id,
        )
        admin, other = await people.staff(session), await people.staff(session)
        paid = await withdrawals.request(session, actor=person, amount=300, key="paid by another")
        await withdrawals.approve(session, actor=admin, withdrawal_id=paid.id)
        await withdrawals.mark_paid(
            session, actor=other, withdrawal_id=paid.id, external_reference="bank-3"
        )
        asked = await withdrawals.request(session, actor=person, amount=500, key="form")
        await withdrawals.return_money(
            session, actor=admin, withdrawal_id=asked.id, reason="wrong account"
        )
        await user_blocks.block(session, actor=SYSTEM, user_id=owner.user_id or 0, role="system")
    async with database.sessions.begin() as session:
        admin = await people.staff(session)
        await user_blocks.unblock(session, actor=admin, user_id=owner.user_id or 0, reason="x")
    async with database.sessions.begin() as session:
        found = {
            action
            for (action,) in await rows.table(
                session, "SELECT DISTINCT action FROM user_audit_logs"
            )
        }
        by_id = await rows.table(
            session,
            "SELECT action, coalesce(metadata ->> 'withdrawal_id', metadata ->> 'target_id',"
            " metadata ->> 'deposit_id', metadata ->> 'correction_id', metadata ->> 'channel_id',"
            " metadata ->> 'blocked_user_id', metadata ->> 'unblocked_user_id') AS id, count(*)"
            " FROM user_audit_logs GROUP BY action, id HAVING count(*) > 1",
        )
    assert found >= {
        "channel_taken_over",
        "correction_done",
        "correction_proposed",
        "deposit_clawed_back",
        "deposit_credited",
        "escrow_refunded",
        "escrow_released",
        "excess_payment_recorded",
        "moderation_approved",
        "user_blocked",
        "user_unblocked",
        "withdrawal_approved",
        "withdrawal_paid",
        "withdrawal_requested",
        "withdrawal_returned",
    }
    assert "escrow_held" not in found
    assert [row for row in by_id if row[1] is not None] == []
