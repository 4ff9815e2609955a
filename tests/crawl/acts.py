"""Define what one step of a person is, and what all kinds of steps share."""

from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox.telegram.control.queries import serialize_message
from sandbox.telegram.entities import Message
from tests.crawl.cast import Person
from tests.handlers.marketplace import Marketplace


@dataclass
class Done:
    """The act of a person in one step, and the reaction that is due."""

    words: str
    """The act in a few words, for the report of a fault."""
    chat_id: int | None = None
    """The chat in which a reaction is due, or None if none is due."""
    query_id: str | None = None
    """The id of the press of a button."""
    is_command: bool = False
    """True for a command, typed or forwarded."""
    data: str = ""
    """The data of the pressed button."""
    message_id: int | None = None
    """The id of the message with the pressed button."""
    forged: Message | None = None
    """A message with a button that the bot has never sent, which the walk removes."""


@dataclass
class Acts:
    """The running bot and the random numbers that all acts need."""

    market: Marketplace
    rng: Random

    async def attempt(self, path: str, **body: Any) -> Any:
        """Call the control API. Return None if Telegram does not let people do this."""
        try:
            return await self.market.world.control(path, **body)
        except AssertionError:
            return None

    def rows(self, chat: str) -> dict[int, Message]:
        """Return the messages of a chat by their ids."""
        return self.market.world.state.messages.get(self.market.chat(chat), {})

    def has_blocked_bot(self, who: Person) -> bool:
        """Return whether a person has blocked the bot."""
        state, chat_id = self.market.world.state, self.market.chat(who.name)
        return state.member(chat_id, state.bot_id).status == "kicked"


def last_messages(market: Marketplace, chat: str, count: int = 3) -> list[str]:
    """Return the newest messages of a chat with their buttons, for the report of a fault."""
    rows = market.world.state.messages.get(market.chat(chat), {})
    views = [serialize_message(rows[number]) for number in sorted(rows)[-count:]]
    return [
        f"{view['message_id']} by {view['from_name']}:"
        f" {(view['text'] or view['caption'] or '')[:200]!r} "
        f"{[[button['text'] for button in row] for row in view['buttons']]}"
        for view in views
    ]
