"""Test that a webhook which somebody else has set is noticed and removed."""

from datetime import timedelta

from bot import recent_events
from bot.leader_election import LeaderElection
from bot.webhook_watch import WebhookWatch
from tests.handlers.marketplace import Marketplace


async def test_a_foreign_webhook_is_removed_and_shown(market: Marketplace) -> None:
    repairs = 0

    async def repair() -> None:
        nonlocal repairs
        repairs += 1
        await market.bot.delete_webhook()

    election = LeaderElection(
        market.database.sessions, lease="polling", owner="one", ttl=timedelta(minutes=5)
    )
    watch = WebhookWatch(market.bot, election, webhook_url="", repair=repair)
    await watch.check_webhook()
    assert repairs == 0
    await market.bot.set_webhook("https://stranger.example/hook")
    await watch.check_webhook()
    assert repairs == 1
    assert recent_events.counts()["webhook_foreign"] == 1
    assert (await market.bot.get_webhook_info()).url == ""
    await watch.check_webhook()
    assert recent_events.counts()["webhook_foreign"] == 0
    # The bot gets updates again.
    await market.say("advertiser", "/start")
    assert "Welcome" in await market.last("advertiser")
