"""Test the settings of tracked links, those of the bot and those of the redirect."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot import settings
from bot.redirect_settings import RedirectSettings
from bot.settings import Settings
from tests.bot.test_payout_settings import NEEDED


def test_env_example_names_every_setting() -> None:
    example = Path(__file__).parents[2] / ".env.example"
    named = {
        line.removeprefix("# ").partition("=")[0]
        for line in example.read_text().splitlines()
        if "=" in line and line.removeprefix("# ").partition("=")[0].isupper()
    }
    known = Settings.model_fields | RedirectSettings.model_fields
    assert named == {name.upper() for name in known}


def with_url(url: str, **more: Any) -> str:
    """Return the public address as the bot uses it."""
    return Settings.model_validate(NEEDED | {"public_url": url} | more).public_url


def test_the_public_address_is_a_host_without_a_path() -> None:
    assert with_url("https://go.example.com/") == "https://go.example.com"
    assert with_url("") == ""
    assert with_url("http://127.0.0.1:80", environment="development") == "http://127.0.0.1:80"
    for wrong in (
        *("go.example.com", "ftp://go.example.com", "https://", "https://go.example.com/path"),
        *("https://u@go.example.com", "https://go.example.com?a", "https://go.example.com#a"),
        *("https://bad..host", "http://go.example.com"),
    ):
        with pytest.raises(ValidationError):
            with_url(wrong)


def test_the_redirect_needs_one_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIRECT_DATABASE_URL", "postgresql://adtech_redirect@/adtech")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.7,2001:db8::/32")
    config = settings.load_as(RedirectSettings)
    assert [str(each) for each in config.trusted_proxies] == [
        "10.0.0.0/8",
        "192.0.2.7/32",
        "2001:db8::/32",
    ]
    assert (config.redirect_port, config.redirect_metrics_port) == (8085, None)
    monkeypatch.setenv("TRUSTED_PROXIES", "everybody")
    with pytest.raises(SystemExit):
        settings.load_as(RedirectSettings)
