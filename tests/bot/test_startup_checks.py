"""Test what the bot checks before it starts: the admin chat, the currency, and Telegram."""

from functools import partial

import pytest

from bot import startup_checks
from bot.admin_chat import AdminChat
from tests.handlers.marketplace import Marketplace


async def test_an_unsuitable_admin_chat_is_refused(market: Marketplace) -> None:
    for chat_id, why in (
        (-100123, "not in that chat"),
        (market.chat("channel"), "not in that chat"),
        (market.chat("advertiser"), "not a group"),
    ):
        with pytest.raises(startup_checks.CannotStartError, match=why):
            await startup_checks.admin_chat(
                market.bot, AdminChat(chat_id, market.database.sessions)
            )
    await startup_checks.admin_chat(market.bot, market.dependencies.admin_chat)
    market.world.state.chats[market.chat("group")].username = "everybody_welcome"
    with pytest.raises(startup_checks.CannotStartError, match="public"):
        await startup_checks.admin_chat(market.bot, market.dependencies.admin_chat)


async def test_wallets_in_another_currency_are_refused(market: Marketplace) -> None:
    euros = market.dependencies.settings.model_copy(update={"currency": "EUR"})
    with pytest.raises(startup_checks.CannotStartError, match="CURRENCY"):
        await startup_checks.database(
            market.database.sessions, euros, market.dependencies.admin_chat
        )


async def test_the_start_waits_while_telegram_is_away(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup_checks, "PAUSE_SECONDS", 0.01)
    await market.world.control("faults", method="getChat", kind="html_502", times=2)
    check = partial(startup_checks.admin_chat, market.bot, market.dependencies.admin_chat)
    await startup_checks.retry_while_away(check)
