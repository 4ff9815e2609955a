"""Test which file of settings is read, and which files are refused in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot import env_file

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the path of a file that ADTECH_ENV_FILE names."""
    monkeypatch.setenv(env_file.VARIABLE, str(tmp_path / "settings"))
    return tmp_path / "settings"


def test_the_file_beside_the_product_is_read_and_not_that_of_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert env_file.BESIDE_PRODUCT == ROOT / ".env"
    (tmp_path / ".env").write_text("CURRENCY=RUB")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(env_file.VARIABLE)
    monkeypatch.setattr(env_file, "BESIDE_PRODUCT", tmp_path / "product/.env")
    assert env_file.read() == {}
    (tmp_path / "product").mkdir()
    (tmp_path / "product/.env").write_text("CURRENCY=EUR")
    assert env_file.read() == {"CURRENCY": "EUR"}
    monkeypatch.setenv(env_file.VARIABLE, "")
    assert env_file.read() == {"CURRENCY": "EUR"}


@pytest.mark.parametrize(
    "content",
    [
        b"CURRENCY=EUR\nHTTP_PORT=\n# BOT_TOKEN=1\n",
        b"\xef\xbb\xbfCURRENCY=EUR\n",
        b"CURRENCY=EUR\r\nLOG_LEVEL=\r\n",
        b"CURRENCY=EUR\rHTTP_PORT=",
        b"export CURRENCY='EUR'",
    ],
)
def test_a_file_of_any_editor_is_read(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    assert env_file.read() == {"CURRENCY": "EUR"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"SUPPORT_CONTACT=caf\xe9 secret\n", "it is not UTF-8"),
        ("BOT_TOKEN=1:secret\n".encode("utf-16"), "it is not UTF-8"),
        ("BOT_TOKEN=1:secret\n".encode("utf-16-le"), "it contains a zero byte"),
        (b"BOT_TOKEN=1:secret\0\n", "it contains a zero byte"),
        (b"CURRENCY=EUR\n\nBOT_TOKEN='1:secret\n", "line 3 is not NAME=value"),
        (b"CURRENCY=EUR\nsecret words\n", "line 2 is not NAME=value"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(content: bytes, problem: str, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(env_file.EnvFileError) as refusal:
        env_file.read()
    assert str(refusal.value) == f"the file of ADTECH_ENV_FILE cannot be read: {problem}"


def test_a_file_that_does_not_exist_is_one_line(file: Path) -> None:
    with pytest.raises(env_file.EnvFileError, match="names a file that does not exist"):
        env_file.read()
    file.mkdir()
    with pytest.raises(env_file.EnvFileError, match="IsADirectoryError"):
        env_file.read()


def test_a_path_in_the_file_begins_at_its_folder(file: Path) -> None:
    file.write_text("AUDIT_CHAIN_FILE=chain.jsonl")
    assert env_file.read() == {"AUDIT_CHAIN_FILE": str(file.parent / "chain.jsonl")}
    file.write_text("AUDIT_CHAIN_FILE=/safe/chain.jsonl")
    assert env_file.read() == {"AUDIT_CHAIN_FILE": "/safe/chain.jsonl"}


@pytest.mark.mostly_waits
@pytest.mark.parametrize(
    "program", [["bot"], ["scheduler"], ["bot.cli", "health"], ["sandbox", "--local", "none"]]
)
def test_every_program_says_it_in_one_line(program: list[str], file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"SUPPORT_CONTACT=caf\xe9 secret\n")
    ran = subprocess.run(
        [sys.executable, "-m", *program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), env_file.VARIABLE: str(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.count("\n") == 1
    assert "it is not UTF-8" in ran.stderr
