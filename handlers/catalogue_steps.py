"""Define the steps of the buying form in which an advertiser looks through the catalogue."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, ListGroup, Row
from aiogram_dialog.widgets.text import Format

from bot import formatting
from bot.context import RequestContext
from bot.screens import catalogue as screens
from bot.screens.paging import PAGE_SIZE
from db import queries
from handlers import buy_many, buy_steps, catalogue_filters, forms, month_choice
from handlers.buy_steps import BuyForm
from services.market import campaigns, catalogue, formats, owner_records
from services.market.catalogue import Order, Position

_WORD = re.compile(r"[^\W_]{1,64}")


async def _list(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context, draft = forms.context_of(dialog_manager), dialog_manager.dialog_data
    starts, order = draft.get("starts", []), catalogue_filters.order(dialog_manager)
    chosen = catalogue_filters.draft(dialog_manager)
    async with context.read() as session:
        campaign = await campaigns.get(
            session, actor=context.actor, campaign_id=buy_steps.campaign_id(dialog_manager)
        )
        left = await campaigns.budget_left(session, campaign.id)
        now = await queries.now(session)
        page = await catalogue.page(
            session,
            filters=catalogue_filters.read(context, chosen, now),
            order=order,
            size=PAGE_SIZE,
            after=Position(*starts[-1]) if starts else None,
        )
        shown = [offer.channel.id for offer in page.offers]
        records = await owner_records.of_channels(session, shown)
        offered = await formats.of_channels(session, shown)
    draft["next"] = page.next
    is_empty = not shown and not starts and page.next is None
    loosened = await _loosened(context, chosen) if is_empty and chosen else None
    ticks = buy_many.ticks(dialog_manager)
    day = catalogue_filters.today(context, now)
    return {
        "values": {
            "campaign": campaign.name,
            "left": context.t.money(left),
            "state": "some" if shown else "empty" if is_empty and chosen else "none",
            "more": "yes" if page.next else "no",
            "filters": len(chosen),
            "order": order.value,
            "ticked": len(ticks),
        },
        "list": screens.lines(context.t, page.offers, offered, records, order),
        "channels": [
            {
                "id": offer.channel.id,
                "tick": f"{'☑' if offer.channel.id in ticks else '☐'} {number}",
                "label": screens.label(context.t, offer, offered[offer.channel.id]),
            }
            for number, offer in enumerate(page.offers, 1)
        ],
        "loosened": loosened
        and f"✖ {screens.filter_label(context.t, loosened, chosen[loosened], day)}",
        "is_filtered": is_empty and chosen,
        "has_previous": bool(starts),
        "has_next": page.next is not None,
        "is_ticked": bool(ticks),
    }


async def _loosened(context: RequestContext, chosen: catalogue_filters.Draft) -> str | None:
    """Return the name of a filter without which there are channels, or None."""
    names = sorted(chosen, key=lambda name: name != "day")
    without = [{key: known for key, known in chosen.items() if key != name} for name in names]
    async with context.read() as session:
        now = await queries.now(session)
        alternatives = [catalogue_filters.read(context, each, now) for each in without]
        found = await catalogue.first_found(session, alternatives)
    return None if found is None else names[found]


async def _search(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    words = _WORD.findall((message.text or "").lower())[: catalogue.MOST_WORDS]
    if not words:
        forms.show_error(manager, forms.context_of(manager).t("buy-search-wrong"))
        return
    catalogue_filters.change(manager, "words", " ".join(words))
    await forms.next_step(manager, BuyForm.channel)


async def _tick(_press: CallbackQuery, _button: Button, manager: Any) -> None:
    await forms.next_step(manager, BuyForm.channel)
    if not buy_many.tick(manager, int(manager.item_id)):
        t = forms.context_of(manager).t
        forms.show_error(manager, t("buy-ticks-full", most=buy_many.MOST_TICKS))


async def _open(_press: CallbackQuery, _button: Button, manager: Any) -> None:
    await buy_steps.open_channel(manager, int(manager.item_id))


async def _next_page(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    after = manager.dialog_data.get("next")
    if after is not None:
        manager.dialog_data["starts"] = [*manager.dialog_data.get("starts", []), after]


async def _previous_page(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    manager.dialog_data["starts"] = manager.dialog_data.get("starts", [])[:-1]


async def _show_orders(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    await forms.next_step(manager, BuyForm.order)


async def _orders(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    t, present = forms.context_of(dialog_manager).t, catalogue_filters.order(dialog_manager)
    labels = {each: t("buy-order", order=each.value) for each in Order}
    return {
        "orders": [
            (each.value, f"✅ {label}" if each is present else label)
            for each, label in labels.items()
        ]
    }


async def _choose_order(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    manager.dialog_data.update(order=Order(item).value, starts=[])
    await forms.next_step(manager, BuyForm.channel)


async def _show_filters(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    await forms.next_step(manager, BuyForm.filters)


async def _filters(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    chosen = catalogue_filters.draft(dialog_manager)
    async with context.read() as session:
        day = catalogue_filters.today(context, await queries.now(session))
    shown = [*screens.FILTERS, "favourites", *(["words"] if "words" in chosen else [])]
    return {
        "filters": [
            (name, screens.filter_label(context.t, name, chosen.get(name), day)) for name in shown
        ],
        "is_chosen": bool(chosen),
    }


async def _open_filter(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    if item in screens.FILTERS:
        manager.dialog_data["filter"] = item
        await forms.next_step(manager, BuyForm.choices)
        return
    # Only the favourites are switched on here. A second press on a search finds it gone already.
    is_on = item in catalogue_filters.draft(manager) or item != "favourites"
    catalogue_filters.change(manager, item, None if is_on else "✅")
    await forms.next_step(manager, BuyForm.channel)


async def _choices(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    async with context.read() as session:
        choices = catalogue_filters.values(dialog_manager, await queries.now(session))
    any_of = ("any", context.t("filter-any"))
    name = dialog_manager.dialog_data.get("filter", screens.FILTERS[0])
    return {
        "values": {"name": name, "zone": context.t.zone},
        "choices": [any_of, *choices],
        "is_day": name == "day",
    }


async def _choose_value(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    name = manager.dialog_data.get("filter", screens.FILTERS[0])
    async with forms.context_of(manager).read() as session:
        choices = dict(catalogue_filters.values(manager, await queries.now(session)))
    catalogue_filters.change(manager, name, item if item in choices else None)
    await forms.next_step(manager, BuyForm.channel)


async def _open_month(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    month_choice.begin(manager)
    await forms.next_step(manager, BuyForm.free_day)


async def _month(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    async def each(days: Sequence[date]) -> Sequence[date]:
        return days

    return await month_choice.read(dialog_manager, each)


async def _choose_day(manager: DialogManager, day: date) -> None:
    catalogue_filters.change(manager, "day", day.isoformat())
    await forms.next_step(manager, BuyForm.channel)


async def _read_day(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    day = formatting.parse_day(message.text or "")
    if day is None or day < await month_choice.today(context):
        forms.show_error(manager, context.t("day-wrong"))
        return
    await _choose_day(manager, day)


async def _reset(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    catalogue_filters.replace(manager, {})
    await forms.next_step(manager, BuyForm.channel)


async def _loosen(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    chosen = catalogue_filters.draft(manager)
    loosened = await _loosened(forms.context_of(manager), chosen)
    if loosened is not None:
        catalogue_filters.change(manager, loosened, None)
    await forms.next_step(manager, BuyForm.channel)


channel_step = forms.text_step(
    "buy-channel",
    _search,
    Format("\n{list}", when="list"),
    ListGroup(
        Row(
            Button(Format("{item[tick]}"), "tick", on_click=_tick),
            Button(Format("{item[label]}"), "open", on_click=_open),
        ),
        id="channels",
        item_id_getter=lambda item: item["id"],
        items="channels",
    ),
    Row(
        Button(
            forms.Translated("page-previous"),
            "previous",
            on_click=_previous_page,
            when="has_previous",
        ),
        Button(forms.Translated("page-next"), "next", on_click=_next_page, when="has_next"),
    ),
    Button(forms.Translated("many-open"), "many", on_click=buy_many.begin, when="is_ticked"),
    Button(Format("{loosened}"), "loosen", on_click=_loosen, when="loosened"),
    Button(forms.Translated("filters-reset"), "reset", on_click=_reset, when="is_filtered"),
    Row(
        Button(forms.Translated("buy-filters"), "filters", on_click=_show_filters),
        Button(forms.Translated("buy-order-now"), "order", on_click=_show_orders),
    ),
    state=BuyForm.channel,
    after_cancel=buy_steps.campaign_card,
    first=True,
    getter=_list,
)
order_step = Window(
    forms.Question("buy-order-ask"),
    forms.choices("orders", _choose_order, width=1),
    forms.navigation_row(buy_steps.campaign_card, back_to=BuyForm.channel),
    state=BuyForm.order,
    getter=_orders,
)
filters_step = Window(
    forms.Question("filters"),
    forms.choices("filters", _open_filter),
    Button(forms.Translated("filters-reset"), "reset", on_click=_reset, when="is_chosen"),
    forms.navigation_row(buy_steps.campaign_card, back_to=BuyForm.channel),
    state=BuyForm.filters,
    getter=_filters,
)
choices_step = Window(
    forms.Question("filter-ask"),
    forms.choices("choices", _choose_value, width=3),
    Button(forms.Translated("time-other-day"), "month", on_click=_open_month, when="is_day"),
    forms.navigation_row(buy_steps.campaign_card, back_to=BuyForm.filters),
    state=BuyForm.choices,
    getter=_choices,
)
free_day_step = forms.text_step(
    "filter-month",
    _read_day,
    *month_choice.buttons(_choose_day),
    state=BuyForm.free_day,
    after_cancel=buy_steps.campaign_card,
    back_to=BuyForm.choices,
    getter=_month,
)
