"""Test that a program ends with its status, and without the clean-up of the interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PROGRAM = """
import atexit, logging, sys
sys.path.insert(0, {root!r})
from bot import process_end

def main():
    print("done", end="")
    {last}

atexit.register(print, "cleaned up")
process_end.run(main)
"""


def run(last: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose last statement is `last`."""
    code = _PROGRAM.format(root=str(ROOT), last=last)
    return subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("last", "status"),
    [("pass", 0), ("sys.exit()", 0), ("sys.exit(0)", 0), ("sys.exit(3)", 3)],
)
def test_the_process_ends_at_once_with_the_status_of_its_program(last: str, status: int) -> None:
    ended = run(last)
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, "done", "")


@pytest.mark.parametrize(
    ("last", "said"), [("sys.exit('a setting is wrong')", "a setting"), ("1 / 0", "ZeroDivision")]
)
def test_an_error_is_printed_as_usual(last: str, said: str) -> None:
    ended = run(last)
    assert (ended.returncode, ended.stdout) == (1, "donecleaned up\n")
    assert said in ended.stderr


def test_output_that_is_lost_is_no_success() -> None:
    code = _PROGRAM.format(root=str(ROOT), last="pass")
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([sys.executable, "-I", "-c", code], stdout=full, check=False)
    assert ended.returncode == 1
