"""Test that the page is fast in a chat of 3,000 messages."""

import time

from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.test_steps import at
from tests.sandbox.telegram.raw_world import SandboxClient

MESSAGES = 3000
FIRST_PAINT, NEW_MESSAGE = 300, 200
"""The longest times in milliseconds, on a machine that does nothing else."""
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


async def test_first_paint_and_new_messages(world: SandboxClient, open_page: OpenPage) -> None:
    person = world.ids["advertiser"]
    for number in range(MESSAGES):
        await world.call("sendMessage", chat_id=person, text=f"Line {number}")
    page = await open_page(at(world, "advertiser"))
    paints = []
    for _ in range(5):
        await page.reload()
        await page.wait_for_selector("#messages .item")
        paints.append(await page.evaluate(_PAINT))
    await page.evaluate(_WATCH)
    delays = []
    for number in range(10):
        sent = time.time() * 1000
        await world.call("sendMessage", chat_id=person, text=f"news {number}.")
        await expect(page.locator("#messages .item").last).to_contain_text(f"news {number}.")
        await page.wait_for_timeout(100)
        delays.append(await page.evaluate(f"seen[{number}]") - sent)
    # Other programs of the machine may delay some of them, but not the fastest.
    assert min(paints) < FIRST_PAINT
    assert min(delays) < NEW_MESSAGE
