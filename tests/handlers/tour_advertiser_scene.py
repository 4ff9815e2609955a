"""Play how an advertiser buys in ten of 200 channels, with all messages recorded."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from db.session import Sessions
from services.market import acceptance_rules
from tests.handlers import generated_channels, tour_readers
from tests.handlers.bot_world import Message
from tests.handlers.generated_channels import Generated
from tests.handlers.marketplace import Marketplace
from tests.handlers.tour_play import Play
from tests.handlers.tour_readers import Readers
from tests.handlers.tour_record import Record
from tests.handlers.tour_scene import NEXT_MONDAY

HEAD = """\
# A tour for advertisers

In this tour, an advertiser finds ten of 200 generated channels by the price of a click, and buys in
all of them at once. One owner asks for another text. One post is removed early, and its price comes
back. The advertiser complains about one post, and its owner lets the bot correct it. The staff
decide about another one, and its price is split. The campaign's report shows what it has brought.
"""
AD = "Fresh sourdough, baked at night and at your door at seven"
BETTER_AD = "Fresh sourdough at your door at seven, from £4 a loaf"
WRONG_AD = "Fresh bread somewhere else"
SHOP = "https://sourdough.example/order?from=telegram"
BOUGHT = 10
WITHOUT_CARD = 3
"""So many placements of a new advertiser get their cards after others are decided."""
PEOPLE = {
    "advertiser": "Advertiser",
    "owner1": "Owner 1",
    "owner2": "Owner 2",
    "owner3": "Owner 3",
    "owner4": "Owner 4",
    "owner5": "Owner 5",
    "admin": "Admin",
}
ASKED = ("owner1", "owner2", "owner3", "owner4")
"""The owners who are asked about each ad. Owner 5 lets the bot accept all ads in six channels."""
READERS = (41, 26, 34, 29, 52, 47, 38, 31, 44, 36)
"""How many people click on each of the ten ads on the first evening."""


class AdvertiserTour(Play):
    """The scene's people and their acts, one method a part of the document."""

    def __init__(
        self,
        market: Marketplace,
        record: Record,
        bought: Sequence[Generated],
        readers: Readers,
    ) -> None:
        """Play in this running bot with these ten channels and the readers of their posts."""
        super().__init__(market, record)
        self.bought, self.readers = bought, readers

    async def play(self) -> None:
        """Play the whole scene."""
        for part in (
            *(self.prepare, self.find, self.buy, self.answer, self.change, self.approve),
            *(self.publish, self.click, self.removed, self.corrected, self.split, self.paid),
            self.results,
        ):
            await part()

    async def prepare(self) -> None:
        """Let the advertiser pay money in and make a campaign whose clicks are counted."""
        self.record.part(
            "Prepare", "The advertiser pays money in, makes an ad, and lets its clicks be counted."
        )
        await self.record.say("advertiser", "/start")
        await self.press("advertiser", "💰 Wallet", "➕ Top up")
        await self.record.say("advertiser", "400")
        await self.record.pay("advertiser")
        await self.record.say("advertiser", "/start")
        await self.press("advertiser", "📣 Campaigns", "➕ New campaign")
        for answer in ("Sourdough", AD, "Order bread", SHOP, "350"):
            await self.record.say("advertiser", answer)
        await self.press("advertiser", "💾 Save", "🚀 Activate", "🔗 Clicks: not counted")
        await self.press("advertiser", "✅ Count clicks", "⬅️ Back")

    async def find(self) -> None:
        """Let the advertiser look for English channels about food with the cheapest clicks."""
        self.record.part(
            "Find", "200 channels are on offer. The advertiser looks for cheap clicks of cooks."
        )
        await self.press("advertiser", "🛒 Buy a placement", "🔎 Filters", "Topic: any", "Food")
        await self.press("advertiser", "🔎 Filters (1)", "Language: any", "English")
        await self.press("advertiser", "↕ Price per 1,000", "Price per click")
        await self.press("advertiser", self.bought[0].title, "⬅️ Back")
        await self.record.say("advertiser", "bakers")
        await self.press("advertiser", "🔎 Filters (3)", "Search: bakers")

    async def buy(self) -> None:
        """Let the advertiser tick ten channels, and buy in all of them with one confirmation."""
        self.record.part("Buy", "Ten channels are ticked, and bought with one confirmation.")
        await self.press("advertiser", *(f"☐ {number}" for number in range(1, 9)), "Next ▶️")
        await self.press("advertiser", "☐ 1", "☐ 2", "🛒 Buy the ticked ones (10)")
        await self.press("advertiser", "💵 The cheapest format", "🌆 All in the next evening")
        await self.press("advertiser", "✅ Submit 10 placements")

    async def answer(self) -> None:
        """Let three owners accept, and one ask for another text."""
        self.record.part(
            "Answer",
            "Six channels of Owner 5 accept by their rule. Of the others, three owners accept, and"
            " one asks for another text.",
        )
        for owner in ASKED[1:]:
            await self.press(owner, "✅ Accept")
        await self.press("owner1", "✏️ Ask for a change", "✏️ The ad")
        await self.record.say("owner1", "Please name a price")

    async def change(self) -> None:
        """Let the advertiser accept the owner's wish, and the owner accept the new text."""
        self.record.part("Change", "The advertiser does what the owner has asked for.")
        await self.press("advertiser", "✏️ Change the ad")
        await self.record.say("advertiser", BETTER_AD)
        await self.press("advertiser", "✅ Send")
        await self.press("owner1", "✅ Accept")

    async def approve(self) -> None:
        """Let the admin approve the ten placements."""
        self.record.part(
            "Approve", "An admin checks the ten placements; the money is held from here on."
        )
        for _ in range(BOUGHT - WITHOUT_CARD):
            await self.record.press("admin", "✅ Approve", "group", oldest=True)
        await self.tick("The cards of the others come.")
        for _ in range(WITHOUT_CARD):
            await self.record.press("admin", "✅ Approve", "group", oldest=True)

    async def publish(self) -> None:
        """Publish the ten ads in the evening."""
        self.record.part("Publish", "In the evening, the scheduler publishes the ten ads.")
        await self.tick("It is 19:00.", hours=9, step=9, in_order=False)
        await self._open_placement(5)

    async def click(self) -> None:
        """Let readers open the links of the ads, some of them twice, and programs too."""
        self.record.part(
            "Clicks", "Readers open the links of the ads. The redirect counts them and leads on."
        )
        clicks = sum(READERS)

        async def open_links() -> None:
            for each, people in zip(self.bought, READERS, strict=True):
                link = (await self._post(each))["buttons"][0][0]["url"]
                led_to = await self.readers.click(link, people=people, again=3, programs=2)
                assert led_to == SHOP

        await self.record.run(
            f"*{clicks} people open the ads, 30 of them once more, and programs ask 20 times for a"
            " preview.*",
            open_links,
        )
        await self.press("advertiser", "📊 Result")

    async def _post(self, each: Generated) -> Message:
        """Return the newest post in a channel."""
        return (await self.market.messages(self._chat(each)))[-1]

    def _chat(self, each: Generated) -> str:
        """Return the name in the sandbox of a channel."""
        return f"channel{self.bought.index(each) + 1}"

    async def _change_post(self, number: int, verb: str, what: str, **more: str) -> None:
        """Let the owner of a channel do something to the ad in Telegram itself."""
        each = self.bought[number - 1]
        post, chat_id = await self._post(each), self.market.chat(self._chat(each))

        async def act() -> None:
            await self.market.world.control(
                f"chats/{chat_id}/{verb}",
                user_id=self.market.chat(f"owner{number}"),
                message_id=post["message_id"],
                **more,
            )

        await self.record.run(f"**Owner {number}** {what}.", act)

    async def removed(self) -> None:
        """Let an owner delete an ad early, so that the advertiser gets the price back."""
        self.record.part(
            "Removed early", "Owner 2 deletes an ad before its 24 hours are over. A check finds it."
        )
        await self._change_post(2, "delete", "deletes the ad in the channel")
        await self.tick("An hour later, the bot looks at all posts.", hours=1)
        await self.press("advertiser", "📋 Open the placement")

    async def corrected(self) -> None:
        """Let the advertiser complain about a changed ad, and its owner let the bot correct it."""
        self.record.part(
            "Complaint and correction",
            "Owner 3 changes an ad. The advertiser sees it before the bot looks, and complains.",
        )
        await self._change_post(3, "edit", "writes another text into the ad", text=WRONG_AD)
        await self._open_placement(3)
        await self.press("advertiser", "⚠️ Complain about the post")
        await self.press("advertiser", "✏️ Another text or link than agreed")
        await self.press("owner3", "🛠 Let the bot correct the post")
        await self.tick("The bot looks at the post, and puts it right.")
        await self.press("advertiser", "✅ I am satisfied")

    async def _open_placement(self, number: int) -> None:
        """Let the advertiser open a placement from the list."""
        await self.record.say("advertiser", "/start")
        await self.press("advertiser", "📋 My placements", self.bought[number - 1].title)

    async def split(self) -> None:
        """Let the staff decide about a complaint: a part of the price goes back."""
        self.record.part(
            "Complaint and split",
            "The advertiser complains about another post, and its owner answers. This is not enough"
            " for the advertiser, so the staff decide: 60 per cent for the owner.",
        )
        await self._open_placement(4)
        await self.press("advertiser", "⚠️ Complain about the post", "💬 Something else")
        await self.record.say("advertiser", "The channel wrote nothing else today.")
        await self.press("owner4", "💬 Answer")
        await self.record.say("owner4", "We write when there is something to say.")
        await self.press("advertiser", "⚖️ Not enough: ask the staff")
        number = await self.market.value("SELECT max(id) FROM complaints")
        await self.record.say("admin", f"/split {number} 60", "group")
        await self.press("admin", "⚖️ Yes, decide so", where="group")
        await self.press("owner4", "✅ Accept the decision")

    async def paid(self) -> None:
        """Let the promised hours and the time for an appeal pass."""
        self.record.part(
            "Paid", "The 24 hours of all posts pass, and later the 48 hours for an appeal."
        )
        await self.tick(
            "On Tuesday evening, the owners are paid.", hours=24, step=2, in_order=False
        )
        await self.tick("On Wednesday, the time for an appeal is over.", hours=24, step=8)

    async def results(self) -> None:
        """Let the advertiser read what the campaign has brought, and the evidence."""
        self.record.part("Results", "The advertiser reads what the campaign has brought.")
        await self.record.say("advertiser", "/start")
        await self.press("advertiser", "📋 My placements", self.bought[4].title, "📊 Result")
        await self.press("advertiser", "🖼 Picture", "📄 Table (CSV)", "🖨 Report")
        await self.record.say("advertiser", "/start")
        await self.press("advertiser", "📣 Campaigns", "Sourdough", "📊 Results")
        await self.press("advertiser", "🖼 Picture", "📄 Table (CSV)", "🖨 Report")
        await self._open_placement(4)
        await self.press("advertiser", "⚖️ The complaint", "📎 Evidence")
        await self.press("owner4", "📎 Evidence")
        await self.record.say("advertiser", "/start")
        await self.press("advertiser", "💰 Wallet", "📄 Statement")


@asynccontextmanager
async def prepared(
    market: Marketplace, redirect_sessions: Sessions
) -> AsyncIterator[AdvertiserTour]:
    """Add people and 200 channels, let it be Monday, 10:05 UTC, and yield the scene.

    `redirect_sessions` are the sessions of the redirect's own login.
    """
    for name, title in PEOPLE.items():
        if name not in market.world.ids:
            person = await market.world.control("users", first_name=title)
            market.world.ids[name] = person["id"]
        if name.startswith("owner"):
            await market.say(name, "/start")
    found = generated_channels.plan()
    bought = generated_channels.cheapest(found, "food", "en")[:BOUGHT]
    record = Record(market, PEOPLE, {"group": "Admin chat"}, HEAD)
    async with tour_readers.reading(redirect_sessions) as readers:
        tour = AdvertiserTour(market, record, bought, readers)
        await _offer(market, tour, found)
        for number, each in enumerate(bought, 1):
            market.world.ids[f"channel{number}"] = each.chat_id
            record.chats[f"channel{number}"] = each.title
        await market.database.as_owner("DELETE FROM outbox")
        record.forget_messages()
        yield tour
        await tour.close()


async def _offer(market: Marketplace, tour: AdvertiserTour, found: Sequence[Generated]) -> None:
    """Offer all channels, of which some have sold an ad in the week before."""
    owners = [0] * len(found)
    for each, name in zip(tour.bought, [*ASKED, *["owner5"] * (BOUGHT - len(ASKED))], strict=True):
        owners[each.number] = market.chat(name)
    await market.database.forward(await market.value(NEXT_MONDAY))
    await generated_channels.offer(market, found, owners)
    await generated_channels.sell_earlier_ads(market, tour, found)
    await market.database.forward(await market.value(NEXT_MONDAY))
    await generated_channels.ask_telegram(market, tour, found)
    for each in tour.bought[: len(ASKED)]:
        async with market.database.sessions.begin() as session:
            await acceptance_rules.set(session, actor=each.owner, channel_id=each.id, rule=None)
