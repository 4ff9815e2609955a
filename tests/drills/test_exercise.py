"""Test exercises: what a person is given, what the end says, and what is refused."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from sandbox.demo import launcher
from sandbox.demo.books import DemoDatabase
from sandbox.demo.people import Control, Person
from sandbox.demo.scenario import Scenario, seed_participants
from tests.drills import checks, exercise, pages, relay
from tests.drills.catalogue import DRILLS
from tests.drills.drill import Drill
from tests.drills.report import Report
from tests.drills.world import World


async def _stop_payouts(world: World) -> None:
    await world.stop("payouts")


async def _repair(world: World, report: Report) -> None:
    raise AssertionError(f"a person repairs {report.name} in {world.sandbox.folder}")


DRILL = Drill(
    "escrow_stuck",
    cause="a switch is stopped",
    trigger=_stop_payouts,
    repair=_repair,
    checks=(checks.SWITCHES, checks.BOOKS),
)


def test_the_seed_chooses_the_incident() -> None:
    chosen = [exercise.choose(seed) for seed in range(100)]
    assert chosen == [exercise.choose(seed) for seed in range(100)]
    assert set(chosen) == set(DRILLS)


def test_an_unknown_incident_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["exercise", "fire"])
    with pytest.raises(SystemExit, match="2"):
        exercise.main()
    assert "no such incident: fire. Known: ledger_violation" in capsys.readouterr().err


def test_without_a_running_exercise_nothing_is_revealed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["exercise", "--reveal", str(tmp_path)])
    assert exercise.main() == exercise.REFUSED
    assert "no exercise runs in" in capsys.readouterr().err


async def test_the_end_of_the_time_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    await exercise.wait_for_end(exercise.Ending(), 0)
    assert capsys.readouterr().out.startswith("The time is over: 0 minutes.")
    ended = exercise.Ending(caused=True)
    ended.press()
    await exercise.wait_for_end(ended, 1)
    assert capsys.readouterr().out == ""


def test_a_wrong_number_of_minutes_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["exercise", "--minutes", "0"])
    with pytest.raises(SystemExit, match="2"):
        exercise.main()
    assert "'0' is no number of minutes" in capsys.readouterr().err


async def _run(folder: Path, *words: str | Path) -> tuple[int | None, str]:
    """Run a command in a shell that has read the settings of the exercise."""
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", '. "$0"; "$@"', folder / "settings", *words),
        env={"PATH": "/usr/bin:/bin"},
        cwd="/",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


@pytest.mark.mostly_waits
async def test_a_person_repairs_from_a_shell_and_the_end_checks_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DRILLS, "quiet", DRILL)
    folder = launcher.new_folder("adtech-")
    async with relay.run() as telegram:
        sandbox = await launcher.start(folder, "--no-bot", "--port", str(telegram.to))
        try:
            control = Control.of(sandbox.facts)
            second_admin = sandbox.facts["people"]["second_admin"]
            async with control.session:
                people = await seed_participants(control, sandbox.facts)
                books = DemoDatabase(sandbox.facts["migration_database_url"])
                ad = Scenario(control, books, people)
                admin = Person(control, people.admin.id)
                (folder / "backups").mkdir()
                world = World(sandbox, control, ad, ad, telegram, *(admin,) * 4, played=0)
                # The admin is registered, as by /start.
                await world.damage(
                    f"INSERT INTO users (telegram_id, language) VALUES ({people.admin.id}, 'en')"
                    " ON CONFLICT DO NOTHING",
                    "INSERT INTO user_roles (user_id, role) SELECT id, 'operator' FROM users"
                    f" WHERE telegram_id = {people.admin.id}",
                )
                ending = exercise.Ending()
                running = asyncio.create_task(exercise.lead("quiet", world, ending))
                ending.task = running
                async with asyncio.timeout(120):
                    while not ending.caused:
                        await asyncio.sleep(0.1)
                        assert not running.done(), running.result()
                assert "payouts" in (await _run(folder, "adtech", "killswitch", "list"))[1]
                assert "database   running" in (await _run(folder, "service", "list"))[1]
                assert (await _run(folder, "service", "stop", "fire"))[1].startswith("usage:")
                _, revealed = await _run(folder, "service", "reveal")
                assert f"It was quiet: {pages.read()[DRILL.incident].title}." in revealed
                assert "FAIL" in revealed
                assert "seen:     ['payouts']" in revealed
                repair = "UPDATE kill_switches SET enabled = true WHERE key = 'payouts'"
                assert (await _run(folder, "psql", "-c", repair))[0] == 0
                ending.press()
                ending.press()  # make passes a signal on: still the same press
                assert await running == 0
        finally:
            await sandbox.kill()
            shutil.rmtree(folder)
    told = capsys.readouterr().out
    before, _, after = told.partition("It was quiet")
    assert "payouts" not in before
    assert str(folder / "settings") in before
    assert f"kill -INT {os.getpid()}" in before
    assert str(second_admin) in before
    assert f"after {exercise.MINUTES} minutes" in before
    assert after.count("PASS") == len(DRILL.checks)
