"""Test how the bot reports unexpected errors to a person."""

import pytest
import structlog
from structlog.testing import capture_logs

from bot import throttle
from db import failures
from db.models.operations import FailureKind
from tests.bot.test_middlewares import private_message, receive
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


async def test_a_stranger_cannot_fill_the_audit_log(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "DENIED_PER_HOUR", 2)
    for _ in range(4):
        await market.say("advertiser", "/corrections")
    assert [row["error"] for row in await market.refusals()] == ["AccessDenied"] * 2
    await market.say("owner", "/corrections")
    assert len(await market.refusals()) == 3
    await market.say("admin", "/start")
    for _ in range(3):
        await market.say("admin", "/corrections")
    assert len(await market.refusals()) == 6, "refused acts of the staff are always audited"


async def test_a_press_on_an_old_state_is_counted_as_a_conflict(market: Marketplace) -> None:
    await market.submitted()
    target_id = await market.value("SELECT id FROM campaign_targets")
    await market.press_forged("advertiser", f"placement:withdraw_sure:{target_id}")
    failures.take()
    await market.press("admin", "✅ Approve", where="group")
    assert failures.take() == {FailureKind.CONFLICT: 1}


async def test_a_stranger_in_a_group_of_their_own_cannot_fill_the_log(market: Marketplace) -> None:
    group = {"id": -4_000_123, "type": "group", "title": "Strangers"}
    message = private_message(market, text="/corrections", chat=group)
    with capture_logs() as lines:
        await receive(market, message=message)
    levels = {
        line["log_level"] for line in lines if line["event"] in {"refused", "answer not sent"}
    }
    assert levels == {"debug"}
    with capture_logs() as lines:
        await market.say("advertiser", "/corrections")
    assert ("refused", "info") in {(line["event"], line["log_level"]) for line in lines}
