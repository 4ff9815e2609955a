"""Send updates to the bot's webhook."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from sandbox.telegram import request_body
from sandbox.telegram.errors import TelegramError
from sandbox.telegram.parsing import RawRequest
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

CONNECTIONS = 40
MOST_CONNECTIONS = 100
RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)
LONGEST_RETRY_AFTER = 3600
_TIMEOUT = aiohttp.ClientTimeout(total=60)
_OK = range(200, 300)
# The answer to an update cannot call these methods, nor those that begin with "get".
_NOT_IN_ANSWERS = frozenset({"close", "deletewebhook", "logout", "setwebhook"})

CarryOut = Callable[[str, RawRequest], Awaitable[None]]
Queue = tuple[str, int]


class Webhook:
    """The deliveries to the bot's webhook, as WebhookActor of tdlib/telegram-bot-api makes them.

    The updates of one chat are sent in order. An update that fails is sent again later, and holds
    up only its own chat.
    """

    def __init__(self, state: State) -> None:
        self.error: tuple[int, str] | None = None
        """The time and the text of the last error."""
        self._state = state
        self._deliveries: dict[Queue, asyncio.Task[None]] = {}
        self._sending = 0

    async def run(self, carry_out: CarryOut) -> None:
        """Send updates until the server stops. `carry_out` calls the method of an answer."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            try:
                while not self._state.notifier.closed:
                    ready = await self._state.notifier.wait(self._next_update, 60)
                    if ready is not None:
                        queue, update = ready
                        delivery = self._deliver(session, queue, update, carry_out)
                        self._deliveries[queue] = asyncio.create_task(delivery)
            finally:
                running = list(self._deliveries.values())
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    def _next_update(self) -> tuple[Queue, Json] | None:
        """Return the oldest update of a chat of which none is sent at present."""
        self._state.drop_expired_updates()
        if not self._state.settings.get("webhook"):
            return None
        for update in self._state.updates.values():
            queue = _queue_of(update)
            if queue not in self._deliveries:
                return queue, update
        return None

    async def _deliver(
        self, session: aiohttp.ClientSession, queue: Queue, update: Json, carry_out: CarryOut
    ) -> None:
        """Send an update until it is taken, has expired, or the webhook is another one."""
        state, failures = self._state, 0
        webhook = state.settings.get("webhook")

        def is_over() -> bool | None:
            known = update["update_id"] in state.updates
            return True if state.settings.get("webhook") is not webhook or not known else None

        try:
            while webhook and not is_over():
                await state.notifier.wait(lambda: self._has_connection(webhook) or is_over(), 60)
                self._sending += 1
                try:
                    delay = await self._send(session, webhook, update, carry_out)
                finally:
                    self._sending -= 1
                    state.notifier.notify()
                if delay is None:
                    if not is_over():
                        state.drop_updates([update["update_id"]])
                        state.commit()
                    return
                known_delay = RETRY_DELAYS[min(failures, len(RETRY_DELAYS) - 1)]
                failures += 1
                await state.notifier.wait(is_over, delay or known_delay)
        finally:
            del self._deliveries[queue]
            state.notifier.notify()

    def _has_connection(self, webhook: Json) -> bool | None:
        return True if self._sending < webhook.get("max_connections", CONNECTIONS) else None

    async def _send(
        self, session: aiohttp.ClientSession, webhook: Json, update: Json, carry_out: CarryOut
    ) -> int | None:
        """Send an update once. Return None, or after an error the seconds that the bot asks for."""
        headers = {}
        if webhook.get("secret_token"):
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook["secret_token"]
        try:
            async with session.post(
                webhook["url"], json=update, headers=headers, allow_redirects=False
            ) as response:
                if response.status in _OK:
                    await _answer(response, carry_out)
                    return None
                error = f"Wrong response from the webhook: {response.status} {response.reason}"
                self.error = (self._state.now(), error)
                return _retry_after(response)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            self.error = (self._state.now(), "Connection failed")
            return 0


def _queue_of(update: Json) -> Queue:
    """Return the queue of an update. The kinds of updates about one chat have own queues."""
    [(kind, body)] = [item for item in update.items() if item[0] != "update_id"]
    about: dict[str, Any] = body.get("chat") or body.get("from") or body.get("user") or {}
    group = "message" if kind.endswith(("message", "post")) else kind
    return group, int(about.get("id", 0))


async def _answer(response: aiohttp.ClientResponse, carry_out: CarryOut) -> None:
    """Call the method that the answer to an update names. Nobody gets the result."""
    raw = RawRequest()
    try:
        content_type = response.headers.get("Content-Type", "")
        request_body.parse(raw, await response.read(), content_type)
        method = str(raw.values.pop("method", "")).lower()
        if method and method not in _NOT_IN_ANSWERS and not method.startswith("get"):
            await carry_out(method, raw)
    except TelegramError:
        # As in Telegram, an answer that is wrong has no effect.
        return


def _retry_after(response: aiohttp.ClientResponse) -> int:
    text = response.headers.get("Retry-After", "")
    return min(int(text), LONGEST_RETRY_AFTER) if text.isascii() and text.isdigit() else 0
