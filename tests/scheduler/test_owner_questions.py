"""Test how the questions about ads reach the owners of channels."""

from scheduler import notice_delivery
from services.market import acceptance_rules, campaigns
from tests.factories import people
from tests.scheduler.scene import Scene


async def _submit(scene: Scene) -> int:
    """Submit a placement about which the owner is asked, and return its id."""
    owner_id = scene.world.ids["owner"]
    await scene.world.control(f"users/{owner_id}/send", chat_id=owner_id, text="/start")
    async with scene.database.sessions.begin() as session:
        await acceptance_rules.set(
            session, actor=scene.actors["owner"], channel_id=scene.channel_id, rule=None
        )
        target = await campaigns.submit_target(
            session,
            actor=scene.actors["advertiser"],
            campaign_id=scene.campaign_id,
            channel_id=scene.channel_id,
            publish_at=None,
            fee_bps=people.FEE_BPS,
        )
        return target.id


async def _texts(scene: Scene, chat: str) -> list[str]:
    shown = await scene.world.see(f"chats/{scene.world.ids[chat]}/messages")
    return [message["text"] for message in shown["messages"] if message["text"]]


async def test_the_owner_gets_the_ad_and_then_the_question(scene: Scene) -> None:
    target_id = await _submit(scene)
    await notice_delivery.deliver(scene.outbox_worker())
    ad, question = (await _texts(scene, "owner"))[-2:]
    assert question.startswith(f"🆕 Placement #{target_id}")
    [creative] = await scene.rows("SELECT creative->>'text' AS text FROM campaigns")
    assert ad == creative["text"]


async def test_the_staff_read_that_an_owner_cannot_be_reached(scene: Scene) -> None:
    target_id = await _submit(scene)
    await scene.fault(
        "sendMessage",
        "error",
        chat_id=scene.world.ids["owner"],
        error_code=403,
        description="Forbidden: bot was blocked by the user",
    )
    worker = scene.outbox_worker()
    await notice_delivery.deliver(worker)
    await notice_delivery.deliver(worker)
    told = [text for text in await _texts(scene, "group") if "cannot be reached" in text]
    assert len(told) == 1
    assert f"#{target_id}" in told[0]


async def test_a_question_that_needs_no_answer_is_not_sent(scene: Scene) -> None:
    target_id = await _submit(scene)
    async with scene.database.sessions.begin() as session:
        await campaigns.withdraw_target(
            session, actor=scene.actors["advertiser"], target_id=target_id
        )
    await notice_delivery.deliver(scene.outbox_worker())
    assert not any("wants to publish" in text for text in await _texts(scene, "owner"))
