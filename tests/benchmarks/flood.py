"""Measure how soon urgent work is done in a flood: `python -m tests.benchmarks.flood`.

The bot and the scheduler run as programs, with the product's limits of messages a second. There are
three measurements: an alarm behind 10,000 notices; a stop of one kill switch, and a question of
Telegram before a payment, behind 10,000 updates of strangers. The last two are repeated while a
transaction holds the locks of all switches and wallets and one call of Telegram never ends. Writes
build/bench-flood.json and prints a table.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from sandbox import embedded, logins
from services.platform.priorities import Priority
from tests.benchmarks import market, stop
from tests.benchmarks.bot import ADMIN, PEOPLE, TOKEN, Bench
from tests.benchmarks.crowd import ADMIN_CHAT, Crowd, read_form
from tests.benchmarks.telegram import HttpConnection

WAITING = 10_000
ROUNDS = 4
PAUSE_SECONDS = 9.0
"""The time between two rounds. Telegram takes 20 messages a minute in the admin chat."""
GIVE_UP_SECONDS = 120.0
RESULT = market.ROOT / "build" / "bench-flood.json"
BOUNDS = {"alarm_s": 5.0, "killswitch_s": 2.0, "pre_checkout_s": 5.0}
"""The longest times that are wanted, in seconds. Those with hanging work have the same bounds."""
LEADER_SECONDS = 20.0
"""In this time after the start, the scheduler becomes the leader."""
Json = dict[str, Any]

_NOTICES = f"""
    INSERT INTO outbox (user_id, kind, payload, priority, key)
    SELECT 2 + n % {len(PEOPLE)}, 'deposit_credited', '{{"amount": 100}}', {Priority.RESULT:d},
        'flood:' || $1::bigint || ':' || n
    FROM generate_series(1, {WAITING}) n
"""
_ALARM = f"""
    INSERT INTO outbox (kind, payload, priority)
    VALUES ('payment_parked', jsonb_build_object('inbox_id', $1::bigint, 'error', 'flood'),
        {Priority.ALARM:d})
"""
_STRANGERS = f"""
    INSERT INTO inbox (update_id, lane, payload)
    SELECT $1::bigint + n, 50000 + n % 700, jsonb_build_object('update_id', $1::bigint + n,
        'message', jsonb_build_object('message_id', n, 'date', 1, 'text', '/help',
        'chat', jsonb_build_object('id', 50000 + n % 700, 'type', 'private'),
        'from', jsonb_build_object('id', 50000 + n % 700, 'is_bot', false, 'first_name', 'A')))
    FROM generate_series(1, {WAITING}) n
"""
_OPEN = "SELECT count(*) FROM inbox WHERE done_at IS NULL AND failed_at IS NULL"


class Watched(Crowd):
    """A Bot API server that notes when a call arrives, and never answers some calls."""

    def __init__(self, token: str, people: list[int]) -> None:
        """Create the server for a bot with this token."""
        super().__init__(token, people)
        self.hanging_chat: int | None = None
        """The chat in which no message of the bot is ever confirmed."""
        self._waiting: list[tuple[Callable[[str, Json], bool], asyncio.Event]] = []

    def _serve(
        self, connection: HttpConnection, path: str, headers: dict[str, str], body: bytes
    ) -> None:
        method = path.rpartition("/")[2]
        form = read_form(headers, body)
        for is_wanted, arrived in self._waiting:
            if is_wanted(method, form):
                arrived.set()
        if self.hanging_chat is not None and str(form.get("chat_id")) == str(self.hanging_chat):
            return
        super()._serve(connection, path, headers, body)

    async def measure(
        self, is_wanted: Callable[[str, Json], bool], begin: Callable[[], Awaitable[object]]
    ) -> float:
        """Begin something, and return the seconds until the call of the bot that is wanted."""
        arrived = asyncio.Event()
        self._waiting.append((is_wanted, arrived))
        begun = time.perf_counter()
        await begin()
        try:
            await asyncio.wait_for(arrived.wait(), GIVE_UP_SECONDS)
        finally:
            self._waiting.clear()
        return time.perf_counter() - begun

    async def deliver(self, **update: Json) -> None:
        """Send an update to the bot's webhook."""
        await self._post({"update_id": next(self._ids)} | update)


Act = Callable[[asyncpg.Connection, Watched, int], Awaitable[float]]


def _in_admin_chat(word: str) -> Callable[[str, Json], bool]:
    def is_wanted(method: str, form: Json) -> bool:
        is_here = str(form.get("chat_id")) == str(ADMIN_CHAT)
        return method == "sendMessage" and is_here and word in form["text"]

    return is_wanted


async def _alarm(owner: asyncpg.Connection, crowd: Watched, number: int) -> float:
    await owner.execute(_NOTICES, number)
    await asyncio.sleep(2)  # the scheduler is busy with the notices
    parked = 900_000 + number
    return await crowd.measure(_in_admin_chat(str(parked)), lambda: owner.execute(_ALARM, parked))


async def _killswitch(owner: asyncpg.Connection, crowd: Watched, _number: int) -> float:
    message = {
        "message_id": next(crowd._ids),
        "date": int(time.time()),
        "chat": {"id": ADMIN_CHAT, "type": "supergroup", "title": "Admins"},
        "from": {"id": ADMIN, "is_bot": False, "first_name": "A", "language_code": "en"},
        "text": "/killswitch stop payouts a benchmark",
    }
    took = await crowd.measure(_in_admin_chat("STOPPED"), lambda: crowd.deliver(message=message))
    # The intent to stop is told before a session that holds the row has ended.
    while await owner.fetchval("SELECT enabled FROM kill_switches WHERE key = 'payouts'"):
        await asyncio.sleep(0.1)
    await owner.execute("UPDATE kill_switches SET enabled = true WHERE key = 'payouts'")
    return took


async def _pre_checkout(_owner: asyncpg.Connection, crowd: Watched, number: int) -> float:
    query = {
        "id": f"flood-{number}",
        "from": {"id": PEOPLE[0], "is_bot": False, "first_name": "A"},
        "currency": "USD",
        "total_amount": 500,
        "invoice_payload": "topup:1:x",
    }
    return await crowd.measure(
        lambda method, form: (
            method == "answerPreCheckoutQuery" and form["pre_checkout_query_id"] == query["id"]
        ),
        lambda: crowd.deliver(pre_checkout_query=query),
    )


@asynccontextmanager
async def _strangers(owner: asyncpg.Connection, number: int) -> AsyncIterator[None]:
    """Let 10,000 updates of strangers wait in the inbox at the beginning of the `with` block."""
    first = number * 1_000_000
    await owner.execute(_STRANGERS, first)
    await asyncio.sleep(1)  # the bot is busy with these updates
    if await owner.fetchval(_OPEN) < WAITING // 2:
        raise RuntimeError("the updates of strangers do not wait")
    try:
        yield
    finally:
        await owner.execute("DELETE FROM inbox WHERE update_id >= $1::bigint", first)


@asynccontextmanager
async def _hanging(bench: Bench, crowd: Watched) -> AsyncIterator[None]:
    """Let a transaction with all locks, and each message to one stranger, hang."""
    crowd.hanging_chat = 50_001
    try:
        async with stop.hung(bench.postgres.dsn(logins.BOT)):
            yield
    finally:
        crowd.hanging_chat = None


async def _measure(bench: Bench, owner: asyncpg.Connection, crowd: Watched) -> Json:
    figures: Json = {}
    numbers = iter(range(1, 1_000))

    async def repeat(name: str, act: Act, *, strangers: bool = True, hanging: bool = False) -> None:
        times = []
        for _ in range(ROUNDS):
            await asyncio.sleep(PAUSE_SECONDS)
            number = next(numbers)
            async with AsyncExitStack() as stack:
                if strangers:
                    await stack.enter_async_context(_strangers(owner, number))
                if hanging:
                    await stack.enter_async_context(_hanging(bench, crowd))
                times.append(await act(owner, crowd, number))
        figures[name] = round(max(times), 2)
        print(f"{name}: {sorted(round(each, 2) for each in times)}", flush=True)

    async with (
        bench.run_bot("bot", webhook=True, messages_per_second="30"),
        bench.run_bot("scheduler", webhook=True, messages_per_second="30"),
    ):
        await asyncio.sleep(LEADER_SECONDS)
        await repeat("alarm_s", _alarm, strangers=False)
        await owner.execute("DELETE FROM outbox WHERE status = 'queued'")
        await repeat("killswitch_s", _killswitch)
        await repeat("pre_checkout_s", _pre_checkout)
        await repeat("killswitch_hanging_s", _killswitch, hanging=True)
        await repeat("pre_checkout_hanging_s", _pre_checkout, hanging=True)
    return figures


async def run() -> Json:
    """Start the servers, and return the longest time of each measurement in seconds."""
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        postgres = await embedded.start_postgres(folder / "postgres")
        valkey = await embedded.start_valkey(folder / "valkey")
        crowd = Watched(TOKEN, [ADMIN, *PEOPLE])
        await crowd.start()
        try:
            market.migrate(postgres)
            await market.fill(postgres.dsn(embedded.OWNER), pending=1_000, history=0)
            owner = await asyncpg.connect(postgres.dsn(embedded.OWNER))
            await owner.execute("ALTER TABLE user_roles DISABLE TRIGGER USER")
            await owner.execute("INSERT INTO user_roles (user_id, role) VALUES (1, 'operator')")
            await owner.execute("ALTER TABLE user_roles ENABLE TRIGGER USER")
            bench = Bench(folder, postgres, valkey, crowd)
            figures = await _measure(bench, owner, crowd)
            await owner.close()
        except BaseException:
            log = folder / "bot.log"
            print(log.read_text()[-3000:] if log.exists() else "no log")
            raise
        finally:
            await crowd.close()
            await valkey.stop()
            await postgres.stop()
    return figures


def main() -> None:
    """Run the benchmark, write the figures to a file, and fail if one is above its bound."""
    argparse.ArgumentParser(prog="make bench-flood", description=__doc__).parse_args()
    figures = asyncio.run(run())
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    above = [
        name for name, seconds in figures.items() if seconds > BOUNDS[name.replace("_hanging", "")]
    ]
    print(f"written to {RESULT.relative_to(market.ROOT)}; above the bound: {above or 'none'}")
    sys.exit(bool(above))


if __name__ == "__main__":
    main()
