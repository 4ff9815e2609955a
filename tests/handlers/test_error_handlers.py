"""Test that an unexpected error is rolled back, and that the alert keeps its details secret."""

from tests.handlers.marketplace import Marketplace


async def break_campaigns(market: Marketplace) -> None:
    """Let each change of a campaign fail with an error that no handler expects."""
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
    alert = await market.press("advertiser", "🚀 Activate")
    assert "went wrong on our side" in alert
    assert "secret words" not in alert
    assert await market.value("SELECT status FROM campaigns") == "draft"
    (failed,) = await market.rows("SELECT last_error FROM inbox WHERE failed_at IS NOT NULL")
    assert "secret" not in failed["last_error"]
    await market.say("advertiser", "/start")
    assert "Welcome" in await market.last("advertiser")
