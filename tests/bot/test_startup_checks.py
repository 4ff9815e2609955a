"""Test what the bot checks before it starts."""

import asyncio
from contextlib import suppress
from functools import partial

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot import commands, outages, startup_checks
from bot.admin_chat import AdminChat
from bot.settings import Settings
from bot.start_errors import CannotStartError
from db import address
from db.session import create_engine, create_sessions
from tests.handlers.marketplace import Marketplace


async def test_an_unsuitable_admin_chat_is_refused(market: Marketplace) -> None:
    for chat_id, why in (
        (-100123, "not in that chat"),
        (market.chat("channel"), "not in that chat"),
        (market.chat("advertiser"), "not a group"),
    ):
        with pytest.raises(CannotStartError, match=why):
            await startup_checks.admin_chat(
                market.bot, AdminChat(chat_id, market.database.sessions)
            )
    with capture_logs() as logs:
        await startup_checks.admin_chat(market.bot, market.dependencies.admin_chat)
    assert logs == []


async def test_a_public_admin_chat_does_not_keep_the_bot_from_payments(
    market: Marketplace,
) -> None:
    """Check the start of the bot, and a top-up."""
    market.world.state.chats[market.chat("group")].username = "everybody_welcome"
    with capture_logs() as logs:
        await startup_checks.admin_chat(market.bot, market.dependencies.admin_chat)
    assert [line["event"] for line in logs] == [
        "the admin chat is public: nobody can act as staff until its link is removed"
    ]
    await commands.publish(market.bot, market.dependencies.admin_chat.id)
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")  # noqa: RUF001 - the button's own text
    await market.say("advertiser", "100")
    assert (await market.pay("advertiser"))["ok"]
    await market.say("admin", "/withdrawals", where="group")
    assert "This group is public now" in await market.last("group")


async def test_an_admin_chat_that_has_removed_the_bot_does_not_keep_it_from_payments(
    market: Marketplace,
) -> None:
    group = market.chat("group")
    await market.world.control(f"chats/{group}/members", user_id="bot", status="kicked")
    with capture_logs() as logs:
        await startup_checks.admin_chat(market.bot, market.dependencies.admin_chat)
    assert [line["log_level"] for line in logs] == ["error"]
    await commands.publish(market.bot, group)


async def test_wallets_in_another_currency_are_refused(market: Marketplace) -> None:
    euros = market.dependencies.settings.model_copy(update={"currency": "EUR"})
    with pytest.raises(CannotStartError, match="CURRENCY"):
        await startup_checks.database(
            market.database.sessions,
            market.database.sessions,
            euros,
            market.dependencies.admin_chat,
        )


async def test_the_start_waits_while_telegram_is_away(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup_checks, "PAUSE_SECONDS", 0.01)
    await market.world.control("faults", method="getChat", kind="html_502", times=2)
    check = partial(startup_checks.admin_chat, market.bot, market.dependencies.admin_chat)
    await startup_checks.retry_while_away(check)


async def test_a_refused_password_is_one_line(market: Marketplace) -> None:
    url = market.database.url
    engine = create_engine(url.replace(address.parse(url).password, "wrong"))
    with pytest.raises(CannotStartError) as refusal:
        await startup_checks.database(
            create_sessions(engine),
            market.database.sessions,
            market.dependencies.settings,
            market.dependencies.admin_chat,
        )
    assert str(refusal.value) == (
        'DATABASE_URL: InvalidPasswordError: password authentication failed for user "adtech_app"'
    )
    await engine.dispose()


async def test_a_database_that_is_away_is_one_line_a_minute(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup_checks, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(outages, "_last_lines", {})
    engine = create_engine("postgresql://adtech_app:secret@127.0.0.1:1/adtech")
    with capture_logs() as logs, suppress(TimeoutError):
        async with asyncio.timeout(2):
            await startup_checks.database(
                create_sessions(engine),
                market.database.sessions,
                market.dependencies.settings,
                market.dependencies.admin_chat,
            )
    (line,) = logs
    assert line["what"] == "PostgreSQL"
    assert "refused" in line["cause"].lower()
    await engine.dispose()


def test_an_option_that_the_driver_does_not_support_is_named_at_the_start() -> None:
    url = "postgresql://u:secret@h/d?sslmode=require"
    loaded = Settings.model_construct(
        database_url=SecretStr(f"{url}&channel_binding=require"),
        clock_database_url=SecretStr(f"{url}&require_auth=scram-sha-256"),
        reports_database_url=SecretStr(url),
        intake_database_url=None,
    )
    with capture_logs() as logs:
        startup_checks.warn_of_unproven_databases(loaded)
    assert [(line["setting"], line["option"]) for line in logs] == [
        ("DATABASE_URL", "channel_binding"),
        ("CLOCK_DATABASE_URL", "require_auth"),
    ]
    assert "secret" not in str(logs)


@pytest.mark.parametrize(
    ("currency", "api_url", "warns"),
    [("USD", "", True), ("XTR", "", False), ("USD", "http://127.0.0.1:1", False)],
)
def test_other_money_than_stars_inside_the_real_telegram_is_logged(
    currency: str, api_url: str, *, warns: bool
) -> None:
    chosen = Settings.model_construct(currency=currency, bot_api_url=api_url)
    with capture_logs() as logs:
        startup_checks.warn_of_other_money(chosen)
    assert [line["currency"] for line in logs] == [currency] * warns
