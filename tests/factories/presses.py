"""Store updates about presses and commands, as if Telegram had delivered them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.corrections import Correction, CorrectionKind
from db.models.operations import InboxUpdate
from db.models.users import RequestKind, StaffRequest
from services.market import staff_requests
from services.platform import users
from services.platform.actors import Actor

_CORRECTIONS = {
    "propose_adjustment": CorrectionKind.ADJUSTMENT,
    "propose_balance_reset": CorrectionKind.BALANCE_RESET,
    "propose_orphan": CorrectionKind.ORPHAN_ENTRY,
    "propose_missing_payout": CorrectionKind.MISSING_PAYOUT,
    "propose_escrow_reversal": CorrectionKind.ESCROW_REVERSAL,
}


async def press(session: AsyncSession, who: Actor, data: str, **more: Any) -> Actor:
    """Store a press of a button, and return the actor with the update's id."""
    return await _deliver(session, who, "callback_query", {"data": data, **more})


async def write(session: AsyncSession, who: Actor, words: str, **more: Any) -> Actor:
    """Store a message of a person, and return the actor with the update's id."""
    return await _deliver(session, who, "message", {"text": words, **more})


async def propose(
    function: Callable[..., Awaitable[Correction]],
    session: AsyncSession,
    *,
    actor: Actor,
    reason: str,
    **arguments: Any,
) -> Correction:
    """Call `propose_adjustment` or a function like it, after "That was me" on such a request."""
    named = {name: value for name, value in arguments.items() if name != "key"}
    pressed = await request_correction(
        session, actor, _CORRECTIONS[function.__name__], reason=reason, **named
    )
    return await function(session, actor=pressed, reason=reason, **arguments)


async def request_correction(
    session: AsyncSession, who: Actor, kind: CorrectionKind, *, reason: str, **arguments: int
) -> Actor:
    """Store a request from a shell and its acknowledgement.

    Returns an actor who may propose exactly this correction.
    """
    request = StaffRequest(
        kind=RequestKind.CORRECTION,
        arguments={"correction": kind.value, **arguments},
        reason=reason,
        requested_by=queries.required(who.user_id),
    )
    session.add(request)
    await session.flush()
    return await press(session, who, f"request:mine:{request.id}")


async def confirm_correction(session: AsyncSession, who: Actor, correction_id: int) -> Actor:
    """Store the press that confirms a correction, and return an actor who may confirm it."""
    return await press(session, who, f"correction:yes:{correction_id}:checked")


async def apply_correction(session: AsyncSession, who: Actor, correction_id: int) -> None:
    """Store a person's signed request to apply a confirmed correction."""
    request = await staff_requests.create(
        session,
        actor=who,
        kind=RequestKind.REPAIR,
        arguments={"correction": correction_id},
        reason="the incident",
        from_shell=True,
    )
    pressed = await press(session, who, f"request:mine:{request.id}")
    await staff_requests.acknowledge(session, actor=pressed, request_id=request.id)


async def close_incident(session: AsyncSession, who: Actor, incident_id: int) -> Actor:
    """Store the press that closes an incident, and return an actor who may close it."""
    return await press(session, who, f"incident:close_sure:{incident_id}")


async def decide_post(
    session: AsyncSession, who: Actor, decision: str, target_id: int, claim_no: int = 1
) -> Actor:
    """Store an admin's press about a post, for example `release`, and return the actor."""
    return await press(session, who, f"uncertain:{decision}:{target_id}:{claim_no}")


async def _deliver(session: AsyncSession, who: Actor, kind: str, content: dict[str, Any]) -> Actor:
    telegram_id = (await users.get(session, queries.required(who.user_id))).telegram_id
    inbox_id = await session.scalar(
        insert(InboxUpdate)
        .values(
            update_id=uuid4().int % 2**62,
            lane=telegram_id,
            payload={kind: {"from": {"id": telegram_id}, **content}},
        )
        .returning(InboxUpdate.id)
    )
    return replace(who, inbox_id=inbox_id)
