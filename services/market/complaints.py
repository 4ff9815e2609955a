"""Let advertisers complain about published posts, and lead each complaint to its end.

While a complaint is open, the escrow of the placement is neither released nor refunded. No step
moves money: a decision takes effect when its time for an appeal is over (`end_due`).
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, Interval, Text, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.campaigns import Campaign, CampaignTarget
from db.models.complaints import (
    Complaint,
    ComplaintKind,
    ComplaintStatus,
    ComplaintStep,
    StepKind,
)
from services.platform import errors, outbox
from services.platform.actors import MODERATORS, Actor
from services.platform.complaint_errors import (
    ComplaintMovedOn,
    ComplaintRefused,
    RepublicationRefused,
    SplitTooSmall,
)

WINDOW = timedelta(hours=24)
"""COMPLAINT_WINDOW: how long after the publication an owner is not paid, at the least."""
ANSWER_TIME = timedelta(hours=24)
"""COMPLAINT_ANSWER: how long an owner has for an answer, and an advertiser for the next step."""
STAFF_TIME = timedelta(hours=24)
"""COMPLAINT_DECISION: how long the staff have, before they are told again and after it."""
SHORTEST_STEP, LONGEST_STEP = timedelta(hours=1), timedelta(days=30)
"""The bounds of both times. `require_complaint_time` in the database has them too."""
WORDS_LIMIT = 500
NOTICE, STAFF_NOTICE = "complaint", "complaint_staff"
"""The kinds of the messages to the two sides, and to the admin chat."""
WHOLE = 100
"""The owner's part in per cent of a release. The part of a refund is 0."""
_SILENT = frozenset({StepKind.ACCEPTED, StepKind.CORRECTING, StepKind.REMINDED})
"""The steps about which the two sides are not told."""
_OPEN = text(
    "SELECT code, complaint_id, state FROM open_complaint("
    ":target_id, :actor_id, :kind, :words, :answer_time, :correlation_id)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("target_id", "actor_id")),
    *(bindparam(name, type_=Text) for name in ("kind", "words", "correlation_id")),
    bindparam("answer_time", type_=Interval),
)
_STEP = text(
    "SELECT code, state FROM take_complaint_step("
    ":complaint_id, :actor_id, :step, :words, :owner_percent, :step_time, :correlation_id)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("complaint_id", "actor_id", "owner_percent")),
    *(bindparam(name, type_=Text) for name in ("step", "words", "correlation_id")),
    bindparam("step_time", type_=Interval),
)
_REPUBLISH = text(
    "SELECT code, state FROM republish_post(:complaint_id, :actor_id, :step_time, :correlation_id)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("complaint_id", "actor_id")),
    bindparam("step_time", type_=Interval),
    bindparam("correlation_id", type_=Text),
)
_END = text("SELECT end_complaint_step(:complaint_id, :staff_time, :correlation_id)").bindparams(
    bindparam("complaint_id", type_=BigInteger),
    bindparam("staff_time", type_=Interval),
    bindparam("correlation_id", type_=Text),
)


async def open_complaint(
    session: AsyncSession,
    *,
    actor: Actor,
    target_id: int,
    kind: ComplaintKind,
    words: str | None = None,
    answer_time: timedelta = ANSWER_TIME,
) -> int:
    """Open an advertiser's complaint about a published post, and tell the owner.

    Returns the complaint's id; a second call returns the id of the open one. `words` is needed for
    the kind `other`. Locks the placement, its post job and its escrow. Raises AccessDenied,
    NotFound, OwnMoney (a channel of one's own), InvalidText; ComplaintRefused if the post is not
    out, its money is not held, a breach is recorded, a decision was made, or there were two
    complaints.
    """
    user_id = actor.require_user(action="complaint_open")
    if kind is ComplaintKind.OTHER or words is not None:
        words = _require_words(words or "")
    row = (
        await session.execute(
            _OPEN,
            {
                "target_id": target_id,
                "actor_id": user_id,
                "kind": kind.value,
                "words": words,
                "answer_time": answer_time,
                "correlation_id": correlation_id.get(),
            },
        )
    ).one()
    match row.code:
        case None:
            await _tell(session, row.complaint_id, StepKind.OPENED, actor_id=user_id)
        case "repeated":
            pass
        case "own_money":
            raise errors.OwnMoney(target_id)
        case "not_found":
            raise errors.NotFound("target", target_id)
        case _:
            raise ComplaintRefused(target_id, row.state or row.code)
    return int(row.complaint_id)


async def answer(
    session: AsyncSession,
    *,
    actor: Actor,
    complaint_id: int,
    words: str,
    answer_time: timedelta = ANSWER_TIME,
) -> None:
    """Record the owner's answer in words, and ask the advertiser whether it is enough.

    Locks the placement, its post job, its escrow and the complaint. Raises AccessDenied, NotFound,
    InvalidText, ComplaintMovedOn.
    """
    words = _require_words(words)
    await _take(session, actor, complaint_id, StepKind.ANSWERED, words=words, step_time=answer_time)


async def ask_correction(
    session: AsyncSession,
    *,
    actor: Actor,
    complaint_id: int,
    answer_time: timedelta = ANSWER_TIME,
) -> None:
    """Let the bot put the post right, because its owner wants this instead of an answer.

    The next check of the post is due at once. A check edits each part of the ad to what was agreed
    (ADR 16); its record moves the complaint on. If no check ends within `answer_time`, the staff
    are asked. Locks as `answer`. Raises AccessDenied, NotFound; ComplaintMovedOn, also for a post
    without promised hours.
    """
    await _take(session, actor, complaint_id, StepKind.CORRECTING, step_time=answer_time)


async def republish(
    session: AsyncSession,
    *,
    actor: Actor,
    complaint_id: int,
    answer_time: timedelta = ANSWER_TIME,
) -> None:
    """Let the bot publish a removed post again, because its owner has pressed this button.

    It happens once for a placement, after the checks have proven that the post is gone. The same
    post job is queued again, and the whole promised time begins with the next publication. If the
    post is not out `answer_time` after its planned time, the escrow is refunded. Takes the shared
    locks of the kill switches `new_escrows`, `telegram_posting` and `worker_post`, then locks as
    `answer`, and the calendar of the channel. Raises AccessDenied, NotFound, SwitchStopped,
    ComplaintMovedOn, RepublicationRefused.
    """
    user_id = actor.require_user(action="complaint_republishing")
    values = {
        "complaint_id": complaint_id,
        "actor_id": user_id,
        "step_time": answer_time,
        "correlation_id": correlation_id.get(),
    }
    row = (await session.execute(_REPUBLISH, values)).one()
    match row.code:
        case None:
            await _tell(session, complaint_id, StepKind.REPUBLISHING, actor_id=user_id)
        case "moved":
            raise ComplaintMovedOn(complaint_id, row.state)
        case "not_found":
            raise errors.NotFound("complaint", complaint_id)
        case "switch_stopped":
            raise errors.SwitchStopped(row.state)
        case _:
            raise RepublicationRefused(complaint_id, row.code)


async def say_satisfied(session: AsyncSession, *, actor: Actor, complaint_id: int) -> None:
    """Close a complaint, because its advertiser is satisfied. The release goes on.

    Locks as `answer`. Raises AccessDenied, NotFound, ComplaintMovedOn.
    """
    await _take(session, actor, complaint_id, StepKind.SATISFIED)


async def dispute(
    session: AsyncSession,
    *,
    actor: Actor,
    complaint_id: int,
    staff_time: timedelta = STAFF_TIME,
) -> None:
    """Ask the staff for a decision, because the owner's answer is not enough for the advertiser.

    Locks as `answer`. Raises AccessDenied, NotFound, ComplaintMovedOn.
    """
    await _take(session, actor, complaint_id, StepKind.DISPUTED, step_time=staff_time)


async def decide(
    session: AsyncSession, *, actor: Actor, complaint_id: int, owner_percent: int
) -> None:
    """Record the decision of an admin, or of a super admin about an appeal, and tell both sides.

    `owner_percent` is the owner's part: 100 is a release, 0 a refund, the rest a split. The
    decision takes effect after the time for an appeal, or at once if it is the second one. Locks as
    `answer`. Raises AccessDenied, OwnMoney, SamePerson (the second decision is another person's),
    NotFound, InvalidAmount, SplitTooSmall, ComplaintMovedOn.
    """
    actor.require_staff(*MODERATORS, action="complaint_decide")
    if not 0 <= owner_percent <= WHOLE:
        raise errors.InvalidAmount(owner_percent)
    await _take(session, actor, complaint_id, StepKind.DECIDED, owner_percent=owner_percent)


async def accept(session: AsyncSession, *, actor: Actor, complaint_id: int) -> None:
    """Record that a side gives up the appeal. After both sides, the decision takes effect at once.

    Locks as `answer`. Raises AccessDenied, NotFound, ComplaintMovedOn.
    """
    await _take(session, actor, complaint_id, StepKind.ACCEPTED)


async def appeal(
    session: AsyncSession,
    *,
    actor: Actor,
    complaint_id: int,
    staff_time: timedelta = STAFF_TIME,
) -> None:
    """Ask a super admin for another decision. There is one appeal in all.

    Locks as `answer`. Raises AccessDenied, NotFound; ComplaintMovedOn, also if the time for an
    appeal is over or this side has accepted the decision.
    """
    await _take(session, actor, complaint_id, StepKind.APPEALED, step_time=staff_time)


async def end_due(session: AsyncSession, *, limit: int, staff_time: timedelta = STAFF_TIME) -> int:
    """End the steps of complaints whose time is over, and tell the people. Return how many.

    At most `limit` complaints are read, the earliest due first. Locks each one's placement, its
    post job, its escrow, then the complaint.
    """
    ended = 0
    for complaint_id in await list_due(session, limit=limit):
        ended += await end_step(session, complaint_id=complaint_id, staff_time=staff_time)
    return ended


async def list_due(session: AsyncSession, *, limit: int) -> Sequence[int]:
    """Return the ids of at most `limit` complaints whose step is over, the earliest due first."""
    rows = await session.scalars(
        select(Complaint.id)
        .where(Complaint.status != ComplaintStatus.CLOSED, Complaint.due_at <= func.clock())
        .order_by(Complaint.due_at)
        .limit(limit)
    )
    return rows.all()


async def end_step(
    session: AsyncSession, *, complaint_id: int, staff_time: timedelta = STAFF_TIME
) -> bool:
    """End the present step of a complaint if its time is over. Return False if it is not.

    A decision takes effect. The staff who have not decided are told again, and after another
    `staff_time` the complaint is closed. Locks as `end_due`.
    """
    values = {
        "complaint_id": complaint_id,
        "staff_time": staff_time,
        "correlation_id": correlation_id.get(),
    }
    step = await session.scalar(_END, values)
    if step is None:
        return False
    await _tell(session, complaint_id, StepKind(step))
    return True


async def _take(
    session: AsyncSession,
    actor: Actor,
    complaint_id: int,
    step: StepKind,
    *,
    words: str | None = None,
    owner_percent: int | None = None,
    step_time: timedelta = ANSWER_TIME,
) -> None:
    """Take a step of a complaint through the database function, and tell the people."""
    user_id = actor.require_user(action=f"complaint_{step}")
    row = (
        await session.execute(
            _STEP,
            {
                "complaint_id": complaint_id,
                "actor_id": user_id,
                "step": step.value,
                "words": words,
                "owner_percent": owner_percent,
                "step_time": step_time,
                "correlation_id": correlation_id.get(),
            },
        )
    ).one()
    match row.code:
        case None:
            await _tell(session, complaint_id, step, actor_id=user_id)
        case "own_money":
            raise errors.OwnMoney(complaint_id)
        case "same_person":
            raise errors.SamePerson("complaint_decide")
        case "not_super_admin":
            raise errors.AccessDenied("complaint_decide")
        case "too_small":
            raise SplitTooSmall(complaint_id)
        case "publishing":
            raise RepublicationRefused(complaint_id, row.code)
        case "moved":
            raise ComplaintMovedOn(complaint_id, row.state)
        case _:
            raise errors.NotFound("complaint", complaint_id)


async def _tell(
    session: AsyncSession, complaint_id: int, step: StepKind, *, actor_id: int | None = None
) -> None:
    """Queue the messages about the last step of a complaint to everybody but the actor.

    The staff are told if they are asked for a decision.
    """
    row = (
        await session.execute(
            select(
                Complaint.status,
                CampaignTarget.owner_id,
                Campaign.advertiser_id,
                select(func.max(ComplaintStep.id))
                .where(ComplaintStep.complaint_id == complaint_id)
                .scalar_subquery()
                .label("step_id"),
            )
            .join(CampaignTarget, CampaignTarget.id == Complaint.campaign_target_id)
            .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
            .where(Complaint.id == complaint_id)
        )
    ).one()
    told = {"owner": row.owner_id, "advertiser": row.advertiser_id}
    for side, user_id in told.items():
        if user_id != actor_id and step not in _SILENT:
            await outbox.add(
                session,
                user_id=user_id,
                kind=NOTICE,
                payload={"complaint_id": complaint_id, "to": side, "step": step.value},
                key=f"{NOTICE}:{row.step_id}:{side}",
            )
    if row.status in {ComplaintStatus.DISPUTED, ComplaintStatus.APPEALED}:
        await outbox.add(
            session,
            user_id=None,
            kind=STAFF_NOTICE,
            payload={"complaint_id": complaint_id},
            key=f"{STAFF_NOTICE}:{row.step_id}",
        )


def _require_words(words: str) -> str:
    words = words.strip()
    if not 1 <= len(words) <= WORDS_LIMIT:
        raise errors.InvalidText("complaint", WORDS_LIMIT, len(words))
    return words
