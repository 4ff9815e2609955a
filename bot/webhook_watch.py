"""Notice a webhook that somebody else has set for this bot, and set the bot's own one again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiogram import Bot
from aiogram.exceptions import ClientDecodeError, TelegramAPIError

from bot import metrics, recent_events
from bot.leader_election import LeaderElection

EVERY_SECONDS = 20.0

log = structlog.get_logger(__name__)


class WebhookWatch:
    """The watch of one bot process. Only the process that takes updates asks Telegram."""

    def __init__(
        self,
        bot: Bot,
        election: LeaderElection,
        *,
        webhook_url: str,
        repair: Callable[[], Awaitable[None]],
    ) -> None:
        """Prepare the watch. `repair` sets or deletes the webhook, as the settings say."""
        self._bot = bot
        self._election = election
        self._webhook_url = webhook_url
        self._repair = repair

    async def run(self) -> None:
        """Watch until the task is cancelled. After an unexpected error, the watch goes on."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            if self._election.is_elected:
                try:
                    await self.check_webhook()
                except Exception:
                    log.exception("Worker error", task="webhook watch")

    async def check_webhook(self) -> None:
        """Ask Telegram for the webhook. If there is a foreign one, set the bot's own one again.

        The state of this process says "foreign" until the next call, so that the scheduler sees it.
        """
        try:
            info = await self._bot.get_webhook_info()
            foreign = info.url != self._webhook_url
            metrics.WEBHOOK_FOREIGN.set(foreign)
            recent_events.set_state("webhook_foreign", is_true=foreign)
            if foreign:
                log.error("Somebody else has set the webhook: setting it back")
                await self._repair()
        except (TelegramAPIError, ClientDecodeError):
            metrics.count_telegram_error("webhook")
