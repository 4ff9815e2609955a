"""Test the buttons of a complaint: both sides, the staff, the appeal, and late presses."""

from datetime import timedelta

import pytest

from db.models.posting import Verdict
from db.models.users import Role
from scheduler import settlements, watchdogs
from services.market import complaints
from services.posts import verification
from tests.factories import one_post
from tests.handlers.marketplace import Marketplace
from tests.handlers.published_post import check, publish_ad

NEW, WRONG, OTHER = "⚠️ Complain about the post", "✏️ Another text or link", "💬 Something else"
ANSWER, ENOUGH, DISPUTE = "💬 Answer", "✅ I am satisfied", "⚖️ Not enough: ask the staff"
ACCEPT, APPEAL, SURE = "✅ Accept the decision", "⚖️ Appeal", "⚖️ Yes, decide so"
HALF = "50 % to the owner"
REMOVED, AGAIN, SURE_AGAIN = "🗑 Removed early", "🔁 Publish it again", "🔁 Yes, publish it again"
OPEN = "📋 Open the placement"
STATUS = "SELECT status FROM complaints"
OUTCOME = "SELECT outcome FROM complaints"


async def _pass_time(market: Marketplace, by: timedelta = timedelta()) -> None:
    await market.database.forward(by)
    await watchdogs.end_complaint_steps(market.database.sessions, complaints.STAFF_TIME)
    await settlements.release_due(market.database.sessions)
    await settlements.refund_due(market.database.sessions)
    await market.deliver()


async def _complain(market: Marketplace, kind: str = WRONG) -> None:
    """Publish a post, let the advertiser complain, and tell the owner."""
    await publish_ad(market)
    await market.deliver()
    await market.press("advertiser", OPEN)
    await market.press("advertiser", NEW)
    await market.press("advertiser", kind)
    await market.deliver()


async def _dispute(market: Marketplace) -> None:
    await _complain(market)
    await market.press("owner", ANSWER)
    await market.say("owner", "It is as agreed.")
    await market.deliver()
    await market.press("advertiser", DISPUTE)
    await market.deliver()


@pytest.mark.usefixtures("with_own_login")
async def test_a_complaint_is_answered_disputed_and_split(market: Marketplace) -> None:
    await _complain(market)
    assert "Complaint 1" in await market.last("advertiser")
    assert "An advertiser complains" in await market.last("owner")
    await market.press("owner", ANSWER)
    await market.say("owner", "It is <b>as agreed</b>.")
    assert "The advertiser has until" in await market.last("owner")
    await market.deliver()
    assert "“It is <b>as agreed</b>.”" in await market.last("advertiser")
    await market.press("advertiser", DISPUTE)
    await market.deliver()
    card = await market.last("group")
    assert "complaints so far: 1" in card
    assert "without ground: 0" in card
    await market.press("admin", HALF, where="group")
    assert "The owner is paid $22.50 (the fee is $2.50)" in await market.last("group")
    assert await market.value(STATUS) == "disputed"
    await market.press("admin", SURE, where="group")
    assert await market.value(STATUS) == "decided"
    for reader, chat in (("owner", "owner"), ("advertiser", "advertiser"), ("admin", "group")):
        await market.press(reader, "📎 Evidence", where=chat)
        sent = (await market.messages(chat))[-1]
        assert sent["media"] == "document"
        assert "Evidence of complaint 1, placement #1. Checks: 0" in sent["caption"]
    await market.deliver()
    for side in ("owner", "advertiser"):
        assert "the advertiser gets $25.00 back" in await market.last(side)
        await market.press(side, ACCEPT)
    await market.database.forward(timedelta(hours=2))
    await check(market, Verdict.PRESENT)
    await _pass_time(market)
    assert await market.value(OUTCOME) == "split"
    assert await market.balance("owner") == 2_250
    assert "$22.50" in await market.last("owner")
    assert "\n↩️ The price was split after the complaint: $25.00 is back in your wallet" in (
        await market.last("advertiser")
    )
    for reader, parts in (
        ("advertiser", ("split after the complaint: $25.00 is back", "$25.00 went back to you:")),
        ("owner", ("You get: $22.50", "you were paid $22.50", "$25.00 went back to the")),
    ):
        await market.press(reader, OPEN)
        shown = await market.last(reader)
        for part in parts:
            assert part in shown, part
    await market.press("advertiser", "⚖️ The complaint")
    assert "\nPrice: $50.00" in await market.last("advertiser")


@pytest.mark.usefixtures("with_own_login")
async def test_own_words_and_a_satisfied_advertiser(market: Marketplace) -> None:
    await publish_ad(market)
    await market.deliver()
    await market.press("advertiser", OPEN)
    await market.press("advertiser", NEW)
    await market.press("advertiser", OTHER)
    await market.say("advertiser", "x" * (complaints.WORDS_LIMIT + 1))
    assert "too long" in await market.last("advertiser")
    await market.say("advertiser", "The link is dead.")
    assert "“The link is dead.”" in await market.last("advertiser")
    await market.deliver()
    assert "“The link is dead.”" in await market.last("owner")
    await market.press("advertiser", ENOUGH)
    assert await market.value(OUTCOME) == "satisfied"
    await market.deliver()
    assert "The advertiser is satisfied" in await market.last("owner")
    await market.press("owner", "⬅️ Back")
    assert "Status: 🟢 published" in await market.last("owner")


@pytest.mark.usefixtures("with_own_login")
async def test_a_typed_part_an_appeal_and_a_late_press(market: Marketplace) -> None:
    await _dispute(market)
    for wrong in ("", "1", "1 0", "1 100", "1 x", "x 50"):
        await market.say("admin", f"/split {wrong}", where="group")
        assert "Usage: /split" in await market.last("group"), wrong
    await market.say("admin", "/split 1 40%", where="group")
    first = await market.last("group")
    assert "40 % for the owner" in first
    await market.press("admin", SURE, where="group")
    await market.deliver()
    await market.press("owner", APPEAL)
    assert await market.value(STATUS) == "appealed"
    await market.deliver()
    assert "A super admin who has not decided before" in await market.last("group")
    await market.press("admin", "💰 Pay the owner", where="group")
    await market.press("admin", SURE, where="group")
    assert await market.value(STATUS) == "appealed"
    await market.hire_newcomer("head", Role.SUPER_ADMIN)
    await market.press("head", "💰 Pay the owner", where="group")
    await market.press("head", SURE, where="group")
    assert await market.value(STATUS) == "decided"
    await market.deliver()
    assert APPEAL not in await market.buttons("owner")
    await market.database.forward(timedelta(hours=2))
    await check(market, Verdict.PRESENT)
    await _pass_time(market)
    assert await market.value(OUTCOME) == "released"
    assert await market.balance("owner") == 4_500


async def test_a_second_press_shows_the_complaint(market: Marketplace) -> None:
    await _dispute(market)
    await market.press("advertiser", ENOUGH)
    await market.press("admin", "↩️ Refund the advertiser", where="group")
    assert "the advertiser has no complaint any more" in await market.last("group")
    await market.say("admin", "/split 1 40", where="group")
    assert "the advertiser has no complaint any more" in await market.last("group")
    assert await market.value(OUTCOME) == "satisfied"


async def test_a_complaint_is_nobody_elses(market: Marketplace) -> None:
    await _dispute(market)
    await market.say("admin", "/start")
    for data in ("card:1", "disputed:1", "accepted:1"):
        assert "not" in await market.press_forged("admin", f"complaint:{data}"), data
    await market.press_forged("admin", "complain:covered:1")
    for who in ("admin", "advertiser", "owner"):
        await market.press_forged(who, "complaint_decide:1:0:1")
    assert await market.value(STATUS) == "disputed"
    assert await market.value("SELECT count(*) FROM complaints") == 1


async def test_the_silence_of_the_owner_is_ended_by_the_tick(market: Marketplace) -> None:
    await _complain(market)
    await _pass_time(market, complaints.ANSWER_TIME)
    assert await market.value(STATUS) == "disputed"
    assert "nobody answered in time" in await market.last("group")


async def _publish_again(market: Marketplace) -> None:
    async with market.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(minutes=1))
        assert claim is not None
        assert await one_post.record_published(session, claim, message_id=11)
    await market.deliver()


@pytest.mark.usefixtures("with_own_login")
async def test_a_removed_post_is_published_again_once(market: Marketplace) -> None:
    await _complain(market, REMOVED)
    assert "the bot finds this out within minutes" in await market.last("owner")
    assert AGAIN not in await market.buttons("owner")
    for _ in range(2):
        await check(market, Verdict.GONE)
        await market.database.forward(verification.RECHECK_INTERVAL)
    await market.deliver()
    for side in ("owner", "advertiser"):
        assert "is not in the channel any more" in await market.last(side)
    assert AGAIN not in await market.buttons("advertiser")
    assert "Let the bot correct" not in str(await market.buttons("owner"))
    await market.press("owner", AGAIN)
    assert "whole promised time (2 h)" in await market.last("owner")
    assert await market.value(STATUS) == "asked"
    await market.press("owner", SURE_AGAIN)
    assert "The bot publishes the post again" in await market.last("owner")
    await market.deliver()
    assert "The owner lets the bot publish" in await market.last("advertiser")
    await _publish_again(market)
    for side in ("owner", "advertiser"):
        assert "is published again" in await market.last(side)
        assert "🔗" in str(await market.buttons(side))
    await market.press("advertiser", ENOUGH)
    await market.press("advertiser", "⬅️ Back")
    story = await market.last("advertiser")
    for part in ("post was gone", "lets the bot", "🟢 published again"):
        assert part in story, story
    await market.database.forward(timedelta(hours=2))
    await check(market, Verdict.PRESENT)
    await _pass_time(market)
    assert await market.balance("owner") == 4_500


@pytest.mark.usefixtures("with_own_login")
async def test_the_press_to_publish_again_is_nobody_elses_and_comes_once(
    market: Marketplace,
) -> None:
    await _complain(market, REMOVED)
    await market.say("admin", "/start")
    await market.press_forged("owner", "complaint:republishing:1")
    assert await market.value("SELECT status FROM post_jobs") == "success"
    for _ in range(2):
        await check(market, Verdict.GONE)
        await market.database.forward(verification.RECHECK_INTERVAL)
    for who in ("advertiser", "admin"):
        await market.press_forged(who, "complaint:republish:1")
        await market.press_forged(who, "complaint:republishing:1")
    assert await market.value("SELECT status FROM post_jobs") == "success"
    await market.press_forged("owner", "complaint:republishing:1")
    await _publish_again(market)
    assert "only once" in await market.press_forged("owner", "complaint:republishing:1")
    assert await market.value("SELECT message_id FROM post_jobs") == 11
