"""Test that the database refuses attacks with a stolen password."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.users import RequestKind, Role
from db.session import create_engine, create_sessions
from sandbox import embedded
from services.market import staff_requests
from services.money import corrections, wallets, withdrawals
from services.platform import chat_migrations, inbox
from services.platform.actors import Actor
from tests.conftest import Database, checked_database
from tests.embedded_fixture import clone_database, drop_database
from tests.factories import attacked_ads, payments, people, presses, rows
from tests.factories.attack import LOGIN, Attack
from tests.factories.attacks import ATTACKS
from tests.kept_databases import KeptDatabases

ATTACKED = "adtech_attacked"


@pytest.fixture(scope="module")
async def ids(server: embedded.Postgres, running: str) -> dict[str, int]:
    """Create a template database with the rows that the attacks need, and return their ids."""
    await drop_database(server, ATTACKED)
    await clone_database(server, running, ATTACKED)
    engine = create_engine(server.dsn(embedded.APP, ATTACKED))
    async with create_sessions(engine).begin() as session:
        admin, operator = await people.staff(session), await people.staff(session, Role.OPERATOR)
        thief = await people.person(session, balance=900)
        await withdrawals.request(session, actor=thief, amount=500, key="form")
        live = await people.posted(session, promised_hours=24)
        due = await people.posted(session, promised_hours=0)
        ads = await attacked_ads.create(session, admin)
        failed = await people.failed(session)
        await people.stop(session, Switch.DEPOSITS)
        await people.person(session, balance=7)
        await people.set_switch(session, Switch.DEPOSITS, enabled=True)
        await people.approved(session)
        await session.execute(
            text(
                "UPDATE post_jobs SET breach = 'altered', breach_refund_at = clock()"
                " WHERE campaign_target_id = :id"
            ),
            {"id": failed.target.id},
        )
        unpaid = await people.in_debt(session)
        pending = await people.deal(session)
        wallet = (await wallets.of_user(session, live.owner.user_id or 0)).id
        await presses.propose(
            corrections.propose_balance_reset,
            session,
            actor=admin,
            wallet_id=wallet,
            reason="drift",
        )
        message = {"chat": {"id": 5}, "text": "x"}
        await inbox.store(session, [{"update_id": n, "message": message} for n in (1, 2, 3)])
        paid = {"total_amount": 1, "currency": "USD"}
        credited = await rows.one(
            session, "SELECT max(external_reference) FROM deposits WHERE status = 'credited'"
        )
        charges = [("successful_payment", "unbooked"), ("refunded_payment", credited)]
        await inbox.store(
            session,
            [
                {
                    "update_id": 10 + n,
                    "message": message
                    | {
                        "from": {"id": 5},
                        kind: paid | {"telegram_payment_charge_id": charge},
                    },
                }
                for n, (kind, charge) in enumerate(charges)
            ],
        )
        taken = await inbox.claim(session, limit=9)
        await inbox.mark_handled(session, taken[0].id)
        await inbox.park(session, id=taken[1].id, error="x")
        request = await _ask(session, admin)
        acknowledged = await _ask(session, admin)
        press = await presses.press(session, admin, f"request:mine:{acknowledged}")
        await staff_requests.acknowledge(session, actor=press, request_id=acknowledged)
        colleague, second = await people.staff(session), await people.staff(session)
        facts = {"withdrawal_id": 0, "external_reference": "x"}
        decided = await payments.decided_request(
            session, RequestKind.RECORD_PAYMENT, facts, admin, second
        )
        head = await people.staff(session, Role.SUPER_ADMIN)
        await chat_migrations.record_migration(
            session, admin_chat_id=-77, old_chat_id=-77, new_chat_id=-1_000_000_000_077
        )
        thief_wallet = (await wallets.of_user(session, thief.user_id or 0)).id
    await engine.dispose()
    owner = await asyncpg.connect(server.dsn(embedded.OWNER, ATTACKED))
    await owner.execute(
        "INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency)"
        " SELECT 'refund', 'only refunded', telegram_id, 50000, 'USD' FROM users WHERE id = $1",
        thief.user_id,
    )
    await owner.execute("INSERT INTO incidents (kind, details) VALUES ('drill', '{}')")
    await owner.execute(
        "INSERT INTO post_checks (post_job_id, verdict, evidence)"
        " SELECT id, 'unknown', 'x' FROM post_jobs"
    )
    await owner.close()
    return ads | {
        "admin": admin.user_id or 0,
        "operator": operator.user_id or 0,
        "colleague": colleague.user_id or 0,
        "head": head.user_id or 0,
        "request": request,
        "acknowledged": acknowledged,
        "decided": decided,
        "thief": thief.user_id or 0,
        "thief_wallet": thief_wallet,
        "wallet": wallet,
        "live": live.target.id,
        "buyer": live.advertiser.user_id or 0,
        "due": due.target.id,
        "failed": failed.target.id,
        "pending": pending.target.id,
        "unpaid": unpaid.target.id,
    }


@pytest.fixture
async def attacked(ids: dict[str, int], kept_databases: KeptDatabases) -> AsyncIterator[Database]:
    """Yield a copy of the database with the rows that the attacks need."""
    assert ids
    async with checked_database(kept_databases, ATTACKED) as database:
        yield database


async def _ask(session: AsyncSession, admin: Actor) -> int:
    """Let an admin type a request in a shell, and return the request's id."""
    request = await staff_requests.create(
        session,
        actor=admin,
        kind=RequestKind.CLAWBACK,
        arguments={"charge_id": "x"},
        reason="x",
        from_shell=True,
    )
    return request.id


async def _attempt(url: str, statements: list[str], *, commit: bool = True) -> str | None:
    """Run the statements in one transaction. Return the SQLSTATE of the error, or None."""
    connection = await asyncpg.connect(url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await (transaction.commit() if commit else transaction.rollback())
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    finally:
        await connection.close()
    return None


@pytest.mark.parametrize("tried", ATTACKS, ids=lambda tried: tried.name)
async def test_the_attack_is_refused_as_each_login_that_must_not_do_it(
    server: embedded.Postgres, attacked: Database, ids: dict[str, int], tried: Attack
) -> None:
    name = attacked.url.partition("@/")[2].partition("?")[0]
    statements = [statement.format(**ids) for statement in tried.sql]
    found = {login: await _attempt(server.dsn(login, name), statements) for login in tried.refused}
    assert found == tried.refused
    for login in tried.allowed:
        allowed = await _attempt(server.dsn(login, name), statements, commit=False)
        assert allowed is None, login


AUDITED = (
    (
        "role_granted",
        "intake",
        "SELECT reconcile_super_admins(ARRAY[{thief}]::bigint[])",
    ),
    ("kill_switch_stopped", "clock", "SELECT stop_switch('refunds', NULL, 'system', 'x', NULL)"),
    ("kill_switch_run", "bot", "SELECT run_switch('refunds', {operator}, 'operator', 'x', NULL)"),
    ("incident_opened", "clock", "SELECT open_incident('telegram_down', '{{}}')"),
    ("audit_chain_file_added", "bot", "SELECT add_audit_chain_file('x', {operator})"),
    (
        "audit_chain_file_added",
        "clock",
        "INSERT INTO audit_chain_files (name, last_number) VALUES ('y', 0)",
    ),
    (
        "incident_closed",
        "clock",
        "UPDATE incidents SET closed_at = now() WHERE kind = 'telegram_down'",
    ),
    ("chat_moved", "intake", "INSERT INTO moved_chats (old_chat_id, new_chat_id) VALUES (-1, -2)"),
)


async def test_what_a_login_may_do_by_hand_has_its_audit_row(
    server: embedded.Postgres, attacked: Database, ids: dict[str, int]
) -> None:
    name = attacked.url.partition("@/")[2].partition("?")[0]
    owner = await asyncpg.connect(attacked.owner_url)
    for action, login, statement in AUDITED:
        assert await _attempt(server.dsn(LOGIN[login], name), [statement.format(**ids)]) is None, (
            action
        )
        query = "SELECT count(*) FROM user_audit_logs WHERE action = $1 AND created_at > $2"
        since = await owner.fetchval("SELECT now() - interval '1 minute'")
        assert await owner.fetchval(query, action, since) >= 1, action
    # A change of a switch or a role is also told to the admin chat, whoever makes it.
    told = (
        "SELECT payload->>'key' FROM outbox WHERE kind = 'switch_changed' ORDER BY id DESC LIMIT 2"
    )
    assert [row[0] for row in await owner.fetch(told)] == ["refunds", "refunds"]
    told = "SELECT payload->>'change' FROM outbox WHERE kind = 'role_reconciled' ORDER BY id"
    assert [row[0] for row in await owner.fetch(told)] == ["revoked", "granted"]
    await owner.close()
