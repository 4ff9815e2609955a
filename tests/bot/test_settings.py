"""Test how settings are loaded and refused."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot import env_file, settings
from db import currencies

GOOD = {
    "BOT_TOKEN": "42:tokensecret",
    "ADMIN_CHAT_ID": "-100500",
    "DATABASE_URL": "postgresql://adtech_app:appsecret@/adtech?host=/run/pg",
    "REDIS_URL": "redis://:redissecret@127.0.0.1:6379/0",
}
SECRETS = ("tokensecret", "appsecret", "redissecret", "ownersecret", "paysecret", "hooksecret")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set only the required environment variables, and name a file `.env` of the test."""
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(env_file.VARIABLE, str(tmp_path / ".env"))
    (tmp_path / ".env").touch()
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the line that `load` prints before it ends the process with the status 2."""
    with pytest.raises(SystemExit) as stopped:
        settings.load()
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("settings: ")
    return printed.err


def test_only_the_required_settings_have_no_default() -> None:
    loaded = settings.load()
    assert loaded.admin_chat_id == -100500
    assert loaded.super_admin_ids == ()
    assert loaded.bot_api_url == ""
    assert loaded.migration_database_url is None
    assert loaded.currency == "USD"
    assert loaded.escrow_sla == timedelta(hours=24)
    assert loaded.platform_fee_bps == 1000
    assert loaded.environment == "production"
    assert loaded.log_format == "json"


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("given", [None, ""])
def test_a_missing_setting_is_named(
    name: str,
    given: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if given is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, given)
    assert refusal(capsys) == f"settings: {name} is missing\n"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("BOT_TOKEN", "hooksecret"),
        ("BOT_TOKEN", "42:hook secret"),
        ("BOT_API_URL", "ftp://hooksecret"),
        ("BOT_API_URL", "hooksecret"),
        ("BOT_API_URL", "http://u:hooksecret\u2100@host"),
        ("BOT_API_URL", "http://u:hooksecret[@host"),
        ("BOT_API_URL", "http://hooksecret..x"),
        ("BOT_API_URL", "http://hooksecret:99999"),
        ("WEBHOOK_URL", "https://u:hooksecret\u2100@host"),
        ("WEBHOOK_URL", "https://hooksecret..x"),
        ("HTTP_HOST", "hooksecret..x"),
        ("ADMIN_CHAT_ID", "hooksecret"),
        ("ADMIN_CHAT_ID", "100500"),
        ("SUPER_ADMIN_IDS", "1,hooksecret"),
        ("SUPER_ADMIN_IDS", "1,,2"),
        ("SUPER_ADMIN_IDS", "-1"),
        ("SUPER_ADMIN_IDS", "10000000000000000000"),
        ("ADMIN_CHAT_ID", "-10000000000000000000"),
        ("DATABASE_URL", "mysql://adtech_app:hooksecret@db/adtech"),
        ("DATABASE_URL", "hooksecret"),
        ("DATABASE_URL", "postgresql://adtech_app:hooksecret@db:port/adtech"),
        ("REDIS_URL", "redis://:hooksecret@host:port/0"),
        ("REDIS_URL", "redis://:hooksecret@host/0?unknown=1"),
        ("REDIS_URL", "redis://:hooksecret[x@host/0"),
        ("REDIS_URL", "redis://:hooksecret\u2100x@host/0"),
        ("REDIS_URL", "redis://:hooksecret@host..x/0"),
        ("REDIS_URL", "redis://:hooksecret@host/hooksecret"),
        ("REDIS_URL", "redis://:hooksecret@host%00/0"),
        ("REDIS_URL", "redis://:hooksecret@host/0?db=hooksecret"),
        ("REDIS_URL", "redis://:hooksecret@host/0?db=-1"),
        ("REDIS_URL", "redis://host/0?password=hooksecret&protocol=9"),
        ("REDIS_URL", "redis://host/0?password=hooksecret&ssl_cert_reqs=none"),
        ("REDIS_URL", "rediss://host/0?password=hooksecret&ssl_cert_reqs=maybe"),
        ("REDIS_URL", "rediss://host/0?password=hooksecret&ssl_ca_certs=/none"),
        ("REDIS_URL", "redis://host/0?password=hooksecret&decode_responses=yes"),
        ("DATABASE_URL", "postgresql://u:hooksecret@db..x/adtech"),
        ("DATABASE_URL", "postgresql://u:hooksecret[@db:x/adtech"),
        ("MIGRATION_DATABASE_URL", "postgresql://adtech_app:hooksecret@/adtech"),
        ("REDIS_URL", "http://hooksecret"),
        ("CURRENCY", "hooksecret"),
        ("CURRENCY", "usd"),
        ("PLATFORM_FEE_BPS", "hooksecret"),
        ("PLATFORM_FEE_BPS", "-1"),
        ("PLATFORM_FEE_BPS", "10000"),
        ("WEBHOOK_URL", "http://hooksecret"),
        ("WEBHOOK_SECRET", "hooksecret!"),
        ("DATABASE_ROLES", "hooksecret=x"),
        ("DATABASE_ROLES", "bot='hooksecret'"),
        ("ROLLBACK_LIMITS", "hooksecret=5"),
        ("ROLLBACK_LIMITS", "deadlocks=hooksecret"),
        ("DATABASE_POOL_SIZE", "1"),
        ("DATABASE_POOL_SIZE", "201"),
        ("HTTP_PORT", "70000"),
        ("HTTP_PORT", "hooksecret"),
        ("METRICS_PORT", "70000"),
        ("SCHEDULER_HTTP_PORT", "hooksecret"),
        ("ALERT_WEBHOOK_URL", "ftp://hooksecret"),
        ("ALERT_SMTP_URL", "https://hooksecret"),
        ("ALERT_SMTP_URL", "smtp://:hooksecret@host..x"),
        ("ALERT_EMAIL_TO", "hooksecret"),
        ("ALERT_EMAIL_FROM", "hooksecret@"),
        ("DEAD_MAN_URL", "hooksecret"),
        ("ESCROW_SLA", "hooksecret"),
        ("ESCROW_SLA", "nan"),
        ("ESCROW_SLA", "inf"),
        ("POST_LEASE", "0"),
        ("PROBE_GAP", "-5"),
        ("POST_LEASE", "8e13"),
        ("PUBLISH_AHEAD", "P3651D"),
        *(("COMPLAINT_ANSWER", "PT59M"), ("COMPLAINT_DECISION", "P31D")),
        *(("OWNER_ANSWER", "PT73H"), ("CANCEL_CUTOFF", "P8D")),
        ("PROBE_GAP", "179"),
        ("RETENTION", "P29D"),
        ("LOG_LEVEL", "hooksecret"),
        ("LOG_FORMAT", "hooksecret"),
        ("ENVIRONMENT", "hooksecret"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(
    name: str, wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, wrong)
    line = refusal(capsys)
    assert line.startswith(f"settings: {name} ")
    assert not any(secret in line for secret in SECRETS)


def test_a_wrong_option_of_redis_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://host/0?protocol=9")
    assert refusal(capsys) == "settings: REDIS_URL must have another value as protocol\n"
    monkeypatch.setenv("REDIS_URL", "redis://host/0?protocol=3&health_check_interval=30")
    assert settings.load().redis_url.get_secret_value().endswith("=30")


def test_several_wrong_settings_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BOT_TOKEN")
    monkeypatch.setenv("HTTP_PORT", "x")
    line = refusal(capsys)
    assert "BOT_TOKEN is missing" in line
    assert "HTTP_PORT " in line


def test_a_webhook_requires_a_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEBHOOK_URL", "https://ads.example/hook")
    assert refusal(capsys).startswith("settings: WEBHOOK_SECRET ")
    monkeypatch.setenv("WEBHOOK_SECRET", "hook_secret-1")
    assert settings.load().webhook_secret.get_secret_value() == "hook_secret-1"


def test_stars_have_no_decimals_and_no_provider(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CURRENCY", "XTR")
    assert currencies.exponent(settings.load().currency) == 0
    monkeypatch.setenv("PAYMENT_PROVIDER_TOKEN", "paysecret")
    assert refusal(capsys).startswith("settings: PAYMENT_PROVIDER_TOKEN ")


@pytest.mark.parametrize(("currency", "exponent"), [("EUR", 2), ("JPY", 0), ("RSD", 2)])
def test_the_exponent_is_that_of_telegram(
    currency: str, exponent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURRENCY", currency)
    assert currencies.exponent(settings.load().currency) == exponent


@pytest.mark.parametrize(
    ("currency", "least", "most"),
    [("RSD", 9_736, 97_363_486), ("JPY", 108, 1_088_524), ("USD", 100, 1_000_000)],
)
def test_top_ups_are_within_the_bounds_of_telegram(
    currency: str, least: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURRENCY", currency)
    assert settings.load().top_up_limits == (least, most)


def test_the_bounds_of_top_ups_can_be_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOP_UP_MIN", "500")
    assert settings.load().top_up_limits == (500, 1_000_000)
    monkeypatch.setenv("TOP_UP_MAX", "400")
    assert refusal(capsys).startswith("settings: TOP_UP_MIN ")


def test_the_launch_costs_fifty_of_the_smallest_top_ups_or_what_is_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settings.load().launch_limit == 50 * settings.load().top_up_limits[0]
    monkeypatch.setenv("LAUNCH_AMOUNT", "700")
    assert settings.load().launch_limit == 700
    monkeypatch.setenv("LAUNCH_AMOUNT", "0")
    assert refusal(capsys).startswith("settings: LAUNCH_AMOUNT ")


def test_every_currency_has_bounds_or_asks_for_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unbounded = currencies.EXPONENTS.keys() - currencies.LIMITS.keys()
    assert unbounded == {"BYN", "ETB", "MOP"}
    for currency in unbounded:
        monkeypatch.setenv("CURRENCY", currency)
        assert refusal(capsys).startswith("settings: TOP_UP_MIN and TOP_UP_MAX must be set")
    monkeypatch.setenv("TOP_UP_MIN", "300")
    assert refusal(capsys).startswith("settings: TOP_UP_MIN and TOP_UP_MAX must be set")
    monkeypatch.setenv("TOP_UP_MAX", "3000000")
    assert settings.load().top_up_limits == (300, 3_000_000)
    assert currencies.exponent(settings.load().currency) == 2


@pytest.mark.parametrize("currency", ["XOF", "BHD", "ABC"])
def test_a_currency_without_a_known_exponent_is_refused(
    currency: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CURRENCY", currency)
    assert "number of decimals at Telegram is not known" in refusal(capsys)


@pytest.mark.parametrize("currency", ["KWD", "BTC", "usd", "US"])
def test_a_currency_that_telegram_does_not_take_is_refused(
    currency: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CURRENCY", currency)
    assert refusal(capsys).startswith("settings: CURRENCY ")


@pytest.mark.parametrize("given", ["90", "90.0", "PT1M30S", "00:01:30"])
def test_durations_are_seconds_or_iso_8601(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POST_LEASE", given)
    assert settings.load().post_lease == timedelta(seconds=90)


def test_a_short_probe_gap_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.setenv("PROBE_GAP", "2")
    assert settings.load().probe_gap == timedelta(seconds=2)


def test_super_admins_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPER_ADMIN_IDS", "7, 8")
    assert settings.load().super_admin_ids == (7, 8)


def test_env_file_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("HTTP_PORT=9001\nCURRENCY=EUR\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("CURRENCY", "JPY")
    loaded = settings.load()
    assert (loaded.http_port, loaded.currency) == (9001, "JPY")


def test_no_secret_in_repr_or_errors(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(
        "MIGRATION_DATABASE_URL", "postgresql://adtech_owner:ownersecret@/adtech?host=/run/pg"
    )
    monkeypatch.setenv("PAYMENT_PROVIDER_TOKEN", "paysecret")
    monkeypatch.setenv("WEBHOOK_SECRET", "hooksecret")
    loaded = settings.load()
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r", loaded, loaded)
    shown = [repr(loaded), str(loaded), loaded.model_dump_json(), caplog.text]
    monkeypatch.setenv("PLATFORM_FEE_BPS", "hooksecret")
    with pytest.raises(ValidationError) as refused:
        settings.Settings()
    shown.append(str(refused.value))
    assert not [text for text in shown if any(secret in text for secret in SECRETS)]


def test_the_file_is_read_as_it_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Check that values in the file `.env` are read literally."""
    url = "postgresql://adtech_app:${HOME}$x@/adtech?host=/run/pg"
    (tmp_path / ".env").write_text(f"DATABASE_URL={url}\nCURRENCY=EUR\n")
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("CURRENCY", "")
    assert settings.load().database_url.get_secret_value() == url
    assert settings.load().currency == "EUR"
    monkeypatch.setenv("CURRENCY", "JPY")
    assert settings.load().currency == "JPY"


def test_the_host_may_be_an_address_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_HOST", "[::1]")
    assert settings.load().http_host == "::1"


def test_the_extra_ports_are_closed_unless_they_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings.load()
    assert (loaded.metrics_port, loaded.scheduler_http_port) == (None, None)
    monkeypatch.setenv("METRICS_PORT", "9101")
    assert settings.load().metrics_port == 9101


def test_a_mail_server_needs_a_receiver(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALERT_SMTP_URL", "smtps://me:hooksecret@mail.example")
    assert "ALERT_EMAIL_TO must be set" in refusal(capsys)
    monkeypatch.setenv("ALERT_EMAIL_TO", "oncall@example.com")
    assert settings.load().alert_email_to == "oncall@example.com"


def test_a_command_reads_its_database_although_other_settings_are_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BOT_TOKEN", "ADMIN_CHAT_ID", "CURRENCY", "LOG_LEVEL", "MIGRATION_DATABASE_URL"):
        monkeypatch.setenv(name, "wrong")
    read = settings.load_for_command("CLOCK_DATABASE_URL", "DATABASE_URL")
    assert read.first("CLOCK_DATABASE_URL", "DATABASE_URL") == (
        "DATABASE_URL",
        GOOD["DATABASE_URL"],
    )
    assert (read.currency, read.log_level, read.migration_database_url) == ("USD", "INFO", None)


def test_a_command_refuses_a_database_that_it_uses_and_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOCK_DATABASE_URL", "postgres:ownersecret")
    with pytest.raises(SystemExit) as stopped:
        settings.load_for_command("CLOCK_DATABASE_URL", "DATABASE_URL")
    assert stopped.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("settings: CLOCK_DATABASE_URL must be an address")
    assert "ownersecret" not in printed


def test_a_broken_file_matters_only_if_the_environment_has_no_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("this is no setting")
    assert settings.load_for_command("DATABASE_URL").database_url is not None
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(SystemExit):
        settings.load_for_command("DATABASE_URL")
    assert "is not NAME=value" in capsys.readouterr().err


def test_one_login_for_everything_is_accepted_if_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIGRATION_DATABASE_URL", GOOD["DATABASE_URL"])
    with pytest.raises(SystemExit):
        settings.load()
    jobs = ("owner", "app", "intake", "bot", "clock", "reports")
    monkeypatch.setenv("DATABASE_ROLES", ",".join(f"{job}=adtech_app" for job in jobs))
    assert set(settings.load().database_roles.values()) == {"adtech_app"}
