"""Measure the simulated Telegram and its page: `make bench-sandbox`.

`python -m tests.benchmarks.sandbox` runs the server alone, as a process of its own.

- Messages: 50 connections send as fast as they can, first in a new chat, then while a page has a
  chat with 30,000 messages open, and asks for each change. The ratio says what this costs them.
- Page: Chromium opens a chat of 3,000 messages. The times are from the navigation to the first
  paint, and from a call of sendMessage until the message is visible. Without Chromium, this part is
  left out.

Each figure is the median of some rounds. Prints a table, and writes build/bench-sandbox.json.
"""

import asyncio
import contextlib
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Page, async_playwright

from tests.browser import chromium

ROOT = Path(__file__).parents[2]
TOKEN = "123456:token-of-the-benchmark"
CONNECTIONS, ROUNDS = 50, 3
SENT_PER_ROUND = 3_000
LARGE_CHAT, PAGE_CHAT = 30_000, 3_000
NEWS = 10
_PAINT = "performance.getEntriesByName('first-paint')[0].startTime"
_WATCH = """() => {
    window.seen = {};
    new MutationObserver(() => {
        for (const words of document.querySelectorAll("#messages .words")) {
            const [, number] = words.textContent.match(/^news (\\d+)\\./) ?? [];
            if (number) requestAnimationFrame(() => { seen[number] ??= Date.now(); });
        }
    }).observe(document.getElementById("messages"), { childList: true });
}"""


@dataclass(frozen=True)
class Server:
    """The running server, and a session of HTTP with it."""

    http: aiohttp.ClientSession
    url: str
    control_token: str
    person: int

    async def call(self, method: str, **fields: Any) -> Any:
        """Call a method of the Bot API, which must succeed."""
        async with self.http.post(f"{self.url}/bot{TOKEN}/{method}", json=fields) as response:
            body = await response.json()
            assert body["ok"], body
            return body["result"]

    async def control(self, path: str, **fields: Any) -> Any:
        """Call the control API, with POST if there are fields."""
        headers = {"Authorization": f"Bearer {self.control_token}"}
        verb, url = "POST" if fields else "GET", f"{self.url}/control/{path}"
        async with self.http.request(verb, url, json=fields or None, headers=headers) as response:
            assert response.ok, await response.text()
            return await response.json()


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Server]:
    """Run the server as a process, with one person who has started the bot."""
    arguments = ("--port", "0", "--token", TOKEN, "--data", str(folder))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.telegram", *arguments),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout
    greeting = "".join([(await process.stdout.readline()).decode() for _ in range(8)])
    page = re.search(r"page +(\S+)/\?token=(\S+)", greeting)
    assert page, greeting
    connector = aiohttp.TCPConnector(limit=CONNECTIONS + 10)
    try:
        async with aiohttp.ClientSession(connector=connector) as http:
            server = Server(http, page[1], page[2], 0)
            person = (await server.control("state"))["people"][0]["id"]
            await server.control(f"users/{person}/send", chat_id=person, text="/start")
            yield Server(http, page[1], page[2], person)
    finally:
        process.terminate()
        await process.wait()


async def send_many(server: Server, count: int) -> tuple[float, float]:
    """Send messages by 50 connections. Return messages a second, and the p95 in milliseconds."""
    times: list[float] = []
    numbers = iter(range(count))

    async def sender() -> None:
        for number in numbers:
            began = time.perf_counter()
            await server.call("sendMessage", chat_id=server.person, text=f"Line {number}")
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(CONNECTIONS)))
    rate = count / (time.perf_counter() - began)
    return rate, statistics.quantiles(times, n=20)[-1] * 1000


async def look_on(server: Server) -> None:
    """Wait again and again for what has changed, as the page does with an open chat."""
    world = await server.control("page")
    chat = await server.control(f"chats/{server.person}/messages?limit=50")
    since, chat_since = world["version"], chat["version"]
    while True:
        query = f"since={since}&wait=30&chat={server.person}&chat_since={chat_since}"
        world = await server.control(f"page?{query}")
        since, chat_since = world["version"], world["open"]["version"]


async def measure_messages(folder: Path) -> dict[str, float]:
    """Measure the sending alone, and while a page shows a large chat."""
    alone, waited = [], []
    async with running(folder / "small") as server:
        await send_many(server, SENT_PER_ROUND)
        alone = [await send_many(server, SENT_PER_ROUND) for _ in range(ROUNDS)]
    async with running(folder / "large") as server:
        await send_many(server, LARGE_CHAT)
        reader = asyncio.create_task(look_on(server))
        waited = [await send_many(server, SENT_PER_ROUND) for _ in range(ROUNDS)]
        reader.cancel()
    rate = statistics.median(rate for rate, _ in alone)
    return {
        "messages_per_s": rate,
        "send_p95_ms": statistics.median(p95 for _, p95 in alone),
        "waited_ratio": statistics.median(rate for rate, _ in waited) / rate,
    }


async def measure_page(folder: Path, program: str) -> dict[str, float]:
    """Measure the first paint, and how soon a new message is visible."""
    async with running(folder / "page") as server, async_playwright() as playwright:
        await send_many(server, PAGE_CHAT)
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = await browser.new_page()
        place = f"#/{server.person}/{server.person}"
        await page.goto(f"{server.url}/?token={server.control_token}{place}")
        paints = []
        for _ in range(ROUNDS + 2):
            await page.reload()
            await page.wait_for_selector("#messages .item")
            paints.append(await page.evaluate(_PAINT))
        await page.evaluate(_WATCH)
        delays = [await _delay(server, page, number) for number in range(NEWS)]
        await browser.close()
    return {
        "first_paint_ms": statistics.median(paints),
        "new_message_ms": statistics.median(delays),
    }


async def _delay(server: Server, page: Page, number: int) -> float:
    """Send a message, and return the milliseconds until the page shows it."""
    sent = time.time() * 1000
    await server.call("sendMessage", chat_id=server.person, text=f"news {number}.")
    await page.wait_for_function(f"() => seen[{number}]")
    seen: float = await page.evaluate(f"seen[{number}]")
    return seen - sent


async def main() -> None:
    """Measure everything, print the figures, and write them to a file."""
    with tempfile.TemporaryDirectory(prefix="bench-sandbox-") as name:
        figures = await measure_messages(Path(name))
        program = chromium.find()
        if program is None:
            print("Chromium is missing, so the page is not measured.", file=sys.stderr)
        else:
            figures |= await measure_page(Path(name), program)
    for key, value in figures.items():
        print(f"{key:<18}{value:>10.2f}")
    file = ROOT / "build" / "bench-sandbox.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
