"""Keep the filters of the catalogue in the draft of a form, as words that Redis can store."""

from datetime import date, datetime

from aiogram_dialog import DialogManager

from bot import time_zones
from bot.context import RequestContext
from bot.screens import catalogue as screens
from handlers import forms
from services.market import catalogue, kept_times
from services.market.catalogue import Day, Filters, Length, Order

Draft = dict[str, str]
"""The chosen value of each filter by its name. A filter that lets all through is left out."""


def draft(manager: DialogManager) -> Draft:
    """Return the filters of the form."""
    chosen: Draft = manager.dialog_data.get("filters", {})
    return chosen


def change(manager: DialogManager, name: str, value: str | None) -> None:
    """Set or remove a filter, and begin the catalogue anew."""
    chosen = {key: known for key, known in draft(manager).items() if key != name}
    if value is not None:
        chosen[name] = value
    replace(manager, chosen)


def replace(manager: DialogManager, chosen: Draft) -> None:
    """Set all filters, and begin the catalogue anew."""
    manager.dialog_data.update(filters=chosen, starts=[])


def order(manager: DialogManager) -> Order:
    """Return the order of the form."""
    return Order(manager.dialog_data.get("order", Order.PRICE))


def today(context: RequestContext, now: datetime) -> date:
    """Return the present day in the time zone of the person."""
    return now.astimezone(time_zones.zone(context.t.time_zone)).date()


def read(context: RequestContext, chosen: Draft, now: datetime) -> Filters:
    """Return the filters of the service for those of the form. A day that is over is left out."""
    length = chosen.get("length")
    return Filters(
        topic=chosen.get("topic"),
        language=chosen.get("language"),
        price=screens.PRICES[int(chosen["price"])] if "price" in chosen else catalogue.ANY,
        subscribers=screens.SUBSCRIBERS[int(chosen["subscribers"])]
        if "subscribers" in chosen
        else catalogue.ANY,
        length=Length(int(length)) if length else None,
        free_on=_day(context, chosen.get("day"), now),
        words=chosen.get("words", "").split(),
        favourites_of=context.user_id if "favourites" in chosen else None,
    )


def _day(context: RequestContext, chosen: str | None, now: datetime) -> Day | None:
    if chosen is None or date.fromisoformat(chosen) < today(context, now):
        return None
    zone = time_zones.zone(context.t.time_zone)
    return Day(*kept_times.day_limits(date.fromisoformat(chosen), zone, now + kept_times.SOON))


def values(manager: DialogManager, now: datetime) -> screens.Choices:
    """Return the choices of the filter that the person has opened, in the person's language."""
    context = forms.context_of(manager)
    name = manager.dialog_data.get("filter", screens.FILTERS[0])
    return screens.choices(context.t, name, today(context, now))
