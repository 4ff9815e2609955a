"""Read Telegram's list of transactions in Stars, and record payments that the database lacks."""

from datetime import datetime

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import StarTransaction as Listed
from aiogram.types import TransactionPartnerUser

from db import queries
from db.money import STARS
from db.session import Sessions
from services.market import star_transactions
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
        the next run begins at the stored position. A payment by a person whom the bot does not know
        is stored as an update. The run ends there, and later runs go on after the bot handled it.
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
                if not await self._record_page(page):
                    return
                begin, position = position, offset + len(page)
                newest = names[-1] if names else None
                if not await self._advance(begin, position, newest, begins_at):
                    return
                if len(page) < PAGE:
                    await self._verify(begins_at, read_at)
                    return
        except TelegramAPIError as error:
            log.warning("Star transactions not read", error=type(error).__name__)

    async def _record_page(self, page: list[Listed]) -> bool:
        """Record the transactions of one answer.

        Returns False if the bot has yet to handle the update about a payment by an unknown person.
        The answer must then be read again.
        """
        transactions = [found for found in map(_read, page) if found is not None]
        async with self._sessions.begin() as session:
            booked = await star_transactions.booked(session, transactions)
            await star_transactions.mark_listed(session, booked)
            reported = await star_transactions.reported(session, transactions)
        waiting: set[str] = set()
        for transaction in transactions:
            # The refund of a payment that waits is recorded after the payment.
            if transaction in booked or transaction in reported or transaction.charge_id in waiting:
                continue
            if not await self._record(transaction):
                waiting.add(transaction.charge_id)
        return not waiting

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

    async def _verify(self, begins_at: datetime | None, read_at: datetime) -> None:
        async with self._sessions.begin() as session:
            await star_transactions.verify(session, since=begins_at, read_at=read_at)
            await star_list_positions.record_read(session, self._bot.id, read_at=read_at)


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
