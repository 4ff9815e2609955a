"""Simulate Telegram in a chaos run: `python -m tests.chaos.telegram PLAN.json`.

The server is the sandbox's Bot API server with random faults and additional logs.
"""

import asyncio
import json
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bot import deferred_models  # noqa: F401 - aiogram's models are built on first use
from sandbox import folders
from sandbox.telegram import ports
from sandbox.telegram.entities import Chat, Member, User
from sandbox.telegram.errors import TelegramError
from sandbox.telegram.faults import Fault, Faults
from sandbox.telegram.limits import Limits
from sandbox.telegram.server import create_app
from sandbox.telegram.state import State, channel_id

SENDS = frozenset(
    {
        *("sendMessage", "sendPhoto", "sendVideo", "sendAnimation", "sendDocument"),
        "sendMediaGroup",
    }
)
DELETIONS = frozenset({"deleteMessage", "deleteMessages"})
SEND_LOG = "sends.jsonl"
FAULT_LOG = "faults.jsonl"
DELETION_LOG = "deletions.jsonl"
FACTS = "facts.json"
# A scheduler waits for a shorter time.
UNANSWERED_SECONDS = 3.0
"""How long the server keeps an unanswered connection, in seconds."""


@dataclass(frozen=True)
class Plan:
    """The settings of one simulated Telegram."""

    folder: str
    token: str
    control_token: str
    channels: int
    people: int
    limits: bool = False
    seed: int = 0
    fault_shares: dict[str, float] = field(default_factory=dict)
    """The share of the sends into channels that get each kind of fault, from 0 to 1."""
    deletion_fault_shares: dict[str, float] = field(default_factory=dict)
    """The same for deletions of messages in channels, until the server ends."""


class RandomFaults(Faults):
    """The faults of the sandbox, and random faults for sends and deletions in channels."""

    def __init__(self, folder: Path, state: State, plan: Plan) -> None:
        super().__init__()
        self._state = state
        self._log = (folder / FAULT_LOG).open("a", buffering=1)
        self._deletions = (folder / DELETION_LOG).open("a", buffering=1)
        self._rng = random.Random(plan.seed)
        self.fault_shares = plan.fault_shares
        self._deletion_fault_shares = plan.deletion_fault_shares

    def take(self, method: str, chat_id: object) -> Fault | None:
        """Return the fault that a test has set for a call, or a random fault, or None."""
        fault = super().take(method, chat_id)
        if fault is not None or method not in SENDS | DELETIONS:
            return fault
        chat = self._state.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None or chat.type != "channel":
            return None
        if method in DELETIONS:
            kind = self._choose(self._deletion_fault_shares)
            self._deletions.write(json.dumps({"chat_id": chat_id, "fault": kind}) + "\n")
        elif kind := self._choose(self.fault_shares):
            self._log.write(json.dumps(kind) + "\n")
        return _fault(kind) if kind else None

    def _choose(self, shares: dict[str, float]) -> str | None:
        """Return a random kind of fault, or None for no fault."""
        position = self._rng.random()
        for kind, share in shares.items():
            if position < share:
                return kind
            position -= share
        return None

    def clear(self) -> None:
        """Remove all faults, also the random faults of sends."""
        super().clear()
        self.fault_shares = {}


def _fault(kind: str) -> Fault:
    match kind:
        case "flood":
            return Fault(0, "*", "error", error_code=429, retry_after=1)
        case "refused":
            description = "Bad Request: wrong file identifier/HTTP URL specified"
            return Fault(0, "*", "error", error_code=400, description=description)
        case "timeout_before" | "timeout_after":
            return Fault(0, "*", kind, delay_s=UNANSWERED_SECONDS)
        case _:
            return Fault(0, "*", kind)


class LoggedLimits(Limits):
    """The sandbox's flood limits, with a log of each send."""

    def __init__(self, path: Path, state: State) -> None:
        super().__init__()
        self._log = path.open("a", buffering=1)
        self._state = state

    def admit(self, chat_id: int, *, private: bool, messages: int = 1) -> None:
        """Admit or refuse a send, and log the send. A refusal raises TelegramError."""
        channel = self._state.chats[chat_id].type == "channel"
        line = {"at": time.time(), "chat_id": chat_id, "channel": channel, "admitted": True}
        try:
            super().admit(chat_id, private=private, messages=messages)
        except TelegramError:
            line["admitted"] = False
            raise
        finally:
            self._log.write(json.dumps(line) + "\n")


def populate(state: State, plan: Plan) -> dict[str, object]:
    """Create people, channels and the admin chat, and return their ids."""
    bot = state.bot_id
    people = [state.add_user(User(state.new_id(), f"Person {n}")) for n in range(plan.people)]
    for person in people:
        state.set_member(Member(person.id, bot, "member"))
    channels = []
    for number in range(plan.channels):
        owner = people[number % len(people)]
        chat = Chat(channel_id(state.new_id()), "channel", f"Channel {number}", owner_id=owner.id)
        state.add_chat(chat)
        state.set_member(Member(chat.id, owner.id, "creator"))
        rights = {"can_post_messages": True}
        state.set_member(Member(chat.id, bot, "administrator", rights))
        channels.append({"chat_id": chat.id, "owner": owner.id})
    staff = Chat(channel_id(state.new_id()), "supergroup", "Admins", owner_id=people[0].id)
    state.add_chat(staff)
    state.set_member(Member(staff.id, people[0].id, "creator"))
    state.set_member(Member(staff.id, bot, "administrator", {"can_manage_chat": True}))
    state.commit()
    return {
        "people": [person.id for person in people],
        "channels": channels,
        "admin_chat_id": staff.id,
    }


async def serve(plan: Plan) -> None:
    """Run the server until SIGTERM, and write its URL and chats to the file FACTS."""
    folder = Path(plan.folder)
    state = State.load(folder)
    state.adopt_bot(int(plan.token.partition(":")[0]))
    state.limits = LoggedLimits(folder / SEND_LOG, state)
    state.limits.enabled = plan.limits
    state.faults = RandomFaults(folder, state, plan)
    facts = populate(state, plan)
    app = create_app(state, bot_token=plan.token, control_token=plan.control_token, strict=True)
    listener = ports.listen(0)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    facts["url"] = f"http://{ports.HOST}:{ports.port_of(listener)}"
    folders.write_private(folder / FACTS, json.dumps(facts))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await runner.cleanup()
    state.close()


if __name__ == "__main__":
    asyncio.run(serve(Plan(**json.loads(Path(sys.argv[1]).read_text()))))
