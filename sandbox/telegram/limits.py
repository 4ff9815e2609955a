"""Apply Telegram's flood limits to the bot's messages."""

import math
import time
from collections import deque

from sandbox.telegram.errors import TelegramError

ALL_CHATS_PER_SECOND = 30
ONE_CHAT_PER_SECOND = 1
GROUP_PER_MINUTE = 20


class Limits:
    """Telegram's flood limits in real time. While `enabled` is false, there is no limit."""

    def __init__(self) -> None:
        self.enabled = False
        self._sent: dict[int | None, deque[float]] = {}

    def admit(self, chat_id: int, *, private: bool, messages: int = 1) -> None:
        """Count a message of the bot to a chat, if the limits are enabled.

        An album counts as its number of `messages`, but a chat may get it within one second. If it
        exceeds a limit, raises TelegramError 429 with the seconds to wait.
        """
        if not self.enabled:
            return
        now = time.monotonic()
        waits = [
            self._wait(None, now, ALL_CHATS_PER_SECOND - messages + 1, 1),
            self._wait(chat_id, now, ONE_CHAT_PER_SECOND, 1),
        ]
        if not private:
            waits.append(self._wait(chat_id, now, GROUP_PER_MINUTE - messages + 1, 60))
        if any(waits):
            seconds = max(1, math.ceil(max(waits)))
            raise TelegramError(
                429, f"Too Many Requests: retry after {seconds}", retry_after=seconds
            )
        for key in (None, chat_id):
            sent = self._sent.setdefault(key, deque(maxlen=ALL_CHATS_PER_SECOND))
            sent.extend([now] * messages)

    def _wait(self, key: int | None, now: float, allowed: int, window: float) -> float:
        """Return the seconds until the next allowed message, or 0 for now."""
        recent = [moment for moment in self._sent.get(key, ()) if moment > now - window]
        return recent[-allowed] + window - now if len(recent) >= allowed else 0.0
