"""Store the staff's requests for acts (operations), and carry the acts out.

Anybody who has a shell can type a command in another person's name. Therefore a command in a shell
only stores a request. The named person confirms it in the admin chat with the button "That was me".
If the act needs only one person, it is done then. If the act needs two people, a second person must
confirm the request too (source: product spec, people).

The database function `guard_staff_request` accepts a press only with the Telegram update of this
press. A card is a message with buttons. The database function `tell_staff_request` sends a
request's card to the admin chat after a request from a shell, and after each change of a request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.users import RequestKind, RequestStatus, StaffRequest, User
from services.market.staff_acts import ACTS
from services.platform import audit, errors, proposals, transitions, users
from services.platform.actors import STAFF, SYSTEM, Actor
from services.platform.transitions import ActorRole

REASON_LIMIT = 500
"""The greatest length of a reason, in characters."""


class Decision(Protocol):
    """A function that records a person's decision about a request, for example `confirm`."""

    async def __call__(
        self, session: AsyncSession, *, actor: Actor, request_id: int
    ) -> StaffRequest:
        """Record the actor's decision about a request, and return the changed request."""


@dataclass(frozen=True)
class RequestDetails:
    """A staff request with the Telegram ids of the people whom it names.

    These people are the requester, the subject (the person whom the act concerns) and the person
    who decided. An id is None if there is no such person.
    """

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
    """Store a request for an act (an operation), and return the request. The act is not done yet.

    A request from a shell waits until the actor presses "That was me" in the admin chat. The
    database queues the message with this button. A request from the admin chat waits for a second
    person, and the caller shows the message with the buttons. If the act needs no second person, it
    can only be requested from a shell. `subject_telegram_id` is the person whom the act concerns,
    or None. Raises AccessDenied, InvalidText. Raises NotFound if the bot does not know
    `subject_telegram_id`.
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
        acknowledged_in=None if from_shell else actor.inbox_id,
    )
    session.add(request)
    await session.flush()
    await _record(session, request, actor, role=role)
    return request


async def acknowledge(session: AsyncSession, *, actor: Actor, request_id: int) -> StaffRequest:
    """Record that the requester has pressed "That was me" for a request from a shell.

    If the act needs no second person, it is carried out now. If the request is acknowledged
    already, nothing changes. Locks the request, then the rows that the act locks. Raises NotFound,
    InvalidMove, ProposalEnded, and the errors of the act. Raises AccessDenied if the actor is not
    the requester.
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
    """Confirm a request as the second person, and carry the act out.

    If the act is done already, nothing changes. Locks the request, then the rows that the act
    locks. Raises AccessDenied, NotFound, InvalidMove, NotAcknowledged, ProposalEnded, and the
    errors of the act. Raises SamePerson if the actor is the requester. Raises OwnMoney if the act
    is about the actor.
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
    """Refuse a request whose act is not done. The requester may do this too ("It was not me").

    If the request is refused already, nothing changes. Locks the request. Raises AccessDenied,
    NotFound, InvalidMove. Raises OwnMoney if the act is about the actor and another person
    requested it.
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
    """Refuse old open requests, and open requests whose requester has lost the role for the act.

    Returns how many requests were refused. Locks up to `limit` open requests, the oldest first.
    Requests that another transaction has locked are skipped.
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
    """Return a page of the requests that wait for a decision. The oldest request comes first."""
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
    """Lock a request. Return the request and the role in which the actor decides about it.

    The actor needs a role that may decide about this kind of act. If `own` is True and the actor is
    the requester, any staff role is enough. Raises NotFound, AccessDenied.
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


async def _end(
    session: AsyncSession, request: StaffRequest, status: RequestStatus, actor: Actor, *, role: str
) -> None:
    """Set the final status of a request, and record who decided about it.

    If a request becomes done and its requester has not acknowledged it before, it is marked as
    acknowledged.
    """
    now = await queries.now(session)
    if status is RequestStatus.DONE and not request.acknowledged:
        request.acknowledged, request.acknowledged_in = True, actor.inbox_id
    request.status, request.decided_at = status, now
    request.decided_by, request.decided_in = actor.user_id, actor.inbox_id
    await session.flush()
    await _record(session, request, actor, role=role)


def _require_move(request: StaffRequest, status: RequestStatus, role: str) -> None:
    """Raise InvalidMove if this role may not change the status of a request to `status`."""
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
    )


def _state(request: StaffRequest) -> str:
    """Return the status of a request. An open request that is not acknowledged is `asked`."""
    waits = request.status is RequestStatus.PROPOSED and not request.acknowledged
    return "asked" if waits else request.status.value
