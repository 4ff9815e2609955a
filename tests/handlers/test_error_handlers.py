"""Test how the bot reports unexpected errors to a person."""

import structlog
from structlog.testing import capture_logs

from tests.handlers.marketplace import Marketplace


async def break_campaigns(market: Marketplace) -> None:
    """Let each change of a campaign fail with an unexpected error."""
    await market.database.as_owner(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'secret words'; END $$"
    )
    await market.database.as_owner(
        "CREATE TRIGGER broken BEFORE UPDATE ON campaigns FOR EACH ROW EXECUTE FUNCTION broken()"
    )


async def test_an_unexpected_error_is_answered_with_a_reference(market: Marketplace) -> None:
    await market.make_campaign(active=False)
    await break_campaigns(market)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        alert = await market.press("advertiser", "🚀 Activate")
    reference = alert.rpartition(" ")[2]
    (line,) = [line for line in logs if line["event"] == "Worker error"]
    assert len(reference) == 12
    assert line["correlation_id"] == reference
    assert "went wrong on our side" in alert
    assert "secret words" not in alert
    assert await market.value("SELECT status FROM campaigns") == "draft"
    (failed,) = await market.rows("SELECT last_error FROM inbox WHERE failed_at IS NOT NULL")
    assert "secret" not in failed["last_error"]
    await market.say("advertiser", "/start")
    assert "Welcome" in await market.last("advertiser")


async def test_what_was_committed_is_not_called_lost(market: Marketplace) -> None:
    """Check the alert for an error that comes after the change was saved."""
    await market.make_campaign(active=False)
    right = "SELECT ON campaign_targets {} adtech_bot, adtech_clock, adtech_reports"
    await market.database.as_owner("REVOKE " + right.format("FROM"))
    alert = await market.press("advertiser", "🚀 Activate")
    await market.database.as_owner("GRANT " + right.format("TO"))
    assert await market.value("SELECT status FROM campaigns") == "active"
    assert "Done and saved" in alert
    assert len(alert.rpartition(" ")[2]) == 12
