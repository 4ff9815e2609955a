"""Test how an advertiser lets clicks be counted, and reads what the ad has brought."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see

import re
from datetime import timedelta

import pytest

from db.models.posting import Verdict
from services.market import complaints, link_clicks
from services.market.link_clicks import FIRST, Clicks
from services.money import escrow
from tests.factories import one_post
from tests.handlers.bot_world import Message
from tests.handlers.marketplace import Marketplace
from tests.handlers.published_post import check, publish_ad, release
from tests.handlers.uncertain_post import target

URL = "https://t.me/bakery?start=ad"
COUNTED, NOT_COUNTED = "🔗 Clicks: counted", "🔗 Clicks: not counted"
LINKS = "🔗 The ad and where its links lead"
BACK = "⬅️ Back"
TRACKED = re.compile(r"https://go\.example\.com/r/([A-Za-z0-9_-]{22})")


async def make_campaign(market: Marketplace) -> None:
    """Let the advertiser create a campaign whose ad has a link button."""
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    for answer in ("Bakery", "Fresh bread", "Buy", URL, "100"):
        await market.say("advertiser", answer)
    await market.press("advertiser", "💾 Save")
    await market.press("advertiser", "🚀 Activate")


def url_of(message: Message) -> str:
    """Return the address of the only button of a message."""
    ((button,),) = message["buttons"]
    address: str = button["url"]
    return address


async def visit(market: Marketplace, visitors: int) -> None:
    """Count the clicks of people on the only placement, and two requests of programs."""
    async with market.database.sessions.begin() as session:
        links, _ = await link_clicks.read(session, FIRST)
        day = (await link_clicks.now(session)).date()
        target_id = links[0].target_id
        people = [Clicks(target_id, day, bytes([number]) * 16, 1) for number in range(visitors)]
        assert await link_clicks.record(session, [*people, Clicks(target_id, day, None, 2)]) == 0


async def document(market: Marketplace, button: str) -> tuple[str, str]:
    """Let the advertiser press a button that sends a file. Return its name and its text."""
    await market.press("advertiser", button)
    sent = market.world.state.messages[market.chat("advertiser")]
    file = sent[max(sent)].body["document"]
    content = market.world.state.file_path(market.world.state.files[file["file_id"]]).read_bytes()
    return file["file_name"], content.decode("utf-8-sig")


async def choose(market: Marketplace) -> None:
    """Let the advertiser choose that clicks are counted."""
    await market.give("advertiser", 10_000)
    await market.connect_channel(hours="2")
    await make_campaign(market)
    await market.press("advertiser", NOT_COUNTED)
    asked = await market.last("advertiser")
    assert "Clicks are not counted" in asked
    assert f"Counted:\n• {URL}" in asked
    assert "opens the browser first" in asked
    await market.press("advertiser", "✅ Count clicks")
    assert "✅ Clicks are counted on new placements" in await market.last("advertiser")
    await market.press("advertiser", "Do not count clicks")
    await market.press("advertiser", "✅ Count clicks")
    await market.press("advertiser", BACK)
    assert COUNTED in await market.buttons("advertiser")
    await market.press("advertiser", "📊 Results")
    assert "no post of this campaign is published" in await market.last("advertiser")
    await market.press("advertiser", BACK)


async def buy(market: Marketplace) -> None:
    """Let everybody see the tracked ad, and publish it."""
    await market.buy()
    await market.press("advertiser", LINKS)
    shown, said = (await market.messages("advertiser"))[-2:]
    assert TRACKED.fullmatch(url_of(shown))
    assert f"• {url_of(shown)} → {URL}" in said["text"]
    await market.deliver()
    offered = await market.messages("owner")
    assert [url_of(each) for each in offered if each["text"] == "Fresh bread"] == [url_of(shown)]
    assert f"lead to:\n• {URL}" in offered[-1]["text"]
    await market.press("owner", "✅ Accept")
    await market.deliver()
    cards = await market.messages("group")
    assert [url_of(each) for each in cards if each["text"] == "Fresh bread"] == [url_of(shown)]
    assert f"lead to:\n• {URL}" in cards[-1]["text"]
    await market.press("admin", "✅ Approve", where="group")
    async with market.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(minutes=1))
        assert claim is not None
        assert claim.creative is not None
        assert claim.creative.button_url == url_of(shown)
        assert await one_post.record_published(session, claim, message_id=10)

    await market.press("advertiser", "📋 Open the placement")


@pytest.mark.usefixtures("with_own_login")
async def test_an_advertiser_counts_clicks_and_reads_the_result(market: Marketplace) -> None:
    await choose(market)
    await buy(market)
    await market.press("advertiser", "📊 Result")
    assert "Nobody has clicked yet" in await market.last("advertiser")
    await visit(market, 4)
    await market.press("advertiser", "🔄 Refresh")
    told = await market.last("advertiser")
    for fact in ("Clicks: 4", "Price of a click: $12.50", "2 requests of programs", "0 h of 2 h"):
        assert fact in told
    await market.press("advertiser", "🖼 Picture")
    photo = (await market.messages("advertiser"))[-1]
    assert photo["media"] == "photo"
    assert "4 together" in photo["caption"]
    name, table = await document(market, "📄 Table (CSV)")
    assert name.endswith(".csv")
    assert ",4,0,2\r\n" in table
    name, page = await document(market, "🖨 Report")
    assert name.endswith(".html")
    assert "$12.50" in page

    await market.database.forward(timedelta(hours=2))
    await check(market, Verdict.PRESENT)
    await market.database.forward(complaints.WINDOW)
    async with market.database.sessions.begin() as session:
        await escrow.release(session, target_id=await target(market))
    await market.deliver()
    assert "📊 Clicks: 4, $12.50 each. Everything" in await market.last("advertiser")
    await market.press("advertiser", "📊 Result")
    assert "2 h of 2 h" in await market.last("advertiser")
    await market.say("advertiser", "/start")
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "🟢 Bakery")
    await market.press("advertiser", "📊 Results")
    told = await market.last("advertiser")
    assert "1 published placement, together $50.00" in told
    assert "$50.00, 2 h, 4 clicks" in told
    name, table = await document(market, "📄 Table (CSV)")
    assert ",Daily,posted," in table
    name, page = await document(market, "🖨 Report")
    assert "Results of the campaign “Bakery”" in page
    await market.press("advertiser", "🖼 Picture")


async def test_without_counting_the_result_says_so(market: Marketplace) -> None:
    await publish_ad(market)
    await release(market)
    told = await market.last("advertiser")
    assert "Everything that is known about it" in told
    assert "Clicks" not in told
    await market.press("advertiser", "📊 Result")
    assert "Clicks were not counted" in await market.last("advertiser")
    assert "🖼 Picture" not in await market.buttons("advertiser")
    data = f"result:picture:{await target(market)}"
    assert "nothing to draw" in await market.press_forged("advertiser", data)
    await market.press("advertiser", "📊 Result")


async def test_others_neither_read_the_result_nor_choose(market: Marketplace) -> None:
    await publish_ad(market)
    campaign = await market.value("SELECT id FROM campaigns")
    target_id = await target(market)
    for data in (
        *(f"result:{form}:{target_id}" for form in ("screen", "table", "report", "picture")),
        *(f"results:{form}:{campaign}" for form in ("screen", "table")),
        *(f"count_clicks:{act}:{campaign}" for act in ("ask", "on", "off")),
    ):
        assert await market.press_forged("owner", data)
    assert await market.value("SELECT link_base IS NULL FROM campaigns")
    await market.press_forged("owner", f"links:{target_id}")
    assert "exactly as it is published" in await market.last("owner")
