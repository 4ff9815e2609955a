"""Test how a super admin confirms the new id of the admin chat."""

import pytest

from db.models.users import Role
from sandbox.telegram.entities import Chat
from services.platform import chat_migrations
from tests.handlers.marketplace import Marketplace

OLD_GROUP = -77
CONFIRM = "✅ This is the admin chat"
NOT_MOVED = "Telegram does not say that the admin chat moved to this group"
CONFIRMED = "SELECT count(*) FROM moved_chats WHERE confirmed_at IS NOT NULL"


@pytest.fixture
async def moved(market: Marketplace) -> Marketplace:
    """Return a running bot whose admin chat has moved and is not confirmed yet."""
    await market.employ("admin", Role.OPERATOR)
    await market.hire_newcomer("head", Role.SUPER_ADMIN)
    await market.settle()
    group = market.chat("group")
    market.world.state.add_chat(Chat(OLD_GROUP, "group", "Admins", migrated_to_id=group))
    await market.configure_admin_chat(OLD_GROUP)
    await market.say("admin", "/staff", where="group")
    assert CONFIRM in await market.buttons("group")
    return market


async def test_only_a_super_admin_confirms(moved: Marketplace) -> None:
    assert "staff role" in await moved.press("admin", CONFIRM, where="group")
    assert await moved.value(CONFIRMED) == 0
    await moved.press("head", CONFIRM, where="group")
    assert await moved.value(CONFIRMED) == 1
    await moved.say("admin", "/staff", where="group")
    assert str(moved.chat("head")) in await moved.last("group")


async def test_a_move_that_telegram_denies_is_not_confirmed(moved: Marketplace) -> None:
    moved.world.state.chats[OLD_GROUP].migrated_to_id = None
    assert NOT_MOVED in await moved.press("head", CONFIRM, where="group")
    assert await moved.value(CONFIRMED) == 0


async def test_an_invented_move_to_another_group_is_not_confirmed(market: Marketplace) -> None:
    await market.hire_newcomer("head", Role.SUPER_ADMIN)
    await market.settle()
    group = market.chat("group")
    async with market.database.sessions.begin() as session:
        await chat_migrations.record_migration(
            session,
            admin_chat_id=group,
            old_chat_id=group,
            new_chat_id=-1_000_000_000_099,
        )
    await market.say("head", "/start")
    await market.deliver()
    assert "The admin chat seems to have become a supergroup" in await market.last("head")
    assert NOT_MOVED in await market.press("head", CONFIRM, where="group")
    assert await market.value(CONFIRMED) == 0
    await market.say("head", "/staff", where="group")
    assert CONFIRM not in await market.buttons("group")


async def test_a_press_of_a_staff_button_in_the_new_chat_waits(moved: Marketplace) -> None:
    before = len(await moved.messages("group"))
    alert = await moved.press_forged("admin", "request:card:1", where="group")
    assert "A super admin first has to confirm" in alert
    assert len(await moved.messages("group")) == before + 2  # the forged button, the question
