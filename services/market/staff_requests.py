"""Store staff requests for operations, and carry them out after confirmation.

A request from a shell counts after its requester presses "That was me" in the admin chat (source:
product spec, people).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.users import RequestKind, RequestStatus, StaffRequest, User
from services.market.staff_acts import ACTS, OF_STAFF
from services.platform import audit, errors, proposals, transitions, users
from services.platform.actors import STAFF, SYSTEM, Actor
from services.platform.transitions import ActorRole

REASON_LIMIT = 500


class Decision(Protocol):
    """A function that records a decision about a request, for example `confirm`."""

    async def __call__(
        self, session: AsyncSession, *, actor: Actor, request_id: int
    ) -> StaffRequest:
        """Record the actor's decision, and return the changed request."""


@dataclass(frozen=True)
class RequestDetails:
    """A staff request with the Telegram ids of its people; None stands for no person."""

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
    """Store a request for an operation that is done later, and return the request.

    A request from a shell waits for the button "That was me". A request from the admin chat waits
    for a second person. A request to block or unblock a person with a staff role gets the kind of
    OF_STAFF. Raises InvalidText; AccessDenied if the actor lacks the role, or requests a one-person
    operation in the admin chat; NotFound for an unknown `subject_telegram_id`; OwnMoney for an own
    block.
    """
    subject = None
    if subject_telegram_id is not None:
        subject = await users.by_telegram_id(session, subject_telegram_id)
    if kind in OF_STAFF and subject is not None:
        if subject.id == actor.user_id:
            raise errors.OwnMoney(subject.id)
        if await users.is_staff(session, subject.id):
            kind = OF_STAFF[kind]
    act = ACTS[kind]
    role = actor.require_staff(*act.roles, action=f"request_{kind}")
    if not (from_shell or act.two_people):
        raise errors.AccessDenied(f"request_{kind}")
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LIMIT:
        raise errors.InvalidText("reason", REASON_LIMIT, len(reason))
    if subject_telegram_id is not None and subject is None:
        raise errors.NotFound("user", subject_telegram_id)
    request = StaffRequest(
        kind=kind,
        arguments=arguments,
        subject_id=subject.id if subject else None,
        reason=reason,
        requested_by=actor.require_user(action=f"request_{kind}"),
        acknowledged=not from_shell,
        acknowledged_in=None if from_shell else actor.inbox_id,
    )
    session.add(request)
    await session.flush()
    await _record(session, request, actor, role=role)
    return request


async def acknowledge(session: AsyncSession, *, actor: Actor, request_id: int) -> StaffRequest:
    """Record that the requester pressed "That was me".

    Carries the operation out, unless a second person has to confirm. A repeated call changes
    nothing. Locks the request, then the rows of the operation. Raises NotFound, InvalidMove,
    ProposalEnded, the errors of the operation; AccessDenied if the actor is not the requester.
    """
    request, role = await _lock(session, actor, request_id, action="request_acknowledge")
    if actor.user_id != request.requested_by:
        raise errors.AccessDenied("request_acknowledge")
    if request.acknowledged and request.status is not RequestStatus.DROPPED:
        return request
    _require_move(request, RequestStatus.DONE, role)
    await _require_open(session, request)
    if not ACTS[request.kind].two_people:
        await ACTS[request.kind].carry_out(session, actor, request)
        await _end(session, request, RequestStatus.DONE, actor, role=role)
        return request
    request.acknowledged, request.acknowledged_in = True, actor.inbox_id
    await session.flush()
    await _record(session, request, actor, role=role)
    return request


async def confirm(session: AsyncSession, *, actor: Actor, request_id: int) -> StaffRequest:
    """Confirm a request as the second person, and carry the operation out.

    A repeated call changes nothing. Locks the request, then the rows of the operation. Raises
    AccessDenied, NotFound, InvalidMove, NotAcknowledged, ProposalEnded, the errors of the
    operation; SamePerson if the actor is the requester; OwnMoney if the actor is the person
    concerned.
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
    await ACTS[request.kind].carry_out(session, actor, request)
    await _end(session, request, RequestStatus.DONE, actor, role=role)
    return request


async def drop(session: AsyncSession, *, actor: Actor, request_id: int) -> StaffRequest:
    """Refuse a request that is not carried out. Its requester may refuse it too.

    A repeated call changes nothing. Locks the request. Raises AccessDenied, NotFound, InvalidMove;
    OwnMoney if somebody else requested an operation on the actor's own account.
    """
    request, role = await _lock(session, actor, request_id, action="request_drop", own=True)
    if actor.user_id == request.subject_id and actor.user_id != request.requested_by:
        raise errors.OwnMoney(request_id)
    if request.status is RequestStatus.DROPPED:
        return request
    _require_move(request, RequestStatus.DROPPED, role)
    await _end(session, request, RequestStatus.DROPPED, actor, role=role)
    return request


async def drop_ended(session: AsyncSession, *, limit: int) -> int:
    """Refuse open requests that are too old or whose requester has lost the role.

    Returns the number of refused requests. Locks the `limit` oldest open requests, and skips those
    that another transaction has locked.
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
            await _end(session, request, RequestStatus.DROPPED, SYSTEM, role="system")
            dropped += 1
    return dropped


async def list_open(session: AsyncSession, *, limit: int, offset: int) -> Sequence[StaffRequest]:
    """Return a page of the requests that wait for a decision, oldest first."""
    rows = await session.scalars(
        select(StaffRequest)
        .where(StaffRequest.status == RequestStatus.PROPOSED)
        .order_by(StaffRequest.id)
        .limit(limit)
        .offset(offset)
    )
    return rows.all()


async def find_newest(
    session: AsyncSession, *, kind: RequestKind, arguments: dict[str, Any], requested_by: int
) -> StaffRequest | None:
    """Return a person's newest request with exactly this content that was not refused, or None."""
    request: StaffRequest | None = await session.scalar(
        select(StaffRequest)
        .where(
            StaffRequest.kind == kind,
            StaffRequest.arguments == arguments,
            StaffRequest.requested_by == requested_by,
            StaffRequest.status != RequestStatus.DROPPED,
        )
        .order_by(StaffRequest.id.desc())
        .limit(1)
    )
    return request


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


async def _end(
    session: AsyncSession, request: StaffRequest, status: RequestStatus, actor: Actor, *, role: str
) -> None:
    now = await queries.now(session)
    if status is RequestStatus.DONE and not request.acknowledged:
        request.acknowledged, request.acknowledged_in = True, actor.inbox_id
    request.status, request.decided_at = status, now
    request.decided_by, request.decided_in = actor.user_id, actor.inbox_id
    await session.flush()
    await _record(session, request, actor, role=role)


def _require_move(request: StaffRequest, status: RequestStatus, role: str) -> None:
    transitions.require(
        transitions.STAFF_REQUEST,
        "staff_request",
        request.id,
        status=request.status,
        wanted=status,
        role=ActorRole(role),
    )


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
        reason=request.reason,
    )


def _state(request: StaffRequest) -> str:
    """Return the status of a request: `asked` until the requester has acknowledged it."""
    waits = request.status is RequestStatus.PROPOSED and not request.acknowledged
    return "asked" if waits else request.status.value
