"""Test the program `python -m sandbox`: its start, its refusals and its end."""

import asyncio
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis import Redis
from redis import exceptions as redis_errors

from bot import env_file
from sandbox import processes
from sandbox import status as sandbox_status

pytestmark = pytest.mark.mostly_waits

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180
"""The longest allowed wait in a test, in seconds."""


class Sandbox:
    """A program `python -m sandbox` that a test has started."""

    def __init__(self, folder: Path, *options: str, **settings: str) -> None:
        self.local = folder / "local"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--local", str(self.local), *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                "PYTHONPATH": str(ROOT),
                "PATH": os.defpath,
                env_file.VARIABLE: os.devnull,
                **settings,
            },
        )

    def up(self) -> dict[str, Any]:
        """Wait for `world.json` and return its content."""
        until(lambda: self.file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()
        return self.world()

    @property
    def file(self) -> Path:
        """Return the path of `world.json`."""
        return self.local / "world.json"

    def world(self) -> dict[str, Any]:
        """Return the current content of `world.json`."""
        assert self.process.poll() is None, self.process.communicate()
        world: dict[str, Any] = json.loads(self.file.read_text())
        return world

    def call(self, path: str, **body: object) -> Any:
        """Call the control API and return the answer."""
        world = self.world()
        return request(world["control_url"] + path, world["control_token"], body or None)

    def starts_the_bot(self) -> None:
        """Let Advertiser write /start, and wait for the bot's answer."""
        person = self.world()["people"]["advertiser"]
        sent = self.call(f"/users/{person}/send", chat_id=person, text="/start")["message_id"]
        answers = f"/chats/{person}/messages?after={sent}&wait=30"
        assert self.call(answers)["messages"]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal, and return the program's exit status, output and errors."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, output, errors


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Yield a function that starts a sandbox, by default without bot and scheduler."""
    started: list[Sandbox] = []

    def begin(*options: str, bot: bool = False, **settings: str) -> Sandbox:
        with_bot = () if bot else ("--no-bot",)
        started.append(Sandbox(tmp_path, *with_bot, *options, **settings))
        return started[-1]

    yield begin
    for sandbox in started:
        sandbox.process.kill()
        sandbox.process.communicate()
    until(lambda: nothing_left(tmp_path))


def request(url: str, token: str, body: dict[str, object] | None = None) -> Any:
    """Send one request and return the JSON of the answer."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"})  # noqa: S310 - http
    with urllib.request.urlopen(asked, timeout=30) as response:  # noqa: S310 - our own http
        return json.load(response)


def status(url: str) -> int:
    """Return the status of an answer, or 0 if nobody answers yet."""
    try:
        with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - our own http
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def nothing_left(folder: Path) -> bool:
    places = (folder, folder / "local/postgres/data", folder / "local/valkey")
    return not [pid for place in places if place.exists() for pid in processes.in_folder(place)]


def query(dsn: str, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of one statement."""

    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def refused(sandbox: Sandbox) -> str:
    """Wait until a sandbox refuses to start, and return its error line."""
    _, errors = sandbox.process.communicate(timeout=60)
    assert sandbox.process.returncode == 2
    assert len(errors.splitlines()) == 1, errors
    return errors.strip()


def adtech(settings: dict[str, str], *arguments: str) -> str:
    """Run an `adtech` command with these settings and no others, and return its output."""
    ran = subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, env_file.VARIABLE: os.devnull} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_everything_is_there_and_goes_again(start: Callable[..., Sandbox], tmp_path: Path) -> None:
    """Check that `--isolated` ignores settings, and that a signal ends all processes."""
    file = tmp_path / ".env"
    file.write_text("BOT_TOKEN=1:secret\nADMIN_CHAT_ID=-1\nPLATFORM_FEE_BPS=x\n")
    outside = {env_file.VARIABLE: str(file), "REDIS_URL": "redis://127.0.0.1:1"}
    sandbox = start("--isolated", **outside, PROBE_GAP="5")
    world = sandbox.up()
    assert stat.S_IMODE(sandbox.file.stat().st_mode) == 0o600
    assert world["page_url"].startswith("http://127.0.0.1:")
    assert world["bot_token"] != "1:secret"
    with urllib.request.urlopen(world["page_url"]) as page:  # noqa: S310 - our own http
        assert page.status == 200
    state = sandbox.call("/state")
    names = {person["id"]: person["first_name"] for person in state["people"]}
    assert [names[world["people"][part]] for part in ("advertiser", "owner", "admin")] == [
        "Advertiser",
        "Owner",
        "Admin",
    ]
    chats = {chat["id"]: chat["type"] for chat in state["chats"]}
    assert chats[world["admin_chat_id"]] == "supergroup"
    assert chats[world["channel_id"]] == "channel"
    with pytest.raises(urllib.error.HTTPError) as without:
        request(world["control_url"] + "/state", "wrong")
    assert without.value.code == 401
    without.value.close()
    asked = request(f"{world['bot_api_url']}/bot{world['bot_token']}/getMe", "")
    assert asked["result"]["username"] == world["bot_username"]
    assert query(world["database_url"], "SELECT current_user") == [("adtech_app",)]
    assert query(world["migration_database_url"], "SELECT current_user") == [("adtech_owner",)]
    switches = "SELECT count(*), bool_and(enabled) FROM kill_switches"
    assert query(world["database_url"], switches) == [(9, True)]
    with Redis.from_url(world["redis_url"]) as redis:
        assert redis.set("key", "value")
    assert json.loads(adtech(world["settings"], "report", "counts", "--json"))
    assert adtech(world["settings"], "check") == "All invariants hold.\n"
    assert refused(start(**outside)).startswith("settings: PLATFORM_FEE_BPS ")
    already = f"sandbox: already running in {sandbox.local}"
    assert refused(start("--isolated")) == f"{already}: {world['page_url']}"
    told, _ = sandbox_status.describe(sandbox.local)
    assert world["page_url"] in told
    assert f"PID {world['processes']['postgres']}" in told
    status, output, errors = sandbox.stop()
    assert (status, errors) == (0, "")
    assert world["page_url"] in output
    assert "stopping" in output
    assert sandbox_status.describe(sandbox.local)[1] == sandbox_status.NOTHING
    assert nothing_left(tmp_path)
    assert not sandbox.file.exists()


def test_a_killed_launcher_leaves_nothing_and_goes_on_at_the_next_start(
    start: Callable[..., Sandbox], tmp_path: Path
) -> None:
    first = start()
    before = first.up()
    query(before["migration_database_url"], "UPDATE kill_switches SET enabled = false, reason = ''")
    first.call("/clock", seconds=3600)
    first.process.kill()
    first.process.communicate()
    until(lambda: nothing_left(tmp_path))
    assert first.file.exists()  # no process was left to remove the file
    second = start()
    until(lambda: not first.file.exists() or second.process.poll() is not None)
    after = second.up()
    for name in ("page_url", "bot_token", "people", "admin_chat_id", "channel_id", "database_url"):
        assert after[name] == before[name]
    # A kill switch that was stopped stays stopped, and time does not go back.
    switches = "SELECT DISTINCT enabled FROM kill_switches"
    assert query(after["database_url"], switches) == [(False,)]
    assert query(after["database_url"], "SELECT clock() - now() >= '1 hour'") == [(True,)]
    assert second.call("/state")["clock_shift"] == 3600
    query(after["migration_database_url"], "UPDATE alembic_version SET version_num = 'f00d'")
    assert second.stop(signal.SIGINT)[0] == 0
    line = refused(start())
    assert re.fullmatch(
        r"sandbox: the database has a schema \(f00d\) that this program \(\w+\) does not know; .*",
        line,
    )


def test_the_bot_answers_and_dies_with_the_launcher_and_answers_again(
    start: Callable[..., Sandbox], tmp_path: Path
) -> None:
    first = start(bot=True)
    world = first.up()
    assert set(world["processes"]) == {"postgres", "valkey", "bot", "scheduler"}
    first.starts_the_bot()
    for name in ("bot", "scheduler"):
        pid = world["processes"][name]
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert world["migration_database_url"].encode() not in environment
    os.kill(world["processes"]["bot"], signal.SIGKILL)
    until(lambda: first.world()["processes"].get("bot", 0) != world["processes"]["bot"])
    first.process.kill()
    first.process.communicate()
    until(lambda: nothing_left(tmp_path))
    first.file.unlink()
    second = start("--redirect", bot=True)
    assert set(second.up()["processes"]) == {"postgres", "valkey", "bot", "scheduler", "redirect"}
    second.starts_the_bot()
    address = second.world()["settings"]["PUBLIC_URL"]
    until(lambda: status(f"{address}/r/unknown") == HTTPStatus.NOT_FOUND)
    assert second.stop(signal.SIGINT)[0] == 0
    assert nothing_left(tmp_path)


def test_a_port_in_use_is_refused(start: Callable[..., Sandbox]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = f"sandbox: port {port} is in use"
        assert refused(start("--port", port)) == line
        assert refused(start(HTTP_PORT=port)) == line
    assert refused(start("--port", "70000")) == "sandbox: port 70000 cannot be used"


def test_a_folder_that_cannot_be_is_refused(start: Callable[..., Sandbox], tmp_path: Path) -> None:
    (tmp_path / "local").write_text("a file")
    assert refused(start()).startswith(f"sandbox: cannot write in {tmp_path / 'local'}: ")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"PLATFORM_FEE_BPS": "a tenth"}, "settings: PLATFORM_FEE_BPS "),
        ({"BOT_TOKEN": "1:secret"}, "sandbox: ADMIN_CHAT_ID is missing"),
        ({"ADMIN_CHAT_ID": "-1"}, "sandbox: BOT_TOKEN is missing"),
        (
            {"DATABASE_URL": "postgresql://adtech_app@/adtech"},
            "sandbox: MIGRATION_DATABASE_URL is missing",
        ),
    ],
)
def test_a_wrong_setting_is_named_before_anything_starts(
    start: Callable[..., Sandbox], tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    assert refused(start(**settings)).startswith(line)
    assert not (tmp_path / "local").exists()


def test_a_database_that_does_not_answer_is_named(start: Callable[..., Sandbox]) -> None:
    nowhere = "postgresql://{}@127.0.0.1:1/adtech"
    line = refused(
        start(
            DATABASE_URL=nowhere.format("adtech_app"),
            MIGRATION_DATABASE_URL=nowhere.format("adtech_owner"),
        )
    )
    assert line.startswith("sandbox: the database does not answer")


def test_what_dies_is_started_again_and_what_is_killed_stays_down(
    start: Callable[..., Sandbox], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    sandbox = start("--port", str(port))
    world = sandbox.up()
    assert world["page_url"].startswith(f"http://127.0.0.1:{port}/")
    for name in ("postgres", "valkey"):
        pid = world["processes"][name]
        os.kill(pid, signal.SIGKILL)
        until(lambda: sandbox.world()["processes"].get(name, pid) != pid)  # noqa: B023 - called at once
    assert query(world["database_url"], "SELECT 1") == [(1,)]
    assert set(sandbox.call("/processes/valkey/kill", signal=9)["processes"]) == {"postgres"}
    time.sleep(2)
    assert set(sandbox.world()["processes"]) == {"postgres"}
    running = sandbox.call("/processes/valkey/start", now=True)["processes"]
    assert set(running) == {"postgres", "valkey"}
    with Redis.from_url(world["redis_url"], socket_timeout=60) as redis:
        # Valkey is busy without end, so Valkey does not react to the signal to stop.
        busy = threading.Thread(target=_never_answered, args=(redis,))
        busy.start()
        time.sleep(0.5)
        sandbox.process.send_signal(signal.SIGINT)
        time.sleep(1)
        assert sandbox.process.poll() is None
        status, _, errors = sandbox.stop(signal.SIGINT)
        assert status == 130
        until(lambda: nothing_left(tmp_path))
        busy.join()
    assert errors.splitlines() == [
        "sandbox: postgres ended by SIGKILL, it is started again",
        "sandbox: valkey ended by SIGKILL, it is started again",
    ]


def _never_answered(redis: "Redis") -> None:
    with pytest.raises(redis_errors.ConnectionError):
        redis.eval("while true do end", 0)


def test_a_first_world_is_filled_and_begins_again(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--first-world", bot=True)
    world = sandbox.up()
    until(lambda: campaigns(world) == [("Bicycles", "active")])
    offers = "SELECT title, price, topic::text, status::text FROM channels ORDER BY price"
    assert query(world["database_url"], offers) == [
        ("Street food", 3_500, "food", "active"),
        ("City news", 12_000, "news", "active"),
    ]
    assert adtech(world["settings"], "check") == "All invariants hold.\n"
    people = {person["id"] for person in sandbox.call("/state")["people"]}
    assert len(people) == 6
    page, processes_before = world["page_url"], world["processes"]
    assert sandbox.call("/start_over", sure=True) == {"ok": True}
    until(lambda: sandbox.file.exists() and sandbox.world()["processes"] != processes_before)
    again = sandbox.world()
    assert again["page_url"] == page
    assert not people & {person["id"] for person in sandbox.call("/state")["people"]}
    until(lambda: campaigns(again) == [("Bicycles", "active")])
    assert sandbox.stop()[0] == 0


def campaigns(world: dict[str, Any]) -> list[tuple[object, ...]]:
    """Return the names and the states of all campaigns."""
    return query(world["database_url"], "SELECT name, status::text FROM campaigns")
