"""Test that each guard of the database that differs from the release is noticed and named."""

from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.users import Role
from db.session import create_engine, create_sessions
from sandbox import embedded, logins
from scheduler import notice_delivery, watchdogs
from services.money import incidents
from services.platform import errors, guards, killswitches
from services.platform.actors import Actor
from services.platform.guards import Difference
from tests.conftest import ROOT, Database
from tests.factories import open_transactions, people, presses, rows
from tests.scheduler.scene import Scene
from tests.shell import shell_of

OTHER_TEXT = (
    "CREATE OR REPLACE FUNCTION require_zero_sum() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN RETURN NULL; END'"
)
ATTACKS = {
    "ALTER TABLE wallets DISABLE TRIGGER opened_empty": "trigger wallets.opened_empty has changed",
    "ALTER TABLE wallets ENABLE REPLICA TRIGGER opened_empty": (
        "trigger wallets.opened_empty has changed"
    ),
    "DROP TRIGGER append_only ON ledger_entries": "trigger ledger_entries.append_only is missing",
    "CREATE TRIGGER more BEFORE INSERT ON escrows FOR EACH ROW EXECUTE FUNCTION refuse_frozen()": (
        "trigger escrows.more is not in the release"
    ),
    OTHER_TEXT: "function require_zero_sum() has changed",
    "ALTER FUNCTION stop_switch SECURITY INVOKER": "function stop_switch(",
    "ALTER FUNCTION stop_switch SET search_path = public": "function stop_switch(",
    "ALTER FUNCTION stop_switch RESET ALL": "function stop_switch(",
    "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'": (
        "function more() is not in the release"
    ),
    "GRANT UPDATE ON wallets TO adtech_bot": (
        "right UPDATE ON wallets TO adtech_bot is not in the release"
    ),
    "GRANT UPDATE (amount) ON escrows TO PUBLIC": (
        "right UPDATE (amount) ON escrows TO PUBLIC is not in the release"
    ),
    "GRANT EXECUTE ON FUNCTION repair(bigint) TO adtech_clock": "right EXECUTE ON FUNCTION repair(",
    "REVOKE EXECUTE ON FUNCTION clock FROM adtech_intake": "right EXECUTE ON FUNCTION clock()",
    "GRANT SELECT ON wallets TO adtech_bot WITH GRANT OPTION": (
        "right SELECT ON wallets TO adtech_bot has changed"
    ),
    "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC": "default right EXECUTE",
    "ALTER TABLE wallets DROP CONSTRAINT ck_wallets_not_negative": (
        "constraint wallets.ck_wallets_not_negative is missing"
    ),
    "ALTER TABLE wallets DROP CONSTRAINT ck_wallets_not_negative, ADD CONSTRAINT"
    " ck_wallets_not_negative CHECK (kind IN ('external', 'loss') OR balance >= 0) NOT VALID": (
        "constraint wallets.ck_wallets_not_negative has changed"
    ),
    "DROP INDEX uq_post_jobs_channel_busy": "index post_jobs.uq_post_jobs_channel_busy is missing",
    "CREATE OR REPLACE VIEW frozen_switches AS SELECT key FROM kill_switches WHERE false": (
        "view frozen_switches has changed"
    ),
    "CREATE RULE more AS ON DELETE TO outbox DO INSTEAD NOTHING": (
        "rule outbox.more is not in the release"
    ),
    "CREATE TABLE more (id int)": "table more is not in the release",
    "ALTER TABLE wallets ALTER COLUMN version DROP NOT NULL": "column wallets.version has changed",
    "DELETE FROM kill_switches WHERE key = 'payouts'": "kill switch payouts is missing",
}
"""Statements of the tables' owner, and the beginning of the difference that each one makes."""
OF_SUPERUSER = {
    "ALTER TABLE escrows DISABLE TRIGGER ALL": "constraint escrows.fk_escrows_campaign_target_id",
    "ALTER FUNCTION stop_switch OWNER TO adtech_superuser": "function stop_switch(",
    "ALTER TABLE wallets OWNER TO adtech_bot": "table wallets has changed",
    "UPDATE pg_index SET indisvalid = false"
    " WHERE indexrelid = 'uq_post_jobs_channel_busy'::regclass": (
        "index post_jobs.uq_post_jobs_channel_busy has changed"
    ),
}
OF_CLUSTER = {
    "GRANT adtech_owner TO adtech_bot": "membership adtech_owner TO adtech_bot is not",
    "GRANT adtech_clock TO adtech_reports": "membership adtech_clock TO adtech_reports is not",
    "GRANT pg_write_server_files TO adtech_clock": "membership pg_write_server_files TO adtech_c",
    "ALTER ROLE adtech_bot SUPERUSER": "role adtech_bot has changed",
    "ALTER ROLE adtech_clock BYPASSRLS CREATEROLE": "role adtech_clock has changed",
    "ALTER ROLE adtech_bot SET transaction_timeout = 0": (
        "limit transaction_timeout of adtech_bot is missing"
    ),
    "ALTER ROLE adtech_bot SET search_path = 'evil'": "role adtech_bot has changed",
}
"""Statements about roles, which all databases of the server share."""
NO_FREEZE = (
    "function more",
    "right EXECUTE ON FUNCTION clock",
    "right SELECT",
    "default right",
    "table more",
    "column",
    "kill switch",
    "membership adtech_bot TO adtech_app",
)


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def differences(database: Database) -> list[Difference]:
    async with database.sessions.begin() as session:
        return await guards.compare(session)


async def put_back(url: str, found: list[Difference]) -> None:
    """Run the commands that the differences name."""
    for each in found:
        for part in each.repair.split("; "):
            file = part.removeprefix("psql -f ")
            statement = (ROOT / file).read_text() if file != part else part
            await run(url, statement)


async def test_the_migrated_database_is_the_release(
    server: embedded.Postgres, database: Database
) -> None:
    name = database.url.partition("@/")[2].partition("?")[0]
    for login in (logins.APP, logins.BOT, logins.CLOCK, logins.REPORTS):
        engine = create_engine(server.dsn(login, name))
        async with create_sessions(engine).begin() as session:
            assert await guards.compare(session) == [], login
        await engine.dispose()


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_change_by_the_owner_is_named_and_put_back(database: Database, attack: str) -> None:
    await database.as_owner(attack)
    found = await differences(database)
    assert str(found[-1] if "TABLE more" in attack else found[0]).startswith(ATTACKS[attack]), found
    assert found[0].freezes is not str(found[0]).startswith(NO_FREEZE)
    if found[0].kind == "column" and "more" not in attack:
        await database.as_owner("ALTER TABLE wallets ALTER COLUMN version SET NOT NULL")
    elif "CREATE TABLE" in attack:
        await database.as_owner("DROP TABLE more")
    else:
        await put_back(database.owner_url, found)
    assert await differences(database) == []


@pytest.mark.parametrize("attack", OF_SUPERUSER)
async def test_a_change_by_a_superuser_is_named(
    server: embedded.Postgres, database: Database, attack: str
) -> None:
    await run(open_transactions.superuser_url(server, database), attack)
    found = await differences(database)
    assert any(str(each).startswith(OF_SUPERUSER[attack]) for each in found), found
    assert any(each.freezes for each in found)


@pytest.mark.parametrize("attack", OF_CLUSTER)
async def test_a_change_of_a_role_is_named_and_put_back(
    server: embedded.Postgres, database: Database, attack: str
) -> None:
    superuser = server.dsn(embedded.SUPERUSER, "postgres")
    limits = "ALTER ROLE adtech_bot SET transaction_timeout = '120s'"
    try:
        await run(superuser, attack)
        found = await differences(database)
        assert str(found[0]).startswith(OF_CLUSTER[attack]), found
        assert found[0].freezes is (found[0].kind != "limit")
        await put_back(superuser, found)
        assert await differences(database) == []
    finally:
        await run(superuser, limits)


async def test_objects_of_others_and_a_moved_transaction_number_are_no_difference(
    server: embedded.Postgres, database: Database
) -> None:
    await run(
        open_transactions.superuser_url(server, database),
        "CREATE SCHEMA of_the_hoster CREATE TABLE kept (id int)",
        "CREATE INDEX faster ON users (created_at)",
        "CREATE ROLE hoster CREATEROLE",
        "GRANT adtech_owner TO hoster",
    )
    try:
        await database.as_owner(
            "CREATE OR REPLACE FUNCTION ledger_txn() RETURNS bigint LANGUAGE sql STABLE"
            " RETURN pg_current_xact_id()::text::bigint + 123456"
        )
        assert await differences(database) == []
        await database.as_owner(
            "CREATE OR REPLACE FUNCTION ledger_txn() RETURNS bigint LANGUAGE sql STABLE"
            " RETURN pg_current_xact_id()::text::bigint + 0 * (SELECT count(*) FROM users)"
        )
        assert [each.name for each in await differences(database)] == ["ledger_txn()"]
    finally:
        superuser = open_transactions.superuser_url(server, database)
        await run(superuser, "REVOKE adtech_owner FROM hoster", "DROP ROLE hoster")


async def test_another_revision_is_not_compared(database: Database) -> None:
    await database.as_owner("UPDATE alembic_version SET version_num = '9999'")
    await database.as_owner("DROP TRIGGER append_only ON ledger_entries")
    [found] = await differences(database)
    assert (found.kind, found.name, found.freezes) == ("revision", "9999", False)
    await watchdogs.check_guards(database.sessions)
    assert await _open(database) == []
    checked = await shell_of(database).adtech("check")
    assert (checked.status, "revision 9999 has changed" in checked.err) == (0, True)


async def _open(database: Database) -> list[tuple[object, ...]]:
    async with database.sessions.begin() as session:
        return await rows.table(
            session, "SELECT kind FROM incidents WHERE closed_at IS NULL ORDER BY kind"
        )


async def _running(session: AsyncSession) -> set[Switch]:
    return {each.key for each in await killswitches.overview(session) if each.enabled}


async def _close(database: Database, closer: Actor, incident_id: int) -> None:
    async with database.sessions.begin() as session:
        press = await presses.close_incident(session, closer, incident_id)
        await incidents.close_incident(session, actor=press, incident_id=incident_id)


async def test_a_missing_guard_of_money_freezes_the_money_until_it_is_put_back(
    scene: Scene,
) -> None:
    database = scene.database
    await database.as_owner("ALTER TABLE wallets DISABLE TRIGGER opened_empty")
    for _ in range(2):
        await watchdogs.check_guards(database.sessions)
    assert await _open(database) == [("guard_missing",)]
    async with database.sessions.begin() as session:
        running = await _running(session)
        assert running == set(Switch) - set(killswitches.FROZEN_BY_INCIDENT)
        incident_id = await rows.one(session, "SELECT id FROM incidents")
        closer = await people.staff(session, Role.OPERATOR)
    await notice_delivery.deliver_alarms(scene.outbox_worker())
    alarms = [m["text"] for m in await scene.messages("group") if m["text"]]
    [alarm] = [each for each in alarms if "guard of money" in each]
    assert "trigger wallets.opened_empty" in alarm
    assert "ALTER TABLE wallets ENABLE TRIGGER opened_empty;" in alarm

    shell = shell_of(database)
    found = await shell.adtech("check", "--full")
    assert found.status == 1
    assert "trigger wallets.opened_empty has changed" in found.err
    with pytest.raises(errors.GuardsDiffer):
        await _close(database, closer, incident_id)
    with pytest.raises(errors.IncidentOpen):
        await scene.set_switch(Switch.PAYOUTS, enabled=True)

    await database.as_owner("ALTER TABLE wallets ENABLE TRIGGER opened_empty")
    assert (await shell.adtech("check", "--full")).status == 0
    await _close(database, closer, incident_id)
    async with database.sessions.begin() as session:
        assert Switch.PAYOUTS not in await _running(session)
    await scene.set_switch(Switch.PAYOUTS, enabled=True)


async def test_a_missing_switch_is_an_incident_that_freezes_nothing_else(
    database: Database,
) -> None:
    await database.as_owner("DELETE FROM kill_switches WHERE key = 'deposits'")
    await watchdogs.check_guards(database.sessions)
    assert await _open(database) == [("schema_differs",)]
    async with database.sessions.begin() as session:
        assert await _running(session) == set(Switch) - {Switch.DEPOSITS}
        repair = await rows.one(
            session, "SELECT details -> 'kill switch' -> 0 ->> 'repair' FROM incidents"
        )
    await database.as_owner(repair)
    assert await differences(database) == []


async def test_a_cached_comparison_is_made_anew_after_its_time(database: Database) -> None:
    cached, always = guards.CachedComparison(), guards.CachedComparison(seconds=0)
    async with database.sessions.begin() as session:
        assert await cached.differences(session) == await always.differences(session) == []
    await database.as_owner("ALTER TABLE wallets DISABLE TRIGGER opened_empty")
    async with database.sessions.begin() as session:
        assert await cached.differences(session) == []
        assert len(await always.differences(session)) == 1


def test_every_switch_and_every_function_is_in_the_release() -> None:
    expected = guards.release()
    assert set(expected["kill switch"]) == {key.value for key in Switch}
    names = {name.partition("(")[0] for name in expected["function"]}
    assert names == {path.stem for path in Path(ROOT / "db" / "functions").glob("*.sql")}
