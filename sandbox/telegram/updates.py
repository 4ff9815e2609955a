"""Queue updates for the bot, and deliver them by long polling or webhook."""

import re
from itertools import islice

from sandbox.telegram import serializers
from sandbox.telegram.entities import Chat, Member, Message
from sandbox.telegram.errors import TelegramError
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State
from sandbox.telegram.webhook import CONNECTIONS, Webhook

MAX_LIMIT = 100
MAX_WAIT = 50
# Telegram sends these kinds of updates only to a bot that lists them in allowed_updates.
ONLY_IF_NAMED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
# The bot gets these kinds of its own service messages, as Client::need_skip_update_message of
# tdlib/telegram-bot-api decides.
OWN_SERVICE_MESSAGES = frozenset(
    {
        *("new_chat_title", "new_chat_photo", "delete_chat_photo", "left_chat_member"),
        *("pinned_message", "refunded_payment", "suggested_post_approved"),
        *("suggested_post_approval_failed", "suggested_post_declined", "suggested_post_paid"),
        "suggested_post_refunded",
    }
)
# Seconds within which the bot can get an update.
LIFETIME = 86400
LIFETIMES = {"callback_query": 150, "shipping_query": 150, "pre_checkout_query": 150}
COMMAND = re.compile(r"/\w+(?:@(?P<bot>\w+))?")


def queue(state: State, kind: str, body: Json) -> None:
    """Queue an update for the bot, if the bot wants this kind of update."""
    allowed = state.settings.get("allowed_updates")
    if kind in allowed if allowed else kind not in ONLY_IF_NAMED:
        state.queue_update(kind, body, state.now() + LIFETIMES.get(kind, LIFETIME))


def queue_own_service_message(state: State, chat: Chat, message: Message) -> None:
    """Queue an update about a service message that the bot caused, if Telegram tells the bot."""
    if OWN_SERVICE_MESSAGES & message.body.keys():
        queue(state, "channel_post" if chat.type == "channel" else "message", message.body)


def reaches_bot(state: State, chat: Chat, message: Message) -> bool:
    """Return whether the bot gets a message that a person sends in this chat.

    As an administrator, the bot gets every message. As another member of a group, the bot gets
    commands, replies to the bot, and service messages. As another member of a channel, the bot gets
    no post.
    """
    membership = state.member(chat.id, state.bot_id)
    if not membership.present:
        return False
    if chat.type == "private" or membership.status == "administrator":
        return True
    if chat.type == "channel":
        return False
    replied = message.body.get("reply_to_message", {}).get("from", {}).get("id")
    return message.service or _is_command(state, message) or replied == state.bot_id


def _is_command(state: State, message: Message) -> bool:
    """Return whether a message is a command that is not for another bot."""
    command = COMMAND.match(message.body.get("text", ""))
    if command is None:
        return False
    return command["bot"] is None or command["bot"].lower() == str(state.bot.username).lower()


def queue_membership_update(
    state: State, old: Member, new: Member, by_user_id: int, more: Json | None = None
) -> None:
    """Queue an update about a changed membership, with the further fields `more`.

    The bot gets the changes of other members only as an administrator.
    """
    chat = state.chats[new.chat_id]
    own = new.user_id == state.bot_id
    if not own and state.member(chat.id, state.bot_id).status != "administrator":
        return
    body = {
        "chat": serializers.serialize_chat(state, chat),
        "from": serializers.serialize_user(state.users[by_user_id]),
        "date": state.now(),
        "old_chat_member": serializers.serialize_member(state, old),
        "new_chat_member": serializers.serialize_member(state, new),
        **(more or {}),
    }
    queue(state, "my_chat_member" if own else "chat_member", body)


class UpdateDelivery:
    """The delivery of updates to the bot, by long polling or webhook."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._current_poll: object = None
        self.webhook = Webhook(state)

    async def poll(
        self, offset: int | None, limit: int | None, wait: int | None, allowed: list[str] | None
    ) -> list[Json]:
        """Confirm all updates below `offset`, and return the next updates.

        If there is no update, wait up to `wait` seconds, and never more than 50. A new poll ends an
        earlier poll with error 409. Raises TelegramError while a webhook is set.
        """
        state = self._state
        if state.settings.get("webhook"):
            raise TelegramError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        this_poll = self._current_poll = object()
        state.notifier.notify()
        for name, value in (("allowed_updates", allowed), ("polled", True)):
            if value is not None and state.settings.get(name) != value:
                state.set(name, value)
        self._confirm(offset)
        state.commit()
        count = min(max(limit or MAX_LIMIT, 1), MAX_LIMIT)

        def ready() -> list[Json] | None:
            if self._current_poll is not this_poll:
                raise TelegramError(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one "
                    "bot instance is running",
                )
            state.drop_expired_updates()
            return list(islice(state.updates.values(), count)) or None

        try:
            return await state.notifier.wait(ready, min(wait or 0, MAX_WAIT)) or []
        finally:
            if self._current_poll is this_poll:
                self._current_poll = None

    def _confirm(self, offset: int | None) -> None:
        """Remove the updates below the offset; a negative offset keeps the newest updates."""
        if offset is None:
            return
        known = list(self._state.updates)
        if offset < 0:
            self._state.drop_updates(known[:offset])
        else:
            self._state.drop_updates([number for number in known if number < offset])

    def info(self) -> Json:
        """Return Telegram's WebhookInfo object."""
        webhook = self._state.settings.get("webhook") or {}
        self._state.drop_expired_updates()
        view: Json = {
            "url": webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self._state.updates),
        }
        if webhook:
            view["max_connections"] = webhook.get("max_connections", CONNECTIONS)
        if self.webhook.error:
            view["last_error_date"], view["last_error_message"] = self.webhook.error
        if self._state.settings.get("allowed_updates"):
            view["allowed_updates"] = self._state.settings["allowed_updates"]
        return view
