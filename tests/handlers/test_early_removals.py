"""Test what the staff and the owner read about a channel with early removals."""

from datetime import UTC, datetime

from bot.screens import early_removals as screens
from bot.texts import Texts
from db.models.campaigns import Channel
from scheduler import watchdogs
from services.market import campaigns
from services.market.early_removals import ChannelRemovals, Removal
from tests.factories import people
from tests.factories.removals import remove_early
from tests.handlers.marketplace import Marketplace

OFFER = "✅ Let it be offered again"
EXPLAINED = "The owner has explained it"


async def _suspended(market: Marketplace) -> int:
    """Suspend a channel of the owner after three early removals, and return its id."""
    for who in ("owner", "advertiser"):
        await market.say(who, "/start")
    await market.give("advertiser", 100_000)
    owner, advertiser = await market.actor("owner"), await market.actor("advertiser")
    async with market.database.sessions.begin() as session:
        place = await people.channel(session, owner)
        bought = await people.campaign(session, advertiser, budget=100_000)
        target = await campaigns.submit_target(
            session,
            actor=advertiser,
            campaign_id=bought.id,
            channel_id=place.id,
            publish_at=None,
            fee_bps=people.FEE_BPS,
        )
        made = people.Deal(advertiser, owner, await people.staff(session), bought, place, target)
    await remove_early(market.database, made, 3)
    await market.deliver()
    await watchdogs.suspend_after_removals(market.database.sessions)
    await market.deliver()
    return place.id


async def test_an_admin_decides_and_the_owner_reads_why(with_own_login: Marketplace) -> None:
    market = with_own_login
    channel_id = await _suspended(market)
    told = await market.last("owner")
    assert "is not offered any more. Three ads in it were removed" in told
    assert "/paysupport" in told
    card = await market.last("group")
    assert f"channel {channel_id}) of {market.chat('owner')}" in card
    assert card.count("• #") == 3
    assert "promised for 24 h" in card
    assert "It is not offered until an admin has looked" in card
    data = f"removals:offer:{channel_id}:explained"
    await market.press("admin", OFFER, where="group")
    assert "Why may it be offered again?" in await market.last("group")
    await market.press("admin", "⬅️ No, go back", where="group")
    await market.press("admin", OFFER, where="group")
    await market.press("admin", EXPLAINED, where="group")
    assert "An admin has looked: it may be offered again." in await market.last("group")
    assert OFFER not in await market.buttons("group")
    assert await market.value("SELECT status FROM channels") == "active"
    await market.press_forged("admin", data, where="group")  # a second press
    decided = "SELECT count(*) FROM user_audit_logs WHERE action = 'channel_offered_again'"
    assert await market.value(decided) == 1
    await market.deliver()
    assert "it is offered again. Please leave each ad" in await market.last("owner")


async def test_nobody_else_can_press_it(market: Marketplace) -> None:
    channel_id = await _suspended(market)
    for act in ("card:{}:", "ask:{}:", "offer:{}:explained"):
        await market.press_forged("owner", f"removals:{act.format(channel_id)}")
    assert len(await market.refusals()) == 3
    assert await market.value("SELECT status FROM channels") == "suspended"
    await market.say("owner", "/start")
    await market.press("owner", "📺 My channels")
    await market.press("owner", "⚠️")
    assert "Three ads in it were removed" in await market.last("owner")


def test_the_card_in_russian() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    channel = Channel(id=3, title="Хлеб", removed_early_at=at)
    row = ChannelRemovals(channel, 77, [Removal(5, 24, at, at), Removal(4, 1, None, at)])
    assert screens.card(Texts("ru", "USD"), row).text.splitlines()[:3] == [
        "🗑 «Хлеб» (канал 3), владелец 77: объявления удалены раньше обещанного времени.",
        "• #5: удалено 1 мар. 2026 12:00 UTC, опубликовано 1 мар. 2026 12:00 UTC, обещано 24 ч",
        "• #4: удалено 1 мар. 2026 12:00 UTC, обещано 1 ч",
    ]
