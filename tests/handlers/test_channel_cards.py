"""Test the card of a channel, which a buyer reads before paying, and its owner shares."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot import storing_updates
from bot.card_callbacks import BuyFor, BuyHere, DrawGrowth, ShareChannel, ShowCard
from bot.screens import channel_card as screens
from bot.texts import LANGUAGES, Texts
from db.models.calendars import ChannelCalendar
from db.models.campaigns import Channel, ChannelStatus
from db.models.formats import ChannelFormat, Ending
from db.models.results import ChannelClicks
from services.market.channel_activity import Activity
from services.market.channel_cards import ChannelCard
from services.market.owner_records import OwnerRecord
from services.market.subscriber_counts import Change, Growth
from tests.handlers.marketplace import Marketplace

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = date(2026, 3, 4)
HASH = "AbCdEfGhIjKlMnOp"


def card(**more: Any) -> ChannelCard:
    """Return the card of a public channel about which everything is known."""
    row = Channel(
        id=7,
        title="Daily",
        username="daily",
        description="News\nof the city",
        topic="news",
        subscribers=1_200,
        facts_at=AT,
        photo_id="p",
        auto_delete_seconds=None,
        protected=False,
        status=ChannelStatus.ACTIVE,
        invite_link=None,
    )
    for name in [name for name in more if hasattr(Channel, name)]:
        setattr(row, name, more.pop(name))
    sold = ChannelFormat(price=5_000, promised_hours=24, hours_on_top=1, ending=Ending.LEFT)
    calendar = ChannelCalendar(
        time_zone="UTC", opens_at=540, closes_at=1_260, weekdays=[1, 2], days_off=[]
    )
    known: dict[str, Any] = {
        "channel": row,
        "is_offered": True,
        "formats": [sold],
        "record": OwnerRecord(kept=3, answer_time=timedelta(hours=2)),
        "calendar": calendar,
        "free_times": [AT, AT + timedelta(hours=2)],
        "growth": Growth(
            DAY - timedelta(days=40),
            Change(DAY - timedelta(days=30), DAY, 1_000, 1_200),
            Change(DAY - timedelta(days=2), DAY - timedelta(days=1), 1_000, 890),
        ),
        "activity": Activity(DAY - timedelta(days=9), 4.25, 12, 34),
        "ads": 3,
        "clicks": ChannelClicks(
            measured_ads=2, median_clicks=30, price_per_click=150, counted_at=AT
        ),
        "ads_days": 30,
    }
    return ChannelCard(**known | more)


def test_each_fact_has_its_source_and_its_time() -> None:
    text = screens.text(Texts("en", "USD", "UTC"), card())
    for words in (
        "📺 Daily\n👥 1,200 subscribers · https://t.me/daily\nℹ️ News of the city\n",
        "As Telegram said on 4 Mar 2026 12:00 UTC\nTopic: News\n",
        "📈 +200 subscribers (+20 %) since 2 Feb 2026, by Telegram's count of each day\n",
        "⚠️ A jump: -110 subscribers (-11 %) from 2 Mar 2026 to 3 Mar 2026. It may be that",
        "✍️ Posts a day: 4.2, without the ads sold here (counted by the bot since 23 Feb 2026)\n",
        "❤️ Reactions to a post: 12 (the middle one of the 34 posts of the last 30 days",
        "📢 Ads sold here: 0.1 a day (3 published by the bot) in the last 30 days\n",
        "🔗 Clicks of earlier ads: 30 (median; 2 ads were measured by the bot until 4 Mar",
        "A click cost $1.50\n",
        "• 1/24 h: $50.00 · $41.67\n",
        "🕒 Ads from 09:00 to 21:00, Mon, Tue (UTC",
        "Next free times: 4 Mar 2026 12:00 UTC, 4 Mar 2026 14:00 UTC\n",
        "3 stayed to the end",
        "usually answers within 2 hours",
        "✅ Telegram said on 4 Mar 2026 12:00 UTC that the owner is the channel's creator",
    ):
        assert words in text, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_known_is_not_shown(language: str) -> None:
    """Check the card of a new private channel: no figure is made up."""
    t = Texts(language, "USD")
    unknown = card(
        username=None,
        facts_at=None,
        subscribers=0,
        topic=None,
        calendar=None,
        free_times=[],
        growth=None,
        activity=None,
        ads=0,
        clicks=None,
        ads_days=1,
    )
    text = screens.text(t, unknown)
    assert t("card-invite", link="none") in text
    assert t("card-posts-none") in text
    assert t("card-any-time") in text
    assert t("card-ads", average="0", ads=0, days=1) in text
    assert t("channel-facts-unread") in text
    assert "none" not in text
    assert {sign for sign in "📈❤⚠✅" if sign in text} == set()
    assert "none" not in screens.short(t, unknown)
    assert screens.link(unknown.channel) is None


def test_a_young_series_says_so() -> None:
    t = Texts("en", "USD", "UTC")
    young = card(growth=Growth(DAY, None, None), activity=Activity(DAY, None, None, 0))
    text = screens.text(t, young)
    assert "growth is counted since 4 Mar 2026" in text
    assert "counts the posts since 4 Mar 2026; the average of a day follows" in text
    assert "Reactions" not in text
    assert screens.growth_button(t, 7, young.growth) == []
    assert screens.short(t, young) == "@daily · 👥 1,200 (Telegram, 4 Mar 2026 12:00 UTC)"
    from_nothing = Growth(DAY, Change(DAY, DAY + timedelta(days=1), 0, 60), None)
    assert screens.growth_lines(t, from_nothing)[0].startswith("📈 +60 subscribers since")


def test_the_short_line_has_the_same_facts() -> None:
    assert screens.short(Texts("en", "USD", "UTC"), card()) == (
        "@daily · 👥 1,200 (Telegram, 4 Mar 2026 12:00 UTC) · 📈 +200 in 30 days · ⚠️ a jump"
        " · ✍️ 4.2 a day · ❤️ 12"
    )


@pytest.mark.parametrize(
    ("status", "is_told"),
    [(ChannelStatus.ACTIVE, True), (ChannelStatus.PAUSED, True), (ChannelStatus.SUSPENDED, False)],
)
def test_a_suspended_channel_says_nothing_about_its_creator(
    status: ChannelStatus, *, is_told: bool
) -> None:
    text = screens.text(Texts("en", "USD", "UTC"), card(status=status))
    assert ("the owner is the channel's creator" in text) is is_told


def owner_rows(shown: ChannelCard) -> list[Any]:
    """Return the rows of buttons about the card on the owner's screen."""
    rows = screens.owner_buttons(Texts("en", "USD"), shown.channel, shown.growth)
    return [row for row in rows if row]


def test_a_private_channel_is_opened_by_the_link_of_its_owner() -> None:
    t, link = Texts("en", "USD", "UTC"), f"https://t.me/+{HASH}"
    private = card(username=None, invite_link=link)
    assert screens.link(private.channel) == link
    assert f"The owner's link into it: {link}" in screens.text(t, private)
    assert any("🔗 Link for buyers" in row[0].text for row in owner_rows(private))
    public = card(invite_link=link)
    assert not any("🔗 Link for buyers" in row[0].text for row in owner_rows(public))
    assert screens.link(public.channel) == "https://t.me/daily"
    assert link not in screens.text(t, public)


async def screen(market: Marketplace, who: str) -> str:
    """Return the text of the newest message with buttons, which can stand above a picture."""
    return str([row for row in await market.messages(who) if row["buttons"]][-1]["text"])


async def grow(market: Marketplace, *counts: int) -> None:
    """Store counts of subscribers, the last one of today."""
    for age, count in enumerate(reversed(counts)):
        await market.database.as_owner(
            "INSERT INTO channel_subscribers SELECT id,"
            f" timezone('UTC', clock())::date - {age}, {count} FROM channels"
        )


@pytest.mark.usefixtures("with_own_login")
async def test_a_buyer_reads_the_card_in_the_form(market: Marketplace) -> None:
    await market.connect_channel()
    await grow(market, 1_000, 1_050)
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    shown = await market.last("advertiser")
    assert "Private: you can't look inside" in shown
    assert "📈 +50 subscribers (+5 %)" in shown
    assert shown.endswith("Buy a placement here?")
    assert await market.buttons("advertiser") == [
        *("🛒 Buy here", "📈 Picture of the growth", "☆ Add to favourites", "🔗 Share"),
        *("⬅️ Back", "✖️ Cancel"),
    ]
    await market.press("advertiser", "📈 Picture of the growth")
    photo = (await market.messages("advertiser"))[-1]
    assert photo["media"]
    assert "The highest bar is 1,050" in photo["caption"]
    await market.press("advertiser", "⬅️ Back")
    assert "Choose a channel" in await screen(market, "advertiser")
    for button in ("Daily", "🛒 Buy here", "⬅️ Back", "🛒 Buy here", "⚡ As soon as approved"):
        await market.press("advertiser", button)
    assert "🔒 private · 👥 1,000 · 📈 +50 in 1 day" in await screen(market, "advertiser")


async def test_a_channel_that_is_paused_meanwhile_cannot_be_bought(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("owner", "⏸ Pause")
    await market.press("advertiser", "Daily")
    shown = await market.last("advertiser")
    assert shown.startswith("⛔ This channel is not offered any more")
    assert await market.buttons("advertiser") == ["⬅️ Back", "✖️ Cancel"]


async def test_an_owner_sees_the_growth_and_shares_the_link(market: Marketplace) -> None:
    await market.connect_channel()
    assert "📈 Picture of the growth" not in await market.buttons("owner")
    await grow(market, 500, 1_000)
    for button in ("⬅️ Back", "🟢 Daily"):
        await market.press("owner", button)
    assert "📈 +500 subscribers (+100 %)" in await market.last("owner")
    assert "⚠️ A jump: +500 subscribers" in await market.last("owner")
    assert "It may be an ad for the channel" in await market.last("owner")
    await market.press("owner", "📈 Picture of the growth")
    assert (await market.messages("owner"))[-1]["media"]
    await market.press("owner", "🔗 Share")
    name, channel_id = (
        (await market.bot.me()).username,
        await market.value("SELECT id FROM channels"),
    )
    link = f"https://t.me/{name}?start=buy_{channel_id}"
    assert link in await screen(market, "owner")
    shared = [message for message in await market.messages("owner") if message["buttons"]][-1]
    assert shared["buttons"][0][0]["url"] == (
        f"https://t.me/share/url?url=https%3A%2F%2Ft.me%2F{name}%3Fstart%3Dbuy_{channel_id}"
        "&text=Buy+an+ad+in+%E2%80%9CDaily%E2%80%9D"
    )


async def test_a_favourite_is_marked_on_the_card(with_own_login: Marketplace) -> None:
    market = with_own_login
    await market.connect_channel()
    channel_id = await market.value("SELECT id FROM channels")
    for who in ("advertiser", "owner"):
        await market.say(who, f"/start buy_{channel_id}")
    assert not [label for label in await market.buttons("owner") if "favourite" in label]
    await market.press("advertiser", "☆ Add to favourites")
    assert "⭐ A favourite (take it off)" in await market.buttons("advertiser")
    assert len(await market.rows("SELECT * FROM favourite_channels")) == 1
    await market.press("advertiser", "⭐ A favourite")
    assert await market.rows("SELECT * FROM favourite_channels") == []
    await market.press("owner", "⬅️ Back")
    await market.press("owner", "⏸ Pause")
    await market.press("advertiser", "☆ Add to favourites")
    assert "not on offer" in await market.last("advertiser")
    assert await market.rows("SELECT * FROM favourite_channels") == []


async def test_forged_buttons_open_nothing_of_others(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    channel_id = await market.value("SELECT id FROM channels")
    campaign_id = await market.value("SELECT id FROM campaigns")
    await market.press("owner", "⏸ Pause")
    await market.say("admin", "/start")
    for data in (ShowCard(id=channel_id), DrawGrowth(id=channel_id), BuyHere(id=channel_id)):
        await market.press_forged("admin", data.pack())
        assert "This channel is not on offer" in await market.last("admin")
    await market.press_forged("advertiser", BuyFor(campaign=campaign_id, channel=channel_id).pack())
    assert "This channel is not on offer" in await market.last("advertiser")
    await market.press_forged("admin", ShowCard(id=2**63 - 1).pack())
    assert "This channel is not on offer" in await market.last("admin")
    alert = await market.press_forged("admin", ShareChannel(id=channel_id).pack())
    assert "This channel is somebody else's" in alert
    alert = await market.press_forged("admin", BuyFor(campaign=campaign_id, channel=1).pack())
    assert "this campaign is somebody else's" in alert
    assert await market.value("SELECT count(*) FROM campaign_targets") == 0


@pytest.mark.usefixtures("with_own_login")
async def test_posts_and_reactions_are_counted(market: Marketplace) -> None:
    """Check the whole way from Telegram's updates to the card."""
    await market.connect_channel()
    channel = market.chat("channel")
    posted = await market.world.control(
        f"chats/{channel}/post", user_id=market.chat("owner"), text="news"
    )
    chat = {"id": channel, "type": "channel", "title": "Daily"}
    photo = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]
    for number in (1, 2):
        part = {"message_id": posted["message_id"] + number, "date": int(time.time())}
        update = part | {"chat": chat, "photo": photo, "media_group_id": "5"}
        await storing_updates.store(
            market.database.sessions, [{"update_id": number, "channel_post": update}]
        )
    market.worker.wake()
    await market.settle()
    assert await market.value("SELECT posts FROM channel_post_counts") == 2
    await market.world.control(
        f"chats/{channel}/react", message_id=posted["message_id"], reactions={"👍": 7, "🔥": 2}
    )
    await market.settle()
    await market.worker.reactions.store(market.dependencies.sessions)
    reactions = "SELECT reactions FROM channel_posts ORDER BY message_id"
    assert [row["reactions"] for row in await market.rows(reactions)] == [9, 0]
    kinds = "SELECT count(*) FROM inbox WHERE payload ? 'message_reaction_count'"
    assert await market.value(kinds) == 0
    await market.world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await market.settle()
    assert await market.value("SELECT count(*) FROM channel_posts") == 0
