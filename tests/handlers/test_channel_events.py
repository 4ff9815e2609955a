"""Test updates about chats: posts in a channel, and the admin chat's change of its id."""

from bot import inbox_worker
from services.platform import chat_migrations
from tests.handlers.marketplace import Marketplace


async def test_the_new_id_of_the_admin_chat_is_used(market: Marketplace) -> None:
    old, new = market.chat("group"), -1_009_999_999_999
    person = {"id": market.chat("admin"), "is_bot": False, "first_name": "A"}
    moved = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": old, "type": "group", "title": "T"},
        "from": person,
        "migrate_to_chat_id": new,
    }
    await inbox_worker.store(market.database.sessions, [{"update_id": 1, "message": moved}])
    market.worker.wake()
    await market.settle()
    assert market.dependencies.admin_chat_id == new
    async with market.database.sessions.begin() as session:
        assert await chat_migrations.current_chat_id(session, old) == new


async def test_new_posts_in_a_channel_are_counted(market: Marketplace) -> None:
    await market.connect_channel()
    posted = await market.world.control(
        f"chats/{market.chat('channel')}/post", user_id=market.chat("owner"), text="news"
    )
    await market.settle()
    assert await market.value("SELECT last_message_id FROM channels") == posted["message_id"]


async def test_posts_in_a_channel_without_the_bot_are_not_counted(market: Marketplace) -> None:
    """Check that the last known message id of a channel is 0 after the bot has left the channel.

    The bot learns of no posts while it is away. Therefore the last known id says nothing about the
    ids below a later post.
    """
    channel = market.chat("channel")
    await market.connect_channel()
    await market.world.control(f"chats/{channel}/post", user_id=market.chat("owner"), text="news")
    await market.world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await market.settle()
    assert await market.value("SELECT last_message_id FROM channels") == 0


async def test_a_late_update_about_lost_rights_suspends_nothing(market: Marketplace) -> None:
    channel = market.chat("channel")
    await market.connect_channel()
    await market.world.control(f"chats/{channel}/members", user_id="bot", status="left")
    await market.settle()
    assert await market.value("SELECT status FROM channels") == "suspended"
    update_id = await market.value("SELECT max(update_id) FROM inbox")
    await market.world.promote(can_post_messages=True)
    await market.settle()
    assert await market.value("SELECT status FROM channels") == "active"
    bot = {"id": market.bot.id, "is_bot": True, "first_name": "B"}
    late = {
        "date": 1,
        "chat": {"id": channel, "type": "channel", "title": "Daily"},
        "from": {"id": market.chat("owner"), "is_bot": False, "first_name": "O"},
        "old_chat_member": {"user": bot, "status": "member"},
        "new_chat_member": {"user": bot, "status": "left"},
    }
    update = {"update_id": update_id + 1_000_000, "my_chat_member": late}
    await inbox_worker.store(market.database.sessions, [update])
    market.worker.wake()
    await market.settle()
    assert await market.value("SELECT status FROM channels") == "active"
    assert await market.value("SELECT count(*) FROM inbox WHERE failed_at IS NOT NULL") == 0
