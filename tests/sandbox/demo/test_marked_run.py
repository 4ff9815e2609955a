"""Test with real processes that one id joins an act's traces, and that nothing private leaks.

The people, texts, addresses and secrets of this run contain marks.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from sqlalchemy import make_url

from sandbox.demo import launcher, scenario, steps
from sandbox.demo.books import DemoDatabase
from sandbox.demo.people import PATIENCE, Control
from sandbox.demo.scenario import Participants, Scenario
from sandbox.telegram import ports
from tests.conftest import ROOT

MARK = "zqm"
AD = f"{MARK}text of it: call +79995550123 and ask for {MARK}name!"
LINK = (f"{MARK}button", f"https://example.com/{MARK}link")
PHONE = "79995550123"
BROKEN = "cannot save"
MORE_SECONDS = 5.0
PASSWORD, TOKEN_TAIL = f"{MARK}password", f"{MARK}token-5f1c-{'x' * 24}"
APPROVE, ERRORS, PAUSE = "Admin approves it", "Worker error", "⏸ Pause"
ERROR_COLUMNS = (
    ("post_jobs", "last_error"),
    ("outbox", "last_error"),
    ("inbox", "last_error"),
    ("post_checks", "evidence"),
    ("incidents", "details"),
    ("ledger_checkpoints", "details"),
    ("launch_runs", "evidence"),
    ("heartbeats", "facts"),
    ("alerts", "alerts"),
)
"""The columns that staff, alerts and monitoring read. `alerts` stands for whole rows."""
Row = dict[str, Any]


@dataclass
class Run:
    """A finished run with marks."""

    world: launcher.RunningSandbox
    ports: tuple[int, int]
    target_id: int = 0
    failed_target_id: int = 0
    alert: str = ""
    """The text that a person reads after an unexpected error."""
    printed: list[str] = field(default_factory=list)
    """The output of the processes of the error paths."""
    metrics: list[str] = field(default_factory=list)

    @property
    def database(self) -> DemoDatabase:
        """Return the database of this run."""
        return DemoDatabase(self.world.facts["database_url"])

    @property
    def log(self) -> str:
        """Return everything that a process of this run has written."""
        logs = [path.read_text() for path in self.world.folder.glob("**/*.log")]
        lines = "\n".join([*logs, *self.printed]).splitlines()
        # PostgreSQL logs what a function raises. The functions of the product raise fixed texts.
        return "\n".join(line for line in lines if f"ERROR:  {BROKEN}" not in line)

    def lines(self, correlation_id: str) -> list[Row]:
        """Return the log lines with an id."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("correlation_id") == correlation_id]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run the fourteen steps and the error paths once, for all tests of this module."""
    folder = tmp_path_factory.mktemp("marked")
    with pytest.MonkeyPatch.context() as patch:
        for module in (scenario, steps):
            for name, value in (("AD", AD), ("LINK", LINK), ("CAMPAIGN", f"{MARK}campaign")):
                patch.setattr(module, name, value, raising=False)
        finished = asyncio.run(_run(folder))
    try:
        yield finished
    finally:
        assert asyncio.run(finished.world.stop()) == 0


async def _run(folder: Path) -> Run:
    free = (ports.free(0), ports.free(0))
    world = await launcher.start(
        folder,
        METRICS_PORT=str(free[0]),
        SCHEDULER_HTTP_PORT=str(free[1]),
        LOG_FORMAT="json",
        ALERT_WEBHOOK_URL=f"http://{PASSWORD}@127.0.0.1:1/{MARK}hook",
    )
    run = Run(world, free)
    try:
        control = Control.of(world.facts)
        async with control.session:
            first = Scenario(control, run.database, await _marked_people(control, world.facts, "a"))
            for step in steps.STEPS:
                await step.act(first)
            run.target_id = first.target_id
            await _fail_a_post(run, control)
            await _break_a_press(run, first)
        await _refused_processes(run)
        async with aiohttp.ClientSession() as client:
            for port in free:
                async with client.get(f"http://127.0.0.1:{port}/metrics") as response:
                    run.metrics.append(await response.text())
    except BaseException:
        await world.stop()
        raise
    return run


async def _marked_people(control: Control, facts: Row, suffix: str) -> Participants:
    people = {
        role: await control.post(
            "/users", first_name=f"{MARK}name {role}", username=f"{MARK}user_{role}_{suffix}"
        )
        for role in ("advertiser", "owner")
    }
    title = f"{MARK}title {suffix}"
    channel = await control.post("/channels", owner_id=people["owner"]["id"], title=title)
    ids = {role: person["id"] for role, person in people.items()}
    ids["admin"] = facts["people"]["admin"]
    return scenario._participants(control, ids, facts["admin_chat_id"], channel["id"], title)


async def _fail_a_post(run: Run, control: Control) -> None:
    """Let Telegram refuse a post with an error that repeats the ad."""
    story = Scenario(control, run.database, await _marked_people(control, run.world.facts, "b"))
    await control.post(
        "/faults",
        method="sendMessage",
        kind="error",
        chat_id=story.participants.channel.id,
        error_code=400,
        description=f'Bad Request: inline keyboard button URL "{LINK[1]}" of "{AD}" is invalid',
    )
    for step in steps.STEPS:
        await step.act(story)
        if step.title == APPROVE:
            break
    await run.database.until(
        "SELECT status FROM post_jobs WHERE campaign_target_id = $1",
        story.target_id,
        so=lambda row: bool(row["status"] == "failed"),
        expected="the post fails",
    )
    run.failed_target_id = story.target_id


async def _break_a_press(run: Run, story: Scenario) -> None:
    """Let a press fail with an error whose message holds the ad."""
    owner = await asyncpg.connect(run.world.facts["migration_database_url"])
    try:
        await owner.execute(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN RAISE EXCEPTION '{BROKEN} %', NEW.creative; END $$"
        )
        await owner.execute(
            "CREATE TRIGGER broken BEFORE UPDATE ON campaigns"
            " FOR EACH ROW EXECUTE FUNCTION broken()"
        )
        person = story.participants.advertiser
        menu = await person.say("/start", then="What would you like to do?")
        listed = await person.press("📣 Campaigns", on=menu, then=f"{MARK}campaign")
        await person.press(f"{MARK}campaign", on=listed, then=PAUSE)
        pressed = await story.control.post(
            f"/users/{person.id}/press", chat_id=person.id, button=PAUSE
        )
        run.alert = pressed["text"]
        await owner.execute("DROP TRIGGER broken ON campaigns")
        await owner.execute("DROP FUNCTION broken()")
    finally:
        await owner.close()


async def _refused_processes(run: Run) -> None:
    """Start processes whose password or token is refused."""
    facts = run.world.facts
    refused = make_url(facts["database_url"]).set(password=PASSWORD)
    settings = facts["settings"] | {"PATH": os.defpath, "ADTECH_ENV_FILE": os.devnull}
    no_database = settings | {
        name: refused.render_as_string(hide_password=False)
        for name in settings
        if name.endswith("DATABASE_URL")
    }
    wrong_token = settings | {"BOT_TOKEN": f"123456789:{TOKEN_TAIL}"}
    for program, environment in (
        (["bot"], no_database),
        (["scheduler"], no_database),
        (["bot.cli", "status"], no_database),
        (["bot"], wrong_token),
    ):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *program),
            cwd=ROOT,
            env={**environment, "HTTP_PORT": "0", "METRICS_PORT": "", "SCHEDULER_HTTP_PORT": ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        run.printed.append(await _read(process))


async def _read(process: asyncio.subprocess.Process) -> str:
    """Return what a process prints up to a few seconds after its first line, and end it."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            first = await process.stdout.readline()
        try:
            async with asyncio.timeout(MORE_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
        rest, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return (first + rest).decode()


def test_one_id_joins_the_traces_of_an_approval(run: Run) -> None:
    async def follow() -> None:
        (approved,) = await run.database.rows(
            "SELECT correlation_id, user_id, role FROM user_audit_logs"
            " WHERE action = 'moderation_approved' AND metadata ->> 'target_id' = $1",
            str(run.target_id),
        )
        origin = approved["correlation_id"]
        rows = await _trace(run, origin)
        written = {(row["row"], _kind(row)) for row in rows}
        assert written >= {
            ("audit", "moderation_approved"),
            ("transfer", "escrow_hold"),
            ("post job", "placement"),
            ("message", "target_approved"),
            ("message", "ad_scheduled"),
        }
        (line,) = [line for line in run.lines(origin) if line["event"] == "Act saved"]
        assert (line["actor_id"], line["act"]) == (approved["user_id"], "mod:approve")
        assert approved["role"] in line["role"]
        (update,) = [row for row in rows if row["row"] == "update"]
        assert (update["id"], update["state"]) == (line["inbox_id"], "handled")
        later = {(row["row"], _kind(row)): row for row in rows}
        published = later["audit", "post_published"]
        paid = later["audit", "escrow_released"]
        assert published["correlation_id"].startswith("post-")
        assert later["message", "post_published"]["correlation_id"] == published["correlation_id"]
        assert paid["correlation_id"].startswith("release-")
        for written_with_it in (("transfer", "payout"), ("message", "target_paid")):
            assert later[written_with_it]["correlation_id"] == paid["correlation_id"]
        for step, event in ((published, "Ad published"), (paid, "Settled")):
            assert json.loads(step["detail"])["origin_id"] == origin
            (line,) = [x for x in run.lines(step["correlation_id"]) if x["event"] == event]
            assert line["origin_id"] == origin

    asyncio.run(follow())


def test_the_support_number_finds_the_error(run: Run) -> None:
    number = run.alert.rpartition(" ")[2]
    assert re.fullmatch(r"[0-9a-f]{12}", number), run.alert
    (update,) = [row for row in asyncio.run(_trace(run, number)) if row["row"] == "update"]
    errors = [line for line in run.lines(number) if line["event"] == ERRORS]
    assert len(errors) == 1
    assert "RaiseError (P0001): [message withheld]" in errors[0]["exception"]
    assert (update["state"], update["detail"]) == ("failed", "DBAPIError")


def test_no_mark_is_in_any_output(run: Run) -> None:
    assert "Worker error" in run.log
    assert "Ad published" in run.log
    assert sum("password" in printed for printed in run.printed) >= 1, run.printed
    _assert_clean(run.log, run)


def test_no_mark_is_in_a_metric(run: Run) -> None:
    assert all("adtech" in shown for shown in run.metrics)
    _assert_clean("\n".join(run.metrics), run)


def test_no_mark_is_in_an_incident_an_alert_or_an_error(run: Run) -> None:
    async def read() -> str:
        found = []
        for table, column in ERROR_COLUMNS:
            sql = f"SELECT {column}::text AS words FROM {table} WHERE {column} IS NOT NULL"
            found += [str(row["words"]) for row in await run.database.rows(sql)]
        return "\n".join(found)

    words = asyncio.run(read())
    assert "400: Bad Request: inline keyboard button URL" in words
    _assert_clean(words, run)


def _assert_clean(words: str, run: Run) -> None:
    facts = run.world.facts
    secrets = [facts["bot_token"], facts["bot_token"].partition(":")[2], TOKEN_TAIL, PASSWORD]
    secrets += [
        str(make_url(url).password)
        for url in (facts["database_url"], facts["migration_database_url"])
    ]
    for private in (MARK, PHONE, *secrets):
        found = words.lower().find(private.lower())
        assert found < 0, words[max(0, found - 300) : found + 100]


def _kind(row: Row) -> str:
    """Return the kind of a row: for a transfer, the first part of its key."""
    return (row["what"] or "").partition(":")[0]


async def _trace(run: Run, correlation_id: str) -> list[Row]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "trace", correlation_id, "--json"),
        cwd=ROOT,
        env={
            "PATH": os.defpath,
            "ADTECH_ENV_FILE": os.devnull,
            "DATABASE_URL": run.world.facts["database_url"],
        },
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    rows: list[Row] = json.loads(printed)
    return rows
