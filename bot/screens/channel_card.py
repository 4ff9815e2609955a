"""Build the card of a channel: what a buyer wants to know, with the source and the time of it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from aiogram.types import InlineKeyboardButton

from bot import formatting, time_zones
from bot.callbacks import FormName, Go, OpenForm, Screen
from bot.card_callbacks import (
    BuyFor,
    BuyHere,
    DrawGrowth,
    Mark,
    MarkFavourite,
    ShareChannel,
    ShowCard,
)
from bot.screens import channel_facts, offers
from bot.screens import formats as format_screens
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.models.calendars import EVERY_DAY, MINUTES_A_DAY, ChannelCalendar
from db.models.campaigns import Campaign, Channel, ChannelStatus
from db.models.formats import ChannelFormat
from services.market import channel_cards
from services.market.channel_activity import Activity
from services.market.channel_cards import ChannelCard
from services.market.subscriber_counts import Change, DayCount, Growth

_PERCENT = 100
_CHECKED = (ChannelStatus.ACTIVE, ChannelStatus.PAUSED)
"""A channel whose owner is not the creator has another status."""


def text(t: Texts, card: ChannelCard) -> str:
    """Build the text of the card."""
    row = card.channel
    shown = [t("card-title", title=row.title), *channel_facts.lines(t, row)]
    if row.username is None:
        shown.append(t("card-invite", link=row.invite_link or "none"))
    shown.append(t("channel-topic", topic=channel_facts.topic(t, row.topic)))
    audience = [
        *growth_lines(t, card.growth),
        *_activity_lines(t, card.activity),
        _ads(t, card),
        *_clicks(t, card),
    ]
    prices = [t("card-formats"), *(_format(t, row, each) for each in card.formats)]
    owner = [offers.owner_record(t, card.record)]
    if row.facts_at is not None and row.status in _CHECKED:
        owner.append(t("card-creator", at=t.time(row.facts_at)))
    blocks = (shown, audience, prices, _times(t, card), owner)
    return "\n\n".join("\n".join(block) for block in blocks)


def _clicks(t: Texts, card: ChannelCard) -> list[str]:
    """Build the line about the clicks of earlier ads, or nothing if none was measured."""
    found = card.clicks
    if found is None:
        return []
    price = "none" if found.price_per_click is None else t.money(found.price_per_click)
    return [
        t(
            "card-clicks",
            ads=found.measured_ads,
            median=found.median_clicks,
            price=price,
            at=t.time(found.counted_at),
        )
    ]


def card(t: Texts, shown: ChannelCard, *, share_link: str, is_own: bool, marked: bool) -> Outgoing:
    """Build the card of a channel. The owner or a manager sees it as buyers do, and cannot buy.

    `marked` is whether the channel is a favourite of the person.
    """
    row = shown.channel
    back = Go(screen=Screen.CHANNEL, id=row.id) if is_own else Go(screen=Screen.MENU)
    buys = shown.is_offered and not is_own
    return Outgoing(
        text(t, shown),
        rows(
            [button(t("card-buy"), BuyHere(id=row.id))] if buys else [],
            _open(t, row),
            growth_button(t, row.id, shown.growth),
            [] if is_own else [_favourite(t, row.id, marked=marked)],
            [share_button(t, row, share_link)] if shown.is_offered else [],
            [button(t("back"), back)],
        ),
    )


def _favourite(t: Texts, channel_id: int, *, marked: bool) -> InlineKeyboardButton:
    text = t("favourite", marked="yes" if marked else "no")
    return button(text, MarkFavourite(mark=Mark.OFF if marked else Mark.ON, id=channel_id))


def short(t: Texts, card: ChannelCard) -> str:
    """Build one line with the facts of the card, for the confirmation of a purchase."""
    row, growth, activity = card.channel, card.growth, card.activity
    change = growth.last_days if growth else None
    return t(
        "card-short",
        name=row.username or "none",
        subscribers=row.subscribers,
        at=t.time(row.facts_at) if row.facts_at else "none",
        growth=_signed(change.difference) if change else "none",
        days=(change.until - change.since).days if change else 0,
        jump="yes" if growth and growth.jump else "no",
        posts=_average(t, activity.posts_a_day) if activity else "none",
        reactions=_number(activity.reactions) if activity else "none",
    )


def growth_lines(t: Texts, growth: Growth | None) -> list[str]:
    """Build the lines about the growth of a channel, and about a jump of its subscribers."""
    if growth is None:
        return []
    change, jump = growth.last_days, growth.jump
    shown = [t("card-growth-new", since=t.day(growth.since))]
    if change is not None:
        shown = [
            t(
                "card-growth",
                difference=_signed(change.difference),
                percent=_percent(t, change),
                since=t.day(change.since),
            )
        ]
    if jump is not None:
        shown.append(
            t(
                "card-jump",
                difference=_signed(jump.difference),
                percent=_percent(t, jump),
                since=t.day(jump.since),
                until=t.day(jump.until),
                way="up" if jump.difference > 0 else "down",
            )
        )
    return shown


def growth_button(t: Texts, channel_id: int, growth: Growth | None) -> list[InlineKeyboardButton]:
    """Make the button that sends the picture of the growth, or nothing for a single day."""
    if growth is None or growth.last_days is None:
        return []
    return [button(t("card-draw"), DrawGrowth(id=channel_id))]


def growth_caption(t: Texts, row: Channel, counts: Sequence[DayCount]) -> str:
    """Build the words below the picture of the growth."""
    return t(
        "card-draw-caption",
        title=row.title,
        since=t.day(counts[0].day),
        until=t.day(counts[-1].day),
        highest=max(each.subscribers for each in counts),
    )


def link(row: Channel) -> str | None:
    """Return the address that opens a channel, or None for a private one without a link."""
    return f"https://t.me/{row.username}" if row.username else row.invite_link


def share_address(t: Texts, row: Channel, share_link: str) -> str:
    """Return the address with which Telegram asks to whom a link to a channel's card is sent."""
    words = t("card-share-words", title=row.title)
    return f"https://t.me/share/url?{urlencode({'url': share_link, 'text': words})}"


def share_button(t: Texts, row: Channel, share_link: str) -> InlineKeyboardButton:
    """Make the button that sends the link to a channel's card to a chat."""
    return InlineKeyboardButton(text=t("card-share"), url=share_address(t, row, share_link))


def share(t: Texts, row: Channel, share_link: str) -> Outgoing:
    """Build the screen with the link that an owner can post."""
    offered = "yes" if row.status is ChannelStatus.ACTIVE else "no"
    return Outgoing(
        t("card-share-owner", title=row.title, link=share_link, offered=offered),
        rows(
            [share_button(t, row, share_link)],
            [button(t("back"), Go(screen=Screen.CHANNEL, id=row.id))],
        ),
    )


def owner_buttons(
    t: Texts, row: Channel, growth: Growth | None
) -> Sequence[Sequence[InlineKeyboardButton]]:
    """Make the buttons about the card on the owner's screen of a channel."""
    invite = OpenForm(name=FormName.INVITE, id=row.id)
    return (
        [
            button(t("card-as-buyer"), ShowCard(id=row.id)),
            button(t("card-share"), ShareChannel(id=row.id)),
        ],
        growth_button(t, row.id, growth),
        [button(t("card-invite-set"), invite)] if row.username is None else [],
    )


def missing(t: Texts) -> Outgoing:
    """Build the screen for a channel that does not exist or is not on offer."""
    return Outgoing(
        t("card-missing"),
        rows(
            [button(t("menu-buy"), Go(screen=Screen.BUY))],
            [button(t("back"), Go(screen=Screen.MENU))],
        ),
    )


def campaign_missing(t: Texts) -> Outgoing:
    """Build the screen for a link to a campaign that the person does not have."""
    return Outgoing(
        t("card-campaign-missing"),
        rows(
            [button(t("menu-campaigns"), Go(screen=Screen.CAMPAIGNS))],
            [button(t("back"), Go(screen=Screen.MENU))],
        ),
    )


def choose_campaign(t: Texts, row: Channel, page: Page[Campaign]) -> Outgoing:
    """Build the list of the active campaigns for which a person can buy a post in a channel."""
    return Outgoing(
        t("card-campaign" if page.fetched else "card-no-campaign", title=row.title),
        rows(
            *column(
                (
                    t("buy-campaign-row", name=campaign.name),
                    BuyFor(campaign=campaign.id, channel=row.id),
                )
                for campaign in page.rows
            ),
            page.buttons(t, lambda number: BuyHere(id=row.id, page=number)),
            [button(t("campaign-new"), OpenForm(name=FormName.CAMPAIGN, id=row.id))],
            [] if page.fetched else [button(t("menu-campaigns"), Go(screen=Screen.CAMPAIGNS))],
            [button(t("back"), ShowCard(id=row.id))],
        ),
    )


def saved_for(t: Texts, campaign: Campaign, row: Channel) -> Outgoing:
    """Build the screen after a campaign was created in order to buy a post in a channel."""
    return Outgoing(
        t("card-campaign-saved", name=campaign.name, title=row.title),
        rows(
            [button(t("card-activate"), BuyFor(campaign=campaign.id, channel=row.id))],
            [button(t("back"), Go(screen=Screen.CAMPAIGN, id=campaign.id))],
        ),
    )


def _open(t: Texts, row: Channel) -> list[InlineKeyboardButton]:
    address = link(row)
    if address is None:
        return []
    return [InlineKeyboardButton(text=t("card-open"), url=address)]


def _activity_lines(t: Texts, activity: Activity | None) -> list[str]:
    if activity is None:
        return [t("card-posts-none")]
    since = t.day(activity.since)
    shown = [t("card-posts", posts=_average(t, activity.posts_a_day), since=since)]
    if activity.reactions is not None:
        shown.append(
            t("card-reactions", reactions=activity.reactions, posts=activity.reacted_posts)
        )
    return shown


def _ads(t: Texts, card: ChannelCard) -> str:
    average = _average(t, card.ads / card.ads_days)
    return t("card-ads", average=average, ads=card.ads, days=card.ads_days)


def _format(t: Texts, row: Channel, offered: ChannelFormat) -> str:
    thousand = channel_cards.per_thousand(offered.price, row.subscribers)
    return t(
        "card-format",
        kind=format_screens.kind(t, offered),
        price=t.money(offered.price),
        thousand="none" if thousand is None else t.money(thousand),
    )


def _times(t: Texts, card: ChannelCard) -> list[str]:
    if card.calendar is None:
        return [t("card-any-time")]
    return [
        _hours(t, card.calendar),
        t("card-free", times=", ".join(map(t.time, card.free_times)) or "none"),
    ]


def _hours(t: Texts, calendar: ChannelCalendar) -> str:
    is_all_day = calendar.opens_at == 0 and calendar.closes_at == MINUTES_A_DAY
    return t(
        "card-hours",
        hours="all" if is_all_day else "some",
        opens=formatting.clock_of_minutes(calendar.opens_at),
        closes=formatting.clock_of_minutes(calendar.closes_at),
        weekdays="all"
        if len(calendar.weekdays) == len(EVERY_DAY)
        else ", ".join(map(t.weekday_name, calendar.weekdays)),
        zone=time_zones.label(calendar.time_zone),
    )


def _percent(t: Texts, change: Change) -> str:
    """Return the change in percent with its sign. From 0 subscribers on, there is none."""
    if not change.before:
        return "none"
    percent = t.decimal(change.difference * _PERCENT / change.before)
    return f"+{percent}" if change.difference > 0 else percent


def _signed(difference: int) -> str:
    return f"{difference:+d}" if difference else "0"


def _average(t: Texts, value: float | None) -> str:
    return "none" if value is None else t.decimal(value)


def _number(value: int | None) -> str:
    return "none" if value is None else str(value)
