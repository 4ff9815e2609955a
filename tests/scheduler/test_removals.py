"""Test that posts are taken down after their owners were paid, each by one request."""

import asyncio
from datetime import timedelta

import pytest

from db.models.formats import Ending
from db.models.operations import Switch
from db.models.posting import Breach
from scheduler import post_checks, removals, settlements
from services.posts import breaches, removal
from tests.scheduler.scene import AD, Scene

pytestmark = pytest.mark.mostly_waits

HOURS = 24
TOLD = "SELECT kind, payload->>'to' FROM outbox WHERE kind LIKE '%remov%' ORDER BY id"


async def pay(scene: Scene) -> None:
    """Run the due checks and payouts."""
    worker = scene.posting_worker()
    await post_checks.check_due_posts(
        worker.sessions, worker.sender, worker.limiter, worker.stopping
    )
    await settlements.release_due(worker.sessions)


async def paid(scene: Scene, ending: Ending = Ending.REMOVED) -> None:
    """Publish a post, let its promised hours pass, and pay its owner."""
    await scene.approve(promised_hours=HOURS, ending=ending)
    await scene.dispatch()
    await scene.database.forward(timedelta(hours=HOURS, minutes=1))
    await pay(scene)


async def remove(scene: Scene, owner: str = "worker") -> None:
    """Run the removals that are due."""
    await removals.remove_due_posts(scene.posting_worker(owner))


async def state(scene: Scene) -> tuple[str, int, bool]:
    """Return the removal's status and claim number, and whether the ad is in the channel."""
    [row] = await scene.rows("SELECT status, claim_no FROM removals")
    texts = [message["text"] for message in await scene.messages("channel")]
    return row["status"], row["claim_no"], AD in texts


async def told(scene: Scene) -> list[tuple[str, str]]:
    """Return the kinds and receivers of the messages about removals."""
    rows = await scene.rows(TOLD)
    return [tuple(row.values()) for row in rows]


async def test_a_post_is_taken_down_once_after_its_owner_was_paid(scene: Scene) -> None:
    await scene.approve(promised_hours=HOURS, ending=Ending.REMOVED)
    await scene.dispatch()
    await remove(scene)
    assert await scene.rows("SELECT * FROM removals") == [], "its hours are not over"
    await scene.database.forward(timedelta(hours=HOURS, minutes=1))
    await remove(scene)
    assert await scene.rows("SELECT * FROM removals") == [], "no check has proved its hours"
    await pay(scene)
    assert await state(scene) == ("planned", 0, True)
    for _ in range(2):
        await remove(scene)
    assert await state(scene) == ("done", 1, False)
    assert await told(scene) == [("post_removed", "owner"), ("post_removed", "advertiser")]


@pytest.mark.parametrize("ending", [Ending.LEFT, Ending.ENDLESS])
async def test_other_posts_stay(scene: Scene, ending: Ending) -> None:
    await paid(scene, ending)
    await remove(scene)
    assert await scene.rows("SELECT * FROM removals") == []
    assert AD in [message["text"] for message in await scene.messages("channel")]


@pytest.mark.parametrize(
    ("kind", "found"), [("cut_after", ("done", 1, False)), ("refuse_before", ("done", 2, False))]
)
async def test_an_uncertain_deletion_is_looked_at_before_anything_else(
    scene: Scene, kind: str, found: tuple[str, int, bool]
) -> None:
    await paid(scene)
    await scene.fault("deleteMessage", kind)
    for _ in range(2):
        await remove(scene)
        assert (await state(scene))[:2] == ("uncertain", 1), "nothing is repeated before a look"
    await scene.database.forward(removal.LOOK_INTERVAL)
    await remove(scene)
    await remove(scene)
    assert await state(scene) == found


@pytest.mark.parametrize(
    ("code", "description", "status", "is_told"),
    [
        (400, "Bad Request: message to delete not found", "done", True),
        (400, "Bad Request: message can't be deleted", "refused", True),
        (403, "Forbidden: bot is not a member of the channel chat", "refused", True),
        (401, "Unauthorized", "planned", False),
        (500, "Internal Server Error", "uncertain", False),
    ],
)
async def test_each_answer_has_its_outcome(
    scene: Scene,
    code: int,
    description: str,
    status: str,
    is_told: bool,  # noqa: FBT001 - a case of the table
) -> None:
    await paid(scene)
    await scene.fault("deleteMessage", "error", error_code=code, description=description)
    await remove(scene)
    assert (await state(scene))[0] == status
    assert bool(await told(scene)) is is_told


async def test_the_pause_that_telegram_asks_for_is_kept(scene: Scene) -> None:
    await paid(scene)
    await scene.fault("deleteMessage", "error", retry_after=90)
    await remove(scene)
    await scene.database.forward(timedelta(seconds=80))
    await remove(scene)
    assert await state(scene) == ("planned", 1, True)
    await scene.database.forward(timedelta(seconds=15))
    await remove(scene)
    assert await state(scene) == ("done", 2, False)


async def test_nothing_is_taken_down_while_posting_is_stopped(scene: Scene) -> None:
    await paid(scene)
    await scene.set_switch(Switch.TELEGRAM_POSTING, enabled=False)
    await remove(scene)
    assert await state(scene) == ("planned", 0, True)
    await scene.database.forward(timedelta(hours=24))
    await remove(scene)
    assert await state(scene) == ("refused", 0, True)
    assert await told(scene) == [("removal_refused", "owner")]
    [message] = await scene.published()
    [row] = await scene.rows(
        "SELECT payload->>'message_id' AS id FROM outbox WHERE kind = 'removal_refused'"
    )
    assert row["id"] == str(message["message_id"]), "the owner gets the link of the post"


async def test_a_process_that_dies_leaves_an_uncertain_removal(scene: Scene) -> None:
    await paid(scene)
    await scene.fault("deleteMessage", "timeout_after", delay_s=60)
    tick = asyncio.create_task(remove(scene))
    while not await scene.rows("SELECT 1 FROM removals WHERE status = 'deleting'"):
        await asyncio.sleep(0.01)
    while (await state(scene))[2]:
        await asyncio.sleep(0.01)
    tick.cancel()
    await asyncio.wait({tick})
    await remove(scene, "another")
    assert (await state(scene))[0] == "deleting", "its lease has not ended"
    await scene.database.as_owner("UPDATE removals SET lease_until = now() - interval '1 s'")
    await remove(scene, "another")
    assert (await state(scene))[0] == "uncertain"
    await scene.database.forward(removal.LOOK_INTERVAL)
    await remove(scene, "another")
    assert await state(scene) == ("done", 1, False)


async def test_a_breach_keeps_the_post_in_the_channel(scene: Scene) -> None:
    await scene.approve(promised_hours=HOURS, ending=Ending.REMOVED)
    await scene.dispatch()
    async with scene.database.sessions.begin() as session:
        [row] = await scene.rows("SELECT id FROM post_jobs")
        await breaches.record(session, [row["id"]], Breach.ALTERED)
    await scene.database.forward(timedelta(hours=HOURS, minutes=1))
    await pay(scene)
    await remove(scene)
    assert await scene.rows("SELECT * FROM removals") == []
