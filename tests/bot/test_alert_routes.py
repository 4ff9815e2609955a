"""Test that alerts leave by a web address and by e-mail, and that neither blocks the process."""

import base64
import time

import pytest

from bot import alert_routes
from bot.alert_routes import AlertRoutes, UrgentAlert
from bot.settings import Settings
from tests.bot.test_settings import GOOD
from tests.factories.alert_receiver import MailReceiver, mail_receiver, web_receiver

ALERT = UrgentAlert("bot_missing", firing=True, text="🚨 No bot", command="adtech health")


def routes(**values: str) -> AlertRoutes:
    """Return the alert routes that these settings name."""
    return AlertRoutes(
        Settings.model_validate({name.lower(): value for name, value in GOOD.items()} | values)
    )


def smtp(receiver: MailReceiver, person: str = "") -> dict[str, str]:
    """Return the settings for a mail server."""
    return {
        "alert_smtp_url": f"smtp://{person}127.0.0.1:{receiver.port}",
        "alert_email_to": "oncall@example.com",
    }


async def test_both_ways_get_the_alert() -> None:
    async with web_receiver() as web, mail_receiver() as mail:
        assert await routes(alert_webhook_url=web.url, **smtp(mail, "me:p%40ss@")).send(ALERT)
    assert web.alerts == [
        {
            "alert": "bot_missing",
            "status": "firing",
            "text": "🚨 No bot",
            "command": "adtech health",
            "environment": "production",
        }
    ]
    [text] = mail.mails
    assert "Subject: [adtech production] bot_missing firing" in text
    assert "To: oncall@example.com" in text
    assert [base64.b64decode(login) for login in mail.logins] == [b"\0me\0p@ss"]


async def test_without_settings_nothing_is_sent_and_nothing_fails() -> None:
    assert await routes().send(ALERT)


async def test_a_refused_alert_has_failed() -> None:
    async with web_receiver() as web:
        web.status = 500
        assert not await routes(alert_webhook_url=web.url).send(ALERT)
        assert len(web.alerts) == 1


async def test_one_broken_way_does_not_stop_the_other() -> None:
    async with mail_receiver() as mail:
        ways = routes(alert_webhook_url="http://127.0.0.1:1/alert", **smtp(mail))
        assert not await ways.send(ALERT)
        assert len(mail.mails) == 1


async def test_a_silent_mail_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_routes, "SECONDS", 0.3)
    async with mail_receiver() as mail:
        mail.silent = True
        begun = time.monotonic()
        assert not await routes(**smtp(mail)).send(ALERT)
        assert time.monotonic() - begun < 10


async def test_the_dead_man_is_called() -> None:
    async with web_receiver() as web:
        assert await alert_routes.call_dead_man(web.url)
        web.status = 500
        assert not await alert_routes.call_dead_man(web.url)
        assert web.calls == 2
    assert not await alert_routes.call_dead_man("http://127.0.0.1:1/")
