"""Test by mouse and keyboard that people can do on the page what they do in Telegram."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.sandbox.telegram.raw_world import SandboxClient


def button(page: Page, text: str) -> Locator:
    """Return the newest inline button with this text."""
    return page.locator(".inline-keyboard button", has_text=text).last


def newest(page: Page) -> Locator:
    """Return the newest message of the open chat."""
    return page.locator("#messages .item").last


def at(world: SandboxClient, person: str, chat: str | None = None) -> str:
    """Return the part of the page's address that shows a chat of a person."""
    return f"#/{world.ids[person]}/{world.ids[chat or person]}"


async def test_start_press_and_pay_by_mouse(world: SandboxClient, open_page: OpenPage) -> None:
    page = await open_page(at(world, "advertiser"))
    await expect(page.locator("#guide .progress")).to_contain_text("0/1")
    await page.get_by_role("button", name="Go to Owner").click()
    await expect(page.locator("#empty")).to_contain_text("Buy and sell ads.")
    await page.locator("#start").click()
    await expect(page.locator("#guide .progress")).to_contain_text("1/1")
    await button(page, "Terms").click()
    await expect(page.locator("dialog")).to_contain_text("These are the terms.")
    await page.get_by_role("button", name="OK").click()
    await button(page, "Wallet").click()
    await button(page, "Pay").click()
    await page.locator("input[value=bad]").check()
    await page.get_by_role("button", name=re.compile("^Pay ")).click()
    await expect(page.locator(".problem")).to_contain_text("declined")
    await page.locator("input[value=good]").check()
    await page.get_by_role("button", name=re.compile("^Pay ")).click()
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(newest(page)).to_contain_text("50 succeeded")


async def test_write_format_and_edit_by_keyboard(world: SandboxClient, open_page: OpenPage) -> None:
    page = await open_page(at(world, "owner"))
    await expect(page.locator("#start")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#start")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(button(page, "Terms")).to_be_visible()
    await page.keyboard.type("hello world")
    await page.keyboard.press("Control+Shift+ArrowLeft")
    await page.keyboard.press("Control+b")
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(newest(page)).to_contain_text("You wrote: hello world")
    own = page.locator("#messages .item.out").last
    await expect(own.locator("b")).to_have_text("world")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.type("!")
    await page.keyboard.press("Enter")
    await expect(own.locator(".words")).to_contain_text("hello world!")
    await expect(own.locator(".meta")).to_contain_text("edited")
    await page.keyboard.type("/he")
    await page.keyboard.press("Tab")
    await expect(newest(page)).to_contain_text("You wrote: /help")
    # The messages are reached from the field, and the arrows go from one to the next.
    await own.focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("menuitem", name="Reply").press("Enter")
    await page.keyboard.type("again")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages .item.out").last.locator(".reply-to")).to_be_visible()


async def test_channel_picker_and_reply_keyboard(world: SandboxClient, open_page: OpenPage) -> None:
    page = await open_page(at(world, "owner"))
    await world.say("keyboard", "owner")
    await page.locator("#keyboard").get_by_role("button", name="Choose a channel").click()
    await page.locator("dialog").get_by_role("button", name="Daily").click()
    await expect(newest(page)).to_contain_text("“Daily”")
    await page.locator("#keyboard").get_by_role("button", name="Yes").click()
    await expect(newest(page)).to_contain_text("You wrote: Yes")


async def test_links_to_posts_stay_in_the_page(world: SandboxClient, open_page: OpenPage) -> None:
    channel = world.ids["channel"]
    post = await world.call("sendMessage", chat_id=channel, text="The ad")
    link = f"https://t.me/c/{-1_000_000_000_000 - channel}/{post['message_id']}"
    markup = {"inline_keyboard": [[{"text": "Open the post", "url": link}]]}
    await world.call(
        "sendMessage", chat_id=world.ids["advertiser"], text="Published", reply_markup=markup
    )
    page = await open_page(at(world, "advertiser"))
    await button(page, "Open the post").click()
    await expect(page.locator("#chat-title")).to_have_text("Daily")
    await expect(page.locator("#messages .item:focus")).to_contain_text("The ad")
    await page.go_back()
    await expect(button(page, "Open the post")).to_be_visible()


async def test_link_to_the_bot_starts_it_with_its_parameter(
    world: SandboxClient, open_page: OpenPage
) -> None:
    text = "Press https://t.me/sandbox_bot?start=spring"
    await world.control(f"chats/{world.ids['channel']}/post", user_id=world.ids["owner"], text=text)
    page = await open_page(at(world, "owner", "channel"))
    await page.locator("#messages a").last.click()
    await expect(page.locator("#chat-subtitle")).to_contain_text("you act as Owner")
    await expect(newest(page)).to_contain_text("You wrote: /start spring")


async def test_updates_take_neither_focus_nor_clicks(
    world: SandboxClient, open_page: OpenPage
) -> None:
    page = await open_page(at(world, "owner"))
    await page.locator("#start").click()
    count = button(page, "Count")
    await count.focus()
    await page.keyboard.press("Enter")
    await expect(newest(page)).to_contain_text("Pressed 1")
    await expect(count).to_be_focused()
    box = await count.bounding_box()
    assert box
    await page.mouse.move(box["x"] + 5, box["y"] + 5)
    await page.mouse.down()
    await world.call("sendMessage", chat_id=world.ids["owner"], text="in between")
    await page.wait_for_timeout(500)
    await page.mouse.up()
    await expect(page.locator("#messages .item", has_text="Pressed 2")).to_be_visible()
    await expect(newest(page)).to_contain_text("in between")


async def test_drafts_and_place_survive_a_reload(world: SandboxClient, open_page: OpenPage) -> None:
    for number in range(150):
        await world.call("sendMessage", chat_id=world.ids["advertiser"], text=f"Line {number}")
    page = await open_page(at(world, "advertiser"))
    await page.locator("#text").click()
    await page.keyboard.type("half a sentence")
    await page.locator("#log").evaluate("log => { log.scrollTop = 700; }")
    await page.wait_for_timeout(800)
    find = "() => [...document.querySelectorAll('#messages .item')]"
    find += ".find((one) => one.getBoundingClientRect().bottom > 150).dataset.id"
    before = await page.evaluate(find)
    await page.reload()
    await expect(page.locator("#text")).to_have_text("half a sentence")
    await page.wait_for_selector(f"[data-id='{before}']")
    await page.wait_for_timeout(500)
    assert await page.evaluate(find) == before
    # The draft belongs to this person's chat alone.
    await page.locator("#people button", has_text="Owner").click()
    await expect(page.locator("#chat-subtitle")).to_contain_text("Owner")
    await expect(page.locator("#text")).to_have_text("")


async def test_two_tabs_show_the_same(world: SandboxClient, open_page: OpenPage) -> None:
    left, right = [await open_page(at(world, "advertiser")) for _ in range(2)]
    await left.locator("#text").fill("from the left")
    await left.keyboard.press("Enter")
    await expect(right.locator("#messages .item.out").last).to_contain_text("from the left")
    await expect(newest(right)).to_contain_text("You wrote: from the left")


async def test_narrow_screen(open_page: OpenPage) -> None:
    page = await open_page(width=390)
    await expect(page.locator("#chat")).to_be_hidden()
    width = "document.documentElement.scrollWidth"
    assert await page.evaluate(width) == 390
    await page.locator("#chats button", has_text="Moderation").click()
    await expect(page.locator("#composer")).to_be_visible()
    assert await page.evaluate(width) == 390
    await page.get_by_role("button", name="Back to the chats").click()
    await expect(page.locator("#chats")).to_be_visible()


async def test_invite_link_leads_into_its_chat(world: SandboxClient, open_page: OpenPage) -> None:
    group = world.ids["group"]
    await world.control(
        f"chats/{group}/members", user_id="bot", status="administrator", can_invite_users=True
    )
    link = (await world.call("createChatInviteLink", chat_id=group))["invite_link"]
    await world.call("sendMessage", chat_id=world.ids["advertiser"], text=f"Come: {link}")
    page = await open_page(at(world, "advertiser"))
    await page.get_by_role("link", name=link).click()
    await expect(page.locator("#chat-title")).to_have_text("Moderation")
    await expect(newest(page)).to_contain_text("Advertiser joined")
