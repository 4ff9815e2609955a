"""Publish an ad in the marketplace of the handlers' tests, check it, and pay its owner."""

from datetime import timedelta

from db.models.posting import AdPart, Verdict
from services.money import escrow
from services.posts import verification
from tests.factories import one_post
from tests.handlers.marketplace import Marketplace
from tests.handlers.uncertain_post import target


async def check(market: Marketplace, verdict: Verdict) -> None:
    """Record a check of the only post with this verdict."""
    parts = [AdPart.TEXT] if verdict is Verdict.ALTERED else []
    async with market.database.sessions.begin() as session:
        job_id = await market.value("SELECT id FROM post_jobs")
        await verification.record_check(
            session, job_id=job_id, verdict=verdict, evidence="x", altered_parts=parts
        )


async def publish_ad(market: Marketplace, *, on_top: int = 0, message_id: int = 10) -> None:
    """Buy a placement that promises two hours, and record its post as published."""
    await market.give("advertiser", 10_000)
    await market.submitted(hours=2, on_top=on_top)
    await market.press("admin", "✅ Approve", where="group")
    async with market.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(minutes=1))
        assert claim is not None
        assert await one_post.record_published(session, claim, message_id=message_id)


async def release(market: Marketplace, *, checks: int = 1) -> None:
    """Move the clock two hours forward, pay the owner, and deliver the notices.

    The post is checked at the end of each of `checks` equal parts of this time.
    """
    for _ in range(checks):
        await market.database.forward(timedelta(hours=2) / checks)
        await check(market, Verdict.PRESENT)
    async with market.database.sessions.begin() as session:
        await escrow.release(session, target_id=await target(market))
    await market.deliver()
