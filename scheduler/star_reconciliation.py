"""Read Telegram's list of transactions in Stars, and record payments that the database lacks."""

import time
from dataclasses import dataclass
from datetime import datetime

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import StarTransaction as Listed
from aiogram.types import TransactionPartnerUser
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.money import STARS
from db.session import Sessions
from services.market import listed_star_transactions, star_transactions
from services.market.star_transactions import StarTransaction
from services.money import received_payments, star_list_positions
from services.platform import errors, inbox, users

PAGE = 100
"""Telegram returns at most this many transactions in one answer."""
OVERLAP = 20
"""Each request reads this number of transactions again.

Telegram can list a late transaction before transactions of the same second.
"""
PAGES_PER_TICK = 20
"""One tick reads at most this many answers with new transactions."""
RECORDED_PER_TICK = PAGES_PER_TICK * PAGE
REPEAT_SECONDS = 8.0
"""One tick reads older transactions again for at most this time, and one more answer."""
_INVOICE = "invoice_payment"

log = structlog.get_logger(__name__)


@dataclass
class _Reading:
    """How far one run has read the list."""

    position: int
    newest: str | None
    begins_at: datetime | None
    lowest: int
    """The run has read the transactions from this one to `position`."""


class StarReconciliation:
    """A reader of Telegram's list of transactions, which is ordered by time.

    Each request begins OVERLAP transactions before the stored position. If the answer lacks the
    newest transaction that was read, the whole list is read again. What is not booked is stored
    together with the position, and recorded from there.
    """

    def __init__(
        self, sessions: Sessions, bot: Bot, intake_sessions: Sessions | None = None
    ) -> None:
        """Store the connections. `intake_sessions` write the payments of the list."""
        self._sessions = sessions
        self._intake_sessions = intake_sessions or sessions
        self._bot = bot
        self._ended_id = 0
        """Each listed transaction up to this id is booked or refused."""

    async def run(self) -> None:
        """Read the new transactions, and record the payments and refunds that are not booked.

        After the end of the list, checks the deposits that the list lacks. After an interruption,
        the next run begins at the stored position. A payment by a person whom the bot does not know
        is stored as an update. Such a payment waits in the database, and the reading goes on.
        """
        # A process may be paused between the list and the check. A deposit that was recorded during
        # the pause is in no list that was read before it.
        async with self._sessions.begin() as session:
            read_at = await queries.now(session)
            stored = await star_list_positions.get(session, self._bot.id)
        reading = _Reading(stored.position, stored.newest, stored.begins_at, stored.position)
        at_end = False
        try:
            at_end = await self._read_new(reading)
            if at_end:
                await self._read_again(reading, read_at)
        except TelegramAPIError as error:
            log.warning("Star transactions not read", error=type(error).__name__)
        if at_end:
            async with self._sessions.begin() as session:
                await star_transactions.verify(session, since=reading.begins_at, read_at=read_at)
        await self._record_due()
        # Withdrawals may be approved after this, so it comes after the refunds of the list.
        if at_end:
            async with self._sessions.begin() as session:
                await star_list_positions.record_read(session, self._bot.id, read_at=read_at)

    async def _read_new(self, reading: _Reading) -> bool:
        """Read the list from the stored position. Returns whether the end was reached."""
        for _ in range(PAGES_PER_TICK):
            begin = reading.position
            offset = max(begin - OVERLAP, 0)
            answer = await self._bot.get_star_transactions(offset=offset, limit=PAGE)
            page = answer.transactions
            names = [_name(transaction) for transaction in page]
            reading.begins_at = reading.begins_at or (page[0].date if page else None)
            reading.lowest = min(reading.lowest, offset)
            if reading.newest not in {None, *names}:
                log.warning("Star transactions read again from the beginning", position=begin)
                reading.position, reading.newest = 0, None
                if not await self._store([], begin, reading):
                    return False
                continue
            reading.position = offset + len(page)
            reading.newest = names[-1] if names else None
            if not await self._store(page, begin, reading):
                return False
            if len(page) < PAGE:
                return True
        return False

    async def _read_again(self, reading: _Reading, read_at: datetime) -> None:
        """Look for deposits that the list lacks in the part that earlier runs have read.

        A payment can be booked long after it was listed, and Telegram can list a transaction late.
        Reads from the newest page to the oldest, until no deposit is missing. An invented deposit
        causes at most one such reading in a minute, which takes at most REPEAT_SECONDS. It begins
        before the alarm is due, and an error of Telegram does not delay the alarm.
        """
        async with self._sessions.begin() as session:
            await listed_star_transactions.mark_booked(session)
            if (
                not reading.lowest
                or not await self._is_missing(session, reading, read_at)
                or not await star_list_positions.begin_repeat(session, self._bot.id)
            ):
                return
        log.warning("Older Star transactions read again, to look for a deposit")
        ends_at = time.monotonic() + REPEAT_SECONDS
        end, is_missing = reading.lowest, True
        while end > 0 and is_missing and time.monotonic() < ends_at:
            offset = max(end + OVERLAP - PAGE, 0)
            answer = await self._bot.get_star_transactions(offset=offset, limit=PAGE)
            end = offset
            async with self._sessions.begin() as session:
                await self._store_page(session, answer.transactions)
                is_missing = await self._is_missing(session, reading, read_at)

    async def _is_missing(
        self, session: AsyncSession, reading: _Reading, read_at: datetime
    ) -> bool:
        return await star_transactions.has_unlisted(
            session, since=reading.begins_at, read_at=read_at
        )

    async def _store(self, page: list[Listed], begin: int, reading: _Reading) -> bool:
        """Store the transactions of an answer, and move the position from `begin`.

        Returns False if another process has moved the position.
        """
        async with self._sessions.begin() as session:
            await self._store_page(session, page)
            return await star_list_positions.advance(
                session,
                bot_id=self._bot.id,
                begin=begin,
                end=reading.position,
                newest=reading.newest,
                begins_at=reading.begins_at,
            )

    async def _store_page(self, session: AsyncSession, page: list[Listed]) -> None:
        """Store that Telegram lists the deposits of an answer, and what is not booked yet."""
        transactions = [found for found in map(_read, page) if found is not None]
        booked = await star_transactions.booked(session, transactions)
        await star_transactions.mark_listed(session, booked)
        await listed_star_transactions.note(
            session, [transaction for transaction in transactions if transaction not in booked]
        )

    async def _record_due(self) -> None:
        """Record the listed transactions that are not booked and that need not wait for the bot."""
        async with self._sessions.begin() as session:
            self._ended_id = await listed_star_transactions.find_ended(
                session, after=self._ended_id
            )
            due = await listed_star_transactions.list_due(
                session, limit=RECORDED_PER_TICK, after=self._ended_id
            )
        waiting: set[str] = set()
        for transaction in due:
            # The refund of a payment that waits is recorded after the payment.
            if transaction.charge_id not in waiting and not await self._record(transaction):
                waiting.add(transaction.charge_id)

    async def _record(self, transaction: StarTransaction) -> bool:
        """Record or report a transaction. Returns False if the bot must handle its update first."""
        async with self._intake_sessions.begin() as session:
            await received_payments.note(
                session,
                charge_id=transaction.charge_id,
                telegram_id=transaction.telegram_id,
                amount=transaction.amount,
                currency=STARS,
                refunded=transaction.refunded,
                invoice=None if transaction.refunded else transaction.payload,
            )
        try:
            async with self._sessions.begin() as session:
                deposit_id = await star_transactions.record(session, transaction)
                await star_transactions.mark_listed(session, {transaction: deposit_id})
        except errors.DomainError as error:
            if _is_of_unknown_payer(error) and await self._wait_for_bot(transaction):
                return False
            log.error("Star transaction not recorded", error=type(error).__name__)
            async with self._sessions.begin() as session:
                await star_transactions.report_refused(session, transaction, error)
        else:
            log.warning("Star transaction recorded without its update", deposit_id=deposit_id)
        return True

    async def _wait_for_bot(self, transaction: StarTransaction) -> bool:
        """Store the update about a payment whose payer is unknown.

        The bot then registers the payer, for which the scheduler has no right, and records the
        payment. Returns False if the bot ended the update and did not register the payer.
        """
        update = star_transactions.build_update(transaction)
        async with self._intake_sessions.begin() as session:
            is_new = bool(await inbox.store(session, [update]))
        if is_new:
            log.warning("Star transaction of an unknown person stored as an update")
            return True
        async with self._sessions.begin() as session:
            # The second query comes after the first: the bot may end the update at this moment.
            return (
                await inbox.is_open(session, update["update_id"])
                or await users.by_telegram_id(session, transaction.telegram_id) is not None
            )


def _is_of_unknown_payer(error: errors.DomainError) -> bool:
    return isinstance(error, errors.NotFound) and error.thing == "user"


def _name(listed: Listed) -> str:
    """Return the name of an item of Telegram's list that `StarListPosition.newest` stores."""
    return f"{'out' if listed.receiver else 'in'}:{listed.id}"


def _read(listed: Listed) -> StarTransaction | None:
    """Convert an item of Telegram's list. Return None if the item is not about an invoice."""
    partner = listed.source or listed.receiver
    if not isinstance(partner, TransactionPartnerUser) or partner.transaction_type != _INVOICE:
        return None
    return StarTransaction(
        charge_id=listed.id,
        telegram_id=partner.user.id,
        amount=listed.amount,
        payload=partner.invoice_payload or "",
        refunded=listed.receiver is not None,
        date=int(listed.date.timestamp()),
        language=partner.user.language_code,
    )
