"""Handle placements (purchases of posts): show their stories, withdraw and cancel them."""

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import CallbackQuery

from bot.callbacks import CancelPlacement, Go, OnPlacement, PlacementAct, Screen
from bot.context import RequestContext
from bot.screens import placements as screens
from bot.screens import sold_placements as owner_screens
from bot.screens import stories as story_screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from bot.telegram.answers import answer_press
from db.models.campaigns import TargetStatus
from handlers import respond
from services.market import campaigns, cancellations, placements, stories
from services.market.placements import Placement

router = Router(name="placements")


async def screen(context: RequestContext, target_id: int) -> Outgoing:
    """Build the screen of one placement for its advertiser, its owner or staff. Raises NotFound."""
    async with context.read_quickly() as session:
        row = await placements.get(session, actor=context.actor, target_id=target_id)
        story = await stories.read(session, target_id)
    if _reads_as(context, row) == "owner":
        return owner_screens.sold_placement(context.t, row, story)
    return screens.placement(context.t, row, story, cutoff=context.settings.cancel_cutoff)


def _reads_as(context: RequestContext, row: Placement) -> str:
    """Return the side whose texts the person reads: `owner` or `advertiser`."""
    is_owner = context.user_id == row.owner_id and context.user_id != row.advertiser_id
    return "owner" if is_owner else "advertiser"


@router.callback_query(Go.filter(F.screen == Screen.PLACEMENTS))
async def show_list(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show a page of the placements that the person has bought."""
    async with context.read_quickly() as session:
        rows = await placements.of_advertiser(
            session, user_id=context.user_id, limit=FETCH_LIMIT, offset=offset(callback_data.page)
        )
    await respond.show(press, screens.placements(context.t, Page(rows, callback_data.page)))


@router.callback_query(Go.filter(F.screen == Screen.PLACEMENT))
async def show_card(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show one placement to its advertiser, its owner or staff."""
    await respond.show(press, await screen(context, callback_data.id))


@router.callback_query(Go.filter(F.screen == Screen.STORY))
async def show_story(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show a page of all that has happened with a placement."""
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=callback_data.id)
        story = await stories.read(session, callback_data.id)
    begin = offset(callback_data.page)
    page = Page(story[begin : begin + FETCH_LIMIT], callback_data.page)
    to = _reads_as(context, row)
    await respond.show(press, story_screens.story_page(context.t, row.target_id, page, to=to))


@router.callback_query(OnPlacement.filter(F.act == PlacementAct.COPY))
async def send_copy(
    press: CallbackQuery, callback_data: OnPlacement, context: RequestContext, bot: Bot
) -> None:
    """Send a copy of the published post, because only members can open a private channel."""
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=callback_data.id)
    ids = [row.message_id or 0, *(row.other_message_ids or ())]
    to, source = press.from_user.id, row.channel_chat_id
    try:
        if len(ids) > 1:
            # What is not there any more is left out.
            is_whole = len(await bot.copy_messages(to, source, ids)) == len(ids)
        else:
            is_whole = bool(await bot.copy_message(to, source, ids[0]))
    except (TelegramBadRequest, TelegramForbiddenError):
        is_whole = False
    if is_whole:
        await answer_press(press)
    else:
        await respond.alert(press, context.t("placement-copy-failed"))


@router.callback_query(OnPlacement.filter(F.act == PlacementAct.WITHDRAW))
async def ask_to_withdraw(
    press: CallbackQuery, callback_data: OnPlacement, context: RequestContext
) -> None:
    """Ask for confirmation before a pending placement is withdrawn."""
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=callback_data.id)
    if row.target_status == TargetStatus.PENDING:
        await respond.show(press, screens.confirm_withdraw(context.t, row))
    else:
        await respond.replace(press, await screen(context, callback_data.id))
        await respond.alert(press, context.t("placement-moved-on"))


@router.callback_query(OnPlacement.filter(F.act == PlacementAct.WITHDRAW_CONFIRMED))
async def withdraw(
    press: CallbackQuery, callback_data: OnPlacement, context: RequestContext
) -> None:
    """Withdraw the person's placement, if no admin has decided about it yet."""
    async with (
        respond.show_result(press, lambda: screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await campaigns.withdraw_target(session, actor=context.actor, target_id=callback_data.id)


@router.callback_query(OnPlacement.filter(F.act == PlacementAct.CANCEL))
async def ask_to_cancel(
    press: CallbackQuery, callback_data: OnPlacement, context: RequestContext
) -> None:
    """Ask why an approved placement is cancelled, if it still can be cancelled."""
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=callback_data.id)
    if row.cancel_until(context.settings.cancel_cutoff) is not None:
        await respond.show(press, screens.confirm_cancel(context.t, row))
    else:
        await respond.replace(press, await screen(context, callback_data.id))
        await respond.alert(press, context.t("placement-cancel-not"))


@router.callback_query(CancelPlacement.filter())
async def cancel(
    press: CallbackQuery, callback_data: CancelPlacement, context: RequestContext
) -> None:
    """Cancel the person's approved placement, and refund its whole price."""
    async with (
        respond.show_result(press, lambda: screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await cancellations.cancel(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            reason=callback_data.reason,
            cutoff=context.settings.cancel_cutoff,
        )
