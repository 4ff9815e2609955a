"""Test the checks of published posts."""

import asyncio
from datetime import timedelta

import pytest

from db.models.operations import Switch
from db.models.posting import Verdict
from scheduler import post_checks, post_search, settlements
from services.market import channels
from services.posts import verification
from tests.scheduler.scene import AD, Scene

HOURS = 2


async def posted(scene: Scene) -> int:
    """Publish a post, move the clock past its promised hours, and return the placement's id."""
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    await scene.database.forward(timedelta(hours=HOURS, minutes=1))
    return target_id


async def check_posts(scene: Scene) -> None:
    """Run the due checks of posts, and then pay or refund escrows."""
    posting_worker = scene.posting_worker()
    await post_checks.check_due_posts(
        scene.database.sessions,
        posting_worker.sender,
        posting_worker.limiter,
        posting_worker.stopping,
    )
    await settlements.release_due(scene.database.sessions)
    await settlements.refund_due(scene.database.sessions)


async def verdicts(scene: Scene) -> list[str]:
    """Return the verdicts of all checks, oldest first."""
    return [
        row["verdict"] for row in await scene.rows("SELECT verdict FROM post_checks ORDER BY id")
    ]


async def text_in_channel(scene: Scene) -> list[str]:
    """Return the texts of the channel's messages."""
    return [m["text"] for m in await scene.messages("channel") if m["text"]]


async def change(scene: Scene, what: str, **more: object) -> None:
    """Let the owner change the ad in the channel."""
    [message] = await scene.published()
    await scene.world.control(
        f"chats/{scene.world.ids['channel']}/{what}",
        user_id=scene.world.ids["owner"],
        message_id=message["message_id"],
        **more,
    )


async def test_a_post_that_stayed_is_paid_for(scene: Scene) -> None:
    target_id = await posted(scene)
    await check_posts(scene)
    assert await verdicts(scene) == ["present"]
    assert (await scene.job(target_id))["target"] == "posted"
    assert len(await scene.published()) == 1


async def test_nothing_is_paid_before_the_promised_hours_are_over(scene: Scene) -> None:
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    await check_posts(scene)
    assert (await scene.job(target_id))["escrow"] == "held"


async def test_an_altered_post_is_restored_and_not_paid_for_yet(scene: Scene) -> None:
    target_id = await posted(scene)
    await change(scene, "edit", text="Buy my own things instead")
    await check_posts(scene)
    assert await verdicts(scene) == ["altered"]
    assert await text_in_channel(scene) == [AD]
    assert (await scene.job(target_id))["escrow"] == "held"


async def test_media_that_were_added_to_a_text_are_a_breach(scene: Scene) -> None:
    """Check that an owner who adds media to a text breaks the promise about the post."""
    target_id = await posted(scene)
    await change(scene, "replace_media", kind="photo")
    await check_posts(scene)
    assert await verdicts(scene) == ["altered"]
    [job] = await scene.rows("SELECT breach FROM post_jobs")
    assert job["breach"] == "altered"
    await scene.database.forward(timedelta(hours=25))
    await post_checks.refund_breaches(scene.database.sessions)
    await check_posts(scene)
    assert (await scene.job(target_id))["target"] == "refunded"


async def test_an_ad_that_its_owner_alters_all_the_time_is_not_paid_for(scene: Scene) -> None:
    """Check that an owner is not paid if the owner alters the ad after each repair."""
    target_id = await scene.approve(promised_hours=6)
    await scene.dispatch()
    for _ in range(90):
        if AD in await text_in_channel(scene):
            await change(scene, "edit", text="Buy my own things instead")
        await check_posts(scene)
        await post_search.ask_admins(scene.posting_worker())
        await scene.database.forward(timedelta(minutes=5))
    assert (await scene.job(target_id))["escrow"] == "held"
    cards = await scene.rows("SELECT id FROM outbox WHERE kind = 'post_unseen'")
    told = await scene.rows("SELECT id FROM outbox WHERE kind = 'post_altered'")
    assert (len(cards), len(told)) == (1, 2)
    assert (await verdicts(scene)).count("altered") > 1
    await scene.database.forward(timedelta(hours=25))
    await post_checks.refund_breaches(scene.database.sessions)
    await check_posts(scene)
    assert (await scene.job(target_id))["target"] == "refunded"
    paid = await scene.rows("SELECT id FROM outbox WHERE kind = 'target_paid'")
    assert paid == []


async def test_while_posting_is_stopped_an_altered_post_is_left_as_it_is(scene: Scene) -> None:
    await posted(scene)
    await change(scene, "edit", text="Buy my own things instead")
    await scene.set_switch(Switch.TELEGRAM_POSTING, enabled=False)
    await check_posts(scene)
    assert await text_in_channel(scene) == ["Buy my own things instead"]
    assert await verdicts(scene) == ["unknown"]


async def test_posts_are_checked_while_posting_is_stopped(scene: Scene) -> None:
    """Check that posts are checked but not paid for while a kill switch forbids posting."""
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    await scene.set_switch(Switch.TELEGRAM_POSTING, enabled=False)
    # An edit would fail. Telegram gets none, because an edit could restore an altered button.
    await scene.fault("editMessageReplyMarkup", "error", error_code=500, description="Wrong")
    await scene.database.as_owner("UPDATE post_jobs SET next_check_at = clock()")
    await check_posts(scene)
    assert await verdicts(scene) == ["present"]
    await scene.database.forward(timedelta(hours=HOURS, minutes=1))
    await check_posts(scene)
    assert await verdicts(scene) == ["present", "unknown"]
    assert (await scene.job(target_id))["escrow"] == "held"


async def test_a_deleted_post_is_missed_while_posting_is_stopped(scene: Scene) -> None:
    target_id = await scene.approve(promised_hours=24)
    await scene.dispatch()
    await change(scene, "delete")
    await scene.set_switch(Switch.TELEGRAM_POSTING, enabled=False)
    for _ in range(2):
        await scene.database.as_owner("UPDATE post_jobs SET next_check_at = clock()")
        await check_posts(scene)
        await scene.database.forward(timedelta(minutes=6))
    assert await verdicts(scene) == ["gone", "gone"]
    assert (await scene.job(target_id))["target"] == "refunded"


async def test_a_check_counts_from_its_start(scene: Scene) -> None:
    """Check that the time of a check is the time of its start."""
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    await scene.database.as_owner("UPDATE post_jobs SET next_check_at = clock()")
    async with scene.database.sessions.begin() as session:
        [taken] = await verification.claim_due(session, limit=9)
    await scene.database.forward(timedelta(hours=HOURS, minutes=1))
    async with scene.database.sessions.begin() as session:
        await verification.record_check(
            session,
            job_id=taken.job_id,
            verdict=Verdict.PRESENT,
            evidence="x",
            claimed_at=taken.claimed_at,
        )
    await settlements.release_due(scene.database.sessions)
    assert (await scene.job(target_id))["escrow"] == "held"
    await check_posts(scene)
    assert (await scene.job(target_id))["escrow"] == "released"


async def test_a_post_that_stays_altered_is_escalated(scene: Scene) -> None:
    target_id = await posted(scene)
    for _ in range(2):
        await change(scene, "edit", text="Buy my own things instead")
        await check_posts(scene)
        await post_search.ask_admins(scene.posting_worker())
        await scene.database.forward(verification.ESCALATION_DELAY)
    assert set(await verdicts(scene)) == {"altered"}
    assert (await scene.job(target_id))["escrow"] == "held"
    kinds = await scene.rows("SELECT kind FROM outbox WHERE kind = 'post_unseen'")
    assert len(kinds) == 1


async def test_a_post_that_is_gone_twice_is_refunded(scene: Scene) -> None:
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    await scene.database.forward(timedelta(hours=HOURS, minutes=-1))
    await change(scene, "delete")
    await check_posts(scene)
    assert await verdicts(scene) == ["gone"]
    assert (await scene.job(target_id))["escrow"] == "held"
    await scene.database.forward(timedelta(minutes=10))
    await check_posts(scene)
    assert (await scene.job(target_id))["target"] == "refunded"
    assert len(await scene.published()) == 1


async def test_a_post_that_is_deleted_after_a_pause_of_the_checks_is_escalated(
    scene: Scene,
) -> None:
    """Check that an owner loses nothing by deleting a post after its hours."""
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    await next_check(scene)
    # No scheduler runs until the promised hours are over.
    [left] = await scene.rows("SELECT release_due_at - clock() AS time FROM escrows")
    await scene.database.forward(left["time"] + timedelta(minutes=1))
    await change(scene, "delete")
    for _ in range(14):
        await check_posts(scene)
        await post_search.ask_admins(scene.posting_worker())
        await scene.database.forward(verification.RECHECK_INTERVAL)
    assert set(await verdicts(scene)) == {"present", "unknown"}
    assert (await scene.job(target_id))["escrow"] == "held"
    cards = await scene.rows("SELECT user_id FROM outbox WHERE kind = 'post_unseen'")
    assert [row["user_id"] for row in cards] == [None]


async def test_an_unknown_verdict_moves_no_money(scene: Scene) -> None:
    target_id = await posted(scene)
    await change(scene, "delete")
    for _ in range(3):
        # The error text of an absent post proves nothing if the status code is another one.
        await scene.fault(
            "editMessageReplyMarkup",
            "error",
            error_code=500,
            description="Bad Request: message to edit not found",
        )
        await check_posts(scene)
        await scene.database.forward(timedelta(minutes=10))
    assert await verdicts(scene) == ["unknown"] * 3
    assert (await scene.job(target_id))["escrow"] == "held"


async def next_check(scene: Scene) -> None:
    """Move the clock to the next check, and make this check."""
    [plan] = await scene.rows("SELECT next_check_at - clock() AS wait FROM post_jobs")
    await scene.database.forward(max(plan["wait"], timedelta()) + timedelta(milliseconds=1))
    await check_posts(scene)


async def test_a_post_that_is_deleted_right_after_its_end_is_paid_for(scene: Scene) -> None:
    target_id = await scene.approve(promised_hours=24)
    await scene.dispatch()
    ends_next = "SELECT next_check_at = release_due_at AS ends FROM post_jobs, escrows"
    while not (await scene.rows(ends_next))[0]["ends"]:
        await next_check(scene)
    await change(scene, "delete")
    await next_check(scene)
    assert (await verdicts(scene))[-1] == "stayed"
    assert (await scene.job(target_id))["target"] == "posted"


async def test_each_part_of_the_hours_is_checked_despite_restarts(
    scene: Scene,
) -> None:
    target_id = await scene.approve(promised_hours=24)
    await scene.dispatch()
    while (await scene.job(target_id))["escrow"] == "held":
        # Each run has a new worker. This proves that no part of the plan is only in memory.
        await next_check(scene)
    # The last random check can already be right before the end.
    assert await verdicts(scene) in (["present"] * 25, ["present"] * 26)
    assert (await scene.job(target_id))["target"] == "posted"
    assert len(await scene.published()) == 1


async def test_a_post_that_is_deleted_early_is_refunded_before_its_end(scene: Scene) -> None:
    target_id = await scene.approve(promised_hours=24)
    await scene.dispatch()
    await change(scene, "delete")
    for _ in range(2):
        await scene.database.as_owner("UPDATE post_jobs SET next_check_at = clock()")
        await check_posts(scene)
        await scene.database.forward(timedelta(minutes=6))
    assert await verdicts(scene) == ["gone", "gone"]
    job = await scene.job(target_id)
    assert (job["status"], job["last_error"], job["target"]) == ("failed", "removed", "refunded")
    notices = await scene.rows("SELECT user_id FROM outbox WHERE kind = 'post_gone' ORDER BY id")
    assert [row["user_id"] for row in notices] == [scene.id_of("owner"), scene.id_of("advertiser")]


async def test_a_post_in_a_channel_without_rights_is_escalated(
    scene: Scene,
) -> None:
    target_id = await posted(scene)
    await scene.world.control(
        f"chats/{scene.world.ids['channel']}/members", user_id="bot", status="kicked"
    )
    await check_posts(scene)
    [channel] = await scene.rows("SELECT status FROM channels")
    assert channel["status"] == "suspended"
    await scene.database.forward(timedelta(hours=25))
    await check_posts(scene)
    assert await verdicts(scene) == ["unknown"]
    await post_search.ask_admins(scene.posting_worker())
    asked = await scene.rows("SELECT user_id FROM outbox WHERE kind = 'post_unseen'")
    assert [row["user_id"] for row in asked] == [None]
    assert (await scene.job(target_id))["escrow"] == "held"
    await scene.world.promote(can_post_messages=True)
    async with scene.database.sessions.begin() as session:
        await channels.record_rights_restored(session, chat_id=scene.world.ids["channel"])
    await check_posts(scene)
    assert (await scene.job(target_id))["target"] == "posted"


async def test_two_processes_share_the_checks(scene: Scene) -> None:
    await posted(scene)
    await asyncio.gather(check_posts(scene), check_posts(scene))
    assert await verdicts(scene) == ["present"]


@pytest.mark.parametrize(
    ("code", "description", "reason"),
    [
        (400, "Bad Request: chat not found", "channel_gone"),
        (403, "Forbidden: bot was kicked from the channel chat", "bot_removed"),
        (400, "Bad Request: CHAT_ADMIN_REQUIRED", "no_post_right"),
    ],
)
async def test_a_check_of_a_lost_channel_suspends_it(
    scene: Scene, code: int, description: str, reason: str
) -> None:
    await posted(scene)
    await scene.fault("editMessageReplyMarkup", "error", error_code=code, description=description)
    await check_posts(scene)
    assert await verdicts(scene) == ["unknown"]
    [channel] = await scene.rows("SELECT status, status_reason FROM channels")
    assert channel == {"status": "suspended", "status_reason": reason}


@pytest.mark.parametrize("may_post", [True, False])
async def test_a_post_that_cannot_be_edited_suspends_a_channel_without_rights(
    scene: Scene, *, may_post: bool
) -> None:
    await posted(scene)
    await scene.world.promote(can_post_messages=may_post)
    if may_post:
        await scene.fault(
            "editMessageReplyMarkup",
            "error",
            error_code=400,
            description="Bad Request: message can't be edited",
        )
    await check_posts(scene)
    assert await verdicts(scene) == ["unknown"]
    [channel] = await scene.rows("SELECT status_reason FROM channels")
    assert channel["status_reason"] == (None if may_post else "no_post_right")
