"""Build the screens about what ads have brought."""

from collections.abc import Callable

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton

from bot.callbacks import Go, Screen
from bot.result_callbacks import CampaignResults, PlacementResults, Results
from bot.screens.outgoing import Outgoing, button, receipt_button, rows
from bot.texts import Texts
from db.models.campaigns import Campaign
from services.market.results import Result, Total

DAYS = 14
"""How many days one screen shows, the last ones."""
ROWS = 15
"""How many placements one screen shows, the newest."""


def placement(t: Texts, row: Result) -> Outgoing:
    """Build the screen of what one placement has brought."""
    title = t("results-placement", id=str(row.target_id), channel=row.channel_title)
    known = _facts(t, row) if row.published_at else [t("results-nothing")]
    return Outgoing(
        "\n".join([title, "", *known]),
        rows(
            *_buttons(t, lambda form: PlacementResults(form=form, id=row.target_id), Total([row])),
            [button(t("back"), Go(screen=Screen.PLACEMENT, id=row.target_id))],
        ),
    )


def campaign(t: Texts, row: Campaign, total: Total) -> Outgoing:
    """Build the screen of what the published placements of a campaign have brought."""
    lines = [t("results-campaign", campaign=row.name), ""]
    if total.results:
        lines.append(t("results-sum", placements=len(total.results), price=t.money(total.price)))
        lines += [_reactions(t, total), *_clicks(t, total)]
        lines += ["", *(_line(t, each) for each in total.results[:ROWS])]
    else:
        lines.append(t("results-nothing-campaign"))
    if len(total.results) > ROWS:
        lines.append(t("results-rows-more", count=len(total.results) - ROWS))
    return Outgoing(
        "\n".join(lines),
        rows(
            *_buttons(t, lambda form: CampaignResults(form=form, id=row.id), total),
            [button(t("back"), Go(screen=Screen.CAMPAIGN, id=row.id))],
        ),
    )


def caption(t: Texts, total: Total) -> str:
    """Build the words below the picture of the clicks."""
    return t("results-caption", clicks=total.clicks)


def with_result(t: Texts, notice: Outgoing, row: Result) -> Outgoing:
    """Add the result, and its button, to the message that a placement has ended."""
    present = notice.inline.inline_keyboard if notice.inline else []
    data = PlacementResults(form=Results.SCREEN, id=row.target_id)
    return Outgoing(
        f"{notice.text}\n\n{_in_short(t, row)}",
        rows([receipt_button(t("results-button"), data)], *present),
    )


def _in_short(t: Texts, row: Result) -> str:
    each = Total([row]).price_per_click
    return t(
        "notice-result",
        counted="yes" if row.is_tracked else "no",
        clicks=row.clicks,
        price="none" if each is None else t.money(each),
    )


def _facts(t: Texts, row: Result) -> list[str]:
    back = t.money(row.returned) if row.returned else "none"
    lines = [
        t("results-published", at="" if row.published_at is None else t.time(row.published_at)),
        t("results-price", price=t.money(row.price), back=back),
        t("results-kept", hours=row.kept_hours or 0, promised=row.promised_hours),
    ]
    if row.subscribers is None or row.counted_on is None:
        lines.append(t("results-subscribers-unknown"))
    else:
        day = t.day(row.counted_on)
        lines.append(t("results-subscribers", subscribers=row.subscribers, day=day))
    total = Total([row])
    return [*lines, _reactions(t, total), "", *_clicks(t, total)]


def _reactions(t: Texts, total: Total) -> str:
    """Build the line about the reactions: of one post their number, of several the median."""
    return t(
        "results-reactions",
        posts=len(total.results),
        counted=len(total.reacted),
        reactions=sum(total.reacted),
        median=total.median_reactions or 0,
    )


def _clicks(t: Texts, total: Total) -> list[str]:
    """Build the lines about the clicks in all and by day."""
    if not total.measured:
        return [t("results-not-counted")]
    if not total.clicks:
        lines = [t("results-none-clicked")]
    else:
        each = total.price_per_click or 0
        lines = [
            t("results-clicks", clicks=total.clicks),
            t("results-price-per-click", price=t.money(each)),
        ]
    repeats, bots = total.left_out
    if repeats or bots:
        lines.append(t("results-left-out", repeats=repeats, bots=bots))
    by_day = total.clicks_by_day
    if total.clicks:
        lines += ["", t("results-days")]
        lines += [t("results-day", day=t.day(day), clicks=n) for day, n in by_day[-DAYS:]]
    if earlier := sum(clicks for _, clicks in by_day[:-DAYS]):
        lines.append(t("results-days-earlier", clicks=earlier))
    return [*lines, "", t("results-rules")]


def _line(t: Texts, row: Result) -> str:
    return t(
        "results-row",
        id=str(row.target_id),
        channel=row.channel_title,
        price=t.money(row.price),
        back=t.money(row.returned) if row.returned else "none",
        hours=row.kept_hours or 0,
        tracked="yes" if row.is_tracked else "no",
        clicks=row.clicks,
    )


def _buttons(
    t: Texts, data: Callable[[Results], CallbackData], total: Total
) -> list[list[InlineKeyboardButton]]:
    """Make the buttons for the other forms of a result, which a known result alone has."""
    refresh = [button(t("results-refresh"), data(Results.SCREEN))]
    if not any(each.published_at for each in total.results):
        return [refresh]
    files = [
        button(t("results-table"), data(Results.TABLE)),
        button(t("results-report"), data(Results.REPORT)),
    ]
    picture = [button(t("results-picture"), data(Results.PICTURE))] if total.clicks else []
    return [picture, files, refresh]
