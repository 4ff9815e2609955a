"""Let channel owners and moderators ask advertisers to change pending placements."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.agreements import ChangeRequest, Side
from db.models.campaigns import Campaign, CampaignTarget, TargetStatus
from db.models.formats import Ending
from services.market import formats, managers, publish_times
from services.market.terms import Kind, Terms
from services.money import wallets
from services.platform import audit, errors, outbox
from services.platform.actors import MODERATORS, Actor
from services.platform.agreement_errors import (
    AlreadyAnswered,
    AnswerTooLate,
    NotAgreed,
    NothingChanged,
    TooManyChanges,
    VersionChanged,
)

WORDS_LIMIT = 500
MOST = 3
"""How often a change of one version can be asked for."""
KIND = "change_asked"


def waits_for_advertiser() -> ColumnElement[bool]:
    """Build the condition that an owner's request leaves the advertiser of a placement time.

    The advertiser has as much time after the request as the owner had for the answer.
    """
    begun_at = func.coalesce(CampaignTarget.changed_at, CampaignTarget.created_at)
    return (
        select(ChangeRequest.id)
        .where(
            ChangeRequest.campaign_target_id == CampaignTarget.id,
            ChangeRequest.version == CampaignTarget.version,
            ChangeRequest.side == Side.OWNER,
            ChangeRequest.created_at + (CampaignTarget.answer_due_at - begun_at) > func.clock(),
        )
        .exists()
    )


@dataclass(frozen=True)
class WantedChange:
    """The change of a placement that an owner or a moderator has asked for."""

    id: int
    side: Side
    words: str | None
    """The wish in words, or the name of a preset, or None."""
    price: int | None
    """The wanted price in minor units, or None."""
    kind: Kind | None
    """The wanted format, which has the price `price`, or None."""
    publish_at: datetime | None
    """The wanted time of publication, with a time zone, or None."""

    def terms(self, present: Terms) -> Terms:
        """Return the wanted terms of a placement that has the terms `present`."""
        return Terms(self.price or present.price, *(self.kind or present.kind))

    @property
    def is_proposal(self) -> bool:
        """Whether the advertiser can accept the change as it is, without another ad."""
        return self.words is None


def open_id() -> ScalarSelect[int]:
    """Build a subquery of the id of the last request about a placement's present version.

    An owner's request ends when the owner accepts the version. A request ends with a decision. It
    is kept for a placement that expired, because it says why. The caller's query must select from
    `campaign_targets`.
    """
    return (
        select(func.max(ChangeRequest.id))
        .where(
            ChangeRequest.campaign_target_id == CampaignTarget.id,
            ChangeRequest.version == CampaignTarget.version,
            CampaignTarget.status.in_((TargetStatus.PENDING, TargetStatus.EXPIRED)),
            or_(ChangeRequest.side == Side.MODERATOR, CampaignTarget.agreed_at.is_(None)),
        )
        .correlate(CampaignTarget)
        .scalar_subquery()
    )


def wanted(row: ChangeRequest | None) -> WantedChange | None:
    """Return what a row of `change_requests` asks for, or None for None."""
    if row is None:
        return None
    kind = None
    if row.ending is not None:
        kind = Kind(row.promised_hours or 0, row.hours_on_top or 0, Ending(row.ending))
    return WantedChange(row.id, row.side, row.words, row.price, kind, row.publish_at)


async def find_open(session: AsyncSession, target_id: int) -> WantedChange | None:
    """Return the last request for a change of a pending placement's present version, or None."""
    row = await session.scalar(
        select(ChangeRequest)
        .join(CampaignTarget, ChangeRequest.id == open_id())
        .where(CampaignTarget.id == target_id)
    )
    return wanted(row)


async def ask_as_owner(
    session: AsyncSession,
    *,
    actor: Actor,
    target_id: int,
    version: int,
    words: str | None = None,
    price: int | None = None,
    format_id: int | None = None,
    publish_at: datetime | None = None,
    publish_ahead: timedelta = publish_times.LONGEST_AHEAD,
) -> None:
    """Ask the advertiser to change a placement that waits for the owner's answer.

    The actor is the owner or a manager of the channel. Exactly one of `words`, `price` (minor
    units), `format_id` (a format that the channel sells now) and `publish_at` (with a time zone) is
    given. Locks the placement. Raises AccessDenied, NotFound, InvalidMove, VersionChanged,
    AlreadyAnswered, AnswerTooLate, TooManyChanges, NothingChanged, InvalidText, InvalidAmount,
    PublishTimePast, PublishTimeTooFar.
    """
    user_id = actor.require_user(action="change_ask")
    target = await queries.lock_target(session, target_id)
    if target is None or not await _may_answer(session, target, user_id):
        raise errors.NotFound("target", target_id)
    await _require_open(session, target, version)
    if target.agreed_at is not None:
        raise AlreadyAnswered(target_id, "accepted")
    if target.answer_due_at is None or target.answer_due_at <= await queries.now(session):
        raise AnswerTooLate(target_id)
    wanted_terms = present = Terms(
        target.price, target.promised_hours, target.hours_on_top, target.ending
    )
    if price is not None:
        wallets.require_amount(price)
        wanted_terms = present._replace(price=price)
    if format_id is not None:
        wanted_terms = await _terms_of_format(session, target, format_id)
    if publish_at is not None:
        await publish_times.require(session, publish_at, ahead=publish_ahead)
    if (wanted_terms, publish_at or target.publish_at, words) == (
        present,
        target.publish_at,
        None,
    ):
        raise NothingChanged(target_id)
    request = ChangeRequest(
        side=Side.OWNER,
        price=None if wanted_terms == present else wanted_terms.price,
        publish_at=publish_at,
        **({} if format_id is None else wanted_terms.kind._asdict()),
    )
    await _add(session, actor, target, request, words)


async def ask_as_moderator(
    session: AsyncSession, *, actor: Actor, target_id: int, version: int, words: str
) -> None:
    """Ask the advertiser to change a placement that waits for an admin's decision.

    `words` is a text, or the name of a preset reason. Locks the placement. Raises AccessDenied,
    NotFound, OwnMoney, InvalidMove, VersionChanged, NotAgreed, TooManyChanges, InvalidText.
    """
    actor.require_staff(*MODERATORS, action="change_ask")
    placement = await queries.lock_placement(session, target_id)
    if placement is None:
        raise errors.NotFound("target", target_id)
    target = placement.target
    if actor.user_id in {placement.campaign.advertiser_id, target.owner_id}:
        raise errors.OwnMoney(target_id)
    await _require_open(session, target, version)
    if target.answer_due_at is not None and target.agreed_at is None:
        raise NotAgreed(target_id)
    await _add(session, actor, target, ChangeRequest(side=Side.MODERATOR), words)


async def _may_answer(session: AsyncSession, target: CampaignTarget, user_id: int) -> bool:
    """Return whether a person is the owner or a manager of a placement's channel."""
    return target.owner_id == user_id or await managers.is_manager(
        session, channel_id=target.channel_id, owner_id=target.owner_id, user_id=user_id
    )


async def _terms_of_format(session: AsyncSession, target: CampaignTarget, format_id: int) -> Terms:
    for row in await formats.of_channel(session, target.channel_id):
        if row.id == format_id:
            return formats.terms_of(row)
    raise errors.NotFound("format", format_id)


async def _require_open(session: AsyncSession, target: CampaignTarget, version: int) -> None:
    """Require that a locked placement is pending without an escrow, in a version, for requests."""
    if target.status is not TargetStatus.PENDING:
        raise errors.InvalidMove("target", target.id, target.status, "changed")
    if target.version != version:
        raise VersionChanged(target.id)
    has_escrow = await session.scalar(
        select(queries.has_escrow()).where(CampaignTarget.id == target.id)
    )
    if has_escrow:
        raise errors.InvalidMove("target", target.id, "held", "changed")
    asked = await session.scalar(
        select(func.count()).where(
            ChangeRequest.campaign_target_id == target.id, ChangeRequest.version == version
        )
    )
    if int(asked or 0) >= MOST:
        raise TooManyChanges(target.id)


async def _add(
    session: AsyncSession,
    actor: Actor,
    target: CampaignTarget,
    request: ChangeRequest,
    words: str | None,
) -> None:
    """Store a request with its audit row and the message to the advertiser."""
    if words is not None:
        words = words.strip()
        if not 1 <= len(words) <= WORDS_LIMIT:
            raise errors.InvalidText("change", WORDS_LIMIT, len(words))
    request.campaign_target_id, request.version = target.id, target.version
    request.asked_by, request.words = queries.required(actor.user_id), words
    session.add(request)
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="change_asked",
        role=request.side,
        target_id=target.id,
        version=target.version,
    )
    campaign = await session.get_one(Campaign, target.campaign_id)
    await outbox.add(
        session,
        user_id=campaign.advertiser_id,
        kind=KIND,
        payload={"target_id": target.id, "request_id": request.id},
        key=f"{KIND}:{request.id}",
    )
