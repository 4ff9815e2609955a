"""Test that an album is taken down as a whole, also after an unknown outcome."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from db.models.formats import Ending
from scheduler import removals
from services.posts import removal
from tests.scheduler.scene import Scene
from tests.scheduler.test_albums import act, ids, shown, use_album
from tests.scheduler.test_post_checks import check_posts

pytestmark = pytest.mark.mostly_waits


async def paid(scene: Scene) -> list[int]:
    """Publish an album that the bot takes down, and pay its owner. Return the ids."""
    await use_album(scene)
    await scene.approve(promised_hours=24, ending=Ending.REMOVED)
    await scene.dispatch()
    await scene.database.forward(timedelta(hours=24, minutes=1))
    await check_posts(scene)
    return await ids(scene)


async def state(scene: Scene) -> tuple[str, int, int]:
    """Return the removal's status and claim number, and how many messages of the album are left."""
    [row] = await scene.rows("SELECT status, claim_no FROM removals")
    return row["status"], row["claim_no"], len(await shown(scene))


async def test_an_album_is_taken_down_with_one_request(scene: Scene) -> None:
    await paid(scene)
    assert await state(scene) == ("planned", 0, 3)
    await scene.fault("deleteMessage", "error", error_code=400, description="no such call")
    await removals.remove_due_posts(scene.posting_worker())
    assert await state(scene) == ("done", 1, 0)


@pytest.mark.parametrize("kind", ["cut_after", "refuse_before"])
@pytest.mark.parametrize("gone", [(), (0,), (0, 1, 2)])
async def test_an_uncertain_deletion_is_looked_at_and_what_is_left_is_deleted(
    scene: Scene, kind: str, gone: Sequence[int]
) -> None:
    recorded = await paid(scene)
    await scene.fault("deleteMessages", kind)
    await removals.remove_due_posts(scene.posting_worker())
    assert (await state(scene))[:2] == ("uncertain", 1)
    for place in gone if kind == "refuse_before" else ():
        await act(scene, "delete", recorded[place])
    left = (await state(scene))[2]
    await scene.database.forward(removal.LOOK_INTERVAL)
    for _ in range(2):
        await removals.remove_due_posts(scene.posting_worker())
    assert await state(scene) == ("done", 2 if left else 1, 0)


async def test_an_unknown_look_at_one_message_proves_nothing_about_the_album(
    scene: Scene,
) -> None:
    recorded = await paid(scene)
    await scene.fault("deleteMessages", "refuse_before")
    await removals.remove_due_posts(scene.posting_worker())
    for message_id in recorded[1:]:
        await act(scene, "delete", message_id)
    await scene.fault("stopMessageLiveLocation", "refuse_before")
    await scene.database.forward(removal.LOOK_INTERVAL)
    await removals.remove_due_posts(scene.posting_worker())
    assert await state(scene) == ("uncertain", 1, 1)
    await scene.database.forward(removal.LOOK_INTERVAL)
    for _ in range(2):
        await removals.remove_due_posts(scene.posting_worker())
    assert await state(scene) == ("done", 2, 0)
