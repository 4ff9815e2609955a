"""Send urgent alerts to a web address and by e-mail, without Telegram.

No alert contains personal data. A route that does not answer within SECONDS has failed.
"""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.settings import Settings

SECONDS = 5.0
"""The longest time for one answer of a route."""
SMTP_SECONDS = 20.0
"""The longest time for an e-mail, which needs several answers."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DEFAULT_PORTS = {"smtp": 587, "smtps": 465}
_ERRORS = (ClientError, OSError, TimeoutError, smtplib.SMTPException, ValueError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class UrgentAlert:
    """An alert as text for people who may not be in the admin chat."""

    name: str
    """The name of the condition."""
    firing: bool
    """True if the alert has begun, and False if it is over."""
    text: str
    command: str
    """The first command to type in a shell."""


class AlertRoutes:
    """The alert routes: the ways to people without Telegram. Both routes can be unset."""

    def __init__(self, settings: Settings) -> None:
        self._webhook_url = settings.alert_webhook_url.get_secret_value()
        self._smtp_url = settings.alert_smtp_url.get_secret_value()
        self._to = settings.alert_email_to
        self._from = settings.alert_email_from or settings.alert_email_to
        self._environment = settings.environment

    async def send(self, alert: UrgentAlert) -> bool:
        """Send an alert on each route that is set, and return whether no route has failed."""
        ways = []
        if self._webhook_url:
            ways.append(self._post(alert))
        if self._smtp_url:
            ways.append(self._mail(alert))
        results = await asyncio.gather(*ways, return_exceptions=True)
        for error in results:
            if isinstance(error, _ERRORS):
                # The text of the error may contain the address, which may contain a password.
                log.error("An alert was not sent", alert=alert.name, error=type(error).__name__)
            elif isinstance(error, BaseException):
                raise error
        return not any(isinstance(error, BaseException) for error in results)

    async def _post(self, alert: UrgentAlert) -> None:
        body = {
            "alert": alert.name,
            "status": "firing" if alert.firing else "resolved",
            "text": alert.text,
            "command": alert.command,
            "environment": self._environment,
        }
        async with (
            ClientSession(timeout=ClientTimeout(total=SECONDS)) as client,
            client.post(self._webhook_url, json=body, allow_redirects=False) as response,
        ):
            if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise ClientError

    async def _mail(self, alert: UrgentAlert) -> None:
        message = EmailMessage()
        state = "firing" if alert.firing else "resolved"
        message["Subject"] = f"[adtech {self._environment}] {alert.name} {state}"
        message["From"], message["To"] = self._from, self._to
        message.set_content(f"{alert.text}\n{alert.command}\n")
        async with asyncio.timeout(SMTP_SECONDS):
            await asyncio.to_thread(_deliver, self._smtp_url, message)


def _deliver(url: str, message: EmailMessage) -> None:
    """Give a message to the mail server of `url`. Blocks; raises OSError or SMTPException."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    encrypted = parts.scheme == "smtps"
    tls = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=tls)
        if encrypted
        else smtplib.SMTP(host, port, timeout=SECONDS)
    ) as server:
        server.ehlo()
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=tls)
            encrypted = True
        if parts.username is not None:
            if not encrypted and host not in _LOOPBACK:
                raise smtplib.SMTPNotSupportedError
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


async def call_dead_man(url: str) -> bool:
    """Call the address of the dead man's switch, and return whether it has accepted the call."""
    try:
        async with (
            ClientSession(timeout=ClientTimeout(total=SECONDS)) as client,
            client.get(url, allow_redirects=False) as response,
        ):
            return response.status < HTTPStatus.MULTIPLE_CHOICES
    except (ClientError, OSError, TimeoutError) as error:
        log.warning("The dead man's switch was not called", error=type(error).__name__)
        return False
