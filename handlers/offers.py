"""Handle the answers of channel owners to ads, and the rules that answer for them."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery

from bot.callbacks import Go, Screen
from bot.context import RequestContext
from bot.owner_callbacks import (
    OfferAct,
    OnOffer,
    SetRule,
    ShowRule,
)
from bot.screens import offers as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from bot.telegram.answers import answer_press
from bot.topic_callbacks import SetRuleTopic, ShowRuleTopics
from handlers import managers as manager_handlers
from handlers import respond
from services.market import (
    acceptance_rules,
    advertiser_records,
    agreements,
    channels,
    managers,
    moderation,
    placements,
)
from services.market.acceptance_rules import Rule
from services.market.advertiser_records import AdvertiserRecord
from services.market.moderation import PlacementDetails
from services.platform import errors

router = Router(name="offers")


async def read(
    context: RequestContext, target_id: int
) -> tuple[PlacementDetails, AdvertiserRecord]:
    """Return a placement and the record of its advertiser.

    Raises NotFound if the person is neither the owner of its channel nor a manager.
    """
    async with context.read() as session:
        row = await moderation.get_details(session, target_id=target_id)
        if row.owner_id != context.user_id and not await managers.is_manager(
            session, channel_id=row.channel_id, owner_id=row.owner_id, user_id=context.user_id
        ):
            raise errors.NotFound("target", target_id)
        return row, await advertiser_records.read(session, row.advertiser_id)


async def card_screen(context: RequestContext, target_id: int) -> Outgoing:
    """Build the question about a placement in the person's own channel. Raises NotFound."""
    row, record = await read(context, target_id)
    return screens.question(context.t, row, record, with_ad=False)


@router.callback_query(Go.filter(F.screen == Screen.WAITING))
async def show_waiting(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show a page of the placements that wait for the person's answer."""
    async with context.read() as session:
        rows = await placements.waiting_for_owner(
            session, user_id=context.user_id, limit=FETCH_LIMIT, offset=offset(callback_data.page)
        )
    await respond.show(press, screens.waiting(context.t, Page(rows, callback_data.page)))


@router.callback_query(OnOffer.filter(F.act == OfferAct.OPEN))
async def open_question(
    press: CallbackQuery, callback_data: OnOffer, context: RequestContext, bot: Bot
) -> None:
    """Send the ad, exactly as it will be published, and the question about it as new messages."""
    row, record = await read(context, callback_data.id)
    await respond.send(
        bot, press.from_user.id, screens.question(context.t, row, record, with_ad=True)
    )
    await answer_press(press)


@router.callback_query(OnOffer.filter(F.act == OfferAct.CARD))
async def show_question(
    press: CallbackQuery, callback_data: OnOffer, context: RequestContext
) -> None:
    """Show the present state of the question about an ad."""
    await respond.show(press, await card_screen(context, callback_data.id))


@router.callback_query(OnOffer.filter(F.act == OfferAct.ASK_REASON))
async def ask_reason(press: CallbackQuery, callback_data: OnOffer, context: RequestContext) -> None:
    """Ask why the ad is declined, if the placement still waits for an answer."""
    row, record = await read(context, callback_data.id)
    if row.waits_for_owner:
        await respond.show(press, screens.reasons(context.t, row, record))
    else:
        await respond.show(press, screens.question(context.t, row, record, with_ad=False))


@router.callback_query(OnOffer.filter(F.act == OfferAct.ACCEPT))
async def accept(
    press: CallbackQuery, callback_data: OnOffer, context: RequestContext, bot: Bot
) -> None:
    """Record that the owner or a manager accepts an ad, which then goes to the admins."""
    await require_rights(context, bot, callback_data.id)
    async with (
        respond.show_result(press, lambda: card_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await agreements.accept(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            version=callback_data.version,
        )


@router.callback_query(OnOffer.filter((F.act == OfferAct.DECLINE) & F.reason.in_(screens.REASONS)))
async def decline(
    press: CallbackQuery, callback_data: OnOffer, context: RequestContext, bot: Bot
) -> None:
    """Record that the owner or a manager declines an ad for a preset reason."""
    await require_rights(context, bot, callback_data.id)
    async with (
        respond.show_result(press, lambda: card_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await agreements.decline(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            reason=callback_data.reason,
            version=callback_data.version,
        )


async def require_rights(context: RequestContext, bot: Bot, target_id: int) -> None:
    """Check with Telegram that a manager who answers still is an administrator of the channel.

    Raises NotFound, and the errors of `managers.require_rights`.
    """
    row, _ = await read(context, target_id)
    await manager_handlers.require_rights(context, bot, row.channel_id, owner_id=row.owner_id)


async def _rule_screen(context: RequestContext, channel_id: int) -> Outgoing:
    async with context.read() as session:
        channel = await channels.get_own(session, actor=context.actor, channel_id=channel_id)
        present = await acceptance_rules.get(session, channel_id)
    return screens.rule(context.t, channel, present)


@router.callback_query(ShowRule.filter(F.least_kept.is_(None)))
async def show_rule(press: CallbackQuery, callback_data: ShowRule, context: RequestContext) -> None:
    """Show which ads a channel accepts without a question, and the choices."""
    await respond.show(press, await _rule_screen(context, callback_data.id))


@router.callback_query(ShowRule.filter(F.least_kept.in_(screens.KEPT_CHOICES)))
async def ask_price_limit(
    press: CallbackQuery, callback_data: ShowRule, context: RequestContext
) -> None:
    """Ask up to which price ads are accepted without a question."""
    async with context.read() as session:
        channel = await channels.get_own(session, actor=context.actor, channel_id=callback_data.id)
    await respond.show(
        press, screens.price_limits(context.t, channel, callback_data.least_kept or 0)
    )


@router.callback_query(SetRule.filter())
async def set_rule(press: CallbackQuery, callback_data: SetRule, context: RequestContext) -> None:
    """Set which ads a channel accepts without a question."""
    rule = None
    if callback_data.least_kept is not None:
        rule = Rule(callback_data.least_kept, callback_data.most_price)
    async with (
        respond.show_result(press, lambda: _rule_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await acceptance_rules.set(
            session, actor=context.actor, channel_id=callback_data.id, rule=rule
        )


async def _rule_topics_screen(context: RequestContext, channel_id: int) -> Outgoing:
    async with context.read() as session:
        channel = await channels.get_own(session, actor=context.actor, channel_id=channel_id)
        present = await acceptance_rules.get(session, channel_id)
    return screens.rule_topics(context.t, channel, present)


@router.callback_query(ShowRuleTopics.filter())
async def show_rule_topics(
    press: CallbackQuery, callback_data: ShowRuleTopics, context: RequestContext
) -> None:
    """Show the topics about which the owner is asked although there is a rule."""
    await respond.show(press, await _rule_topics_screen(context, callback_data.id))


@router.callback_query(SetRuleTopic.filter())
async def set_rule_topic(
    press: CallbackQuery, callback_data: SetRuleTopic, context: RequestContext
) -> None:
    """Exclude a topic from a channel's rule, or include it again."""
    async with (
        respond.show_result(press, lambda: _rule_topics_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await acceptance_rules.exclude_topic(
            session,
            actor=context.actor,
            channel_id=callback_data.id,
            topic=callback_data.topic,
            excluded=callback_data.excluded,
        )
