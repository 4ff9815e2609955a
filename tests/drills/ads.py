"""Follow the ads of a drill: approve them, wait for their states, and check what was published."""

from sandbox.demo.scenario import Scenario, channel_posts, expect, extract_ad
from tests.drills.world import World


async def approve(world: World, ad: Scenario) -> None:
    """Approve an ad as the admin."""
    await ad.participants.admin.press(
        "✅ Approve", on=ad.card, chat=world.group, then="Approved by"
    )


async def open_card(world: World, ad: Scenario) -> None:
    """Let the bot send the card of an ad again, from the list of those that wait."""
    number = f"#{ad.target_id}"
    listed = await world.chat(world.admin, "/queue", then=number)
    ad.card = await world.admin.press(number, on=listed, then="✅ Approve", chat=world.group)


async def job_status(ad: Scenario) -> str:
    """Return the status of an ad's post job."""
    rows = await ad.books.rows(
        "SELECT status FROM post_jobs WHERE campaign_target_id = $1", ad.target_id
    )
    return str(rows[0]["status"]) if rows else "none, because no admin has approved it"


async def until_job(ad: Scenario, status: str) -> None:
    """Wait until the post job of an ad has a status."""
    await ad.books.until(
        "SELECT status FROM post_jobs WHERE campaign_target_id = $1",
        ad.target_id,
        so=lambda row: bool(row["status"] == status),
        expected=f"the post is {status}",
    )


async def until_escrow(ad: Scenario, status: str) -> None:
    """Wait until the escrow of an ad has a status."""
    await ad.books.until(
        "SELECT status FROM escrows WHERE campaign_target_id = $1",
        ad.target_id,
        so=lambda row: bool(row["status"] == status),
        expected=f"the escrow is {status}",
    )


async def expect_one_post(ad: Scenario) -> None:
    """Raise Unexpected unless an ad was published exactly one time, and is in its channel."""
    posts = [extract_ad(post) for post in await channel_posts(ad)]
    expect(posts.count(ad.preview), 1, "one post of the ad in the channel")
    ever = await ad.control.get("/published", chat_id=ad.participants.channel.id)
    expect(len(ever["published"]), 1, "one message ever published in the channel")
