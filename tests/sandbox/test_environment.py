"""Test which settings the bot and the scheduler get from the sandbox."""

import os
from pathlib import Path

import pytest

from bot import env_file, settings
from sandbox import environment
from sandbox.telegram.startup_errors import CannotStart


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(env_file.VARIABLE, str(tmp_path / ".env"))
    (tmp_path / ".env").touch()
    for name in environment.NAMES:
        monkeypatch.delenv(name, raising=False)


def test_every_setting_is_handed_over_so_that_a_file_adds_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\nWEBHOOK_URL=https://example.org/hook\n")
    passed_on = environment.read(isolated=True).child_environment({})
    assert passed_on.keys() >= {name.upper() for name in settings.Settings.model_fields}
    assert passed_on["LOG_LEVEL"] == ""
    passed_on = environment.read(isolated=False).child_environment({})
    assert passed_on["LOG_LEVEL"] == "DEBUG"
    assert passed_on["WEBHOOK_URL"] == ""  # the bot polls the sandbox's server
    assert passed_on[env_file.VARIABLE] == os.devnull


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SUPPORT_CONTACT=caf\xe9\n")
    with pytest.raises(CannotStart, match="cannot be read: it is not UTF-8"):
        environment.read(isolated=False)
    assert environment.read(isolated=True).values["SUPPORT_CONTACT"] == ""


def test_the_environment_goes_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\n")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    assert environment.read(isolated=False).child_environment({})["LOG_LEVEL"] == "ERROR"


def test_children_do_not_get_the_owners_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://adtech_app@host/adtech")
    monkeypatch.setenv("MIGRATION_DATABASE_URL", "postgresql://adtech_owner@host/adtech")
    environment_settings = environment.read(isolated=False)
    assert environment_settings.external_database
    passed_on = environment_settings.child_environment({})
    assert passed_on["DATABASE_URL"] == "postgresql://adtech_app@host/adtech"
    assert not [value for value in passed_on.values() if "adtech_owner" in value]


def test_telegram_itself_gets_no_invented_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "1:secret")
    monkeypatch.setenv("ADMIN_CHAT_ID", "-1")
    monkeypatch.setenv("WEBHOOK_URL", "https://example.org/hook")
    environment_settings = environment.read(isolated=False)
    assert environment_settings.real_telegram
    passed_on = environment_settings.child_environment({})
    assert passed_on["PAYMENT_PROVIDER_TOKEN"] == ""
    assert passed_on["WEBHOOK_URL"] == "https://example.org/hook"
    assert not environment.read(isolated=True).real_telegram


@pytest.mark.parametrize(("currency", "invented"), [("", True), ("EUR", True), ("XTR", False)])
def test_our_own_telegram_sells_by_a_provider_unless_in_stars(
    monkeypatch: pytest.MonkeyPatch, currency: str, *, invented: bool
) -> None:
    monkeypatch.setenv("CURRENCY", currency)
    environment_settings = environment.read(isolated=False)
    assert bool(environment_settings.child_environment({})["PAYMENT_PROVIDER_TOKEN"]) is invented
