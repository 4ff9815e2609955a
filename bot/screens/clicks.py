"""Build the screens on which clicks are counted or not, and those that show where links lead."""

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton

from bot import names
from bot.callbacks import Go, Screen
from bot.result_callbacks import CountAct, CountClicks, ShowLinks
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from db.models.campaigns import Campaign
from services.market import tracked_links
from services.market.creatives import Creative
from services.market.moderation import PlacementDetails

_MOST_SHOWN = 8
_LONGEST = 160
"""The largest number of characters of an address that a screen shows."""
_TELEGRAM = ("https://t.me/", "http://t.me/", "https://telegram.me/")


def choice(t: Texts, row: Campaign, base: str) -> Outgoing:
    """Build the question whether clicks on a campaign's new placements are counted.

    `base` is the public address of the redirect, or "" if there is none.
    """
    back = [button(t("back"), Go(screen=Screen.CAMPAIGN, id=row.id))]
    if not base:
        return Outgoing(t("clicks-choice-unavailable"), rows(back))
    found = tracked_links.find_links(Creative.from_json(row.creative))
    is_counted = row.link_base is not None
    lines = [
        t("clicks-choice", campaign=row.name, counted=_yes_or_no(is_counted), base=base),
        "",
        *_listed(t, t("clicks-choice-counted"), found.countable),
        *_listed(t, t("clicks-choice-others"), found.others),
    ]
    if not found.countable:
        lines.append(t("clicks-choice-none"))
    if any(url.startswith(_TELEGRAM) for url in found.countable):
        lines.append(t("clicks-choice-telegram"))
    lines.append(t("clicks-choice-later"))
    turn = (
        button(t("clicks-off"), CountClicks(act=CountAct.OFF, id=row.id))
        if is_counted
        else button(t("clicks-on"), CountClicks(act=CountAct.ON, id=row.id))
    )
    return Outgoing("\n".join(lines), rows([turn] if is_counted or found.countable else [], back))


def _listed(t: Texts, heading: str, urls: Sequence[str]) -> list[str]:
    if not urls:
        return []
    lines = [
        heading,
        *(t("clicks-link", url=names.shorten(url, _LONGEST)) for url in urls[:_MOST_SHOWN]),
    ]
    if len(urls) > _MOST_SHOWN:
        lines.append(t("clicks-more", count=len(urls) - _MOST_SHOWN))
    return lines


def links(t: Texts, row: PlacementDetails) -> Outgoing:
    """Build the screen with the ad of a placement, as it is published, and where its links lead."""
    back = [button(t("back"), Go(screen=Screen.PLACEMENT, id=row.target_id))]
    target_id = str(row.target_id)
    if not row.targets:
        return Outgoing(t("links-none", id=target_id), rows(back), row.creative)
    text = "\n".join([t("links-shown", id=target_id), *_targets(t, row, with_address=True)])
    return Outgoing(text, rows(back), row.creative)


def target_lines(t: Texts, row: PlacementDetails) -> list[str]:
    """Build the lines for who decides about an ad: where its tracked links lead, or nothing."""
    if not row.targets:
        return []
    return [t("clicks-in-offer"), *_targets(t, row, with_address=False)]


def _targets(t: Texts, row: PlacementDetails, *, with_address: bool) -> list[str]:
    lines = [
        t("clicks-target", address=address, url=names.shorten(url, _LONGEST))
        if with_address
        else t("clicks-link", url=names.shorten(url, _LONGEST))
        for address, url in row.targets[:_MOST_SHOWN]
    ]
    if len(row.targets) > _MOST_SHOWN:
        lines.append(t("clicks-more", count=len(row.targets) - _MOST_SHOWN))
    return lines


def links_button(t: Texts, target_id: int) -> InlineKeyboardButton:
    """Make the button that shows the ad of a placement, and where its links lead."""
    return button(t("links-button"), ShowLinks(id=target_id))


def choice_button(t: Texts, row: Campaign) -> InlineKeyboardButton:
    """Make the button that says whether clicks are counted, and leads to the choice."""
    label = t("clicks-button", counted=_yes_or_no(row.link_base))
    return button(label, CountClicks(act=CountAct.ASK, id=row.id))


def _yes_or_no(fact: object) -> str:
    return "yes" if fact else "no"
