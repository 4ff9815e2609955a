"""Test that axe finds no violation of WCAG 2.1 AA, nor of its best practices, on any screen."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.browser.conftest import OpenPage
from tests.browser.test_steps import at, button
from tests.sandbox.telegram.raw_world import SandboxClient

LOOKS = [("en", "light", 1280), ("ru", "dark", 1280), ("ru", "light", 390), ("en", "dark", 390)]


async def check(page: Page, screen: str) -> None:
    """Fail if axe finds a violation on the page as it is now."""
    await page.wait_for_timeout(300)  # until nothing moves any more
    results = await Axe().run(page)
    assert results.violations_count == 0, f"{screen}: {results.generate_report()}"


@pytest.mark.parametrize(("locale", "scheme", "width"), LOOKS)
async def test_no_screen_has_a_violation(
    world: SandboxClient, open_page: OpenPage, locale: str, scheme: str, width: int
) -> None:
    page = await open_page(locale=locale, color_scheme=scheme, width=width)
    await check(page, "chats")
    await page.locator("#main-menu").click()
    await check(page, "main menu")
    await page.keyboard.press("Escape")
    await page.locator("#guide [aria-expanded]").click()
    await check(page, "guide")
    await page.keyboard.press("Escape")
    await page.goto(f"{world.url}/{at(world, 'owner')}")
    await page.locator("#start").click()
    await button(page, "Terms").click()
    await page.wait_for_selector("dialog")
    await check(page, "alert")
    await page.keyboard.press("Escape")
    await button(page, "Wallet").click()
    await button(page, "Pay").click()
    await check(page, "pay sheet")
    await page.keyboard.press("Escape")
    await page.locator("#text").fill("keyboard")
    await page.keyboard.press("Enter")
    await page.locator("#keyboard button").first.wait_for()
    await check(page, "reply keyboard")
    await page.locator("#keyboard button").first.click()
    await check(page, "channel picker")
    await page.keyboard.press("Escape")
    await page.locator("#text").fill("/")
    await page.locator("#suggestions [role=option]").first.wait_for()
    await check(page, "commands")
    await page.locator("#text").fill("")
    await page.locator("#messages .item.out").last.focus()
    await page.keyboard.press("Enter")
    await check(page, "actions of a message")
    await page.keyboard.press("Escape")
    await page.goto(f"{world.url}/{at(world, 'owner', 'channel')}")
    await page.locator("#chat-menu").click()
    await page.get_by_role("menuitem").first.click()
    await check(page, "data of a channel")
