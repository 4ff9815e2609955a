"""What Telegram tells about chats: the bot's rights, new posts, a group that moved."""

import structlog
from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.types import ChatMemberAdministrator, ChatMemberUpdated, Message

from bot.context import RequestContext
from services.market import channels
from services.platform import chat_migrations

log = structlog.get_logger(__name__)
router = Router(name="channel_events")


@router.my_chat_member(F.chat.type == ChatType.CHANNEL)
async def rights_changed(event: ChatMemberUpdated, context: RequestContext) -> None:
    """Suspend a channel in which the bot may not post any more, and open it again."""
    ours = event.new_chat_member
    async with context.begin() as session:
        if not isinstance(ours, ChatMemberAdministrator):
            await channels.rights_lost(session, chat_id=event.chat.id, reason="bot_removed")
            await channels.forget_messages(session, chat_id=event.chat.id)
        elif not ours.can_post_messages:
            await channels.rights_lost(session, chat_id=event.chat.id, reason="no_post_right")
        else:
            await channels.rights_restored(session, chat_id=event.chat.id)


@router.my_chat_member()
async def met(event: ChatMemberUpdated) -> None:
    """Groups and private chats: nothing depends on it."""
    log.info("bot's membership changed", chat_type=event.chat.type)


@router.channel_post()
async def note_post(post: Message, context: RequestContext) -> None:
    """Keep the highest message id: a post of ours above it is the one that was uncertain.

    Not of edited posts: what is below an old one was not heard of.
    """
    async with context.begin() as session:
        await channels.note_message(session, chat_id=post.chat.id, message_id=post.message_id)


@router.message(F.migrate_to_chat_id)
async def follow_group(message: Message, context: RequestContext) -> None:
    """Follow the admin chat when Telegram makes a supergroup of it; every process reads that."""
    if message.chat.id != context.admin_chat_id or message.migrate_to_chat_id is None:
        return
    async with context.begin() as session:
        await chat_migrations.record_migration(
            session, old_chat_id=message.chat.id, new_chat_id=message.migrate_to_chat_id
        )
    context.dependencies.admin_chat_id = message.migrate_to_chat_id
    log.warning("admin chat moved", new_chat_id=context.admin_chat_id)
