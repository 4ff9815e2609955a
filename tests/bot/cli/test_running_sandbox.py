"""Test where `adtech` finds the settings of a sandbox that runs beside the product."""

import json
import os
from pathlib import Path

import pytest

from bot import env_file
from bot.cli import running_sandbox

SETTINGS = {"DATABASE_URL": "postgresql://sandbox@/adtech", "CURRENCY": "EUR"}


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a product's folder with a running sandbox, and an environment without settings."""
    monkeypatch.setattr(env_file, "BESIDE_PRODUCT", tmp_path / ".env")
    for name in ("DATABASE_URL", "ADTECH_ENV_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CURRENCY", "USD")
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/world.json").write_text(json.dumps({"settings": SETTINGS}))
    return tmp_path


def test_settings_of_a_running_sandbox_fill_what_is_missing(product: Path) -> None:
    assert product.is_dir()
    assert running_sandbox.find_settings() == {"DATABASE_URL": SETTINGS["DATABASE_URL"]}


def test_no_sandbox_is_used_if_a_database_is_named(
    product: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("DATABASE_URL", "postgresql://own@/adtech"),
        ("ADTECH_ENV_FILE", os.devnull),
    ):
        monkeypatch.setenv(name, value)
        assert running_sandbox.find_settings() == {}
        monkeypatch.delenv(name)
    assert running_sandbox.find_settings()
    (product / ".env").write_text("DATABASE_URL=postgresql://file@/adtech\n")
    assert running_sandbox.find_settings() == {}


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{", b'{"settings": {}}', b"\xff"])
def test_a_file_without_settings_is_no_sandbox(product: Path, content: bytes | None) -> None:
    file = product / ".local/world.json"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert running_sandbox.find_settings() == {}
