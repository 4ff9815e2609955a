"""Looks at published ads, and the money that hangs on what they see."""

from datetime import timedelta

from db.models.operations import Switch
from scheduler import live_checks, settlements
from tests.scheduler.scene import AD, Scene

HOURS = 2


async def posted(scene: Scene) -> int:
    """A post that is out and whose promised hours are over; the target's id."""
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    await scene.database.forward(timedelta(hours=HOURS, minutes=1))
    return target_id


async def look(scene: Scene) -> None:
    """One tick of the looks, then the money."""
    desk = scene.desk()
    await live_checks.look_at_due(scene.database.sessions, desk.sender, desk.limiter, desk.stopping)
    await settlements.release_due(scene.database.sessions)
    await settlements.refund_due(scene.database.sessions)


async def verdicts(scene: Scene) -> list[str]:
    """What the looks saw, in order."""
    return [
        row["verdict"] for row in await scene.rows("SELECT verdict FROM post_checks ORDER BY id")
    ]


async def text_in_channel(scene: Scene) -> list[str]:
    """The ads that the channel shows."""
    return [m["text"] for m in await scene.messages("channel") if m["text"]]


async def change(scene: Scene, what: str, **more: object) -> None:
    """The owner does something to the ad by hand."""
    [message] = await scene.published()
    await scene.world.control(
        f"chats/{scene.world.ids['channel']}/{what}",
        user_id=scene.world.ids["owner"],
        message_id=message["message_id"],
        **more,
    )


async def test_a_post_that_stayed_is_paid_for(scene: Scene) -> None:
    target_id = await posted(scene)
    await look(scene)
    assert await verdicts(scene) == ["present"]
    assert (await scene.job(target_id))["target"] == "posted"
    assert len(await scene.published()) == 1


async def test_nothing_is_paid_before_the_promised_hours_are_over(scene: Scene) -> None:
    target_id = await scene.approve(promised_hours=HOURS)
    await scene.dispatch()
    await look(scene)
    assert (await scene.job(target_id))["escrow"] == "held"


async def test_an_altered_post_is_restored_and_not_paid_for_yet(scene: Scene) -> None:
    target_id = await posted(scene)
    await change(scene, "edit", text="Buy my own things instead")
    await look(scene)
    assert await verdicts(scene) == ["altered"]
    assert await text_in_channel(scene) == [AD]
    assert (await scene.job(target_id))["escrow"] == "held"


async def test_while_posting_is_stopped_an_altered_post_is_left_as_it_is(scene: Scene) -> None:
    await posted(scene)
    await change(scene, "edit", text="Buy my own things instead")
    await scene.set_switch(Switch.TELEGRAM_POSTING, enabled=False)
    await look(scene)
    assert await text_in_channel(scene) == ["Buy my own things instead"]


async def test_a_post_that_is_gone_twice_is_refunded(scene: Scene) -> None:
    target_id = await posted(scene)
    await change(scene, "delete")
    await look(scene)
    assert await verdicts(scene) == ["gone"]
    assert (await scene.job(target_id))["escrow"] == "held"
    await scene.database.forward(timedelta(minutes=10))
    await look(scene)
    assert (await scene.job(target_id))["target"] == "refunded"
    assert len(await scene.published()) == 1


async def test_what_nobody_knows_never_moves_money(scene: Scene) -> None:
    target_id = await posted(scene)
    await change(scene, "delete")
    for _ in range(3):
        # The words of an absence do not count under a status that proves nothing.
        await scene.fault(
            "editMessageText",
            "error",
            error_code=500,
            description="Bad Request: message to edit not found",
        )
        await look(scene)
        await scene.database.forward(timedelta(minutes=10))
    assert await verdicts(scene) == ["unknown"] * 3
    assert (await scene.job(target_id))["escrow"] == "held"
