"""Read Telegram's list of transactions in Stars, and record payments that the database lacks."""

from datetime import datetime

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import StarTransaction as Listed
from aiogram.types import TransactionPartnerUser

from db import queries
from db.models.intake import Comparison
from db.money import STARS
from db.session import Sessions
from services.market import star_transactions
from services.market.star_transactions import StarTransaction
from services.money import received_payments, star_list_positions
from services.platform import errors

PAGE = 100
"""Telegram returns at most this many transactions in one answer."""
OVERLAP = 20
"""Each request reads this number of transactions again.

Telegram can list a late transaction before transactions of the same second.
"""
PAGES_PER_TICK = 20
"""One tick reads at most this many answers."""
_INVOICE = "invoice_payment"

log = structlog.get_logger(__name__)


class StarReconciliation:
    """A reader of Telegram's list of transactions, which is ordered by time.

    Each request begins OVERLAP transactions before the stored position. If the answer lacks the
    newest transaction that was read, the whole list is read again.
    """

    def __init__(
        self, sessions: Sessions, bot: Bot, intake_sessions: Sessions | None = None
    ) -> None:
        """Store the connections. `intake_sessions` write the payments of the list."""
        self._sessions = sessions
        self._intake_sessions = intake_sessions or sessions
        self._bot = bot

    async def run(self) -> None:
        """Read the new transactions, and record the payments and refunds among them.

        After the end of the list, checks the deposits that the list lacks. After an interruption,
        the next run begins at the stored position.
        """
        # A process may be paused between the list and the check. A deposit that was recorded during
        # the pause is in no list that was read before it.
        async with self._sessions.begin() as session:
            read_at = await queries.now(session)
            stored = await star_list_positions.get(session, self._bot.id)
        position, newest, begins_at = stored.position, stored.newest, stored.begins_at
        try:
            for _ in range(PAGES_PER_TICK):
                offset = max(position - OVERLAP, 0)
                answer = await self._bot.get_star_transactions(offset=offset, limit=PAGE)
                page = answer.transactions
                names = [_name(transaction) for transaction in page]
                begins_at = begins_at or (page[0].date if page else None)
                if newest not in {None, *names}:
                    log.warning(
                        "Star transactions read again from the beginning", position=position
                    )
                    if not await self._advance(position, 0, None, begins_at):
                        return
                    position, newest = 0, None
                    continue
                await self._record_page(page)
                begin, position = position, offset + len(page)
                newest = names[-1] if names else None
                if not await self._advance(begin, position, newest, begins_at):
                    return
                if len(page) < PAGE:
                    await self._verify(begins_at, read_at)
                    return
        except TelegramAPIError as error:
            log.warning("Star transactions not read", error=type(error).__name__)

    async def _record_page(self, page: list[Listed]) -> None:
        transactions = [found for found in map(_read, page) if found is not None]
        async with self._sessions.begin() as session:
            booked = await star_transactions.booked(session, transactions)
            listed = set(booked.values())
            await star_transactions.mark_compared(session, listed, Comparison.LISTED)
            reported = await star_transactions.reported(session, transactions)
        for transaction in transactions:
            if transaction not in booked and transaction not in reported:
                await self._record(transaction)

    async def _advance(
        self, begin: int, end: int, newest: str | None, begins_at: datetime | None
    ) -> bool:
        async with self._sessions.begin() as session:
            return await star_list_positions.advance(
                session,
                bot_id=self._bot.id,
                begin=begin,
                end=end,
                newest=newest,
                begins_at=begins_at,
            )

    async def _record(self, transaction: StarTransaction) -> None:
        async with self._intake_sessions.begin() as session:
            await received_payments.note(
                session,
                charge_id=transaction.charge_id,
                telegram_id=transaction.telegram_id,
                amount=transaction.amount,
                currency=STARS,
                refunded=transaction.refunded,
            )
        try:
            async with self._sessions.begin() as session:
                deposit_id = await star_transactions.record(session, transaction)
                await star_transactions.mark_compared(session, {deposit_id}, Comparison.LISTED)
        except errors.DomainError as error:
            log.error("Star transaction not recorded", error=type(error).__name__)
            async with self._sessions.begin() as session:
                await star_transactions.report_refused(session, transaction, error)
        else:
            log.warning("Star transaction recorded without its update", deposit_id=deposit_id)

    async def _verify(self, begins_at: datetime | None, read_at: datetime) -> None:
        async with self._sessions.begin() as session:
            await star_transactions.verify(session, since=begins_at, read_at=read_at)
            await star_list_positions.record_read(session, self._bot.id, read_at=read_at)


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
    )
