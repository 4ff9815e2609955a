"""Read requests of the control API, and find the people and chats in a request.

The control API lets programs act as people in Telegram.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from aiohttp import web

from sandbox.telegram import json_input
from sandbox.telegram.entities import Chat, Message, User
from sandbox.telegram.errors import ControlError
from sandbox.telegram.guide import Guide
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

MoveClock = Callable[[float], Awaitable[float]]
StartOver = Callable[[], Awaitable[None]]
T = TypeVar("T")


class Processes(Protocol):
    """An interface to kill and start the product's processes."""

    async def kill(self, name: str, signal: int) -> None:
        """Send a signal to a process, or raise KeyError for an unknown name."""

    async def start(self, name: str) -> None:
        """Start a stopped process, or raise KeyError for an unknown name."""

    def pids(self) -> dict[str, int]:
        """Return the process ids of the running processes, by name."""


@dataclass(frozen=True)
class ControlContext:
    """The objects that all requests of the control API share.

    If `move_clock`, `processes` or `start_over` is None, requests that need it are refused.
    """

    state: State
    control_token: str
    move_clock: MoveClock | None
    processes: Processes | None
    guide: Guide | None = None
    start_over: StartOver | None = None


@dataclass(frozen=True)
class ControlRequest:
    """One request of the control API, with methods that check the fields."""

    context: ControlContext
    body: Json
    path: dict[str, str]
    query: dict[str, str]

    @property
    def state(self) -> State:
        """Return the state of the simulated Telegram."""
        return self.context.state

    def get(self, name: str, kind: type[T]) -> T | None:
        """Return a field of the request's body, or None if the field is missing.

        Raises ControlError if the value is not of the type `kind`.
        """
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ControlError(f"{name} must be {_describe_type(kind)}")
        return value

    def require(self, name: str, kind: type[T]) -> T:
        """Return a field of the request's body.

        Raises ControlError if the field is missing or of another type.
        """
        value = self.get(name, kind)
        if value is None:
            raise ControlError(f"{name} is missing")
        return value

    def flag(self, name: str, *, otherwise: bool = False) -> bool:
        """Return a boolean field of the request's body, or `otherwise` for a missing field.

        Raises ControlError if the field has another type.
        """
        value = self.get(name, bool)
        return otherwise if value is None else value

    def person(self) -> User:
        """Return the person whose id is in the path, or raise ControlError."""
        return find_person(self.state, path_number(self.path["id"]))

    def person_in_body(self) -> User:
        """Return the person whose id is the field `user_id`, or raise ControlError."""
        return find_person(self.state, self.require("user_id", int))

    def chat(self) -> Chat:
        """Return the chat whose id is in the path, or raise ControlError."""
        return find_chat(self.state, path_number(self.path["id"]))


def _describe_type(kind: type[object]) -> str:
    return {int: "a whole number", str: "a text", bool: "true or false", list: "a list"}.get(
        kind, f"a {kind.__name__}"
    )


def path_number(text: str) -> int:
    """Convert a text to a whole number, or raise ControlError."""
    try:
        return int(text)
    except ValueError:
        raise ControlError("an id must be a whole number") from None


def find_person(state: State, user_id: int) -> User:
    """Return a person by id, or raise ControlError for an unknown id and for the bot's id."""
    found = state.users.get(user_id)
    if found is None or found.is_bot:
        raise ControlError("there is no such person", status=404)
    return found


def find_chat(state: State, chat_id: int) -> Chat:
    """Return a chat by id, or raise ControlError for an unknown id."""
    found = state.chats.get(chat_id)
    if found is None:
        raise ControlError("there is no such chat", status=404)
    return found


def check_participant(state: State, chat: Chat, person: User) -> None:
    """Raise ControlError if the person is not in the chat."""
    if chat.type == "private":
        inside = chat.id == person.id
    else:
        inside = state.member(chat.id, person.id).present
    if not inside:
        raise ControlError("this person is not in the chat", status=403)


def check_may_write(state: State, chat: Chat, person: User) -> None:
    """Raise ControlError if the chat or a restriction keeps the person from writing."""
    member = state.member(chat.id, person.id)
    allowed = member.rights if member.status == "restricted" else chat.permissions
    if member.status in {"member", "restricted"} and allowed and not allowed["can_send_messages"]:
        raise ControlError("this person may not write in the chat", status=403)


def find_message(state: State, chat: Chat, message_id: int) -> Message:
    """Return a message of a chat, or raise ControlError if there is no such message."""
    found = state.find_message(chat.id, message_id)
    if found is None:
        raise ControlError("there is no such message in the chat", status=404)
    return found


async def read_control_request(context: ControlContext, request: web.Request) -> ControlRequest:
    """Read the path, the query and the body of a request.

    Raises ControlError if the body is neither empty nor a JSON object.
    """
    body: Any = {}
    if request.can_read_body:
        try:
            body = json_input.load((await request.read()).decode())
        except ValueError:
            raise ControlError("the body must be JSON") from None
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    if not json_input.is_utf8(body):
        raise ControlError("the texts must be UTF-8")
    return ControlRequest(context, body, dict(request.match_info), dict(request.query))
