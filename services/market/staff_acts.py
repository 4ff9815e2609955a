"""Define the operations that staff can request, and the roles for them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.corrections import CorrectionKind
from db.models.operations import Switch
from db.models.users import RequestKind, Role, StaffRequest
from services.market import payment_reversals, testers, user_blocks
from services.money import corrections, deposit_returns, deposits, excess_payments, withdrawals
from services.platform import errors, killswitches, parked_updates, roles
from services.platform.actors import MODERATORS, OPERATORS, Actor

CarryOut = Callable[[AsyncSession, Actor, StaffRequest], Awaitable[object]]
CLAWBACK_SOURCE = "staff"
"""The `source` of a reversed payment that staff reported."""


@dataclass(frozen=True)
class Act:
    """An operation that staff can request, for example a block."""

    roles: tuple[Role, ...]
    """The requester needs one of these roles, and so does a second person."""
    carry_out: CarryOut
    """The function that does the operation for the person who pressed the last button."""
    two_people: bool = False
    """True if a second person has to confirm."""


async def _run_switch(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    key = Switch(request.arguments["key"])
    if await killswitches.was_stopped_since(session, key, request.created_at):
        raise errors.ProposalEnded("staff_request", request.id)
    return await killswitches.run(session, actor=actor, key=key, reason=request.reason)


async def _block(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    return await user_blocks.block_by_staff(
        session, actor=actor, user_id=queries.required(request.subject_id), reason=request.reason
    )


async def _block_staff(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    return await user_blocks.block_by_staff(
        session,
        actor=actor,
        user_id=queries.required(request.subject_id),
        reason=request.reason,
        confirmed=True,
    )


async def _unblock_staff(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    return await user_blocks.unblock(
        session,
        actor=actor,
        user_id=queries.required(request.subject_id),
        reason=request.reason,
        confirmed=True,
    )


async def _unblock(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    return await user_blocks.unblock(
        session, actor=actor, user_id=queries.required(request.subject_id), reason=request.reason
    )


async def _retry_payment(session: AsyncSession, actor: Actor, request: StaffRequest) -> None:
    inbox_id = int(request.arguments["inbox_id"])
    await parked_updates.retry_payment(session, actor=actor, inbox_id=inbox_id)


async def _propose_correction(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    arguments: dict[str, Any] = dict(request.arguments)
    kind = CorrectionKind(arguments.pop("correction"))
    if kind is CorrectionKind.ADJUSTMENT:
        arguments["key"] = f"staff_request:{request.id}"
    propose: Callable[..., Awaitable[object]] = _PROPOSE[kind]
    return await propose(session, actor=actor, reason=request.reason, **arguments)


async def _allow_repair(session: AsyncSession, actor: Actor, request: StaffRequest) -> None:
    """Check the correction. `adtech repair` applies it after this request is done."""
    await corrections.require_repairable(
        session, actor=actor, correction_id=int(request.arguments["correction"])
    )


async def _allow_launch(_session: AsyncSession, _actor: Actor, _request: StaffRequest) -> None:
    """Change nothing: `adtech launch` checks the phase after this request is done."""


async def _grant_role(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    return await roles.grant(
        session,
        actor=actor,
        user_id=queries.required(request.subject_id),
        role=Role(request.arguments["role"]),
    )


async def _revoke_role(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    return await roles.revoke(
        session,
        actor=actor,
        user_id=queries.required(request.subject_id),
        role=Role(request.arguments["role"]),
    )


async def _record_payment(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    withdrawal_id = int(request.arguments["withdrawal_id"])
    reference = str(request.arguments["external_reference"])
    withdrawal = await withdrawals.get(session, withdrawal_id)
    if withdrawal.user_id in {actor.user_id, request.requested_by}:
        raise errors.OwnMoney(withdrawal_id)
    if withdrawal.status in excess_payments.ENDED:
        return await excess_payments.record(
            session, actor=actor, withdrawal_id=withdrawal_id, external_reference=reference
        )
    return await withdrawals.mark_paid(
        session,
        actor=actor,
        withdrawal_id=withdrawal_id,
        external_reference=reference,
        confirmed=True,
    )


async def _claw_back(session: AsyncSession, actor: Actor, request: StaffRequest) -> object:
    charge_id = str(request.arguments["charge_id"])
    deposit = await deposits.lock(session, charge_id)
    if deposit is None:
        raise errors.NotFound("deposit", charge_id)
    if deposit.user_id in {actor.user_id, request.requested_by}:
        raise errors.OwnMoney(deposit.id)
    # The refund of a deposit that is being given back is reported by Telegram, not by a letter.
    await deposit_returns.require_none(session, deposit)
    return await payment_reversals.reverse(
        session,
        external_reference=charge_id,
        user_id=None,
        amount=deposit.amount,
        source=CLAWBACK_SOURCE,
    )


_PROPOSE: Mapping[CorrectionKind, Callable[..., Awaitable[object]]] = {
    CorrectionKind.ADJUSTMENT: corrections.propose_adjustment,
    CorrectionKind.BALANCE_RESET: corrections.propose_balance_reset,
    CorrectionKind.ORPHAN_ENTRY: corrections.propose_orphan,
    CorrectionKind.MISSING_PAYOUT: corrections.propose_missing_payout,
    CorrectionKind.ESCROW_REVERSAL: corrections.propose_escrow_reversal,
}

OF_STAFF: Mapping[RequestKind, RequestKind] = {
    RequestKind.BLOCK: RequestKind.BLOCK_STAFF,
    RequestKind.UNBLOCK: RequestKind.UNBLOCK_STAFF,
}
"""The kinds of requests about a person with a staff role, by the kind for other people."""
ACTS: Mapping[RequestKind, Act] = {
    RequestKind.RUN_SWITCH: Act(OPERATORS, _run_switch),
    RequestKind.BLOCK: Act(MODERATORS, _block),
    RequestKind.UNBLOCK: Act(MODERATORS, _unblock),
    RequestKind.BLOCK_STAFF: Act((Role.SUPER_ADMIN,), _block_staff, two_people=True),
    RequestKind.UNBLOCK_STAFF: Act((Role.SUPER_ADMIN,), _unblock_staff, two_people=True),
    RequestKind.RETRY_PAYMENT: Act(OPERATORS, _retry_payment),
    RequestKind.CORRECTION: Act(MODERATORS, _propose_correction),
    RequestKind.REPAIR: Act(MODERATORS, _allow_repair),
    RequestKind.GRANT_ROLE: Act((Role.SUPER_ADMIN,), _grant_role, two_people=True),
    RequestKind.REVOKE_ROLE: Act((Role.SUPER_ADMIN,), _revoke_role, two_people=True),
    RequestKind.RECORD_PAYMENT: Act(MODERATORS, _record_payment, two_people=True),
    RequestKind.CLAWBACK: Act(MODERATORS, _claw_back, two_people=True),
    RequestKind.MARK_TESTER: Act(MODERATORS, testers.mark),
    RequestKind.UNMARK_TESTER: Act(MODERATORS, testers.unmark),
    RequestKind.LAUNCH: Act(OPERATORS, _allow_launch),
    RequestKind.CLEAN_UP_TESTER: Act(MODERATORS, testers.clean_up, two_people=True),
}
