"""Handle what ads have brought: the choice to count clicks, the results, and their files."""

import asyncio

from aiogram import Bot, F, Router
from aiogram.types import BufferedInputFile, CallbackQuery

from bot import bar_chart, result_report, result_table
from bot.context import RequestContext
from bot.result_callbacks import (
    CampaignResults,
    CountAct,
    CountClicks,
    PlacementResults,
    Results,
    ShowLinks,
)
from bot.screens import clicks as click_screens
from bot.screens import results as screens
from bot.screens.outgoing import Outgoing
from bot.telegram.answers import answer_press
from db import queries
from handlers import respond
from services.market import campaigns, moderation, placements, results, tracked_links
from services.market.results import Total
from services.platform import errors

router = Router(name="results")


@router.callback_query(CountClicks.filter(F.act == CountAct.ASK))
async def ask_to_count(
    press: CallbackQuery, callback_data: CountClicks, context: RequestContext
) -> None:
    """Ask an advertiser whether clicks on new placements of a campaign are counted."""
    await respond.show(press, await _choice(context, callback_data.id))


@router.callback_query(CountClicks.filter())
async def count(press: CallbackQuery, callback_data: CountClicks, context: RequestContext) -> None:
    """Let clicks on new placements of the person's campaign be counted, or not."""
    base = context.settings.public_url or None
    async with respond.show_result(press, lambda: _choice(context, callback_data.id)):
        if base is not None or callback_data.act is CountAct.OFF:
            async with context.begin() as session:
                await tracked_links.count(
                    session,
                    actor=context.actor,
                    campaign_id=callback_data.id,
                    base=base if callback_data.act is CountAct.ON else None,
                )


async def _choice(context: RequestContext, campaign_id: int) -> Outgoing:
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=campaign_id)
    if row.advertiser_id != context.user_id:
        raise errors.NotCampaignOwner(campaign_id)
    return click_screens.choice(context.t, row, context.settings.public_url)


@router.callback_query(ShowLinks.filter())
async def show_links(
    press: CallbackQuery, callback_data: ShowLinks, context: RequestContext
) -> None:
    """Show the ad of a placement as it is published, and where its tracked links lead."""
    async with context.read() as session:
        await placements.get(session, actor=context.actor, target_id=callback_data.id)
        row = await moderation.get_details(session, target_id=callback_data.id)
    await respond.show(press, click_screens.links(context.t, row))


@router.callback_query(PlacementResults.filter(F.form == Results.SCREEN))
async def show_placement(
    press: CallbackQuery, callback_data: PlacementResults, context: RequestContext
) -> None:
    """Show what a placement has brought."""
    async with context.read() as session:
        row = await results.of_placement(session, actor=context.actor, target_id=callback_data.id)
    await respond.show(press, screens.placement(context.t, row))


@router.callback_query(PlacementResults.filter())
async def send_of_placement(
    press: CallbackQuery, callback_data: PlacementResults, context: RequestContext, bot: Bot
) -> None:
    """Send what a placement has brought as a picture, a table or a report."""
    t, name = context.t, f"placement-{callback_data.id}"
    async with context.read() as session:
        row = await results.of_placement(session, actor=context.actor, target_id=callback_data.id)
        now = await queries.now(session)
    if callback_data.form is Results.PICTURE:
        await _send_picture(press, context, bot, Total([row]))
    elif callback_data.form is Results.TABLE:
        await _send_file(press, context, bot, f"{name}.csv", result_table.of_placement(row))
    else:
        page = await asyncio.to_thread(result_report.of_placement, t, row, now)
        await _send_file(press, context, bot, f"{name}.html", page)


@router.callback_query(CampaignResults.filter(F.form == Results.SCREEN))
async def show_campaign(
    press: CallbackQuery, callback_data: CampaignResults, context: RequestContext
) -> None:
    """Show what the placements of a campaign have brought."""
    async with context.read() as session:
        row, found = await results.of_campaign(
            session, actor=context.actor, campaign_id=callback_data.id
        )
    await respond.show(press, screens.campaign(context.t, row, Total(found)))


@router.callback_query(CampaignResults.filter())
async def send_of_campaign(
    press: CallbackQuery, callback_data: CampaignResults, context: RequestContext, bot: Bot
) -> None:
    """Send what the placements of a campaign have brought as a picture, a table or a report."""
    t, name = context.t, f"campaign-{callback_data.id}"
    async with context.read() as session:
        row, found = await results.of_campaign(
            session, actor=context.actor, campaign_id=callback_data.id
        )
        now = await queries.now(session)
    if callback_data.form is Results.PICTURE:
        await _send_picture(press, context, bot, Total(found))
    elif callback_data.form is Results.TABLE:
        table = result_table.of_campaign(found, t.currency)
        await _send_file(press, context, bot, f"{name}.csv", table)
    else:
        page = await asyncio.to_thread(result_report.of_campaign, t, row, Total(found), now)
        await _send_file(press, context, bot, f"{name}.html", page)


async def _send_picture(
    press: CallbackQuery, context: RequestContext, bot: Bot, total: Total
) -> None:
    by_day = total.clicks_by_day
    if not total.clicks or press.message is None:
        await respond.alert(press, context.t("results-no-picture"))
        return
    picture = await asyncio.to_thread(
        bar_chart.draw, [day for day, _ in by_day], [clicks for _, clicks in by_day]
    )
    await bot.send_photo(
        press.message.chat.id,
        BufferedInputFile(picture, "clicks.png"),
        caption=screens.caption(context.t, total),
    )
    await answer_press(press)


async def _send_file(
    press: CallbackQuery, context: RequestContext, bot: Bot, name: str, content: bytes
) -> None:
    if press.message is None:
        await respond.alert(press, context.t("button-stale"))
        return
    form = "table" if name.endswith(".csv") else "report"
    await bot.send_document(
        press.message.chat.id,
        BufferedInputFile(content, name),
        caption=context.t("results-file", form=form),
    )
    await answer_press(press)
