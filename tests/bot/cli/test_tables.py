"""Test that rows are printed in full: as text, as JSON and as CSV."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot.cli.app import main
from bot.cli.tables import BROKEN_PIPE, UNWRITABLE, Format, Output, chosen, out, print_rows
from tests.conftest import ROOT

COLUMNS = ("id", "why", "at", "is_valid", "by")
LONG = "a long reason, with commas, " * 20
ROW = {
    "id": 2**62,
    "why": LONG,
    "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "is_valid": False,
    "by": None,
}


@pytest.fixture(params=Format)
def form(request: pytest.FixtureRequest) -> Iterator[Format]:
    token = chosen.set(request.param)
    yield request.param
    chosen.reset(token)


def _printed(capsys: pytest.CaptureFixture[str], rows: list[dict[str, object]]) -> tuple[str, str]:
    print_rows(COLUMNS, rows, out)
    return capsys.readouterr()


def test_each_form_has_each_row_in_full(capsys: pytest.CaptureFixture[str], form: Format) -> None:
    shown, errors = _printed(capsys, [ROW, ROW])
    assert errors == ""
    assert "\x1b" not in shown
    if form is Format.JSON:
        first, second = json.loads(shown)
        assert first == second == ROW | {"at": "2026-01-02T03:04:05+00:00"}
    elif form is Format.CSV:
        header, first, second = csv.reader(io.StringIO(shown))
        assert tuple(header) == COLUMNS
        assert first == second == [str(2**62), LONG, "2026-01-02T03:04:05+00:00", "false", ""]
    else:
        names, *lines = shown.splitlines()
        assert names.split() == list(COLUMNS)
        assert lines[0] == lines[1]
        assert lines[0].startswith(f"{2**62}  {LONG}")
        assert not {"│", "─", "…"} & set(shown)


def test_the_columns_stay_if_no_row_is_found(
    capsys: pytest.CaptureFixture[str], form: Format
) -> None:
    shown, errors = _printed(capsys, [])
    expected = {
        Format.TABLE: ("", "No rows.\n"),
        Format.CSV: (",".join(COLUMNS) + "\n", ""),
        Format.JSON: ("[]\n", ""),
    }
    assert (shown, errors) == expected[form]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(date(2026, 1, 2), '"2026-01-02"'), (Decimal(7), "7"), (Decimal("0.5"), "0.5")],
)
def test_values_of_the_database_become_simple_values(
    capsys: pytest.CaptureFixture[str], value: object, shown: str
) -> None:
    token = chosen.set(Format.JSON)
    print_rows(("value",), [{"value": value}])
    chosen.reset(token)
    assert f'"value": {shown}\n' in capsys.readouterr().out


def test_a_terminal_gets_a_drawn_table() -> None:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        print_rows(("id",), [{"id": 7}], Output(terminal))
        terminal.flush()
        assert "│ 7" in os.read(reader, 10_000).decode()
    os.close(reader)


@pytest.mark.parametrize(("width", "is_table"), [(40, False), (80, True)])
def test_a_narrow_terminal_gets_each_row_below_the_other(
    monkeypatch: pytest.MonkeyPatch, width: int, *, is_table: bool
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        print_rows(COLUMNS, [ROW | {"why": "a reason"}], Output(terminal))
        terminal.flush()
        shown = os.read(reader, 10_000).decode()
    os.close(reader)
    assert ("│" in shown) is is_table
    if not is_table:
        rows = [line.split() for line in shown.splitlines() if line.strip()]
        assert rows[1] == ["why", "a", "reason"]
        assert [row[0] for row in rows] == ["id", "why", "at", "is_valid"]


@pytest.mark.parametrize("form", ["--json", "--csv", None])
def test_a_reader_that_ends_first_gets_no_traceback(form: str | None) -> None:
    command = [sys.executable, "-m", "bot.cli", "report", *([form] if form else [])]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == BROKEN_PIPE


@pytest.mark.parametrize("words", ["report --json", "report --csv", "report", "--help", "propose"])
def test_a_full_disk_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["adtech", *words.split()])
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == UNWRITABLE
    assert capfd.readouterr().err == "The output cannot be written: No space left on device.\n"
