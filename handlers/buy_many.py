"""Define the steps of the buying form that buy placements in several channels at once."""

import json
from datetime import datetime
from typing import Any

from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.kbd import Button
from aiogram_dialog.widgets.text import Format

from bot import time_zones
from bot.context import RequestContext
from bot.screens import bulk_purchases as screens
from bot.screens import formats as format_screens
from db.models.formats import Ending
from handlers import buy_steps, forms
from handlers.buy_steps import BuyForm
from handlers.time_choice import TimeSteps
from services.market import bulk_purchases
from services.market.bulk_purchases import Line, Plan, TimeRule
from services.market.terms import Kind, Terms
from services.platform import errors

MOST_TICKS = 20
"""In how many channels placements can be bought at once."""
_CHEAPEST = "null"


def ticks(manager: DialogManager) -> list[int]:
    """Return the ids of the ticked channels in the order of the ticks."""
    chosen: list[int] = manager.dialog_data.get("ticks", [])
    return chosen


def tick(manager: DialogManager, channel_id: int) -> bool:
    """Tick a channel, or take its tick off. Return False if too many channels are ticked."""
    chosen = ticks(manager)
    if channel_id in chosen:
        manager.dialog_data["ticks"] = [each for each in chosen if each != channel_id]
        return True
    if len(chosen) >= MOST_TICKS:
        return False
    manager.dialog_data["ticks"] = [*chosen, channel_id]
    return True


async def begin(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    """Go on with the ticked channels."""
    await forms.next_step(manager, BuyForm.many_format)


async def _kinds(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context, chosen = forms.context_of(dialog_manager), ticks(dialog_manager)
    async with context.read() as session:
        found = await bulk_purchases.kinds(session, chosen)
    labels = [
        (
            json.dumps(kind),
            context.t("many-kind", kind=format_screens.kind(context.t, kind), found=count),
        )
        for kind, count in found.items()
    ]
    return {
        "values": {"ticked": len(chosen)},
        "kinds": [(_CHEAPEST, context.t("many-cheapest")), *labels],
    }


async def _choose_kind(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    _read_kind(item)  # what cannot be read is not stored
    manager.dialog_data["many_kind"] = item
    await forms.next_step(manager, BuyForm.many_when)


async def _rules(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    t = forms.context_of(dialog_manager).t
    return {
        "values": {"zone": t.zone},
        "rules": [(rule.value, t("many-rule", rule=rule.value)) for rule in TimeRule],
    }


async def _choose_rule(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    rule = TimeRule(item)
    manager.dialog_data["many_rule"] = rule.value
    if rule is TimeRule.CHOSEN:
        await time_steps.open(manager)
    else:
        await forms.next_step(manager, BuyForm.many_table)


async def _save_time(manager: DialogManager, at: datetime) -> None:
    manager.dialog_data["many_at"] = at.isoformat()
    await forms.next_step(manager, BuyForm.many_table)


async def _plan(context: RequestContext, manager: DialogManager) -> Plan:
    async with context.read() as session:
        return await bulk_purchases.plan(
            session,
            actor=context.actor,
            campaign_id=buy_steps.campaign_id(manager),
            channel_ids=ticks(manager),
            kind=_read_kind(manager.dialog_data.get("many_kind", _CHEAPEST)),
            rule=TimeRule(manager.dialog_data.get("many_rule", TimeRule.SOON)),
            zone=time_zones.zone(context.t.time_zone),
            chosen=_chosen_time(manager),
        )


def _chosen_time(manager: DialogManager) -> datetime | None:
    at: str | None = manager.dialog_data.get("many_at")
    return datetime.fromisoformat(at) if at else None


async def _table(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    plan = await _plan(context, dialog_manager)
    # What is bought is what the table has shown, and nothing else.
    dialog_manager.dialog_data.update(
        missing=plan.missing,
        table=[
            [
                line.channel_id,
                line.title,
                line.terms,
                line.publish_at and line.publish_at.isoformat(),
            ]
            for line in plan.bought
        ],
    )
    return {
        "values": {
            "found": len(plan.bought),
            "total": context.t.money(plan.total),
            "left": context.t.money(plan.budget_left - plan.total),
            "wallet": context.t.money(max(plan.available - plan.total, 0)),
            "missing": context.t.money(plan.missing) if plan.missing else "none",
            "zone": context.t.zone,
        },
        "table": screens.table(context.t, plan.lines),
        "missing": plan.missing,
        "can_buy": bool(plan.bought),
    }


async def _buy(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    """Submit each placement of the table in a transaction of its own.

    The key of each one is made from the form and the channel, so that a second press, also after a
    crash in the middle, submits only those that are not submitted yet. The update counts as handled
    after the last one: the database wants to see the press for each of them.
    """
    context = forms.context_of(manager)
    done: list[Line] = []
    table = manager.dialog_data.get("table", [])
    for channel_id, title, terms, at in table:
        line = Line(channel_id, title, _read_terms(terms), at and datetime.fromisoformat(at), None)
        try:
            await buy_steps.submit(
                manager,
                channel_id=channel_id,
                publish_at=line.publish_at,
                agreed=line.terms,
                key=f"{forms.idempotency_key(manager)}:{channel_id}",
                is_last=len(done) == len(table) - 1,
            )
        except errors.DomainError as error:
            line = line._replace(refusal=error)
        done.append(line)
    campaign_id = buy_steps.campaign_id(manager)
    await forms.close_form(manager, screens.result(context.t, campaign_id, done))


def _read_kind(stored: str) -> Kind | None:
    """Return the format of a button, or None for the cheapest one of each channel."""
    if stored == _CHEAPEST:
        return None
    hours, on_top, ending = json.loads(stored)
    return Kind(hours, on_top, Ending(ending))


def _read_terms(stored: list[Any]) -> Terms:
    price, hours, on_top, ending = stored
    return Terms(price, hours, on_top, Ending(ending))


format_step = Window(
    forms.Question("many-format"),
    forms.choices("kinds", _choose_kind, width=1),
    forms.navigation_row(buy_steps.campaign_card, back_to=BuyForm.channel),
    state=BuyForm.many_format,
    getter=_kinds,
)
when_step = Window(
    forms.Question("many-when"),
    forms.choices("rules", _choose_rule, width=1),
    forms.navigation_row(buy_steps.campaign_card, back_to=BuyForm.many_format),
    state=BuyForm.many_when,
    getter=_rules,
)
time_steps = TimeSteps(
    "many-time-ask",
    zone=BuyForm.many_zone,
    day=BuyForm.many_day,
    month=BuyForm.many_month,
    hour=BuyForm.many_hour,
    save=_save_time,
    place=lambda _manager: None,
    after_cancel=buy_steps.campaign_card,
    back_to=BuyForm.many_when,
)
table_step = Window(
    forms.Question("many-table"),
    Format("\n{table}"),
    forms.Translated("many-sum"),
    # The database asks for a press of "submit" (`require_own_act`).
    Button(forms.Translated("many-buy"), "submit", on_click=_buy, when="can_buy"),
    Button(forms.Translated("buy-top-up"), "top_up", on_click=buy_steps.top_up, when="missing"),
    forms.navigation_row(buy_steps.campaign_card, back_to=BuyForm.many_when),
    state=BuyForm.many_table,
    getter=_table,
)
