"""Test that an advertiser can buy a placement again whose publication failed."""

from datetime import timedelta

import pytest

from db.models.users import Role
from services.market import channels
from services.money import escrow
from services.platform.actors import Actor
from services.posts import posting
from tests.factories import one_post
from tests.handlers.marketplace import Marketplace

OFFER = "🔁 Offer it again"
RETRY = "🔁 Try again for"


@pytest.fixture
async def dead(market: Marketplace) -> Marketplace:
    """Return a running bot with one placement that Telegram refused and that was refunded."""
    await market.give("advertiser", 10_000)
    await market.submitted()
    await market.press("admin", "✅ Approve", where="group")
    async with market.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(minutes=1))
        assert claim is not None
        assert await posting.record_refused(
            session, claim, error="400: Bad Request: wrong file identifier", rights_lost=False
        )
    async with market.database.sessions.begin() as session:
        await escrow.refund(session, target_id=claim.target_id)
    await market.deliver()
    return market


async def targets(market: Marketplace) -> list[tuple[str, int | None]]:
    """Return each placement's status, and the id of the placement that it repeats."""
    rows = await market.rows("SELECT status, retry_of FROM campaign_targets ORDER BY id")
    return [(row["status"], row["retry_of"]) for row in rows]


async def offer(market: Marketplace) -> None:
    """Let "admin" offer the failed placement to its advertiser, and deliver the offer."""
    await market.say("admin", "/dlq", where="group")
    await market.press("admin", "Daily", where="group")
    await market.press("admin", OFFER, where="group")
    await market.deliver()


async def test_the_list_is_empty_without_failed_posts(market: Marketplace) -> None:
    await market.say("admin", "/dlq", where="group")
    assert "No post has failed" in await market.last("group")


async def test_the_list_shows_what_failed_and_why(dead: Marketplace) -> None:
    await dead.say("admin", "/dlq", where="group")
    assert "wrong file identifier" in (await dead.buttons("group"))[0]
    await dead.press("admin", "Daily", where="group")
    card = await dead.last("group")
    assert "400: Bad Request: wrong file identifier" in card
    assert "back with the advertiser" in card


async def test_an_accepted_offer_is_a_new_placement_with_a_new_hold(dead: Marketplace) -> None:
    market = dead
    await offer(market)
    assert "It was offered" in await market.last("group")
    assert "can try it again" in await market.last("advertiser")
    [(_, _)] = await targets(market)
    await market.press("advertiser", RETRY)
    first = await market.value("SELECT min(id) FROM campaign_targets")
    assert await targets(market) == [("refunded", None), ("pending", first)]
    await market.deliver()
    await market.press("admin", "✅ Approve", where="group")
    escrows = await market.rows("SELECT status FROM escrows ORDER BY id")
    assert [row["status"] for row in escrows] == ["refunded", "held"]
    actions = await market.rows(
        "SELECT action, role FROM user_audit_logs WHERE action LIKE 'dead_letter%' ORDER BY id"
    )
    assert [(row["action"], row["role"]) for row in actions] == [
        ("dead_letter_offered", "admin"),
        ("dead_letter_retried", "advertiser"),
    ]


async def test_a_double_click_makes_no_second_placement(dead: Marketplace) -> None:
    market = dead
    await offer(market)
    for _ in range(2):
        await market.world.control(
            f"users/{market.chat('advertiser')}/press",
            chat_id=market.chat("advertiser"),
            button=RETRY,
            wait=False,
        )
    await market.settle()
    assert len(await targets(market)) == 2


async def test_a_changed_price_is_shown_before_the_purchase(dead: Marketplace) -> None:
    market = dead
    await offer(market)
    async with market.database.sessions.begin() as session:
        [row] = await market.rows("SELECT id, owner_id FROM channels")
        await channels.set_terms(
            session,
            actor=Actor(row["owner_id"]),
            channel_id=row["id"],
            price=6_000,
            promised_hours=24,
            topic="news",
        )
    assert "$60.00" in await market.press("advertiser", f"{RETRY} $50.00")
    assert len(await targets(market)) == 1
    await market.press("advertiser", f"{RETRY} $60.00")
    assert len(await targets(market)) == 2


async def test_others_can_neither_offer_nor_accept(dead: Marketplace) -> None:
    market = dead
    await market.say("owner", "/dlq")
    assert "You may not do this" in await market.last("owner")
    await market.employ("admin", Role.OPERATOR)
    await market.say("admin", "/dlq", where="group")
    await market.press("admin", "Daily", where="group")
    await market.employ("advertiser", Role.SUPER_ADMIN)
    await market.world.control(
        f"chats/{market.chat('group')}/members", user_id=market.chat("advertiser"), status="member"
    )
    before = await market.everything()
    assert "Nobody decides on their own money" in await market.press(
        "advertiser", OFFER, where="group"
    )
    assert await market.everything() == before
