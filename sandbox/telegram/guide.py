"""Follow a list of steps, for example of a tutorial, and tick off those that have happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.telegram.entities import Message
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

_SETTING = "guide"
Texts = Mapping[str, str]
"""A text by language, for example {"en": …, "ru": …}."""


@dataclass(frozen=True)
class MessageShown:
    """A condition that is met as soon as a chat shows a certain message.

    If `contains` is empty, every message is enough, and otherwise its text, its caption or the name
    of its service field has to contain one of these texts. If `by_bot` is true, the message is one
    of the bot.
    """

    chat_id: int
    contains: tuple[str, ...] = ()
    by_bot: bool = True

    def is_met_by(self, message: Message, bot_id: int) -> bool:
        """Return whether this message meets the condition."""
        if message.chat_id != self.chat_id or (self.by_bot and message.author_id != bot_id):
            return False
        body = message.body
        texts = (body.get("text") or "", body.get("caption") or "", *body)
        return not self.contains or any(part in text for part in self.contains for text in texts)


@dataclass(frozen=True)
class GuideStep:
    """One step of a guide: who has to do what in which chat, and what shows that it is done."""

    name: str
    title: Texts
    text: Texts
    person_id: int
    chat_id: int
    done_when: MessageShown


class Guide:
    """A list of steps with those that are done. A step that is done stays done."""

    def __init__(self, state: State, steps: Sequence[GuideStep]) -> None:
        self._state = state
        self._steps = steps
        self._done: list[str] = list(state.settings.get(_SETTING, ()))
        for chat_id in {step.done_when.chat_id for step in steps}:
            for message in state.messages.get(chat_id, {}).values():
                self._follow(message)
        state.message_listeners.append(self._follow)

    def _follow(self, message: Message) -> None:
        for step in self._steps:
            if step.name in self._done:
                continue
            if step.done_when.is_met_by(message, self._state.bot_id):
                self._done = [*self._done, step.name]
                self._state.set(_SETTING, self._done)

    def as_json(self) -> list[Json]:
        """Return the steps in their order, each with `done`."""
        return [
            {
                "name": step.name,
                "title": dict(step.title),
                "text": dict(step.text),
                "person_id": step.person_id,
                "chat_id": step.chat_id,
                "done": step.name in self._done,
            }
            for step in self._steps
        ]
