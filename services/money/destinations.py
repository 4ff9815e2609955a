"""Store, confirm and read the addresses to which people are paid.

The database holds an address only in encrypted form, together with its person and its method. So an
address that somebody moves to another person's row is noticed when it is read.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.destinations import DestinationStatus, PayoutDestination, PayoutMethod
from db.models.money import Withdrawal, WithdrawalStatus
from db.session import Sessions
from services.money import payees, payout_addresses
from services.platform import audit, errors, outbox, transitions
from services.platform.actors import Actor
from services.platform.encryption import Encryption, UndecryptableError
from services.platform.payout_errors import (
    DestinationDropped,
    DestinationMissing,
    DestinationTooNew,
    DestinationUnreadable,
)
from services.platform.transitions import ActorRole

CHANGE_HOLD = timedelta(hours=24)
"""After a change, no withdrawal goes to the new address for this time (`require_destination`)."""
_OWNER = ActorRole.OWNER
_BATCH = 500
"""How many addresses one transaction of `rotate_all` encrypts again."""


@dataclass(frozen=True)
class Rotation:
    """How many addresses have the newest key, and which destinations no key decrypts."""

    rotated: int
    unreadable: list[int]


async def type_in(
    session: AsyncSession,
    encryption: Encryption,
    *,
    actor: Actor,
    method: PayoutMethod,
    address: str,
) -> PayoutDestination:
    """Store an address that a person has typed. It counts only after `confirm`.

    An update that is handled loses its text in the same transaction (`inbox`), so that the address
    is nowhere in plain form. Raises AccessDenied, AddressFaultError.
    """
    user_id = actor.require_user(action="destination_type")
    content = [user_id, method.value, payout_addresses.normalize(method, address)]
    inserted = await session.execute(
        insert(PayoutDestination)
        .values(user_id=user_id, method=method, ciphertext=encryption.encrypt(json.dumps(content)))
        .returning(PayoutDestination)
    )
    typed: PayoutDestination = inserted.scalar_one()
    return typed


async def confirm(session: AsyncSession, *, actor: Actor, destination_id: int) -> PayoutDestination:
    """Let the withdrawals of a person go to an address, instead of the one before.

    After a change, the person is told, and the address counts after CHANGE_HOLD. A second call
    changes nothing. Locks the person, then the destinations. Raises DestinationMissing,
    InvalidMove.
    """
    confirmed = await _lock_own(session, actor, destination_id)
    if confirmed.status is DestinationStatus.CURRENT:
        return confirmed
    _require_move(confirmed, DestinationStatus.CURRENT)
    before = await session.scalar(
        select(PayoutDestination).where(
            PayoutDestination.user_id == confirmed.user_id,
            PayoutDestination.method == confirmed.method,
            PayoutDestination.status == DestinationStatus.CURRENT,
        )
    )
    if before is not None:
        before.status = DestinationStatus.REPLACED
        await session.flush()
    confirmed.status = DestinationStatus.CURRENT
    await session.flush()
    await session.refresh(confirmed)
    await _record(session, actor, confirmed, "destination_confirmed")
    if confirmed.is_change:
        await _notify(session, confirmed, user_id=confirmed.user_id, kind="destination_changed")
    return confirmed


async def drop(session: AsyncSession, *, actor: Actor, destination_id: int) -> PayoutDestination:
    """Let nothing go to an address any more, because its person says that it is wrong.

    Requested withdrawals to this address cannot be approved any more. If it was confirmed, the
    staff are told. A second call changes nothing. Locks the person, then the destination. Raises
    DestinationMissing, InvalidMove.
    """
    dropped = await _lock_own(session, actor, destination_id)
    if dropped.status is DestinationStatus.DROPPED:
        return dropped
    _require_move(dropped, DestinationStatus.DROPPED)
    was_current = dropped.status is DestinationStatus.CURRENT
    dropped.status = DestinationStatus.DROPPED
    await session.flush()
    await _record(session, actor, dropped, "destination_dropped")
    if was_current:
        # At most once an hour about one person: typing and dropping addresses costs nothing.
        hour = f"{dropped.user_id}:{await queries.now(session):%Y-%m-%dT%H}"
        await _notify(session, dropped, user_id=None, kind="destination_dropped", once=hour)
    return dropped


async def of_user(session: AsyncSession, user_id: int) -> Sequence[PayoutDestination]:
    """Return the addresses to which a person's withdrawals can go, one for each method."""
    rows = await session.scalars(
        select(PayoutDestination)
        .where(
            PayoutDestination.user_id == user_id,
            PayoutDestination.status == DestinationStatus.CURRENT,
        )
        .order_by(PayoutDestination.method)
    )
    return rows.all()


async def get_own(session: AsyncSession, *, actor: Actor, destination_id: int) -> PayoutDestination:
    """Return one of the actor's own destinations. Raises DestinationMissing."""
    row = await session.get(PayoutDestination, destination_id)
    if row is None or row.user_id != actor.user_id:
        raise DestinationMissing
    return row


async def require_usable(session: AsyncSession, *, user_id: int, destination_id: int) -> None:
    """Refuse a destination to which a person cannot be paid now.

    Raises DestinationMissing; DestinationTooNew if it was changed within CHANGE_HOLD.
    """
    row = await session.get(PayoutDestination, destination_id, populate_existing=True)
    if row is None or row.user_id != user_id or row.status is not DestinationStatus.CURRENT:
        raise DestinationMissing
    until = queries.required(row.confirmed_at) + CHANGE_HOLD
    if row.is_change and until > await queries.now(session):
        raise DestinationTooNew(until)


def read(encryption: Encryption, row: PayoutDestination) -> str:
    """Return the address of a destination in plain form. Raises DestinationUnreadable."""
    try:
        user_id, method, address = json.loads(encryption.decrypt(row.ciphertext))
    except (UndecryptableError, ValueError) as error:
        raise DestinationUnreadable(row.id) from error
    if (user_id, method) != (row.user_id, row.method.value):
        raise DestinationUnreadable(row.id)
    return str(address)


async def require_kept(session: AsyncSession, withdrawal: Withdrawal) -> None:
    """Refuse to pay a withdrawal whose address is dropped. Raises DestinationDropped."""
    row = await session.get(
        PayoutDestination, withdrawal.destination_id or 0, populate_existing=True
    )
    if row is not None and row.status is DestinationStatus.DROPPED:
        raise DestinationDropped(withdrawal.id)


async def read_for_payment(
    session: AsyncSession, encryption: Encryption, withdrawal_id: int, *, actor: Actor
) -> str:
    """Return the address of an approved withdrawal to the admin who has claimed its payment.

    Raises AccessDenied if the actor has no valid claim, or if the person has dropped the address
    since then; DestinationUnreadable.
    """
    row = await session.scalar(
        select(PayoutDestination)
        .join(Withdrawal, Withdrawal.destination_id == PayoutDestination.id)
        .where(
            Withdrawal.id == withdrawal_id,
            Withdrawal.status == WithdrawalStatus.APPROVED,
            Withdrawal.paying_by == actor.user_id,
            Withdrawal.paying_until > func.clock(),
            PayoutDestination.status != DestinationStatus.DROPPED,
        )
    )
    if row is None:
        refused = "destination_read"
        raise errors.AccessDenied(refused)
    return read(encryption, row)


async def rotate_all(sessions: Sessions, encryption: Encryption) -> Rotation:
    """Encrypt all addresses with the newest key, in batches with a transaction each.

    Locks the destinations of a batch. An address that no key decrypts is left as it is.
    """
    last, rotated, unreadable = 0, 0, list[int]()
    while True:
        async with sessions.begin() as session:
            found = await session.scalars(
                select(PayoutDestination)
                .where(PayoutDestination.id > last)
                .order_by(PayoutDestination.id)
                .limit(_BATCH)
                .with_for_update()
            )
            rows = found.all()
            for row in rows:
                try:
                    row.ciphertext = encryption.rotate(row.ciphertext)
                    rotated += 1
                except UndecryptableError:
                    unreadable.append(row.id)
            if len(rows) < _BATCH:
                return Rotation(rotated, unreadable)
            last = rows[-1].id


async def _lock_own(session: AsyncSession, actor: Actor, destination_id: int) -> PayoutDestination:
    await payees.lock(session, actor.require_user(action="destination_change"))
    row = await session.get(
        PayoutDestination, destination_id, with_for_update=True, populate_existing=True
    )
    if row is None or row.user_id != actor.user_id:
        raise DestinationMissing
    return row


def _require_move(row: PayoutDestination, status: DestinationStatus) -> None:
    transitions.require(
        transitions.DESTINATION,
        "destination",
        row.id,
        status=row.status,
        wanted=status,
        role=_OWNER,
    )


async def _record(session: AsyncSession, actor: Actor, row: PayoutDestination, action: str) -> None:
    await audit.record(
        session,
        actor=actor,
        action=action,
        role=_OWNER.value,
        destination_id=row.id,
        method=row.method.value,
    )


async def _notify(
    session: AsyncSession,
    row: PayoutDestination,
    *,
    user_id: int | None,
    kind: str,
    once: str | None = None,
) -> None:
    await outbox.add(
        session,
        user_id=user_id,
        kind=kind,
        payload={"destination_id": row.id},
        key=f"{kind}:{once or row.id}",
    )
