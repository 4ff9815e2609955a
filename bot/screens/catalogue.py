"""Build the texts of the catalogue: the rows of channels, and the choices of its filters."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from bot import formatting, names
from bot.screens import offers as offer_screens
from bot.texts import Texts
from db.models.formats import ChannelFormat
from services.market import auto_delete, topics
from services.market.catalogue import Length, Limits, Offer, Order
from services.market.owner_records import OwnerRecord

Choices = Sequence[tuple[str, str]]
"""The values of a filter with their labels."""
FILTERS = ("topic", "language", "price", "subscribers", "length", "day")
"""The filters with a list of choices, in the order of their buttons."""
ON_OFF = ("favourites", "words")
"""The filters that are only switched off by their button, or on and off."""
DAYS = 7
_TITLE_LENGTH = 40
"""The most characters of a title on a button, beside the price."""
_PRICE_STEPS = tuple(formatting.EXAMPLE * times // 5 for times in (1, 5, 20, 100, 500))
_SUBSCRIBER_STEPS = (1_000, 5_000, 20_000, 100_000)


def _ranges(steps: Sequence[int]) -> Sequence[Limits]:
    """Return the ranges below, between and above some numbers. No number is in two of them."""
    starts, ends = (None, *steps), (*(step - 1 for step in steps), None)
    return [Limits(least, most) for least, most in zip(starts, ends, strict=True)]


PRICES = _ranges(_PRICE_STEPS)
"""The ranges of prices, in minor units."""
SUBSCRIBERS = _ranges(_SUBSCRIBER_STEPS)


def lines(
    t: Texts,
    offers: Sequence[Offer],
    offered: Mapping[int, Sequence[ChannelFormat]],
    records: Mapping[int, OwnerRecord],
    order: Order,
) -> str:
    """Return two lines for each channel, and the explanation of the signs. Empty for no channel."""
    shown = [
        _lines(t, number, offer, len(offered[offer.channel.id]), records[offer.channel.id], order)
        for number, offer in enumerate(offers, 1)
    ]
    return "\n".join([*shown, "", t("catalogue-signs")]) if shown else ""


def _lines(
    t: Texts, number: int, offer: Offer, formats: int, record: OwnerRecord, order: Order
) -> str:
    listing = offer.listing
    figures = t(
        "catalogue-figures",
        subscribers=t.compact(listing.subscribers),
        growth="none" if listing.growth is None else f"{listing.growth / 10:+.0f} %",
        formats=formats,
        price=t.money(listing.price),
        per="none" if listing.price_per_1000 is None else t.money(listing.price_per_1000),
        kept=str(listing.kept),
        ended=listing.kept + listing.broken,
        answer=offer_screens.answer_hours(record),
    )
    if order is Order.CLICKS:
        price = "none" if listing.click_price is None else t.money(listing.click_price)
        figures = f"{figures} · {t('catalogue-click', price=price)}"
    name = offer.channel.username or "none"
    title = t("catalogue-title", number=str(number), title=offer.channel.title, name=name)
    return f"{title}\n{figures}"


def label(t: Texts, offer: Offer, offered: Sequence[ChannelFormat]) -> str:
    """Return the label of the button that opens a channel."""
    text = t(
        "buy-channel-row",
        title=names.shorten(offer.channel.title, _TITLE_LENGTH),
        price=t.money(offer.listing.price),
        formats=len(offered),
    )
    shortest = min((each.promised_hours for each in offered), default=0)
    is_short = auto_delete.is_too_short(offer.channel, shortest)
    return t("buy-channel-short", row=text) if is_short else text


def choices(t: Texts, name: str, today: date) -> Choices:
    """Return the choices of a filter. `today` is the present day in the person's time zone."""
    if name == "topic":
        return [(each, t("topic", topic=each)) for each in (*topics.TOPICS, topics.OTHER)]
    if name == "language":
        return list(topics.LANGUAGES.items())
    if name == "price":
        return [(str(index), _range(t, each, money=True)) for index, each in enumerate(PRICES)]
    if name == "subscribers":
        return [(str(index), _range(t, each)) for index, each in enumerate(SUBSCRIBERS)]
    if name == "length":
        return [(str(int(each)), t("filter-length", length=int(each))) for each in Length]
    days = [today + timedelta(days=number) for number in range(DAYS)]
    return [(day.isoformat(), day_label(t, day, today)) for day in days]


def day_label(t: Texts, day: date, today: date) -> str:
    """Return the words for today and tomorrow, and for any other day its date."""
    if day == today:
        return t("day-today")
    return t("day-tomorrow") if day == today + timedelta(days=1) else t.weekday(day)


def filter_label(t: Texts, name: str, value: str | None, today: date) -> str:
    """Return the name of a filter with its present choice. None means that it lets all through."""
    if value is None:
        shown = t("filter-any")
    elif name in ON_OFF:
        shown = value
    elif name == "day":
        shown = day_label(t, date.fromisoformat(value), today)
    else:
        shown = dict(choices(t, name, today)).get(value, value)
    return t("filter-button", name=name, value=shown)


def _range(t: Texts, limits: Limits, *, money: bool = False) -> str:
    """Return the label of a range. The end of a range of prices is the beginning of the next."""
    show = t.money if money else t.compact
    return t(
        "filter-range",
        least="none" if limits.least is None else show(limits.least),
        most="none" if limits.most is None else show(limits.most + 1),
    )
