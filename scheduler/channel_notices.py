"""Render the messages of the outbox that are about a channel."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.screens import channel_facts as facts_screens
from bot.screens import early_removals as removal_screens
from bot.screens import managers as manager_screens
from bot.screens import notices as screens
from bot.screens import payout_waits as wait_screens
from bot.screens.outgoing import Outgoing
from bot.texts import Texts
from services.market import (
    auto_delete,
    channels,
    connections,
    early_removals,
    managers,
    moderation,
)
from services.money import payout_waits

Payload = Mapping[str, Any]
Render = Callable[[AsyncSession, Texts, Payload], Awaitable[Outgoing]]


async def _suspended(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await channels.get(session, payload["channel_id"])
    return screens.channel_suspended(t, row, payload["reason"])


async def _early_removals(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await early_removals.get(session, payload["channel_id"])
    return removal_screens.card(t, row)


async def _offered_again(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await channels.get(session, payload["channel_id"])
    return removal_screens.offered_again(t, row)


async def _taken_over(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.channel_taken_over(t, await channels.get(session, payload["channel_id"]))


async def _timer_short(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await channels.get(session, payload["channel_id"])
    return facts_screens.timer_short(
        t, row, payload["seconds"], payload["placements"], to_owner=payload["to"] == "owner"
    )


async def _placement_timer_short(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await moderation.get_details(session, target_id=payload["target_id"])
    return facts_screens.placement_timer_short(t, row, payload["seconds"])


async def _connection_confirmed(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await channels.get(session, payload["channel_id"])
    return Outgoing(t("notice-connection-confirmed", title=row.title))


async def _manager_named(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return manager_screens.named(t, await channels.get(session, payload["channel_id"]))


async def _manager_ended(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return manager_screens.ended(t, await channels.get(session, payload["channel_id"]))


async def _payouts_wait(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await payout_waits.get(session, payload["wait_id"])
    to_owner = payload["to"] == "owner"
    return wait_screens.for_owner(t, row) if to_owner else wait_screens.card(t, row)


RENDER: Mapping[str, Render] = {
    "channel_suspended": _suspended,
    "channel_taken_over": _taken_over,
    "early_removals": _early_removals,
    "channel_offered_again": _offered_again,
    connections.CONFIRMED: _connection_confirmed,
    managers.NAMED: _manager_named,
    managers.ENDED: _manager_ended,
    payout_waits.KIND: _payouts_wait,
    auto_delete.TOO_SHORT: _timer_short,
    auto_delete.PLACEMENT_TOO_SHORT: _placement_timer_short,
}
"""The function that renders each kind of message."""
