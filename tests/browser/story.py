"""Play the six steps of the guide on the page, as a newcomer does, and take pictures of them."""

from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page, expect

AD = "Spring is here! Order your seeds today."


@dataclass
class Story:
    """The page of a running sandbox, and what a person has done on it."""

    page: Page
    folder: Path
    """The folder for the pictures."""
    clicks: int = 0
    """How often the person has clicked, or has sent a message."""

    async def play(self) -> None:
        """Do the six steps, from the first screen until the owner is paid."""
        await self.picture("1-first-screen")
        await self._connect_the_channel()
        await self._top_up()
        await self._buy()
        await self._accept()
        await self._approve()
        await self._wait_for_the_money()

    async def picture(self, name: str) -> None:
        """Write a picture of the page, after its movements have ended."""
        await expect(self.page.locator(".toast")).to_have_count(0)
        await self.page.wait_for_timeout(400)
        file = self.folder / f"{name}.jpg"
        await self.page.screenshot(path=file, type="jpeg", quality=80)

    async def click(self, target: Locator) -> None:
        """Click, and count the click."""
        await target.click()
        self.clicks += 1

    async def press(self, text: str) -> None:
        """Press the newest inline button with this text."""
        await self.click(self.page.locator(".inline-keyboard button", has_text=text).last)

    async def say(self, text: str) -> None:
        """Write a message to the open chat. The Enter key counts as a click."""
        await self.page.locator("#composer [contenteditable]").fill(text)
        await self.page.keyboard.press("Enter")
        self.clicks += 1

    async def hear(self, text: str) -> None:
        """Wait until the newest messages have this text."""
        await expect(self.page.locator("#messages .item", has_text=text).last).to_be_visible()

    async def go(self) -> None:
        """Follow the guide to the person and the chat whose turn it is."""
        await self.click(self.page.locator("#guide").get_by_role("button", name="Go to"))

    async def done(self, steps: int) -> None:
        """Wait until the guide has ticked off this number of steps."""
        await expect(self.page.locator("#guide .progress")).to_contain_text(f"{steps}/6")

    async def _start(self) -> None:
        await self.click(self.page.locator("#start"))
        await self.hear("What would you like to do?")

    async def _connect_the_channel(self) -> None:
        await self._start()
        await self.press("My channels")
        await self.press("Connect a channel")
        await self.click(self.page.locator("#keyboard button").first)
        await self.click(self.page.locator("dialog").get_by_role("button", name="Owner's channel"))
        await self.answer("What does one post cost?", "50")
        await self.answer("How many hours does a post stay?", "24")
        await self.answer("What is the channel about?", "News")
        await self.done(1)
        await self.picture("2-channel-on-offer")

    async def answer(self, question: str, text: str) -> None:
        """Wait for a question of the bot, and answer it."""
        await self.hear(question)
        await self.say(text)

    async def _top_up(self) -> None:
        await self.go()
        await self._start()
        await self.press("Wallet")
        await self.press("Top up")
        await self.answer("How much would you like to top up?", "100")
        await self.press("Pay")
        await self.picture("3-top-up")
        await self.click(self.page.locator("dialog").get_by_role("button", name="Pay "))
        await self.done(2)

    async def _buy(self) -> None:
        # It is still the advertiser's turn, in the same chat.
        await self.say("/start")
        await self.hear("What would you like to do?")
        await self.press("Campaigns")
        await self.press("New campaign")
        await self.answer("What is it called?", "Spring seeds")
        await self.answer("Now send the ad itself", AD)
        await self.answer("Should there be a link button", "Order now")
        await self.answer("Where does the button lead?", "https://example.com/seeds")
        await self.answer("What is the budget of the campaign?", "100")
        await self.hear("exactly as it will be published")
        await self.picture("4-preview-of-the-ad")
        await self.press("Save")
        await self.press("Activate")
        await self.press("Buy a placement")
        await self.press("Owner's channel")
        await self.press("Buy here")
        await self.press("As soon as approved")
        await self.press("Submit")
        await self.done(3)

    async def _accept(self) -> None:
        await self.go()
        await self.hear("You get: $45.00")
        await self.picture("5-owner-decides")
        await self.press("Accept")
        await self.done(4)

    async def _approve(self) -> None:
        await self.go()
        await self.hear("Placement #1")
        await self.picture("6-admin-decides")
        await self.press("Approve")
        await self.done(5)

    async def _wait_for_the_money(self) -> None:
        await self.go()
        await self.click(self.page.get_by_role("button", name="+24 h"))
        await self.done(6)
        await self.hear("You have been paid")
        await self.picture("7-owner-is-paid")
