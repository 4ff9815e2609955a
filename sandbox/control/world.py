"""What the control API works on, and how it reads its requests."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from aiohttp import web

from sandbox.entities import Chat, Stored, User
from sandbox.errors import ControlError
from sandbox.persistence import Json
from sandbox.state import State

MoveClock = Callable[[float], Awaitable[float]]
T = TypeVar("T")


class Processes(Protocol):
    """The product's processes, as the launcher supervises them."""

    async def kill(self, name: str, signal: int) -> None:
        """Send a signal to a process; KeyError: no such name."""

    async def start(self, name: str) -> None:
        """Start a process that is not running; KeyError: no such name."""

    def pids(self) -> dict[str, int]:
        """The running ones."""


@dataclass(frozen=True)
class World:
    """The state and the levers beside it."""

    state: State
    control_token: str
    move_clock: MoveClock | None
    processes: Processes | None


@dataclass(frozen=True)
class Order:
    """One request of the control API."""

    world: World
    body: Json
    path: dict[str, str]
    query: dict[str, str]

    @property
    def state(self) -> State:
        """The world's state."""
        return self.world.state

    def get(self, name: str, kind: type[T]) -> T | None:
        """A field of the body that may be missing."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ControlError(f"{name} must be {_article(kind)}")
        return value

    def need(self, name: str, kind: type[T]) -> T:
        """A field of the body that must be there."""
        value = self.get(name, kind)
        if value is None:
            raise ControlError(f"{name} is missing")
        return value

    def flag(self, name: str, *, otherwise: bool = False) -> bool:
        """A true or false of the body."""
        value = self.get(name, bool)
        return otherwise if value is None else value

    def person(self) -> User:
        """The person of the path."""
        return find_person(self.state, path_number(self.path["id"]))

    def chat(self) -> Chat:
        """The chat of the path."""
        return find_chat(self.state, path_number(self.path["id"]))


def _article(kind: type[object]) -> str:
    return {int: "a whole number", str: "a text", bool: "true or false", list: "a list"}.get(
        kind, f"a {kind.__name__}"
    )


def path_number(text: str) -> int:
    """A number of the path or the query."""
    try:
        return int(text)
    except ValueError:
        raise ControlError("an id must be a whole number") from None


def find_person(state: State, user_id: int) -> User:
    """A person of this world; the bot is none."""
    found = state.users.get(user_id)
    if found is None or found.is_bot:
        raise ControlError("there is no such person", status=404)
    return found


def find_chat(state: State, chat_id: int) -> Chat:
    """A chat of this world."""
    found = state.chats.get(chat_id)
    if found is None:
        raise ControlError("there is no such chat", status=404)
    return found


def participant(state: State, place: Chat, person: User) -> None:
    """Refuse what somebody does in a chat that they are not in."""
    if place.type == "private":
        inside = place.id == person.id
    else:
        inside = state.member(place.id, person.id).present
    if not inside:
        raise ControlError("this person is not in the chat", status=403)


def find_message(state: State, place: Chat, message_id: int) -> Stored:
    """A message that the chat shows."""
    found = state.find_message(place.id, message_id)
    if found is None:
        raise ControlError("there is no such message in the chat", status=404)
    return found


async def read_order(world: World, request: web.Request) -> Order:
    """The request's body (an object, or nothing), path and query."""
    body: Any = {}
    if request.can_read_body:
        try:
            body = json.loads(await request.read())
        except ValueError:
            raise ControlError("the body must be JSON") from None
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    return Order(world, body, dict(request.match_info), dict(request.query))
