"""Ask the owners of channels about submitted placements, and record their answers."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Text,
    and_,
    bindparam,
    func,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.agreements import Answer
from db.models.campaigns import Campaign, CampaignTarget, TargetStatus
from db.models.operations import OutboxMessage, OutboxStatus
from services.market import managers, placement_delays, submission_cards
from services.platform import errors, outbox
from services.platform.actors import Actor
from services.platform.agreement_errors import AlreadyAnswered, AnswerTooLate, VersionChanged

ANSWER_TIME = timedelta(hours=24)
"""How long an owner has for an answer, if the setting OWNER_ANSWER says nothing else."""
QUESTION = "ad_offered"
"""The kind of the message that asks an owner."""
MANAGER_QUESTION = "ad_offered_to_manager"
"""The kind of the message that asks a manager of the channel."""
ENDED = "ad_offer_ended"
"""The kind of the message to an owner who was asked: the ad will not be published."""
REASON_LIMIT = 32
_ANSWER = text(
    "SELECT code, ref_id, state FROM answer_placement("
    ":target_id, :actor_id, :answer, :reason, :correlation_id, :version)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("target_id", "actor_id", "version")),
    *(bindparam(name, type_=Text) for name in ("answer", "reason", "correlation_id")),
)


def is_asked() -> ColumnElement[bool]:
    """Build the condition that a pending placement still waits for its owner's answer."""
    return and_(
        CampaignTarget.status == TargetStatus.PENDING,
        CampaignTarget.agreed_at.is_(None),
        CampaignTarget.answer_due_at.is_not(None),
    )


def answer_due_at(now: datetime, answer_time: timedelta, publish_at: datetime | None) -> datetime:
    """Return until when an owner can answer: after `answer_time`, or at `publish_at` if sooner."""
    due = now + answer_time
    return due if publish_at is None else min(due, publish_at)


async def ask(session: AsyncSession, target: CampaignTarget, *, advertiser_id: int) -> None:
    """Let the channel's acceptance rule accept a new version, or queue the questions about it.

    The owner and the managers of the channel are asked. An accepted placement gets its card in the
    admin chat. Locks the placement.
    """
    code = await _write(session, target.id, None, Answer.ACCEPTED, "", target.version)
    if code is None:
        await session.refresh(target, ["agreed_at"])
        await submission_cards.queue_due(session, advertiser_id=advertiser_id)
        return
    version_key = submission_cards.key_of(target.id, target.version)
    due_in = await placement_delays.question_delay(session, advertiser_id)
    await outbox.add(
        session,
        user_id=target.owner_id,
        kind=QUESTION,
        payload={"target_id": target.id, "version": target.version},
        key=f"{QUESTION}:{version_key}",
        due_in=due_in,
    )
    for manager_id in await managers.list_ids(session, target.channel_id, target.owner_id):
        await outbox.add(
            session,
            user_id=manager_id,
            kind=MANAGER_QUESTION,
            payload={"target_id": target.id, "version": target.version},
            key=f"{MANAGER_QUESTION}:{version_key}:{manager_id}",
            due_in=due_in,
        )


async def accept(session: AsyncSession, *, actor: Actor, target_id: int, version: int = 1) -> bool:
    """Record that a channel's owner accepts a version, and queue its card in the admin chat.

    Returns False if the owner has accepted before. Locks the placement. Raises AccessDenied,
    NotFound, OwnMoney (a manager's own ad), VersionChanged, InvalidMove, AlreadyAnswered,
    AnswerTooLate, PersonBlocked, ChannelNotUsable.
    """
    is_new = await _answer(session, actor, target_id, Answer.ACCEPTED, "", version)
    if is_new:
        advertiser_id = await session.scalar(
            select(Campaign.advertiser_id)
            .join(CampaignTarget, CampaignTarget.campaign_id == Campaign.id)
            .where(CampaignTarget.id == target_id)
        )
        await submission_cards.queue_due(session, advertiser_id=advertiser_id)
    return is_new


async def decline(
    session: AsyncSession, *, actor: Actor, target_id: int, reason: str, version: int = 1
) -> bool:
    """Record that a channel's owner declines a placement, which is rejected for good.

    `reason` is a fixed word, and the advertiser reads its text. Returns False if the owner has
    declined before. Locks the placement. Raises AccessDenied, NotFound, InvalidText,
    VersionChanged, InvalidMove, AlreadyAnswered, AnswerTooLate, PersonBlocked.
    """
    if not 1 <= len(reason) <= REASON_LIMIT:
        raise errors.InvalidText("reason", REASON_LIMIT, len(reason))
    return await _answer(session, actor, target_id, Answer.DECLINED, reason, version)


def waiting_count(user_id: ColumnElement[int]) -> ScalarSelect[int]:
    """Build a subquery of the number of placements that wait for a person's answer."""
    return (
        select(func.count())
        .select_from(CampaignTarget)
        .where(
            is_asked(),
            managers.may_answer(user_id),
            CampaignTarget.answer_due_at > func.clock(),
        )
        .scalar_subquery()
    )


_COUNT_WAITING = select(waiting_count(bindparam("user_id", type_=BigInteger)))


async def count_waiting(session: AsyncSession, user_id: int) -> int:
    """Return how many placements wait for a person's answer."""
    return int(await session.scalar(_COUNT_WAITING, {"user_id": user_id}) or 0)


async def tell_unreachable(session: AsyncSession, target_id: int) -> None:
    """Tell the staff that no question about a placement reaches its owner."""
    await outbox.add(
        session,
        user_id=None,
        kind="owner_unreachable",
        payload={"target_id": target_id},
        key=f"owner_unreachable:{target_id}",
    )


async def notify_ended(session: AsyncSession, target_ids: Collection[int]) -> None:
    """Tell the owners that some placements, about which they were asked, will not be published.

    An owner whom the question has not reached is not told.
    """
    if not target_ids:
        return
    asked = await session.execute(
        select(CampaignTarget.id, CampaignTarget.owner_id)
        .where(
            CampaignTarget.id.in_(target_ids),
            select(OutboxMessage.id)
            .where(
                OutboxMessage.key.in_(
                    [
                        func.concat(f"{QUESTION}:", CampaignTarget.id),
                        func.concat(f"{QUESTION}:", CampaignTarget.id, ":", CampaignTarget.version),
                    ]
                ),
                OutboxMessage.status == OutboxStatus.SENT,
            )
            .exists(),
        )
        .order_by(CampaignTarget.id)
    )
    for target_id, owner_id in asked.all():
        await outbox.add(
            session,
            user_id=owner_id,
            kind=ENDED,
            payload={"target_id": target_id},
            key=f"{ENDED}:{target_id}",
        )


async def _answer(
    session: AsyncSession,
    actor: Actor,
    target_id: int,
    answer: Answer,
    reason: str,
    version: int,
) -> bool:
    user_id = actor.require_user(action=f"placement_{answer}")
    code = await _write(session, target_id, user_id, answer, reason, version)
    if code is None:
        await _tell_owner(session, target_id, user_id, version)
    return code is None


async def _tell_owner(
    session: AsyncSession, target_id: int, answered_by: int, version: int
) -> None:
    """Tell the owner of a channel that a manager has answered."""
    owner_id = await session.scalar(
        select(CampaignTarget.owner_id).where(CampaignTarget.id == target_id)
    )
    if owner_id != answered_by:
        await outbox.add(
            session,
            user_id=owner_id,
            kind="manager_answered",
            payload={"target_id": target_id},
            key=f"manager_answered:{submission_cards.key_of(target_id, version)}",
        )


async def _write(
    session: AsyncSession,
    target_id: int,
    user_id: int | None,
    answer: Answer,
    reason: str,
    version: int,
) -> str | None:
    """Call `answer_placement`. Return None if an answer was written, `repeated`, or `no_rule`."""
    await session.flush()
    found = await session.execute(
        _ANSWER,
        {
            "target_id": target_id,
            "actor_id": user_id,
            "answer": answer.value,
            "reason": reason,
            "correlation_id": correlation_id.get(),
            "version": version,
        },
    )
    code, ref_id, state = found.one()
    if code in {None, "repeated", "no_rule"}:
        return None if code is None else str(code)
    if user_id is None:  # the rule does not answer for this owner or channel
        return "no_rule"
    raise _refusal(target_id, answer, code, ref_id, state)


def _refusal(
    target_id: int, answer: Answer, code: str, ref_id: int | None, state: str | None
) -> errors.DomainError:
    wanted = TargetStatus.REJECTED if answer is Answer.DECLINED else TargetStatus.APPROVED
    refusals: dict[str, Callable[[], errors.DomainError]] = {
        "not_found": lambda: errors.NotFound("target", target_id),
        "own_money": lambda: errors.OwnMoney(target_id),
        "version_changed": lambda: VersionChanged(target_id),
        "answered": lambda: AlreadyAnswered(target_id, state or ""),
        "invalid_move": lambda: errors.InvalidMove("target", target_id, state or "", wanted),
        "answer_late": lambda: AnswerTooLate(target_id),
        "person_blocked": lambda: errors.PersonBlocked(ref_id or 0),
        "channel_not_usable": lambda: errors.ChannelNotUsable(ref_id or 0, state or ""),
    }
    return refusals[code]()
