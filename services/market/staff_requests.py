"""Ask for an act of the staff, and carry the act out after the right person has pressed a button.

A command in a shell can be typed by anybody who has the shell, in the name of any person. Therefore
such a command only makes a request. The act is done when the named person presses "That was me" in
the admin chat. An act that needs two people is done when a second person then confirms the request
in the admin chat (source: product spec, people).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.users import RequestKind, RequestStatus, StaffRequest, User
from services.market.staff_acts import ACTS
from services.platform import audit, errors, outbox, proposals, transitions, users
from services.platform.actors import STAFF, SYSTEM, Actor
from services.platform.transitions import ActorRole

REASON_LIMIT = 500
"""The greatest length of a reason, in characters."""


class Decision(Protocol):
    """A function with which a person decides about a request."""

    async def __call__(
        self, session: AsyncSession, *, actor: Actor, request_id: int
    ) -> StaffRequest:
        """Decide about the request, and return it."""


@dataclass(frozen=True)
class RequestDetails:
    """A staff request with the Telegram ids of its people, for the screens that show it."""

    request: StaffRequest
    requester_telegram_id: int
    subject_telegram_id: int | None
    decider_telegram_id: int | None


async def create(
    session: AsyncSession,
    *,
    actor: Actor,
    kind: RequestKind,
    arguments: dict[str, Any],
    reason: str,
    subject_telegram_id: int | None = None,
    from_shell: bool,
) -> StaffRequest:
    """Store a request.

    A request from a shell waits for the acknowledgement of the actor, and its card is sent to the
    admin chat. A request from the admin chat waits for a second person, so it must be of a kind
    that needs two people; the caller shows its card. Raises AccessDenied,
    InvalidText; NotFound if nobody with `subject_telegram_id` has used the bot.
    """
    act = ACTS[kind]
    role = actor.require_staff(*act.roles, action=f"request_{kind}")
    if not (from_shell or act.two_people):
        raise errors.AccessDenied(f"request_{kind}")
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LIMIT:
        raise errors.InvalidText("reason", REASON_LIMIT, len(reason))
    subject = None
    if subject_telegram_id is not None:
        subject = await users.by_telegram_id(session, subject_telegram_id)
        if subject is None:
            raise errors.NotFound("user", subject_telegram_id)
    request = StaffRequest(
        kind=kind,
        arguments=arguments,
        subject_id=subject.id if subject else None,
        reason=reason,
        requested_by=actor.require_user(action=f"request_{kind}"),
        acknowledged=not from_shell,
    )
    session.add(request)
    await session.flush()
    await _record(session, request, actor, role=role)
    if from_shell:
        await _notify(session, request)
    return request


async def acknowledge(session: AsyncSession, *, actor: Actor, request_id: int) -> StaffRequest:
    """Record that the requester has typed the request. Carry it out if it needs no second person.

    If the request is acknowledged already, nothing changes. Locks the request; the act takes its
    own locks first if it needs switches. Raises AccessDenied if the actor is not the requester;
    NotFound, InvalidMove, ProposalEnded, and the errors of the act.
    """
    request, role = await _lock(session, actor, request_id, action="request_acknowledge")
    if actor.user_id != request.requested_by:
        raise errors.AccessDenied("request_acknowledge")
    if request.acknowledged and request.status is not RequestStatus.DROPPED:
        return request
    _require_move(request, RequestStatus.DONE, role)
    await _require_open(session, request)
    request.acknowledged = True
    if ACTS[request.kind].two_people:
        await session.flush()
        await _record_and_notify(session, request, actor, role=role)
    else:
        await _carry_out(session, request, actor, role=role)
    return request


async def confirm(session: AsyncSession, *, actor: Actor, request_id: int) -> StaffRequest:
    """Confirm a request as its second person, and carry it out.

    If the request is done already, nothing changes. Locks the request. Raises AccessDenied,
    NotFound, InvalidMove, NotAcknowledged, ProposalEnded; SamePerson if the actor is the requester;
    OwnMoney if the act is about the actor; and the errors of the act.
    """
    request, role = await _lock(session, actor, request_id, action="request_confirm")
    if actor.user_id == request.requested_by:
        raise errors.SamePerson("request_confirm")
    if actor.user_id == request.subject_id:
        raise errors.OwnMoney(request_id)
    if request.status is RequestStatus.DONE:
        return request
    _require_move(request, RequestStatus.DONE, role)
    if not request.acknowledged:
        raise errors.NotAcknowledged(request_id)
    await _require_open(session, request)
    await _carry_out(session, request, actor, role=role)
    return request


async def drop(session: AsyncSession, *, actor: Actor, request_id: int) -> StaffRequest:
    """Refuse a request that is not done. The requester may do this too ("It was not me").

    If the request is dropped already, nothing changes. Locks the request. Raises AccessDenied,
    NotFound, InvalidMove; OwnMoney if the act is about the actor.
    """
    request, role = await _lock(session, actor, request_id, action="request_drop", own=True)
    if actor.user_id == request.subject_id and actor.user_id != request.requested_by:
        raise errors.OwnMoney(request_id)
    if request.status is RequestStatus.DROPPED:
        return request
    _require_move(request, RequestStatus.DROPPED, role)
    await _end(session, request, RequestStatus.DROPPED, actor)
    await _record_and_notify(session, request, actor, role=role)
    return request


async def drop_ended(session: AsyncSession, *, limit: int) -> int:
    """Drop open requests that are too old or whose requester has no role; return their number.

    Locks the requests, and skips those that somebody decides at this moment.
    """
    rows = await session.scalars(
        select(StaffRequest)
        .where(StaffRequest.status == RequestStatus.PROPOSED)
        .order_by(StaffRequest.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    dropped = 0
    for request in rows.all():
        if await _has_ended(session, request):
            await _end(session, request, RequestStatus.DROPPED, SYSTEM)
            await _record_and_notify(session, request, SYSTEM, role="system")
            dropped += 1
    return dropped


async def list_open(session: AsyncSession, *, limit: int, offset: int) -> Sequence[StaffRequest]:
    """Return a page of the requests that wait for somebody. The oldest comes first."""
    rows = await session.scalars(
        select(StaffRequest)
        .where(StaffRequest.status == RequestStatus.PROPOSED)
        .order_by(StaffRequest.id)
        .limit(limit)
        .offset(offset)
    )
    return rows.all()


async def get(session: AsyncSession, request_id: int) -> RequestDetails:
    """Return the details of one request. Raises NotFound."""
    request = await session.get(StaffRequest, request_id, populate_existing=True)
    if request is None:
        raise errors.NotFound("staff_request", request_id)
    ids = [request.requested_by, request.subject_id, request.decided_by]
    people = await users.get_many(session, [user_id for user_id in ids if user_id is not None])
    return RequestDetails(
        request,
        people[request.requested_by].telegram_id,
        _telegram_id(people, request.subject_id),
        _telegram_id(people, request.decided_by),
    )


def _telegram_id(people: dict[int, User], user_id: int | None) -> int | None:
    return people[user_id].telegram_id if user_id is not None else None


async def _lock(
    session: AsyncSession, actor: Actor, request_id: int, *, action: str, own: bool = False
) -> tuple[StaffRequest, str]:
    """Lock a request, and return it with the role in which the actor decides about it.

    With `own`, any staff role is enough for the requester. Raises NotFound, AccessDenied.
    """
    actor.require_staff(*STAFF, action=action)
    request = await session.get(
        StaffRequest, request_id, with_for_update=True, populate_existing=True
    )
    if request is None:
        raise errors.NotFound("staff_request", request_id)
    allowed = STAFF if own and actor.user_id == request.requested_by else ACTS[request.kind].roles
    return request, actor.require_staff(*allowed, action=action).value


async def _has_ended(session: AsyncSession, request: StaffRequest) -> bool:
    return await proposals.has_ended(
        session,
        proposed_by=request.requested_by,
        proposed_at=request.created_at,
        roles=ACTS[request.kind].roles,
    )


async def _require_open(session: AsyncSession, request: StaffRequest) -> None:
    if await _has_ended(session, request):
        raise errors.ProposalEnded("staff_request", request.id)


async def _carry_out(
    session: AsyncSession, request: StaffRequest, actor: Actor, *, role: str
) -> None:
    """Do the act of a request, and set the request to done in the same transaction.

    The caller must have checked that the request may be done.
    """
    await ACTS[request.kind].carry_out(session, actor, request)
    await _end(session, request, RequestStatus.DONE, actor)
    await _record_and_notify(session, request, actor, role=role)


async def _end(
    session: AsyncSession, request: StaffRequest, status: RequestStatus, actor: Actor
) -> None:
    now = await queries.now(session)
    request.status, request.decided_by, request.decided_at = status, actor.user_id, now
    await session.flush()


def _require_move(request: StaffRequest, status: RequestStatus, role: str) -> None:
    """Refuse a change of status that the transition table does not allow. Raises InvalidMove."""
    transitions.require(
        transitions.STAFF_REQUEST,
        "staff_request",
        request.id,
        status=request.status,
        wanted=status,
        role=ActorRole(role),
    )


async def _record_and_notify(
    session: AsyncSession, request: StaffRequest, actor: Actor, *, role: str
) -> None:
    """Write the audit row of a request's new status, and the card for the admin chat."""
    await _record(session, request, actor, role=role)
    await _notify(session, request)


async def _record(session: AsyncSession, request: StaffRequest, actor: Actor, *, role: str) -> None:
    await audit.record(
        session,
        actor=actor,
        action=f"request_{_state(request)}",
        role=role,
        request_id=request.id,
        kind=request.kind.value,
        requested_by=request.requested_by,
        subject_id=request.subject_id,
    )


async def _notify(session: AsyncSession, request: StaffRequest) -> None:
    await outbox.add(
        session,
        user_id=None,
        kind="staff_request_changed",
        payload={"request_id": request.id},
        key=f"staff_request_{_state(request)}:{request.id}",
    )


def _state(request: StaffRequest) -> str:
    """Return the status of a request, or "asked" before the requester has acknowledged it."""
    waits = request.status is RequestStatus.PROPOSED and not request.acknowledged
    return "asked" if waits else request.status.value
