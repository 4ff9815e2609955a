"""Define which changes of a status are allowed, and which roles can make each change."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from db.models.campaigns import CampaignStatus, ChannelStatus, TargetStatus
from db.models.complaints import ComplaintStatus
from db.models.corrections import CorrectionStatus
from db.models.deposit_returns import ReturnStatus
from db.models.destinations import DestinationStatus
from db.models.money import DepositStatus, EscrowStatus, WithdrawalStatus
from db.models.operations import OutboxStatus
from db.models.posting import PostJobStatus
from db.models.removals import RemovalStatus
from db.models.users import RequestStatus
from services.platform import errors


class ActorRole(StrEnum):
    """The role in which an actor changes a status."""

    ADVERTISER = "advertiser"
    OWNER = "owner"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"
    OPERATOR = "operator"
    SYSTEM = "system"


S = TypeVar("S", bound=StrEnum)
Transitions = Mapping[tuple[S, S], frozenset[ActorRole]]

_STAFF = frozenset({ActorRole.ADMIN, ActorRole.SUPER_ADMIN})
_ANY_STAFF = _STAFF | {ActorRole.OPERATOR}
_SYSTEM = frozenset({ActorRole.SYSTEM})
_ADVERTISER = frozenset({ActorRole.ADVERTISER})
_OWNER = frozenset({ActorRole.OWNER})

CAMPAIGN: Transitions[CampaignStatus] = {
    (CampaignStatus.DRAFT, CampaignStatus.ACTIVE): _ADVERTISER | _STAFF,
    (CampaignStatus.ACTIVE, CampaignStatus.PAUSED): _ADVERTISER | _STAFF,
    (CampaignStatus.PAUSED, CampaignStatus.ACTIVE): _ADVERTISER | _STAFF,
    (CampaignStatus.DRAFT, CampaignStatus.CANCELLED): _ADVERTISER | _STAFF,
    (CampaignStatus.ACTIVE, CampaignStatus.CANCELLED): _ADVERTISER | _STAFF,
    (CampaignStatus.PAUSED, CampaignStatus.CANCELLED): _ADVERTISER | _STAFF,
    (CampaignStatus.ACTIVE, CampaignStatus.COMPLETED): _ADVERTISER | _SYSTEM,
    (CampaignStatus.PAUSED, CampaignStatus.COMPLETED): _ADVERTISER | _SYSTEM,
}

TARGET: Transitions[TargetStatus] = {
    (TargetStatus.PENDING, TargetStatus.APPROVED): _STAFF,
    (TargetStatus.PENDING, TargetStatus.REJECTED): _STAFF | _OWNER,
    (TargetStatus.PENDING, TargetStatus.WITHDRAWN): _ADVERTISER | _SYSTEM,
    (TargetStatus.PENDING, TargetStatus.EXPIRED): _SYSTEM,
    (TargetStatus.APPROVED, TargetStatus.POSTED): _SYSTEM,
    # The advertiser cancels the placement before its time (`services/market/cancellations.py`).
    (TargetStatus.APPROVED, TargetStatus.REFUNDED): _SYSTEM | _ADVERTISER,
    # These two moves need a held escrow. A pending target can have one (safety plan, INT-ES-01).
    (TargetStatus.PENDING, TargetStatus.POSTED): _SYSTEM,
    (TargetStatus.PENDING, TargetStatus.REFUNDED): _SYSTEM,
}

ESCROW: Transitions[EscrowStatus] = {
    (EscrowStatus.HELD, EscrowStatus.RELEASED): _SYSTEM,
    (EscrowStatus.HELD, EscrowStatus.REFUNDED): _SYSTEM | _ADVERTISER,
}

POST_JOB: Transitions[PostJobStatus] = {
    (PostJobStatus.QUEUED, PostJobStatus.SENDING): _SYSTEM,
    (PostJobStatus.SENDING, PostJobStatus.SUCCESS): _SYSTEM,
    (PostJobStatus.SENDING, PostJobStatus.FAILED): _SYSTEM,
    (PostJobStatus.SENDING, PostJobStatus.QUEUED): _SYSTEM,
    (PostJobStatus.SENDING, PostJobStatus.UNCERTAIN): _SYSTEM,
    (PostJobStatus.UNCERTAIN, PostJobStatus.SUCCESS): _SYSTEM | _STAFF,
    (PostJobStatus.UNCERTAIN, PostJobStatus.QUEUED): _SYSTEM | _STAFF,
    (PostJobStatus.UNCERTAIN, PostJobStatus.FAILED): _SYSTEM | _STAFF,
    (PostJobStatus.UNCERTAIN, PostJobStatus.CANCELLED): _SYSTEM | _STAFF,
    (PostJobStatus.QUEUED, PostJobStatus.CANCELLED): _SYSTEM | _ADVERTISER,
    (PostJobStatus.QUEUED, PostJobStatus.FAILED): _SYSTEM,
    # A backup was restored: the post may have been published since the backup.
    (PostJobStatus.QUEUED, PostJobStatus.UNCERTAIN): _SYSTEM,
    # The post was removed within its promised hours, or an admin refunded it; the escrow is held.
    (PostJobStatus.SUCCESS, PostJobStatus.FAILED): _SYSTEM | _STAFF,
    # The post is proven gone, and its owner publishes it again after a complaint, once.
    (PostJobStatus.SUCCESS, PostJobStatus.QUEUED): _OWNER,
}

CHANNEL: Transitions[ChannelStatus] = {
    (ChannelStatus.PENDING, ChannelStatus.ACTIVE): _OWNER,
    (ChannelStatus.ACTIVE, ChannelStatus.PAUSED): _OWNER,
    (ChannelStatus.PAUSED, ChannelStatus.ACTIVE): _OWNER,
    (ChannelStatus.ACTIVE, ChannelStatus.SUSPENDED): _SYSTEM,
    (ChannelStatus.PAUSED, ChannelStatus.SUSPENDED): _SYSTEM,
    (ChannelStatus.SUSPENDED, ChannelStatus.ACTIVE): _SYSTEM,
    (ChannelStatus.SUSPENDED, ChannelStatus.PAUSED): _SYSTEM,
    (ChannelStatus.PENDING, ChannelStatus.REMOVED): _OWNER,
    (ChannelStatus.ACTIVE, ChannelStatus.REMOVED): _OWNER,
    (ChannelStatus.PAUSED, ChannelStatus.REMOVED): _OWNER,
    (ChannelStatus.SUSPENDED, ChannelStatus.REMOVED): _OWNER,
    # The channel is connected again, perhaps by a new owner, and gets new terms.
    (ChannelStatus.REMOVED, ChannelStatus.PENDING): _OWNER,
}

DEPOSIT: Transitions[DepositStatus] = {
    (DepositStatus.RECEIVED, DepositStatus.CREDITED): _SYSTEM,
    # The payment was reversed before it was credited here, so that no money moves.
    (DepositStatus.RECEIVED, DepositStatus.CLAWED_BACK): _SYSTEM,
    (DepositStatus.CREDITED, DepositStatus.CLAWED_BACK): _SYSTEM,
    # Telegram has refunded the payment, because its payer wanted an unused deposit back.
    (DepositStatus.CREDITED, DepositStatus.RETURNED): _SYSTEM,
}

DEPOSIT_RETURN: Transitions[ReturnStatus] = {
    (ReturnStatus.REQUESTED, ReturnStatus.SENDING): _SYSTEM,
    # Telegram reports the refund before the bot asks for it, for example after a lost answer.
    (ReturnStatus.REQUESTED, ReturnStatus.DONE): _SYSTEM,
    # The payer was blocked before Telegram was asked.
    (ReturnStatus.REQUESTED, ReturnStatus.REFUSED): _SYSTEM,
    (ReturnStatus.SENDING, ReturnStatus.DONE): _SYSTEM,
    (ReturnStatus.SENDING, ReturnStatus.REFUSED): _SYSTEM,
    (ReturnStatus.SENDING, ReturnStatus.REQUESTED): _SYSTEM,
    (ReturnStatus.SENDING, ReturnStatus.UNCERTAIN): _SYSTEM,
    (ReturnStatus.UNCERTAIN, ReturnStatus.DONE): _SYSTEM,
    # Telegram's list does not have the refund, so that Telegram is asked again.
    (ReturnStatus.UNCERTAIN, ReturnStatus.REQUESTED): _SYSTEM,
}

WITHDRAWAL: Transitions[WithdrawalStatus] = {
    (WithdrawalStatus.REQUESTED, WithdrawalStatus.APPROVED): _STAFF,
    (WithdrawalStatus.APPROVED, WithdrawalStatus.PAID): _STAFF,
    # Somebody paid the withdrawal before it was approved here. Such a payment is recorded even if a
    # kill switch is stopped.
    (WithdrawalStatus.REQUESTED, WithdrawalStatus.PAID): _STAFF,
    (WithdrawalStatus.REQUESTED, WithdrawalStatus.RETURNED): _STAFF | _OWNER | _SYSTEM,
    (WithdrawalStatus.APPROVED, WithdrawalStatus.RETURNED): _STAFF,
}


DESTINATION: Transitions[DestinationStatus] = {
    (DestinationStatus.TYPED, DestinationStatus.CURRENT): _OWNER,
    (DestinationStatus.TYPED, DestinationStatus.DROPPED): _OWNER,
    (DestinationStatus.CURRENT, DestinationStatus.REPLACED): _OWNER,
    (DestinationStatus.CURRENT, DestinationStatus.DROPPED): _OWNER,
}

REMOVAL: Transitions[RemovalStatus] = {
    (RemovalStatus.PLANNED, RemovalStatus.DELETING): _SYSTEM,
    # It is too late, or Telegram does not let the bot delete the post.
    (RemovalStatus.PLANNED, RemovalStatus.REFUSED): _SYSTEM,
    (RemovalStatus.DELETING, RemovalStatus.REFUSED): _SYSTEM,
    (RemovalStatus.DELETING, RemovalStatus.DONE): _SYSTEM,
    (RemovalStatus.DELETING, RemovalStatus.PLANNED): _SYSTEM,
    (RemovalStatus.DELETING, RemovalStatus.UNCERTAIN): _SYSTEM,
    # A look has found the post, or has not found it, or nothing was clear until it was too late.
    (RemovalStatus.UNCERTAIN, RemovalStatus.PLANNED): _SYSTEM,
    (RemovalStatus.UNCERTAIN, RemovalStatus.DONE): _SYSTEM,
    (RemovalStatus.UNCERTAIN, RemovalStatus.REFUSED): _SYSTEM,
}

COMPLAINT: Transitions[ComplaintStatus] = {
    (ComplaintStatus.ASKED, ComplaintStatus.ANSWERED): _OWNER,
    (ComplaintStatus.ASKED, ComplaintStatus.CORRECTING): _OWNER,
    # The owner has not answered in time, or the bot has not ended the correction in time.
    (ComplaintStatus.ASKED, ComplaintStatus.DISPUTED): _SYSTEM,
    (ComplaintStatus.CORRECTING, ComplaintStatus.DISPUTED): _SYSTEM,
    (ComplaintStatus.CORRECTING, ComplaintStatus.ANSWERED): _SYSTEM,
    (ComplaintStatus.ANSWERED, ComplaintStatus.DISPUTED): _ADVERTISER,
    (ComplaintStatus.DISPUTED, ComplaintStatus.DECIDED): _STAFF,
    (ComplaintStatus.DECIDED, ComplaintStatus.APPEALED): _ADVERTISER | _OWNER,
    (ComplaintStatus.APPEALED, ComplaintStatus.DECIDED): frozenset({ActorRole.SUPER_ADMIN}),
    # The advertiser is satisfied, the time of a step is over, a decision takes effect, or a breach
    # is decided instead.
    (ComplaintStatus.ASKED, ComplaintStatus.CLOSED): _ADVERTISER | _SYSTEM,
    (ComplaintStatus.CORRECTING, ComplaintStatus.CLOSED): _SYSTEM,
    (ComplaintStatus.ANSWERED, ComplaintStatus.CLOSED): _ADVERTISER | _SYSTEM,
    (ComplaintStatus.DISPUTED, ComplaintStatus.CLOSED): _ADVERTISER | _SYSTEM,
    (ComplaintStatus.DECIDED, ComplaintStatus.CLOSED): _SYSTEM,
    (ComplaintStatus.APPEALED, ComplaintStatus.CLOSED): _SYSTEM,
}

CORRECTION: Transitions[CorrectionStatus] = {
    (CorrectionStatus.PROPOSED, CorrectionStatus.CONFIRMED): _STAFF,
    (CorrectionStatus.PROPOSED, CorrectionStatus.DONE): _STAFF,
    (CorrectionStatus.PROPOSED, CorrectionStatus.DROPPED): _STAFF | _SYSTEM,
    # The command `adtech repair` makes this move, with the database owner's role.
    (CorrectionStatus.CONFIRMED, CorrectionStatus.DONE): _SYSTEM,
    # Nobody has run `adtech repair` in time, or one of the two admins has lost the role.
    (CorrectionStatus.CONFIRMED, CorrectionStatus.DROPPED): _STAFF | _SYSTEM,
}

STAFF_REQUEST: Transitions[RequestStatus] = {
    (RequestStatus.PROPOSED, RequestStatus.DONE): _ANY_STAFF,
    (RequestStatus.PROPOSED, RequestStatus.DROPPED): _ANY_STAFF | _SYSTEM,
}

OUTBOX: Transitions[OutboxStatus] = {
    (OutboxStatus.QUEUED, OutboxStatus.SENT): _SYSTEM,
    (OutboxStatus.QUEUED, OutboxStatus.FAILED): _SYSTEM,
}


def require(
    moves: Transitions[S], thing: str, thing_id: int, *, status: S, wanted: S, role: ActorRole
) -> None:
    """Raise InvalidMove if `moves` does not allow this role to change `status` to `wanted`."""
    if role not in moves.get((status, wanted), frozenset()):
        raise errors.InvalidMove(thing, thing_id, status, wanted)


def allowed_from(moves: Transitions[S], wanted: S, role: ActorRole) -> frozenset[S]:
    """Return the statuses that this role is allowed to change to the status `wanted`."""
    return frozenset(a for (a, b), people in moves.items() if b is wanted and role in people)
