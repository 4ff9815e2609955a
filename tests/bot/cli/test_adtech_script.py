"""Test that the script `.venv/bin/adtech` works from any folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("bot", "db", "services", "handlers", "scheduler", "migrations")


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """Copy the product and its virtual environment to a folder with a strange name."""
    folder = tmp_path / """mo ved $HOME's "copy" %20 #1 ü:x"""
    (folder / ".venv/bin").mkdir(parents=True)
    for package in PACKAGES:
        (folder / package).symlink_to(ROOT / package)
    shutil.copy(ROOT / "bot/cli/adtech.sh", folder / ".venv/bin/adtech")
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder / ".venv/pyvenv.cfg")
    (folder / ".venv/lib").symlink_to(Path(sys.prefix) / "lib")
    (folder / ".venv/bin/python").symlink_to(Path(sys.executable).resolve())
    return folder


@pytest.mark.mostly_waits
def test_the_current_folder_and_the_variables_of_python_change_nothing(
    moved: Path, tmp_path: Path
) -> None:
    current = tmp_path / "current"
    for name in ("aiogram/__init__.py", "bot/__init__.py", "random.py", "typing.py"):
        (current / name).parent.mkdir(parents=True, exist_ok=True)
        (current / name).write_text("raise SystemExit('a module of the current folder')")
    (tmp_path / "link").symlink_to(moved / ".venv/bin/adtech")
    shell = {
        "PYTHONPATH": str(current),
        "PYTHONHOME": str(current),
        "PYTHONSTARTUP": str(current / "random.py"),
        "CDPATH": str(current),
        "TZ": "MSK-3",
    }
    ran = subprocess.run(
        [tmp_path / "link", "--help"],
        cwd=current,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | shell,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "killswitch" in ran.stdout


@pytest.mark.mostly_waits
def test_the_settings_of_the_product_are_read_and_not_those_of_the_current_folder(
    moved: Path, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://u@h/other\n")
    (moved / ".env").write_text("DATABASE_URL=nonsense\n")
    ran = subprocess.run(
        [moved / ".venv/bin/adtech", "health"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "DATABASE_URL must be an address" in ran.stderr
