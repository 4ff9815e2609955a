"""End the database sessions that delay a request to stop a kill switch."""

import asyncio
import re
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, Message, TelegramObject

from bot import switches
from bot.admin_chat import AdminChat
from bot.context import UpdateResult
from bot.operator_callbacks import OnSwitch, SwitchAct
from bot.texts import Texts
from db.session import Sessions
from services.platform import lanes, users

FORGET_SECONDS = 300.0
"""A request to stop a kill switch is forgotten after this number of seconds."""
_COMMAND_STOP = re.compile(rf"(?i:{lanes.SWITCH_COMMAND}(@\w+)?\s+stop\b)")
_COMMAND = re.compile(rf"{_COMMAND_STOP.pattern}\s+\S+\s+\S|(?i:{lanes.STOP_COMMAND.pattern})")
_BUTTON = f"{OnSwitch.__prefix__}:{SwitchAct.STOP}:"

log = structlog.get_logger(__name__)


@dataclass
class _Stop:
    language: str
    arrived_at: float
    result: UpdateResult | None = None
    reported: bool = False

    @property
    def is_open(self) -> bool:
        is_new = time.monotonic() - self.arrived_at < FORGET_SECONDS
        return is_new and not (self.result is not None and self.result.marked)


class StopPath:
    """The requests to stop a kill switch that this process has received and not committed."""

    def __init__(self, sessions: Sessions, bot: Bot, currency: str) -> None:
        self._sessions = sessions
        self._bot = bot
        self._currency = currency
        self._stops: dict[int, _Stop] = {}
        self._arrived = asyncio.Event()

    def expect(
        self,
        updates: Sequence[Mapping[str, Any]],
        *,
        admin_chat_ids: Collection[int],
        staff: Collection[int],
    ) -> None:
        """Remember which updates of the staff in the admin chat stop a kill switch.

        `admin_chat_ids` also contains its new ids that nobody has confirmed. `staff` contains the
        staff's lanes, usually chat ids. Updates are JSON that is not trusted.
        """
        for update in updates:
            lane, update_id = lanes.own_lane(dict(update)), update.get("update_id")
            if lane not in staff or not isinstance(update_id, int) or update_id in self._stops:
                continue
            if (language := _language_of_stop(update, admin_chat_ids)) is not None:
                self._stops[update_id] = _Stop(language, time.monotonic())
                self._arrived.set()

    def begin(self, update_id: int, result: UpdateResult) -> None:
        """Remember that a handler works on an update. `result` shows whether it has committed."""
        if (stop := self._stops.get(update_id)) is not None:
            stop.result = result

    def end(self, update_id: int) -> None:
        """Forget the request of a handled update."""
        self._stops.pop(update_id, None)

    async def run(self, admin_chat: AdminChat) -> None:
        """End the database sessions that delay a request, until the task is cancelled.

        If a request is delayed for more than `switches.NOTIFY_SECONDS`, the bot writes this in the
        admin chat.
        """
        while True:
            await self._arrived.wait()
            await asyncio.sleep(switches.CHECK_SECONDS)
            self._stops = {number: stop for number, stop in self._stops.items() if stop.is_open}
            if not self._stops:
                self._arrived.clear()
                continue
            is_blocked = await switches.end_lock_holders(self._sessions)
            for stop in self._stops.values():
                if (
                    is_blocked
                    and not stop.reported
                    and time.monotonic() - stop.arrived_at > switches.NOTIFY_SECONDS
                ):
                    stop.reported = True
                    await self._notify(stop, admin_chat.id)

    async def _notify(self, stop: _Stop, admin_chat_id: int) -> None:
        """Write in the admin chat that the stop of a kill switch is not saved."""
        if stop.is_open:
            log.error("A stop of a kill switch is held up")
            t = Texts(stop.language, self._currency)
            with suppress(TelegramAPIError):
                await self._bot.send_message(admin_chat_id, t("switch-stop-waits"))


def is_stop(event: TelegramObject) -> bool:
    """Return whether a message or a press asks to stop one kill switch or all of them.

    A stop that has no reason yet counts too, although the bot first asks for the reason.
    """
    if isinstance(event, CallbackQuery):
        return (event.data or "").startswith(_BUTTON)
    if not isinstance(event, Message):
        return False
    text = event.text or ""
    return (_COMMAND_STOP.match(text) or lanes.STOP_COMMAND.match(text)) is not None


def _language_of_stop(update: Mapping[str, Any], admin_chat_ids: Collection[int]) -> str | None:
    """Return the language of the person whose update stops a kill switch; otherwise None."""
    press, message = update.get("callback_query"), update.get("message")
    if isinstance(press, dict):
        asker, shown, is_stop = press, press.get("message"), _is_stop_button(press)
    elif isinstance(message, dict):
        asker = shown = message
        is_stop = _COMMAND.match(str(message.get("text"))) is not None
    else:
        return None
    chat = shown.get("chat") if isinstance(shown, dict) else None
    if not is_stop or not isinstance(chat, dict) or chat.get("id") not in admin_chat_ids:
        return None
    person = asker.get("from")
    code = person.get("language_code") if isinstance(person, dict) else None
    return users.known_language(code if isinstance(code, str) else None)


def _is_stop_button(press: Mapping[str, Any]) -> bool:
    return str(press.get("data")).startswith(_BUTTON)
