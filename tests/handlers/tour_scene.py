"""Play how an owner sells five ads in two channels, and is paid out, with all messages recorded."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from datetime import timedelta

from cryptography.fernet import Fernet
from pydantic import SecretStr

from db.models.destinations import PayoutMethod
from tests.handlers.marketplace import Marketplace
from tests.handlers.tour_play import Play
from tests.handlers.tour_record import Record
from tests.services.money.test_payout_addresses import ton_address

BREAD = "Fresh bread every morning"
BICYCLES = "The fastest bicycles in town"
BETTER_BICYCLES = "Bicycles from $99, with a year of repairs"
COURSES = "Learn Spanish in ten weeks"
REFERENCE = "wire-0815"
SOLD = 5
PEOPLE = {
    "owner": "Owner",
    "manager": "Manager",
    "advertiser": "Advertiser 1",
    "advertiser2": "Advertiser 2",
    "advertiser3": "Advertiser 3",
    "admin": "Admin",
}
HEAD = """\
# A tour through the bot

In this tour, an owner with two channels, a manager and three formats sells five ads of three
advertisers. The owner declines one ad, asks for another text of one ad, and is paid to an address.
"""
CHATS = {"group": "Admin chat", "channel": "Daily", "channel2": "Weekly"}
NEXT_MONDAY = "SELECT date_trunc('week', clock()) + interval '7 days 10 hours 5 minutes' - clock()"
TON = ton_address()


class Tour(Play):
    """The scene's people and their acts, one method a part of the document."""

    async def play(self) -> None:
        """Play the whole scene."""
        for part in (
            *(self.connect, self.formats, self.calendar, self.manager, self.buy, self.decline),
            *(self.change, self.approve, self.publish, self.paid, self.withdraw),
        ):
            await part()

    async def connect(self) -> None:
        """Let the owner connect two channels."""
        self.record.part("Connect", "The owner puts two channels on offer.")
        await self.record.say("owner", "/start")
        await self.press("owner", "📺 My channels")
        for channel, price, kind, topic in (
            ("channel", "50", "1/24", "News"),
            ("channel2", "30", "2/48", "Travel"),
        ):
            await self.press("owner", "➕ Connect a channel")
            await self.record.pick("owner", channel)
            await self.record.say("owner", price)
            await self.press("owner", kind, topic)
            await self.record.say("owner", "/start")
            await self.press("owner", "📺 My channels")

    async def formats(self) -> None:
        """Let the owner sell three formats in one channel."""
        self.record.part("Formats", "The owner sells two more formats in “Daily”.")
        await self.press("owner", "Daily", "✏️ Price and terms")
        for price, kind in (("80", "2/48"), ("120", "∞")):
            await self.press("owner", "➕ Add a format")
            await self.record.say("owner", price)
            await self.press("owner", kind)
        await self.press("owner", "⬅️ Back")

    async def calendar(self) -> None:
        """Let the owner set the calendar of a channel."""
        self.record.part("Calendar", "The owner says when “Daily” publishes ads.")
        await self.press("owner", "🗓 Calendar", "🕒 Hours", "09:00", "21:00")
        await self.press("owner", "↔️ Between ads", "3 h", "🔢 Ads a day", "3", "🖼 Month")

    async def manager(self) -> None:
        """Let the owner name a manager."""
        self.record.part(
            "Manager", "An administrator of “Daily” may answer to ads in the owner's place."
        )
        await self.record.say("manager", "/start")
        await self.record.say("owner", "/start")
        await self.press("owner", "📺 My channels", "Daily", "🤝 Managers", "➕ Name Manager")

    async def buy(self) -> None:
        """Let two advertisers buy four placements, which the owner and the manager accept."""
        self.record.part(
            "Buy", "Two advertisers pay money in, make their ads, and buy. Each ad is accepted."
        )
        await self._begin("advertiser", "Bakery", BREAD)
        await self._buy("advertiser", "Bakery", "Daily", "1/24")
        await self.press("owner", "✅ Accept")
        await self._buy("advertiser", "Bakery", "Daily", "2/48", at="18:00")
        await self.press("manager", "✅ Accept")
        await self._begin("advertiser3", "Courses", COURSES)
        await self._buy("advertiser3", "Courses", "Daily", "∞")
        await self.press("owner", "✅ Accept")
        await self._buy("advertiser3", "Courses", "Weekly")
        await self.press("owner", "✅ Accept")

    async def _begin(self, who: str, name: str, ad: str) -> None:
        await self.record.say(who, "/start")
        await self.press(who, "💰 Wallet", "➕ Top up")
        await self.record.say(who, "200")
        await self.record.pay(who)
        await self.record.say(who, "/start")
        await self.press(who, "📣 Campaigns", "➕ New campaign")
        await self.record.say(who, name)
        await self.record.say(who, ad)
        await self.press(who, "Skip")
        await self.record.say(who, "200")
        await self.press(who, "💾 Save", "🚀 Activate")

    async def _buy(
        self, who: str, campaign: str, channel: str, kind: str = "", at: str = ""
    ) -> None:
        await self.record.say(who, "/start")
        await self.press(who, "🛒 Buy a placement", f"📣 {campaign}", channel, "🛒 Buy here")
        if kind:
            await self.press(who, kind)
        if at:
            await self.press(who, "🕒 At a time I choose")
            await self.record.say(who, "UTC")
            await self.press(who, "Tomorrow", at)
        else:
            await self.press(who, "⚡ As soon as approved")
        await self.press(who, "✅ Submit")

    async def decline(self) -> None:
        """Let the owner decline an ad."""
        self.record.part("Decline", "The owner does not want the ad of another advertiser.")
        await self._begin("advertiser2", "Bicycles", BICYCLES)
        await self._buy("advertiser2", "Bicycles", "Daily", "1/24")
        await self.press("owner", "❌ Decline", "Does not fit the channel")

    async def change(self) -> None:
        """Let the owner ask for another text, and the advertiser write it."""
        self.record.part("Change", "The owner asks for another text, and accepts the second one.")
        await self._buy("advertiser2", "Bicycles", "Weekly")
        await self.press("owner", "✏️ Ask for a change", "✏️ The ad")
        await self.record.say("owner", "Please name the price")
        await self.press("advertiser2", "✏️ Change the ad")
        await self.record.say("advertiser2", BETTER_BICYCLES)
        await self.press("advertiser2", "✅ Send")
        await self.press("owner", "✅ Accept")

    async def approve(self) -> None:
        """Let the admin approve the five ads."""
        self.record.part("Approve", "An admin checks the five ads; the money is held from here on.")
        for _ in range(SOLD):
            await self.record.press("admin", "✅ Approve", "group", oldest=True)

    async def publish(self) -> None:
        """Publish four ads at their times."""
        self.record.part("Publish", "The scheduler publishes the ads at their times.")
        await self.tick("It is time for the first ads.")
        await self.tick("Three hours later, it is time for the next ones.", hours=3, step=1)
        await self.press("owner", "📋 Open the placement")
        await self.press("advertiser", "📋 Open the placement")

    async def paid(self) -> None:
        """Let all promised hours pass, so that the owner is paid five times."""
        self.record.part(
            "Paid", "The promised hours pass. Each post is checked, and then its owner is paid."
        )
        await self.tick("On Tuesday, the 24 hours of the first post are over.", hours=22, step=2)
        await self.tick("On Tuesday at 18:00, the chosen time has come.", hours=8, step=4)
        await self.tick("On Wednesday, the 48 hours of two posts are over.", hours=20, step=5)
        await self.tick("On Thursday, the hours of the last two posts are over.", hours=30, step=5)
        await self.record.say("owner", "/start")
        await self.press("owner", "📺 My channels", "📈 My earnings")
        await self.record.say("advertiser2", "/start")
        await self.press("advertiser2", "📋 My placements")

    async def withdraw(self) -> None:
        """Let the owner be paid to an address."""
        self.record.part("Withdrawn", "The owner is paid to an address that only the payer reads.")
        await self.record.say("owner", "/start")
        await self.press("owner", "💰 Wallet", "🏦 Withdraw")
        await self.record.say("owner", "200")
        await self.record.say("owner", "/start")
        await self.press("owner", "💰 Wallet", "💳 Where you are paid", "✏️ TON")
        await self.record.say("owner", TON[:-1] + "x")
        await self.record.say("owner", TON)
        await self.press("owner", "✅ It is exactly right")
        await self.record.say("owner", "/start")
        await self.press("owner", "💰 Wallet", "🏦 Withdraw")
        await self.record.say("owner", "200")
        await self.press("owner", "✅ $200.00 to TON")
        await self.record.say("admin", "/start")
        for label in (
            "🔎 Open the withdrawal",
            "✅ Approve",
            "✅ Yes, approve it",
            "💸 Mark as paid",
        ):
            await self.press("admin", label, where="group")
        number = await self.market.value("SELECT id FROM withdrawals")
        await self.record.say("admin", f"/paid {number} {REFERENCE}", "group")
        await self.record.say("owner", "/start")
        await self.press("owner", "💰 Wallet", "📤 My withdrawals")


async def play(market: Marketplace) -> Record:
    """Play the scene, and return its record."""
    await _prepare(market)
    record = Record(market, PEOPLE, CHATS, HEAD)
    record.forget_messages()
    tour = Tour(market, record)
    try:
        await tour.play()
    finally:
        await tour.close()
    return record


async def _prepare(market: Marketplace) -> None:
    """Add people and a channel, offer payouts in TON, and let it be Monday, 10:05 UTC."""
    world = market.world
    for name in ("manager", "advertiser2", "advertiser3"):
        person = await world.control("users", first_name=PEOPLE[name])
        world.ids[name] = person["id"]
    made = await world.control("channels", owner_id=market.chat("owner"), title="Weekly")
    world.ids["channel2"] = made["id"]
    await world.control(
        f"chats/{market.chat('channel')}/members",
        user_id=market.chat("manager"),
        status="administrator",
        can_post_messages=True,
    )
    key = SecretStr(Fernet.generate_key().decode())
    market.dependencies.settings = market.dependencies.settings.model_copy(
        update={"payout_methods": (PayoutMethod.TON,), "destination_keys": key}
    )
    until_monday: timedelta = await market.value(NEXT_MONDAY)
    await market.database.forward(until_monday)
    await market.deliver()
