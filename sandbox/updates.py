"""Updates: what the bot is told of, how it polls for them, how they are pushed to a webhook."""

import asyncio
import contextlib
from itertools import islice

import aiohttp

from sandbox import serializers
from sandbox.entities import Chat, Member, Stored
from sandbox.errors import TelegramError
from sandbox.persistence import Json
from sandbox.state import State

MAX_LIMIT = 100
MAX_WAIT = 50
# Telegram sends these only to a bot that names them.
ONLY_IF_NAMED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
WEBHOOK_TIMEOUT = aiohttp.ClientTimeout(total=60)
FIRST_REDIRECT = 300
WEBHOOK_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)


def queue(state: State, kind: str, body: Json) -> None:
    """Owe the bot an update, unless it has said that it does not want such."""
    allowed = state.settings.get("allowed_updates")
    if kind in allowed if allowed else kind not in ONLY_IF_NAMED:
        state.queue_update(kind, body)


def sees(state: State, place: Chat, stored: Stored) -> bool:
    """Whether the bot gets a person's message of this chat.

    In groups a bot that is no administrator sees commands, replies to it and service messages
    (privacy mode); in channels only administrators are told of posts.
    """
    standing = state.member(place.id, state.bot_id)
    if not standing.present:
        return False
    if place.type == "private" or standing.status == "administrator":
        return True
    if place.type == "channel":
        return False
    replied = stored.body.get("reply_to_message", {}).get("from", {}).get("id")
    is_command = stored.body.get("text", "").startswith("/")
    return stored.service or is_command or replied == state.bot_id


def tell_membership(state: State, old: Member, new: Member, by_user_id: int) -> None:
    """`my_chat_member` for the bot's own standing, `chat_member` for that of others.

    The latter only where the bot is an administrator.
    """
    place = state.chats[new.chat_id]
    own = new.user_id == state.bot_id
    if not own and state.member(place.id, state.bot_id).status != "administrator":
        return
    body = {
        "chat": serializers.chat(state, place),
        "from": serializers.user(state.users[by_user_id]),
        "date": state.now(),
        "old_chat_member": serializers.member(state, old),
        "new_chat_member": serializers.member(state, new),
    }
    queue(state, "my_chat_member" if own else "chat_member", body)


class Delivery:
    """How updates leave: one long poll at a time, or a webhook."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._current_poll: object = None
        self._error: tuple[int, str] | None = None

    async def poll(
        self, offset: int | None, limit: int | None, wait: int | None, allowed: list[str] | None
    ) -> list[Json]:
        """getUpdates: confirm all below `offset`, then what is there, waiting if nothing is.

        A second poll ends the first one with 409.
        """
        state = self._state
        if state.settings.get("webhook"):
            raise TelegramError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        me = self._current_poll = object()
        state.pulse.notify()
        for name, value in (("allowed_updates", allowed), ("polled", True)):
            if value is not None and state.settings.get(name) != value:
                state.set(name, value)
        self._confirm(offset)
        state.commit()
        wanted = min(max(limit or MAX_LIMIT, 1), MAX_LIMIT)

        def ready() -> list[Json] | None:
            if self._current_poll is not me:
                raise TelegramError(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one "
                    "bot instance is running",
                )
            return list(islice(state.updates.values(), wanted)) or None

        try:
            return await state.pulse.wait(ready, min(wait or 0, MAX_WAIT)) or []
        finally:
            if self._current_poll is me:
                self._current_poll = None

    def _confirm(self, offset: int | None) -> None:
        """A negative offset keeps only that many of the newest, as at Telegram."""
        if offset is None:
            return
        known = list(self._state.updates)
        if offset < 0:
            self._state.drop_updates(known[:offset])
        else:
            self._state.drop_updates([number for number in known if number < offset])

    def info(self) -> Json:
        """What is known of the webhook."""
        webhook = self._state.settings.get("webhook") or {}
        view: Json = {
            "url": webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self._state.updates),
        }
        if webhook:
            view["max_connections"] = 1
        if self._error:
            view["last_error_date"], view["last_error_message"] = self._error
        if self._state.settings.get("allowed_updates"):
            view["allowed_updates"] = self._state.settings["allowed_updates"]
        return view

    async def push(self) -> None:
        """Bring updates to the webhook, in order, each until it is answered with 2xx."""
        async with aiohttp.ClientSession(timeout=WEBHOOK_TIMEOUT) as session:
            failures = 0
            while not self._state.pulse.closed:
                ready = await self._state.pulse.wait(self._next_push, 60)
                if ready is None:
                    continue
                webhook, update = ready
                if await self._deliver(session, webhook, update):
                    failures = 0
                    if update["update_id"] in self._state.updates:
                        self._state.drop_updates([update["update_id"]])
                        self._state.commit()
                else:
                    await asyncio.sleep(WEBHOOK_PAUSES[min(failures, len(WEBHOOK_PAUSES) - 1)])
                    failures += 1

    def _next_push(self) -> tuple[Json, Json] | None:
        webhook = self._state.settings.get("webhook")
        if not webhook or not self._state.updates:
            return None
        return webhook, next(iter(self._state.updates.values()))

    async def _deliver(self, session: aiohttp.ClientSession, webhook: Json, update: Json) -> bool:
        headers = {}
        if webhook.get("secret_token"):
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook["secret_token"]
        trouble = "Connection failed"
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(
                webhook["url"], json=update, headers=headers, allow_redirects=False
            ) as response:
                if response.ok and response.status < FIRST_REDIRECT:
                    return True
                trouble = f"Wrong response from the webhook: {response.status}"
        self._error = (self._state.now(), trouble)
        return False
