"""Test what `make status` says."""

import json
from pathlib import Path

import pytest

from sandbox import status
from sandbox.telegram import folder_lock

PROCESSES = {"postgres": 11, "valkey": 12, "bot": 13, "scheduler": 14}
WORLD = {
    "page_url": "http://127.0.0.1:5000/?token=abc",
    "bot_api_url": "http://127.0.0.1:5000",
    "health_url": "http://127.0.0.1:5001/api/health",
    "processes": PROCESSES,
    "settings": {},
}


def test_nothing_runs_in_a_new_folder_and_none_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "local"
    assert status.describe(folder) == (
        f"Nothing runs in {folder}. To start it: make run",
        status.NOTHING,
    )
    assert not folder.exists()


def test_what_a_killed_sandbox_left_does_not_run(tmp_path: Path) -> None:
    folder_lock.lock(tmp_path).close()
    (tmp_path / "world.json").write_text(json.dumps(WORLD))
    assert status.describe(tmp_path)[1] == status.NOTHING


def test_a_sandbox_that_is_not_ready_says_so(tmp_path: Path) -> None:
    with folder_lock.lock(tmp_path):
        text, code = status.describe(tmp_path)
    assert ("is starting or stopping" in text, code) == (True, status.NOT_READY)


def test_the_page_and_the_processes_are_named(tmp_path: Path) -> None:
    (tmp_path / "world.json").write_text(json.dumps(WORLD))
    with folder_lock.lock(tmp_path):
        text, code = status.describe(tmp_path)
    assert code == 0
    for fact in (WORLD["page_url"], "PostgreSQL", "PID 13", WORLD["health_url"], "log"):
        assert str(fact) in text
    assert "redirect of" not in text


@pytest.mark.parametrize("name", ["bot", "scheduler"])
def test_a_killed_process_is_missing(tmp_path: Path, name: str) -> None:
    left = {other: pid for other, pid in PROCESSES.items() if other != name}
    (tmp_path / "world.json").write_text(json.dumps(WORLD | {"processes": left}))
    with folder_lock.lock(tmp_path):
        text, code = status.describe(tmp_path)
    assert code == status.NOT_READY
    assert f"{name:<26}does not run" in text
