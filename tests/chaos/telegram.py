"""A Telegram in a process of its own: `python -m tests.chaos.telegram PLAN.json`.

The sandbox's Bot API server over a world with as many channels as the plan asks for. Three files
are for whoever judges later: `published.jsonl` (the sandbox's own, synced before any answer),
`sends.jsonl`, a line for every send that was admitted or refused by the flood limits, with its
time, and `faults.jsonl`, a line for every fault. Faults are drawn from a seed: so many sends out of
a hundred go wrong in each way.
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
from sandbox import folders, ports
from sandbox.errors import TelegramError
from sandbox.faults import Fault, Faults
from sandbox.limits import Limits
from sandbox.records import Chat, Member, User
from sandbox.server import create_app
from sandbox.state import State, channel_id

SENDS = frozenset({"sendMessage", "sendPhoto", "sendVideo", "sendAnimation"})
SEND_LOG = "sends.jsonl"
FAULT_LOG = "faults.jsonl"
FACTS = "facts.json"
HELD_SECONDS = 3.0
"""A request that is never answered is let go after this; the workers give up before."""


@dataclass(frozen=True)
class Plan:
    """What this Telegram is to be."""

    folder: str
    token: str
    control_token: str
    channels: int
    people: int
    limits: bool = False
    seed: int = 0
    chances: dict[str, float] = field(default_factory=dict)
    """Kind of fault to the share of the sends into channels that it hits."""


class DrawnFaults(Faults):
    """Faults of sends into channels by chance; those set by hand come first."""

    def __init__(self, path: Path, state: State, seed: int, chances: dict[str, float]) -> None:
        super().__init__()
        self._state = state
        self._log = path.open("a", buffering=1)
        self._random = random.Random(seed)  # noqa: S311 - repeatable is the point
        self.chances = chances

    def take(self, method: str, chat_id: object) -> Fault | None:
        """One fault, or none, for each call."""
        found = super().take(method, chat_id)
        if found is not None or method not in SENDS:
            return found
        chat = self._state.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None or chat.type != "channel":
            return None
        drawn = self._random.random()
        for kind, share in self.chances.items():
            if drawn < share:
                self._log.write(json.dumps(kind) + "\n")
                return _fault(kind)
            drawn -= share
        return None

    def clear(self) -> None:
        """Everything works again."""
        super().clear()
        self.chances = {}


def _fault(kind: str) -> Fault:
    match kind:
        case "flood":
            return Fault(0, "*", "error", error_code=429, retry_after=1)
        case "refused":
            what = "Bad Request: wrong file identifier/HTTP URL specified"
            return Fault(0, "*", "error", error_code=400, description=what)
        case "timeout_before" | "timeout_after":
            return Fault(0, "*", kind, delay_s=HELD_SECONDS)
        case _:
            return Fault(0, "*", kind)


class WatchedLimits(Limits):
    """The flood limits, with a line in a file for each send."""

    def __init__(self, path: Path, state: State) -> None:
        super().__init__()
        self._log = path.open("a", buffering=1)
        self._state = state

    def admit(self, chat_id: int, *, private: bool) -> None:
        """As the sandbox does, and noted."""
        channel = self._state.chats[chat_id].type == "channel"
        line = {"at": time.time(), "chat_id": chat_id, "channel": channel, "admitted": True}
        try:
            super().admit(chat_id, private=private)
        except TelegramError:
            line["admitted"] = False
            raise
        finally:
            self._log.write(json.dumps(line) + "\n")


def populate(state: State, plan: Plan) -> dict[str, object]:
    """Make people who have started the bot, their channels with the bot as admin, and staff's."""
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
    """Serve until SIGTERM."""
    folder = Path(plan.folder)
    state = State.load(folder)
    state.adopt_bot(int(plan.token.partition(":")[0]))
    state.limits = WatchedLimits(folder / SEND_LOG, state)
    state.limits.enabled = plan.limits
    state.faults = DrawnFaults(folder / FAULT_LOG, state, plan.seed, plan.chances)
    facts = populate(state, plan)
    app = create_app(state, bot_token=plan.token, control_token=plan.control_token)
    listener = ports.listen(0)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    facts["url"] = f"http://{ports.HOST}:{ports.number(listener)}"
    folders.write_private(folder / FACTS, json.dumps(facts))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await runner.cleanup()
    state.close()


if __name__ == "__main__":
    asyncio.run(serve(Plan(**json.loads(Path(sys.argv[1]).read_text()))))
