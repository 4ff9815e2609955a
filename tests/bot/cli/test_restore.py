"""Test that a restored backup publishes nothing twice and moves no money."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from db.models.operations import Switch
from db.models.users import Role
from db.session import create_engine, create_sessions
from sandbox import embedded
from scheduler import audit_chain_tick, notice_delivery, post_search, settlements, watchdogs
from services.market import campaigns, moderation
from services.market.creatives import Creative
from services.money import incidents, withdrawals
from services.platform import alerts
from services.posts import posting
from tests.conftest import ROOT, Database
from tests.embedded_fixture import clone_database, drop_database
from tests.factories import books, people, presses, rows
from tests.scheduler.scene import AD, Scene
from tests.scheduler.test_main import STATUS_SECONDS, environment
from tests.scheduler.test_post_search import make_message_id_known, search, write_by_hand
from tests.shell import Shell, shell_of

OPEN_INCIDENT = "SELECT id FROM incidents WHERE kind = 'backup_restored' AND closed_at IS NULL"
BEGINS_ANEW = "SELECT first_absent_at IS NULL AND search_above IS NOT NULL FROM post_jobs"
LEASE_OVER = "UPDATE post_jobs SET lease_until = now() - interval '1 s'"
REFUSED_UNSEARCHED = (
    "UPDATE post_jobs SET status = 'cancelled'",
    "UPDATE post_jobs SET status = 'failed'",
    "UPDATE post_jobs SET status = 'sending', claim_no = 1, lease_owner = 'x', lease_until = now()",
)


@asynccontextmanager
async def empty_database(server: embedded.Postgres) -> AsyncIterator[Database]:
    """Yield an empty database of the tables' owner. At the end, delete it."""
    name = f"restored_{uuid4().hex}"
    await clone_database(server, "template0", name)
    url = server.dsn(embedded.APP, name)
    engine = create_engine(url)
    try:
        yield Database(create_sessions(engine), url, server.dsn(embedded.OWNER, name))
    finally:
        await engine.dispose()
        await drop_database(server, name)


def owner_shell(database: Database) -> Shell:
    """Return a runner of commands that has the address of the database's owner."""
    shell = shell_of(database)
    shell.environment["MIGRATION_DATABASE_URL"] = database.owner_url
    return shell


async def back_up(database: Database, folder: Path) -> Path:
    """Write a backup, and return its file."""
    file = folder / "backup.dump"
    done = await owner_shell(database).adtech("backup", file)
    assert done.status == 0, done.said
    return file


async def restore(database: Database, file: Path) -> str:
    """Restore a backup with the command, and return what the command has said."""
    done = await owner_shell(database).adtech("restore", file)
    assert done.status == 0, done.said
    return done.said


async def submit(scene: Scene, channel_id: int) -> int:
    """Submit a placement that nobody has approved, and return its id."""
    async with scene.database.sessions.begin() as session:
        target = await campaigns.submit_target(
            session,
            actor=scene.actors["advertiser"],
            campaign_id=scene.campaign_id,
            channel_id=channel_id,
            publish_at=None,
            fee_bps=people.FEE_BPS,
        )
    return target.id


async def run_switches(scene: Scene) -> None:
    """Check all rows, close the incident about the restore, and run every switch."""
    checked = await owner_shell(scene.database).adtech("check", "--full")
    assert checked.status == 0, checked.said
    async with scene.database.sessions.begin() as session:
        closer = await people.staff(session, Role.OPERATOR)
        incident_id = await rows.one(session, OPEN_INCIDENT)
    async with scene.database.sessions.begin() as session:
        press = await presses.close_incident(session, closer, incident_id)
        await incidents.close_incident(session, actor=press, incident_id=incident_id)
    for key in Switch:
        await scene.set_switch(key, enabled=True)


async def claim(scene: Scene, *, begin: bool) -> None:
    """Claim the due post for a scheduler that dies, before or after it has begun the send."""
    async with scene.database.sessions.begin() as session:
        claims = await posting.claim_due(session, owner="dead", lease=timedelta(seconds=9), limit=1)
        if begin:
            await posting.begin_sends(session, claims)


async def pass_of_scheduler(scene: Scene, *, times: int = 1) -> None:
    """Run the scheduler's work with posts and money, several times."""
    for _ in range(times):
        await watchdogs.rescue_abandoned(scene.database.sessions)
        await watchdogs.cancel_unwanted(scene.database.sessions)
        await scene.dispatch()
        await search(scene)


async def test_no_post_of_a_restored_backup_is_published_twice(
    server: embedded.Postgres, scene: Scene, tmp_path: Path
) -> None:
    await make_message_id_known(scene)
    more = [await scene.another_channel() for _ in range(2)]
    queued = [await scene.approve(channel_id=each) for each in (scene.channel_id, more[0])]
    pending = await submit(scene, more[1])
    file = await back_up(scene.database, tmp_path)

    async with scene.database.sessions.begin() as session:
        await moderation.approve(session, actor=scene.actors["moderator"], target_id=pending)
    await scene.dispatch()
    await settlements.release_due(scene.database.sessions)
    sent = {message["message_id"] for message in await scene.published()}
    assert len(await scene.published()) == 3

    async with empty_database(server) as restored:
        said = await restore(restored, file)
        assert "2 posts are searched" in said
        scene.database = restored
        async with restored.sessions.begin() as session:
            assert await rows.one(session, "SELECT count(*) FROM running_switches") == 0
            assert "database_away" in await alerts.names_firing(session)  # a bot says that it ends
        await pass_of_scheduler(scene)
        for target in queued:
            job = await scene.job(target)
            assert (job["status"], job["escrow"]) == ("success", "held")
            assert job["message_id"] in sent
        await run_switches(scene)
        async with restored.sessions.begin() as session:
            await moderation.approve(session, actor=scene.actors["moderator"], target_id=pending)
        await pass_of_scheduler(scene)
        for target in (*queued, pending):
            job = await scene.job(target)
            assert (job["status"], job["escrow"], job["target"]) == (
                "success",
                "released",
                "posted",
            )
        async with restored.sessions.begin() as session:
            await books.assert_invariants(session)
    assert len(await scene.published()) == 3


async def test_a_post_that_was_not_published_is_sent_once_after_two_searches(
    server: embedded.Postgres, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_search, "EMPTY_IDS_AT_END_OF_RESTORED", 3)
    await make_message_id_known(scene)
    target = await scene.approve()
    file = await back_up(scene.database, tmp_path)
    async with empty_database(server) as restored:
        await restore(restored, file)
        scene.database = restored
        await run_switches(scene)
        await pass_of_scheduler(scene)
        assert (await scene.job(target))["status"] == "uncertain"
        assert await scene.published() == []
        await pass_of_scheduler(scene, times=2)
        assert (await scene.job(target))["escrow"] == "released"
    assert len(await scene.published()) == 1


async def test_a_post_is_found_behind_more_messages_than_one_search_reads(
    server: embedded.Postgres, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_search, "MAX_PROBES", 4)
    await make_message_id_known(scene)
    target = await scene.approve()
    file = await back_up(scene.database, tmp_path)
    for _ in range(6):
        await write_by_hand(scene)
    await scene.dispatch()
    async with empty_database(server) as restored:
        await restore(restored, file)
        scene.database = restored
        await pass_of_scheduler(scene)
        assert (await scene.job(target))["status"] == "uncertain"
        await pass_of_scheduler(scene)
        assert (await scene.job(target))["status"] == "success"
    assert len(await scene.published()) == 1


async def test_a_post_that_waits_for_its_search_is_neither_cancelled_nor_refunded(
    server: embedded.Postgres, scene: Scene, tmp_path: Path
) -> None:
    target = await scene.approve()
    file = await back_up(scene.database, tmp_path)
    await scene.dispatch()
    async with empty_database(server) as restored:
        await restore(restored, file)
        scene.database = restored
        await run_switches(scene)
        async with restored.sessions.begin() as session:
            await campaigns.cancel(
                session, actor=scene.actors["advertiser"], campaign_id=scene.campaign_id
            )
        await restored.forward(timedelta(days=2))
        await watchdogs.cancel_unwanted(restored.sessions)
        await watchdogs.refund_stuck_escrows(restored.sessions, timedelta(hours=1))
        assert (await scene.job(target))["status"] == "queued"
        assert await scene.rows("SELECT id FROM outbox WHERE kind = 'escrow_watchdog'") == []
        for statement in REFUSED_UNSEARCHED:
            with pytest.raises(asyncpg.PostgresError) as refusal:
                await restored.as_owner(statement)
            assert refusal.value.sqlstate == "AD090", statement
        await pass_of_scheduler(scene)
        assert (await scene.job(target))["escrow"] == "released"
    assert len(await scene.published()) == 1


async def test_no_other_queued_post_becomes_uncertain(scene: Scene) -> None:
    await scene.approve()
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await scene.database.as_owner("UPDATE post_jobs SET status = 'uncertain', claim_no = 1")
    assert refusal.value.sqlstate == "AD091"


@pytest.mark.parametrize("begun", [True, False])
async def test_a_send_that_was_under_way_is_searched(
    server: embedded.Postgres, scene: Scene, tmp_path: Path, *, begun: bool
) -> None:
    target = await scene.approve()
    await claim(scene, begin=begun)
    file = await back_up(scene.database, tmp_path)
    await scene.database.as_owner(LEASE_OVER)
    await watchdogs.rescue_abandoned(scene.database.sessions)
    if begun:
        await scene.world.call("sendMessage", chat_id=scene.world.ids["channel"], text=AD)
    else:
        await scene.dispatch()
    async with empty_database(server) as restored:
        await restore(restored, file)
        scene.database = restored
        assert (await scene.job(target))["status"] == "uncertain"
        await pass_of_scheduler(scene)
        assert (await scene.job(target))["status"] == "success"
    assert len(await scene.published()) == 1


async def test_the_search_for_an_uncertain_post_begins_anew(
    server: embedded.Postgres, scene: Scene, tmp_path: Path
) -> None:
    await make_message_id_known(scene)
    target = await scene.approve()
    await claim(scene, begin=True)
    await scene.database.as_owner(LEASE_OVER)
    await pass_of_scheduler(scene)
    async with scene.database.sessions.begin() as session:
        assert await rows.one(session, BEGINS_ANEW) is False  # one search has not found it
    file = await back_up(scene.database, tmp_path)
    await pass_of_scheduler(scene, times=2)  # it is absent again, and sent
    async with empty_database(server) as restored:
        await restore(restored, file)
        async with restored.sessions.begin() as session:
            assert await rows.one(session, BEGINS_ANEW) is True
        scene.database = restored
        await pass_of_scheduler(scene)
        assert (await scene.job(target))["status"] == "success"
    assert len(await scene.published()) == 1


async def test_a_restore_keeps_payments_and_parks_presses(
    server: embedded.Postgres, scene: Scene, tmp_path: Path
) -> None:
    async with scene.database.sessions.begin() as session:
        await presses.press(session, scene.actors["advertiser"], "an old press")
        await presses.write(session, scene.actors["owner"], "paid", successful_payment={})
        asked = await people.person(session, balance=500)
        await withdrawals.request(session, actor=asked, amount=400, key="w")
        before = await rows.one(session, "SELECT max(id) FROM campaigns")
    file = await back_up(scene.database, tmp_path)
    async with empty_database(server) as restored:
        said = await restore(restored, file)
        assert "1 withdrawals were open" in said
        assert "400" in said
        scene.database = restored
        async with restored.sessions.begin() as session:
            assert (
                await rows.one(
                    session,
                    "SELECT count(*) FROM inbox WHERE failed_at IS NULL AND done_at IS NULL",
                )
                == 1
            )
            texts_of = await rows.table(
                session, "SELECT kind FROM outbox WHERE status = 'queued' AND priority = 0"
            )
        assert ("backup_restored",) in texts_of
        assert ("switch_changed",) not in texts_of
        await notice_delivery.deliver_alarms(scene.outbox_worker())
        notices = " ".join(m["text"] or "" for m in await scene.messages("group"))
        assert "A backup of the database was restored" in notices
        assert "ask the bank" in notices
        assert "more" not in notices
        again = await owner_shell(restored).adtech("restored")
        assert again.status == 1
        assert "Other programs use the database" in again.err
        async with restored.sessions.begin() as session:
            created = await campaigns.create(
                session,
                actor=scene.actors["advertiser"],
                name="New",
                creative=Creative(kind="text", text=AD),
                total_budget=1,
            )
            assert created.id > before + 1_000_000


async def test_a_scheduler_that_starts_on_a_restored_backup_finds_the_post(
    server: embedded.Postgres, scene: Scene, tmp_path: Path
) -> None:
    target = await scene.approve()
    file = await back_up(scene.database, tmp_path)
    await scene.dispatch()
    [message] = await scene.published()
    async with empty_database(server) as restored:
        await restore(restored, file)
        scene.database = restored
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "scheduler"), cwd=ROOT, env=environment(scene)
        )
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                while (await scene.job(target))["status"] != "success":
                    await asyncio.sleep(0.2)
        finally:
            process.terminate()
            await process.wait()
        job = await scene.job(target)
        assert (job["message_id"], job["escrow"]) == (message["message_id"], "held")
    assert len(await scene.published()) == 1


async def test_a_restore_names_the_lost_links_of_the_audit_chain(
    server: embedded.Postgres, chained_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "links.jsonl"
    await audit_chain_tick.extend_audit_chain(chained_database.sessions, path)
    file = await back_up(chained_database, tmp_path)
    async with chained_database.sessions.begin() as session:
        await people.person(session, balance=100)
    await audit_chain_tick.extend_audit_chain(chained_database.sessions, path)
    async with empty_database(server) as restored:
        shell = owner_shell(restored)
        done = await shell.adtech("restore", file, "--chain-file", path)
        assert done.status == 0, done.said
        assert "Links 4 to 4 of the audit chain are in the file and not in the backup" in done.err
        checked = await shell.adtech("check", "--full")  # also compares all guards of the database
        assert (checked.status, checked.out) == (0, "All invariants hold.\n"), checked.err


async def test_a_restore_into_a_database_with_tables_is_refused(
    database: Database, tmp_path: Path
) -> None:
    file = await back_up(database, tmp_path)
    done = await owner_shell(database).adtech("restore", file)
    assert done.status == 1
    assert "The database is not empty" in done.err


async def test_restored_continues_the_transaction_numbers(chained_database: Database) -> None:
    shell = owner_shell(chained_database)
    async with chained_database.sessions.begin() as session:
        await people.person(session)
    used = await shell.adtech("restored")
    assert (used.status, "Other programs use the database" in used.err) == (1, True)
    await chained_database.sessions.kw["bind"].dispose()
    ending = await asyncpg.connect(chained_database.owner_url)  # like the session of `pg_restore`
    asyncio.get_running_loop().call_later(0.3, ending.terminate)
    done = await shell.adtech("restored")
    assert (done.status, "0 is added" in done.out) == (0, True), done.err
    async with chained_database.sessions.begin() as session:
        assert await rows.one(session, "SELECT count(*) FROM kill_switches WHERE enabled") == 0
        assert await rows.table(
            session,
            "SELECT user_id, role FROM user_audit_logs WHERE action = 'backup_restored'",
        ) == [(None, "system")]
