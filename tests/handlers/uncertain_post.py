"""Create an uncertain post and its card for the tests of the admins' decisions."""

from datetime import timedelta

from services.posts import posting, uncertain_posts
from tests.factories import one_post
from tests.handlers.marketplace import AD, Marketplace

MOVED_ON = "This has been decided already, or the bot has found the answer. Nothing was changed."


async def create(market: Marketplace) -> None:
    """Create an uncertain post, and deliver its card to the admin chat."""
    await market.give("advertiser", 10_000)
    await market.submitted()
    await market.press("admin", "✅ Approve", where="group")
    async with market.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(minutes=1))
        assert claim is not None
        assert await one_post.may_send(session, claim)
        assert await posting.record_uncertain(session, claim, error="TimeoutError")
    await ask(market, posting.UNCERTAIN_ESCALATION_DELAY)


async def ask(market: Marketplace, wait: timedelta) -> None:
    """Move the clock forward, and deliver the card about the only undecided post."""
    await market.database.forward(wait + timedelta(seconds=1))
    async with market.database.sessions.begin() as session:
        assert await uncertain_posts.escalate_due(session, limit=9) == 1
    await market.deliver()


async def publish(market: Marketplace, text: str = AD) -> int:
    """Let the bot send a message to the channel, and return the message's id."""
    sent = await market.world.call(
        "sendMessage",
        chat_id=market.chat("channel"),
        text=text,
        link_preview_options={"is_disabled": True},
    )
    message_id: int = sent["message_id"]
    return message_id


async def job(market: Marketplace) -> tuple[str, str]:
    """Return the statuses of the only post job and of its escrow."""
    [row] = await market.rows(
        "SELECT j.status AS job, e.status AS escrow FROM post_jobs j"
        " JOIN escrows e USING (campaign_target_id)"
    )
    return row["job"], row["escrow"]


def link(market: Marketplace, message_id: int) -> str:
    """Return the link to a message of the channel."""
    return f"https://t.me/c/{-market.chat('channel') - 1_000_000_000_000}/{message_id}"


async def target(market: Marketplace) -> int:
    """Return the id of the only placement."""
    found: int = await market.value("SELECT id FROM campaign_targets")
    return found
