"""Test the search for a post that Telegram may or may not have published."""

from datetime import timedelta

import pytest

from bot.telegram import rate_limits
from db.models.operations import Switch
from scheduler import notice_delivery, post_search, settlements, watchdogs
from scheduler.post_search import Search
from services.market import newest_messages
from services.posts import uncertain_posts
from tests.factories import breakage
from tests.scheduler.scene import Scene

pytestmark = pytest.mark.mostly_waits

GAP = timedelta(minutes=5)
LOST: dict[str, dict[str, object]] = {
    "cut_after": {},
    "timeout_after": {},
    "error_after": {"error_code": 500, "description": "Internal Server Error"},
    "html_502": {},
    "garbage": {},
}
"""Faults with which Telegram publishes the post, but the sender gets no good answer."""
ALARMS_PER_MINUTE = rate_limits.PER_MINUTE - rate_limits.KEPT_FOR_SEARCHES
NEVER_ARRIVED = ("refuse_before", "timeout_before")


async def uncertain(scene: Scene, kind: str = "cut_after", **more: object) -> int:
    """Make a post uncertain through a fault, and return the placement's id."""
    target_id = await scene.approve()
    await scene.fault("sendMessage", kind, **more)
    await scene.dispatch(seconds=1)
    assert (await scene.job(target_id))["status"] == "uncertain"
    return target_id


async def search(scene: Scene, *, times: int = 1) -> None:
    """Search for the uncertain posts, and then pay or refund escrows."""
    for _ in range(times):
        # Each search has a new worker with new limits, because no minute passes between searches.
        task = Search(scene.posting_worker(seconds=2), GAP, scene.world.ids["group"])
        await post_search.search_due_posts(task)
        await post_search.ask_admins(task.worker)
        await settlements.release_due(scene.database.sessions)
        await settlements.refund_due(scene.database.sessions)
        await scene.database.forward(GAP + timedelta(seconds=1))


async def write_by_hand(scene: Scene, text: str = "News of the day") -> int:
    """Let the owner publish a message in the channel, and return the message's id."""
    posted = await scene.world.control(
        f"chats/{scene.world.ids['channel']}/post", user_id=scene.world.ids["owner"], text=text
    )
    message_id: int = posted["message_id"]
    return message_id


async def make_message_id_known(scene: Scene) -> None:
    """Let the owner publish a message, and record its id as known to the bot."""
    message_id = await write_by_hand(scene)
    async with scene.database.sessions.begin() as session:
        await newest_messages.record(
            session, chat_id=scene.world.ids["channel"], message_id=message_id
        )


@pytest.fixture(autouse=True)
def _few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three ids without a message count as the end of a channel."""
    monkeypatch.setattr(post_search, "EMPTY_IDS_AT_END", 3)


@pytest.mark.parametrize("kind", LOST)
async def test_a_published_post_is_found_and_paid_for(scene: Scene, kind: str) -> None:
    target_id = await uncertain(scene, kind, **LOST[kind])
    await search(scene)
    job = await scene.job(target_id)
    [message] = await scene.published()
    assert (job["status"], job["message_id"]) == ("success", message["message_id"])
    assert (job["escrow"], job["target"]) == ("released", "posted")
    assert len(await scene.published()) == 1


async def test_a_post_is_found_while_alarms_fill_the_admin_chat(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_search, "MAX_SLOT_WAIT_SECONDS", 3.0)
    target_id = await uncertain(scene)
    task = Search(scene.posting_worker(seconds=2), GAP, scene.world.ids["group"])
    for _ in range(ALARMS_PER_MINUTE):
        task.worker.limiter._local.record(task.admin_chat_id)
    await post_search.search_due_posts(task)
    assert (await scene.job(target_id))["status"] == "success"


@pytest.mark.keeps_limits
async def test_only_some_forwards_a_minute_use_the_slots_of_alarms(scene: Scene) -> None:
    worker = scene.posting_worker(seconds=2)
    assert await post_search._parts_of_forward(worker) == 1
    for _ in range(rate_limits.KEPT_FOR_SEARCHES):
        worker.limiter._local.record(post_search.RESERVED_FORWARDS)
    assert await post_search._parts_of_forward(worker) == 1 + rate_limits.KEPT_FOR_ALARMS


@pytest.mark.parametrize("kind", NEVER_ARRIVED)
async def test_an_absent_post_is_sent_after_two_searches_some_minutes_apart(
    scene: Scene, kind: str
) -> None:
    await make_message_id_known(scene)
    target_id = await uncertain(scene, kind)
    await search(scene)
    assert (await scene.job(target_id))["status"] == "uncertain"
    await scene.dispatch()
    assert await scene.published() == []
    await search(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["attempts"]) == ("queued", 1)
    await scene.dispatch()
    assert (await scene.job(target_id))["status"] == "success"
    assert len(await scene.published()) == 1


async def test_a_post_is_found_among_the_messages_of_others(scene: Scene) -> None:
    target_id = await scene.approve()
    for _ in range(2):
        await write_by_hand(scene)
    await scene.fault("sendMessage", "cut_after")
    await scene.dispatch()
    gone = await write_by_hand(scene)
    await write_by_hand(scene)
    await scene.world.control(
        f"chats/{scene.world.ids['channel']}/delete",
        user_id=scene.world.ids["owner"],
        message_id=gone,
    )
    await search(scene)
    [message] = await scene.published()
    job = await scene.job(target_id)
    assert (job["status"], job["message_id"]) == ("success", message["message_id"])
    shown = [m["text"] for m in await scene.messages("channel") if m["text"]]
    assert shown.count("News of the day") == 3  # the messages of others are unchanged


@pytest.mark.parametrize("known", [False, True])
async def test_a_gap_of_ids_proves_nothing_without_a_known_id(scene: Scene, *, known: bool) -> None:
    """Check a search for a post after a long gap of deleted messages."""
    for _ in range(post_search.EMPTY_IDS_AT_END + 2):
        message_id = await write_by_hand(scene)
        await scene.world.control(
            f"chats/{scene.world.ids['channel']}/delete",
            user_id=scene.world.ids["owner"],
            message_id=message_id,
        )
    if known:
        await make_message_id_known(scene)
    target_id = await uncertain(scene)
    await search(scene, times=3)
    await scene.dispatch()
    job = await scene.job(target_id)
    expected = ("success", "released") if known else ("uncertain", "held")
    assert (job["status"], job["escrow"]) == expected
    assert len(await scene.published()) == 1


async def test_two_searches_that_began_together_count_once(scene: Scene) -> None:
    """Check that two searches do not prove an absence if they began at the same time."""
    await make_message_id_known(scene)
    target_id = await uncertain(scene, "refuse_before")
    async with scene.database.sessions.begin() as session:
        [uncertain_post] = await uncertain_posts.claim_due(session, limit=9)
    for _ in range(2):
        async with scene.database.sessions.begin() as session:
            assert await uncertain_posts.record_absent(
                session, uncertain_post, gap=GAP, highest_seen_id=1
            )
        await scene.database.forward(GAP + timedelta(seconds=1))
    assert (await scene.job(target_id))["status"] == "uncertain"
    await search(scene)
    assert (await scene.job(target_id))["status"] == "queued"


async def test_a_post_that_its_owner_deleted_is_absent(scene: Scene) -> None:
    await make_message_id_known(scene)
    target_id = await uncertain(scene)
    [message] = await scene.published()
    await scene.world.control(
        f"chats/{scene.world.ids['channel']}/delete",
        user_id=scene.world.ids["owner"],
        message_id=message["message_id"],
    )
    await search(scene, times=2)
    assert (await scene.job(target_id))["status"] == "queued"


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("error", {"error_code": 500, "description": "Bad Request: message to edit not found"}),
        ("error", {"error_code": 429, "description": "Too Many Requests", "retry_after": 1}),
        ("error", {"error_code": 400, "description": "Bad Request: chat not found"}),
        ("refuse_before", {}),
        ("timeout_before", {}),
    ],
)
async def test_a_search_without_an_answer_changes_nothing(
    scene: Scene, kind: str, more: dict[str, object]
) -> None:
    target_id = await uncertain(scene, "refuse_before")
    for _ in range(3):
        await scene.fault("stopMessageLiveLocation", kind, **more)
        await search(scene)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"], job["attempts"]) == ("uncertain", "held", 0)
    assert await scene.published() == []


async def test_a_post_that_stays_uncertain_is_escalated(scene: Scene) -> None:
    target_id = await uncertain(scene)
    await scene.fault("getChatMember", "error", error_code=500, description="x", times=99)
    await search(scene, times=4)
    await notice_delivery.deliver(scene.outbox_worker())
    card = (await scene.messages("group"))[-1]
    assert f"#{target_id}" in card["text"]
    pressed = [button["text"] for row in card["buttons"] for button in row]
    assert len(pressed) == 4
    assert (await scene.job(target_id))["escrow"] == "held"


async def test_a_search_without_rights_proves_no_absence(scene: Scene) -> None:
    """Check that a search proves no absence if the bot has lost its rights."""
    target_id = await uncertain(scene)
    await scene.world.promote(can_post_messages=False)
    await search(scene, times=3)
    job = await scene.job(target_id)
    assert (job["status"], job["escrow"]) == ("uncertain", "held")
    [channel] = await scene.rows("SELECT status FROM channels")
    assert channel["status"] == "suspended"


async def test_rights_that_change_during_a_search_prove_no_absence(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    target_id = await uncertain(scene)
    posting_worker = scene.posting_worker()
    read_rights = posting_worker.sender.get_bot_rights

    async def then_demoted(chat_id: int) -> object:
        seen = await read_rights(chat_id)
        await scene.world.promote(can_post_messages=False)
        return seen

    monkeypatch.setattr(posting_worker.sender, "get_bot_rights", then_demoted)
    for _ in range(2):
        await post_search.search_due_posts(Search(posting_worker, GAP, scene.world.ids["group"]))
        await scene.world.promote(can_post_messages=True)
        await scene.database.forward(GAP + timedelta(seconds=1))
    assert (await scene.job(target_id))["status"] == "uncertain"


@pytest.mark.parametrize("published", [True, False])
async def test_a_search_with_the_right_to_edit_others_edits_nothing(
    scene: Scene, *, published: bool
) -> None:
    await scene.world.promote(can_post_messages=True, can_edit_messages=True)
    await make_message_id_known(scene)
    target_id = await uncertain(scene, "cut_after" if published else "refuse_before")
    await write_by_hand(scene)
    before = await scene.messages("channel")
    group = len(await scene.messages("group"))
    await search(scene, times=1 if published else 2)
    assert (await scene.job(target_id))["status"] == ("success" if published else "queued")
    assert await scene.messages("channel") == before
    assert len(await scene.messages("group")) == group  # the copies are deleted


async def test_a_search_runs_while_posting_is_stopped(scene: Scene) -> None:
    target_id = await uncertain(scene)
    await scene.set_switch(Switch.TELEGRAM_POSTING, enabled=False)
    await search(scene)
    assert (await scene.job(target_id))["status"] == "success"


async def test_the_post_of_a_dead_worker_is_found(scene: Scene) -> None:
    target_id = await scene.approve()
    dying = scene.posting_worker(owner="dying")
    await scene.dispatch(dying)
    # The worker died. The row is still "sending", and the lease of the claim is over.
    await scene.database.as_owner("UPDATE escrows SET release_due_at = NULL WHERE status = 'held'")
    await breakage.run_unguarded(
        scene.database,
        "UPDATE post_jobs SET status = 'sending', message_id = NULL, sent_at = NULL,"
        " lease_owner = 'gone', lease_until = now() - interval '1 s', known_message_id = 0",
    )
    await watchdogs.rescue_abandoned(scene.database.sessions)
    assert (await scene.job(target_id))["status"] == "uncertain"
    await search(scene)
    assert (await scene.job(target_id))["target"] == "posted"
    assert len(await scene.published()) == 1
