"""Measure how many updates the bot handles, and how soon: `python -m tests.benchmarks.bot`.

Beside the product runs a bare aiogram bot that makes one insert for each update
(`tests.benchmarks.echo_bot`), with the same people, the same PostgreSQL and the same Telegram.
Writes build/bench-bot.json and prints a table.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import embedded, processes
from sandbox.telegram import ports
from tests.benchmarks import market, processor
from tests.benchmarks.crowd import ADMIN_CHAT, Crowd, Person

PEOPLE = range(2, 502)
"""The Telegram ids of the people. They have a wallet and a campaign each."""
ADMIN, FLOODER = 1, 1_500
SLOW_SECONDS = 0.1
PRESSES_PER_SECOND = 30
FLOOD = 2_000
TOKEN = "525252:bench-token_of-the-crowd"
BARE = "tests.benchmarks.echo_bot"
"""The module of the bare bot."""
START_SECONDS = 60.0
UNLIMITED = "1000000"
RESULT = market.ROOT / "build" / "bench-bot.json"
Json = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """The servers of one run."""

    folder: Path
    postgres: embedded.Postgres
    valkey: embedded.Valkey
    crowd: Crowd

    @asynccontextmanager
    async def run_bot(
        self, module: str, *, webhook: bool, messages_per_second: str = UNLIMITED
    ) -> AsyncIterator[processes.Child]:
        """Run a program of the product or the bare bot. Yield its process when a bot gets updates.

        `module` is `bot`, `scheduler` or the module of the bare bot.
        """
        port = ports.free(0)
        env = {
            "PATH": os.defpath,
            "BOT_TOKEN": TOKEN,
            "BOT_API_URL": self.crowd.url,
            "ADMIN_CHAT_ID": str(ADMIN_CHAT),
            "DATABASE_URL": self.postgres.dsn(embedded.APP),
            "REDIS_URL": self.valkey.url,
            "LOG_LEVEL": "WARNING",
            "MESSAGES_PER_SECOND": messages_per_second,
            "HTTP_HOST": ports.HOST,
            "HTTP_PORT": str(port),
        }
        if module == BARE:
            env["DATABASE_URL"] = self.postgres.dsn(embedded.OWNER)
        if webhook:
            env |= {"WEBHOOK_URL": f"https://{ports.HOST}:{port}/", "WEBHOOK_SECRET": "bench"}
        child = processes.spawn(
            [sys.executable, "-m", module],
            name=module,
            cwd=market.ROOT,
            env=env,
            log=self.folder / "bot.log",
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.crowd.ready.wait()
            yield child
        finally:
            await child.stop((signal.SIGTERM, 1 if module == BARE else 10))
            self.crowd.forget_bot()

    async def throughput(self, child: processes.Child, seconds: float, delay: float) -> Json:
        """Let all people act without a pause for some seconds, and return the bot's figures."""
        crowd = self.crowd
        crowd.delay_seconds = delay
        end = time.perf_counter() + seconds
        done = 0

        async def use(person: Person) -> None:
            nonlocal done
            while time.perf_counter() < end:
                await crowd.act(person)
                done += 1

        driver = time.process_time()
        used, calls, begun = processor.used(child.pid), crowd.calls, time.perf_counter()
        server = processor.used(self.postgres.child.pid)
        await asyncio.gather(*(use(crowd.people[person_id]) for person_id in PEOPLE))
        took = time.perf_counter() - begun
        return {
            "updates_per_s": round(done / took, 1),
            "calls_per_update": round((crowd.calls - calls) / done, 2),
            "cpu_ms_per_update": round((processor.used(child.pid) - used) / done * 1000, 2),
            "driver_cpu_ms_per_update": round((time.process_time() - driver) / done * 1000, 2),
            "server_cpu_ms_per_update": round(
                (processor.used(self.postgres.child.pid) - server) / done * 1000, 2
            ),
        }

    async def latency(self, seconds: float, delay: float) -> Json:
        """Let people press PRESSES_PER_SECOND buttons a second, and return how long they wait."""
        self.crowd.delay_seconds = delay
        people = [self.crowd.people[person_id] for person_id in PEOPLE]
        await _together(self.crowd.write(person, "/start") for person in people[:100])
        pressing: list[asyncio.Task[float]] = []
        rng = random.Random(7)
        for number in range(int(seconds * PRESSES_PER_SECOND)):
            await asyncio.sleep(rng.expovariate(PRESSES_PER_SECOND))
            person = people[number % 100]
            person.acts = 1  # so that the next act is a press
            pressing.append(asyncio.create_task(self.crowd.act(person)))
        return _percentiles(await asyncio.gather(*pressing))

    async def flood(self, delay: float) -> Json:
        """Let one person send FLOOD updates at once, and an admin press buttons meanwhile."""
        self.crowd.delay_seconds = delay
        admin, flooder = self.crowd.people[ADMIN], self.crowd.people[FLOODER]
        await self.crowd.write(admin, "/start")
        self.crowd.flood(flooder, FLOOD)
        waits = []
        for _ in range(20):
            admin.acts = 1  # so that the next act is a press
            waits.append(await self.crowd.act(admin))
            await asyncio.sleep(0.1)
        return _percentiles(waits)


async def _together(works: Any) -> None:
    """Do all works, a few at a time."""
    gate = asyncio.Semaphore(16)

    async def limited(work: Coroutine[Any, Any, Any]) -> None:
        async with gate:
            await work

    await asyncio.gather(*map(limited, works))


def _percentiles(waits: list[float]) -> Json:
    cuts = statistics.quantiles(waits, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49] * 1000), "p95_ms": round(cuts[94] * 1000)}


async def run(seconds: float) -> Json:
    """Run all measurements, and return the figures."""
    figures: Json = {}
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        postgres = await embedded.start_postgres(folder / "postgres")
        valkey = await embedded.start_valkey(folder / "valkey")
        crowd = Crowd(TOKEN, [ADMIN, FLOODER, *PEOPLE])
        await crowd.start()
        bench = Bench(folder, postgres, valkey, crowd)
        try:
            market.migrate(postgres)
            await market.fill(postgres.dsn(embedded.OWNER), pending=1_000, history=10_000)
            for webhook in (True, False):
                for module in (BARE, "bot"):
                    key = ("bot" if module == "bot" else "bare") + (
                        "_webhook" if webhook else "_polling"
                    )
                    async with bench.run_bot(module, webhook=webhook) as child:
                        await _together(crowd.act(crowd.people[each]) for each in PEOPLE)
                        # Both bots open their connections and show each screen before they count.
                        await bench.throughput(child, seconds, 0.0)
                        for delay, name in ((0.0, key), (SLOW_SECONDS, f"{key}_100ms")):
                            figures[name] = await bench.throughput(child, seconds, delay)
                            if module == "bot":
                                figures[name] |= await bench.latency(seconds, delay)
                            show(f"{name}: {figures[name]}")
                        if module == "bot":
                            figures[f"{key}_flood"] = await bench.flood(0.0)
                            show(f"{key}_flood: {figures[f'{key}_flood']}")
        except BaseException:
            log = folder / "bot.log"
            show(log.read_text()[-3000:] if log.exists() else "no log")
            raise
        finally:
            await crowd.close()
            await valkey.stop()
            await postgres.stop()
    return summary(figures)


def summary(figures: Json) -> Json:
    """Return the figures of the whole benchmark, the worse one of webhook and polling each."""
    ways = ("webhook", "polling")
    return {
        "throughput_ratio": round(
            min(
                figures[f"bot_{way}"]["updates_per_s"] / figures[f"bare_{way}"]["updates_per_s"]
                for way in ways
            ),
            3,
        ),
        "updates_per_s_100ms": min(figures[f"bot_{way}_100ms"]["updates_per_s"] for way in ways),
        "press_to_answer_p50_ms": max(figures[f"bot_{way}"]["p50_ms"] for way in ways),
        "press_to_answer_p95_ms": max(figures[f"bot_{way}"]["p95_ms"] for way in ways),
        "press_to_answer_p95_ms_100ms": max(figures[f"bot_{way}_100ms"]["p95_ms"] for way in ways),
        "admin_under_flood_p95_ms": max(figures[f"bot_{way}_flood"]["p95_ms"] for way in ways),
        "presses_per_s": PRESSES_PER_SECOND,
        "people": len(PEOPLE),
        "parts": figures,
    }


def show(line: str) -> None:
    """Print a line immediately."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the benchmark, write the figures to a file, and print them."""
    parser = argparse.ArgumentParser(prog="make bench-bot", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    figures = asyncio.run(run(parser.parse_args().seconds))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    for key, value in figures.items():
        if key != "parts":
            show(f"{key}: {value}")
    show(f"written to {RESULT.relative_to(market.ROOT)}")


if __name__ == "__main__":
    main()
