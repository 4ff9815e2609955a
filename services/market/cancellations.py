"""Let advertisers cancel approved placements before their time, with a whole refund."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import BigInteger, Interval, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.campaigns import TargetStatus
from db.models.operations import Switch
from services.platform import errors
from services.platform.actors import Actor
from services.platform.agreement_errors import CancelTooLate

CUTOFF = timedelta(hours=1)
"""Until how long before its time a placement can be cancelled, if CANCEL_CUTOFF says nothing."""
LONGEST_CUTOFF = timedelta(days=7)
REASONS = ("plans", "mistake", "other")
"""The preset reasons with which an advertiser cancels a placement."""
_CANCEL = text(
    "SELECT code, state FROM cancel_placement("
    ":target_id, :actor_id, :reason, :cutoff, :correlation_id)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("target_id", "actor_id")),
    *(bindparam(name, type_=Text) for name in ("reason", "correlation_id")),
    bindparam("cutoff", type_=Interval),
)


async def cancel(
    session: AsyncSession,
    *,
    actor: Actor,
    target_id: int,
    reason: str,
    cutoff: timedelta = CUTOFF,
) -> bool:
    """Cancel an approved placement whose post is not due before `cutoff` has passed.

    One transaction cancels the post, refunds the whole price, frees the time that was kept, and
    tells the owner and the staff. `reason` is one of REASONS. Returns False if the placement was
    cancelled before. Locks the kill switch `refunds` (shared), the placement, its post job, its
    escrow, then the wallets. Raises AccessDenied, CancelTooLate, SwitchStopped; NotFound for
    another person's placement; InvalidText for an unknown reason; InvalidMove if the placement is
    not approved, or its post was claimed, is published, or may be.
    """
    user_id = actor.require_user(action="placement_cancel")
    if reason not in REASONS:
        raise errors.InvalidText("reason", max(map(len, REASONS)), len(reason))
    await session.flush()
    found = await session.execute(
        _CANCEL,
        {
            "target_id": target_id,
            "actor_id": user_id,
            "reason": reason,
            "cutoff": cutoff,
            "correlation_id": correlation_id.get(),
        },
    )
    code, state = found.one()
    if code is not None and code != "repeated":
        raise _refusal(target_id, code, state)
    return code is None


def _refusal(target_id: int, code: str, state: str | None) -> errors.DomainError:
    """Return the error for a code from the database function `cancel_placement`."""
    refusals: dict[str, Callable[[], errors.DomainError]] = {
        "not_found": lambda: errors.NotFound("target", target_id),
        "invalid_move": lambda: errors.InvalidMove(
            "target", target_id, state or "", TargetStatus.REFUNDED
        ),
        "cancel_late": lambda: CancelTooLate(target_id),
        "switch_stopped": lambda: errors.SwitchStopped(Switch.REFUNDS),
    }
    return refusals[code]()
