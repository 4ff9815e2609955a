"""Test that the rehearsal of a release notices what must not happen."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp import web

from sandbox import logins, processes
from sandbox.demo.books import DemoDatabase
from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Chat, Control
from sandbox.demo.scenario import Participants, Scenario
from tests.conftest import Database
from tests.rehearsal import __main__ as rehearsal
from tests.rehearsal import balancer, compose, installation, old_release, release
from tests.rehearsal.balancer import Balancer
from tests.rehearsal.installation import Installation
from tests.rehearsal.old_release import OldRelease
from tests.rehearsal.release import Process, Release
from tests.rehearsal.traffic import Traffic
from tests.sandbox.telegram import raw_world
from tests.sandbox.telegram.raw_world import SandboxClient

_WAIT = "import signal, sys, time; signal.signal(signal.SIGTERM, {}); print(1); time.sleep(99)"
STUBBORN = _WAIT.format("signal.SIG_IGN")
FAILING = _WAIT.format("lambda *_: sys.exit(3)")
SLOW = f"""
import time
def work(*_):
    while time.process_time() < 2: pass
    sys.exit(0)
{_WAIT.format("work")}
"""
GENTLE = FAILING.replace("sys.exit(3)", "sys.exit(0)")


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """Return an installation without servers."""
    facts = {
        "database_url": "postgresql://adtech_app:x@/adtech?host=/sockets",
        "migration_database_url": "postgresql://adtech_owner:secret@/adtech?host=/sockets",
        "redis_url": "unix:///sockets/valkey.sock?db=0",
        "bot_token": "1:token",
        "bot_api_url": "http://127.0.0.1:1",
        "admin_chat_id": -100,
        "people": {"admin": 7, "second_admin": 8},
    }
    words = {role: f"of-{role}" for role in (logins.OWNER, *logins.JOBS)}
    return Installation(tmp_path, facts, words, Balancer("https://127.0.0.1:1/x", tmp_path))


def test_processes_get_the_settings_of_the_compose_file(here: Installation) -> None:
    bot = here.service("bot-1", webhook=True, port=99)
    assert bot.command == ["python", "-m", "bot"]
    assert bot.environment["DATABASE_URL"] == (
        "postgresql://adtech_bot:of-adtech_bot@/adtech?host=/sockets"
    )
    assert bot.environment["WEBHOOK_SECRET"] == here.webhook_secret
    assert here.service("bot-2", webhook=False).environment["WEBHOOK_URL"] == ""
    assert (bot.environment["HTTP_PORT"], bot.environment["ADMIN_CHAT_ID"]) == ("99", "-100")
    scheduler = here.service("scheduler-1", webhook=False).environment
    assert "adtech_clock" in scheduler["DATABASE_URL"]
    assert "adtech_owner" not in json.dumps(bot.environment) + json.dumps(scheduler)
    with pytest.raises(KeyError):
        compose.read("bot-1", {})


def test_a_process_may_take_as_long_to_stop_as_the_compose_file_allows() -> None:
    services = yaml.safe_load(compose.FILE.read_text())["services"]
    for name in (*release.BOTS, *release.SCHEDULERS):
        assert services[name]["stop_grace_period"] == f"{release.LONGEST_DRAIN_SECONDS:.0f}s"


class Repository:
    """A git repository in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> None:
        """Run git in the folder."""
        me = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(self.folder), *me, *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def commit(self, version: str, *revisions: str) -> None:
        """Commit a file with the text `version`, and new migrations."""
        (self.folder / "version").write_text(version)
        for revision in revisions:
            file = self.folder / f"migrations/versions/{revision}_name.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("")
        self.git("add", ".")
        self.git("commit", "-q", "-m", version)

    def candidates(self, since: str) -> list[str]:
        """Return the commits to try, by the text of their file `version`."""
        found = []
        for each in old_release.candidates(self.folder, since):
            tree = self.folder.parent / f"{self.folder.name}-{since}-{each.commit}"
            old_release.check_out(each, tree, self.folder)
            found.append((tree / "version").read_text())
            assert each.is_this_commit == (each.commit == "HEAD")
        return found


@pytest.fixture
def history(tmp_path: Path) -> Repository:
    """Return a repository whose last two migrations came in one merge."""
    made = Repository(tmp_path / "history")
    made.commit("1", "0001")
    made.commit("2", "0002")
    made.commit("3")
    made.git("checkout", "-q", "-b", "side")
    made.commit("on the side", "0003")
    made.commit("also on the side", "0004")
    made.git("checkout", "-q", "main")
    made.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    made.commit("5")
    return made


def test_the_old_release_is_the_last_tag_before_this_commit(history: Repository) -> None:
    history.git("tag", "v2", "main~2")
    history.git("tag", "v5")
    history.git("tag", "note", "main~1")
    assert history.candidates(since="0004") == ["3"]
    assert [each.was_released for each in old_release.candidates(history.folder)] == [True]


def test_without_a_tag_an_older_schema_of_the_main_line_is_tried_first(
    history: Repository,
) -> None:
    assert history.candidates(since="0002") == ["3", "5"]
    assert not next(old_release.candidates(history.folder, "0002")).was_released


def test_without_an_older_release_this_commit_is_replaced_by_itself(
    history: Repository, tmp_path: Path
) -> None:
    assert history.candidates(since="0003") == ["5"]
    first = Repository(tmp_path / "first")
    first.commit("1", "0001")
    assert first.candidates(since="0001") == ["1"]
    shallow = Repository(tmp_path / "shallow")
    shallow.git("fetch", "-q", "--depth=1", f"file://{history.folder}", "main")
    shallow.git("reset", "-q", "--hard", "FETCH_HEAD")
    assert shallow.candidates(since="0001") == ["5"]
    with pytest.raises(Unexpected, match="a git repository"):
        old_release.check_out(
            OldRelease("HEAD", "no repository"), tmp_path / "nothing", tmp_path / "absent"
        )


@pytest.mark.parametrize(
    ("commits", "tried", "problems"),
    [
        (["abc", "HEAD"], ["abc", "HEAD"], []),
        (["v1"], ["v1"], ["the old release does not work by itself: broken"]),
        (["HEAD"], ["HEAD"], ["the old release does not work by itself: broken"]),
    ],
)
async def test_a_commit_that_does_not_work_by_itself_is_no_old_release(
    commits: list[str],
    tried: list[str],
    problems: list[str],
) -> None:
    chosen = [OldRelease(name, "", was_released=name.startswith("v")) for name in commits]
    seen: list[str] = []

    async def attempt(candidate: OldRelease) -> list[str]:
        seen.append(candidate.commit)
        if len(seen) == 1:
            raise rehearsal.UnusableError("broken")
        return []

    assert await rehearsal.with_first_usable(chosen, attempt) == problems
    assert seen == tried


async def test_an_old_release_that_does_not_start_is_unusable(here: Installation) -> None:
    without_code = Release("old", here.folder, here)
    nobody = Traffic(here, None, None)  # type: ignore[arg-type]  # nobody comes
    try:
        with pytest.raises(rehearsal.UnusableError, match=r"the old bot-1 works\nseen: +status 1"):
            await rehearsal.use_alone(without_code, nobody, webhook=False)
    finally:
        await without_code.kill()


def test_programs_run_with_the_code_of_their_release(tmp_path: Path) -> None:
    commands = {
        ("alembic", "upgrade", "head"): ["alembic", "upgrade", "head"],
        ("adtech", "health"): ["bot.cli", "health"],
        ("python", "-m", "bot"): ["bot"],
    }
    for command, words in commands.items():
        found = installation.program(tmp_path, list(command))
        assert found[-len(words) - 1 :] == [str(tmp_path), *words]


@pytest.mark.parametrize(
    ("code", "seen"), [(STUBBORN, "status None"), (FAILING, "status 3"), (GENTLE, "")]
)
async def test_a_process_that_does_not_stop_gently_is_a_problem(
    code: str, seen: str, here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "LONGEST_DRAIN_SECONDS", 2.0 if code == STUBBORN else 60.0)
    log = here.folder / "log"
    child = processes.spawn(
        [sys.executable, "-I", "-u", "-c", code], name="x", cwd=here.folder, env={}, log=log
    )
    while not processes.last_line(log):
        await asyncio.sleep(0.05)
    old = Release("old", here.folder, here, [Process(child, 0)])
    try:
        if seen:
            with pytest.RaisesGroup(pytest.RaisesExc(Unexpected, match=seen)):
                await old.drain()
        else:
            await old.drain()
            assert (old.running, len(old.drains)) == ([], 1)
    finally:
        await old.kill()


async def test_the_wait_for_a_busy_cpu_is_no_part_of_a_drain(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "LONGEST_DRAIN_SECONDS", 4.0)
    first_cpu = f"import os; os.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}})\n"
    log = here.folder / "log"
    programs = [f"{first_cpu}{SLOW}", *[f"{first_cpu}while True: pass"] * 4]
    children = [
        processes.spawn(
            [sys.executable, "-I", "-u", "-c", code], name="x", cwd=here.folder, env={}, log=log
        )
        for code in programs
    ]
    try:
        while not processes.last_line(log):
            await asyncio.sleep(0.05)
        busy = Release("old", here.folder, here, [Process(children[0], 0)])
        began = time.monotonic()
        await busy.drain()
        assert busy.drains[0] < 4.0 < time.monotonic() - began
    finally:
        for child in children:
            await child.stop((signal.SIGKILL, 1))


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    async with raw_world.begin(tmp_path / "telegram") as running:
        await running.populate()
        yield running


async def test_lost_updates_and_second_posts_are_problems(
    telegram: SandboxClient, here: Installation, database: Database
) -> None:
    facts = {"bot_api_url": telegram.url, "bot_token": raw_world.BOT_TOKEN}
    headers = {"Authorization": f"Bearer {raw_world.CONTROL_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        control = Control(http, f"{telegram.url}/control")
        traffic = Traffic(replace(here, facts=facts), control, DemoDatabase(database.owner_url))
        store = "INSERT INTO inbox (update_id, lane, payload, done_at) VALUES ($1, 1, NULL, now())"
        await database.as_owner(store, 5)
        await database.as_owner(store, 6)
        assert (await traffic.find_problems())[:1] == ["post jobs: [], and 0 ads were bought"]

        await telegram.say("/start")
        await database.as_owner(store, 8)
        await database.as_owner(store.replace("now()", "NULL"), 9)
        channel = Chat(control, telegram.ids["channel"])
        people = Participants(None, None, None, channel, channel, "")  # type: ignore[arg-type]  # unused
        traffic.tenants.append(Scenario(control, traffic.database, people))
        for _ in range(2):
            await telegram.call("sendMessage", chat_id=channel.id, text="an ad")
        assert await traffic.find_problems() == [
            "1 updates still wait at Telegram",
            "5 updates were sent, 4 were stored",
            "1 updates are undone",
            f"an ad was published 2 times in channel {channel.id}",
            "post jobs: [], and 1 ads were bought",
        ]


async def test_the_balancer_asks_the_bots_in_turn_and_refuses_without_one(tmp_path: Path) -> None:
    seen: list[int] = []

    def bot(number: int) -> web.Application:
        async def take(request: web.Request) -> web.Response:
            assert request.headers["X-Telegram-Bot-Api-Secret-Token"] == "secret"
            assert await request.json() == {"update_id": 1}
            seen.append(number)
            return web.Response()

        app = web.Application()
        app.router.add_post(balancer.PATH, take)
        return app

    async with balancer.serve(tmp_path) as proxy:
        runners = [web.AppRunner(bot(number)) for number in (1, 2)]
        for runner in runners:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            proxy.bots.append(runner.addresses[0][1])
        context = ssl.create_default_context(cafile=str(proxy.authority))
        headers = {"X-Telegram-Bot-Api-Secret-Token": "secret"}
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as http:

            async def post() -> int:
                async with http.post(proxy.url, json={"update_id": 1}) as answer:
                    return answer.status

            assert [await post() for _ in range(4)] == [200] * 4
            assert seen == [1, 2, 1, 2]
            for runner in runners:
                await runner.cleanup()
            assert await post() == 502
            proxy.bots.clear()
            assert await post() == 502
            assert (proxy.passed_on, proxy.refused) == (4, 2)
