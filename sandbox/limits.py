"""Apply Telegram's flood limits, which say how many messages a bot is allowed to send."""

import math
import time
from collections import deque

from sandbox.errors import TelegramError

ALL_CHATS_PER_SECOND = 30
ONE_CHAT_PER_SECOND = 1
GROUP_PER_MINUTE = 20


class Limits:
    """Telegram's flood limits: how many messages the bot is allowed to send in a certain time.

    The instance keeps the real times of the bot's last messages. While `enabled` is false, there is
    no limit.
    """

    def __init__(self) -> None:
        self.enabled = False
        self._sent: dict[int | None, deque[float]] = {}

    def admit(self, chat_id: int, *, private: bool) -> None:
        """Count one message of the bot to a chat, if the limits are enabled.

        If the message exceeds a limit, it is not counted. In this case, raises TelegramError 429
        with the number of seconds to wait.
        """
        if not self.enabled:
            return
        now = time.monotonic()
        waits = [
            self._wait(None, now, ALL_CHATS_PER_SECOND, 1),
            self._wait(chat_id, now, ONE_CHAT_PER_SECOND, 1),
        ]
        if not private:
            waits.append(self._wait(chat_id, now, GROUP_PER_MINUTE, 60))
        if any(waits):
            seconds = max(1, math.ceil(max(waits)))
            raise TelegramError(
                429, f"Too Many Requests: retry after {seconds}", retry_after=seconds
            )
        for key in (None, chat_id):
            self._sent.setdefault(key, deque(maxlen=ALL_CHATS_PER_SECOND)).append(now)

    def _wait(self, key: int | None, now: float, allowed: int, window: float) -> float:
        """Return how many seconds the bot must wait before its next message. 0 means now.

        The limit is `allowed` messages in `window` seconds. `key` is the id of a chat, or None for
        all chats together. `now` is the real time in seconds.
        """
        recent = [moment for moment in self._sent.get(key, ()) if moment > now - window]
        return recent[-allowed] + window - now if len(recent) >= allowed else 0.0
