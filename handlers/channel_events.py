"""Handle Telegram's reports about chats: new rights of the bot, new posts, new ids of groups."""

import structlog
from aiogram import Bot, F, Router
from aiogram.enums import ChatType, ContentType
from aiogram.types import ChatMemberAdministrator, ChatMemberUpdated, Message

from bot import channel_rights
from bot.context import RequestContext, database_errors
from bot.matches import Matches
from bot.update_filter import IS_POST
from db.models.campaigns import ChannelStatus
from services.market import channel_activity, channel_facts, channels, newest_messages
from services.platform import users
from services.posts import top_watch

log = structlog.get_logger(__name__)
router = Router(name="channel_events")
_ABOUT_FACTS = Matches(
    F.content_type.in_(
        {
            ContentType.NEW_CHAT_TITLE,
            ContentType.NEW_CHAT_PHOTO,
            ContentType.DELETE_CHAT_PHOTO,
            ContentType.MESSAGE_AUTO_DELETE_TIMER_CHANGED,
            ContentType.PINNED_MESSAGE,
            ContentType.CHAT_OWNER_CHANGED,
            ContentType.CHAT_OWNER_LEFT,
        }
    )
)


@router.my_chat_member(Matches(F.chat.type == ChatType.CHANNEL))
async def update_rights(event: ChatMemberUpdated, context: RequestContext, bot: Bot) -> None:
    """Suspend or restore a connected channel according to the bot's present rights.

    The rights come from a request to Telegram, because the update can be late. Telegram also says
    whether the owner of a suspended channel is still its creator.
    """
    async with context.read() as session:
        channel = await channels.by_chat(session, event.chat.id)
        if channel is None:
            return
        owner = await users.get(session, channel.owner_id)
    bot_member = await channel_rights.bot_member(bot, event.chat.id)
    may_post = isinstance(bot_member, ChatMemberAdministrator) and bot_member.can_post_messages
    owner_is_creator = True
    if may_post and channel.status is ChannelStatus.SUSPENDED:
        owner_is_creator = await channel_rights.is_still_creator(
            bot, event.chat.id, owner.telegram_id
        )
    async with context.begin() as session:
        await channel_facts.request(session, chat_id=event.chat.id)
        if not isinstance(event.new_chat_member, ChatMemberAdministrator):
            # The bot was not in the channel for a time, so it got no updates about posts then.
            await newest_messages.reset(session, chat_id=event.chat.id)
            await channel_activity.forget(session, chat_id=event.chat.id)
        if not isinstance(bot_member, ChatMemberAdministrator):
            await channels.record_rights_lost(session, chat_id=event.chat.id, reason="bot_removed")
        elif not may_post:
            await channels.record_rights_lost(
                session, chat_id=event.chat.id, reason="no_post_right"
            )
        else:
            await channels.record_rights_restored(
                session, chat_id=event.chat.id, owner_is_creator=owner_is_creator
            )


@router.my_chat_member()
async def log_membership(event: ChatMemberUpdated) -> None:
    """Log that the bot was added to or removed from a group or private chat."""
    log.info("bot's membership changed", chat_type=event.chat.type)


@router.channel_post(_ABOUT_FACTS)
async def note_changed_facts(post: Message, context: RequestContext) -> None:
    """Let the scheduler ask Telegram about a channel whose data or creator has changed."""
    async with context.begin() as session:
        await newest_messages.record(session, chat_id=post.chat.id, message_id=post.message_id)
        await channel_facts.request(session, chat_id=post.chat.id)


@router.channel_post()
async def note_message_id(post: Message, context: RequestContext) -> None:
    """Store the message id of a new post as the highest known id of its channel, and count it.

    The ids of edited posts do not count: an edited post can be old. A post that covers an ad within
    its hours on top is noted. A service message is no post: it covers nothing, and is not counted.
    """
    is_post = bool((post.model_extra or {}).get(IS_POST))
    async with context.begin() as session:
        await newest_messages.record(session, chat_id=post.chat.id, message_id=post.message_id)
        if is_post:
            await top_watch.note(
                session,
                chat_id=post.chat.id,
                message_id=post.message_id,
                posted_at=post.date,
            )
            await channel_activity.note_post(
                session,
                chat_id=post.chat.id,
                message_id=post.message_id,
                posted_at=post.date,
                album=post.media_group_id,
            )


@router.message(Matches(F.migrate_from_chat_id))
async def find_moved_admin_chat(message: Message, context: RequestContext, bot: Bot) -> None:
    """Find the admin chat's new id after its group has become a supergroup.

    A request about the old group makes Telegram name the new id, which `FollowAdminChat` records.
    """
    if message.migrate_from_chat_id == context.admin_chat_id:
        await bot.get_chat(context.admin_chat_id)


@router.message(Matches(F.migrate_to_chat_id))
async def follow_group(message: Message, context: RequestContext) -> None:
    """Record the admin chat's new id when its group becomes a supergroup. Ignore other groups."""
    if message.migrate_to_chat_id is None:
        return
    async with database_errors():
        moved = await context.dependencies.admin_chat.follow(
            message.chat.id, message.migrate_to_chat_id
        )
    if moved:
        log.warning("admin chat moved", new_chat_id=message.migrate_to_chat_id)
