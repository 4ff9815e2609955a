"""Test that alarms stay secret after the admin chat has become public."""

import pytest

from db.models.users import Role, UserRole
from scheduler import admin_chat_privacy, notice_delivery
from services.market import registration
from tests.factories import people
from tests.scheduler.scene import Scene
from tests.scheduler.test_notice_delivery import owe, owed, raise_alarm, received


@pytest.fixture
async def with_super_admin(scene: Scene) -> Scene:
    """Return a marketplace in which "admin" is a super admin who has started the bot."""
    await scene.world.control(
        f"users/{scene.world.ids['admin']}/send", chat_id=scene.world.ids["admin"], text="/start"
    )
    async with scene.database.sessions.begin() as session:
        user = await registration.register(
            session,
            telegram_id=scene.world.ids["admin"],
            language="ru",
            currency=people.CURRENCY,
        )
        session.add(UserRole(user_id=user.id, role=Role.SUPER_ADMIN))
    return scene


def publish(scene: Scene, username: str | None) -> None:
    """Make the admin chat public, or private if the username is None."""
    scene.world.state.chats[scene.world.ids["group"]].username = username


async def test_alarms_go_to_the_super_admins_while_the_admin_chat_is_public(
    with_super_admin: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = with_super_admin
    monkeypatch.setattr(admin_chat_privacy, "ASK_SECONDS", 0.0)
    worker = scene.outbox_worker()
    await owe(scene, None)
    await notice_delivery.deliver(worker)
    assert len(await received(scene, "group")) == 1
    publish(scene, "everybody_welcome")
    await raise_alarm(scene)
    await owe(scene, None)
    await owe(scene, "advertiser")
    await notice_delivery.deliver_alarms(worker)
    await notice_delivery.deliver(worker)
    assert len(await received(scene, "group")) == 1
    [text] = await received(scene, "admin")
    assert "стал публичным" in text
    assert "retry-payment" in text
    assert len(await received(scene, "advertiser")) == 1
    _, alarm, waiting, _ = await owed(scene)
    assert alarm["status"] == "sent"
    assert (waiting["status"], waiting["attempts"]) == ("queued", 0)
    publish(scene, None)
    await scene.database.as_owner("UPDATE outbox SET due_at = now()")
    await raise_alarm(scene)
    await notice_delivery.deliver(worker)
    await notice_delivery.deliver_alarms(worker)
    assert len(await received(scene, "group")) == 3
    assert len(await received(scene, "admin")) == 1


async def test_a_sent_message_shows_that_the_chat_is_public(with_super_admin: Scene) -> None:
    """Check that Telegram's answer to a sent notice shows that the chat is public."""
    scene = with_super_admin
    worker = scene.outbox_worker()
    await owe(scene, None)
    await notice_delivery.deliver(worker)
    publish(scene, "everybody_welcome")
    await owe(scene, None)
    await notice_delivery.deliver(worker)
    await raise_alarm(scene)
    await notice_delivery.deliver_alarms(worker)
    assert len(await received(scene, "group")) == 2
    assert len(await received(scene, "admin")) == 1


async def test_an_alarm_that_no_super_admin_got_is_tried_again(scene: Scene) -> None:
    publish(scene, "everybody_welcome")
    await raise_alarm(scene)
    await notice_delivery.deliver_alarms(scene.outbox_worker())
    [row] = await owed(scene)
    assert (row["status"], row["last_error"]) == ("queued", "no super admin got it")
    assert await received(scene, "group") == []


async def test_an_unanswered_question_changes_nothing(scene: Scene) -> None:
    worker = scene.outbox_worker()
    publish(scene, "everybody_welcome")
    await worker.privacy.refresh()
    await scene.fault("getChat", "error", error_code=500, description="Internal Server Error")
    worker.privacy._ask_after = 0.0
    await worker.privacy.refresh()
    assert worker.privacy.last_known
