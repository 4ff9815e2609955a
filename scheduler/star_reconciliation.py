"""Compare the books with Telegram's list of payments in Stars, and record what is missing."""

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
from services.money import received_payments
from services.platform import errors

PAGE = 100
"""The largest number of transactions that Telegram returns in one answer."""
PAGES_PER_TICK = 20
"""The largest number of answers that one tick reads."""
_INVOICE = "invoice_payment"

log = structlog.get_logger(__name__)


class StarReconciliation:
    """Read Telegram's list once from its beginning, and then only its new transactions.

    Telegram lists transactions in the order of their times, so the position in the list is kept in
    memory. A new process reads the list from its beginning again, which changes nothing that is
    booked.
    """

    def __init__(
        self, sessions: Sessions, bot: Bot, intake_sessions: Sessions | None = None
    ) -> None:
        """Prepare the comparison, and read nothing yet.

        `intake_sessions` write down what Telegram says. None means `sessions`.
        """
        self._sessions = sessions
        self._intake_sessions = intake_sessions or sessions
        self._bot = bot
        self._offset = 0
        self._since: datetime | None = None
        self._confirmed: set[int] = set()
        self._verified_id = 0

    async def run(self) -> None:
        """Record the new transactions. After the end of the list, check the deposits against it.

        If Telegram does not answer, the next tick continues at the same position.
        """
        # A process may be paused between the list and the check. A deposit that was recorded during
        # the pause is in no list that was read before it.
        async with self._sessions.begin() as session:
            read_at = await queries.now(session)
        try:
            for _ in range(PAGES_PER_TICK):
                answer = await self._bot.get_star_transactions(offset=self._offset, limit=PAGE)
                await self._record_page(answer.transactions)
                if len(answer.transactions) < PAGE:
                    await self._verify(read_at)
                    return
        except TelegramAPIError as error:
            log.warning("Star transactions not read", error=type(error).__name__)

    async def _record_page(self, page: list[Listed]) -> None:
        if page and self._since is None:
            self._since = page[0].date
        transactions = [found for found in map(_read, page) if found is not None]
        async with self._sessions.begin() as session:
            booked = await star_transactions.known(session, [row.charge_id for row in transactions])
        for transaction in transactions:
            deposit = booked.get(transaction.charge_id)
            if star_transactions.is_booked(transaction, deposit) and deposit is not None:
                self._confirmed.add(deposit.id)
            else:
                await self._record(transaction)
        self._offset += len(page)

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
        except errors.DomainError as error:
            log.error("Star transaction not recorded", error=type(error).__name__)
            async with self._sessions.begin() as session:
                await star_transactions.report_refused(session, transaction, error)
        else:
            log.warning("Star transaction recorded without its update", deposit_id=deposit_id)
            self._confirmed.add(deposit_id)

    async def _verify(self, read_at: datetime) -> None:
        async with self._sessions.begin() as session:
            self._verified_id = await star_transactions.verify(
                session,
                after_id=self._verified_id,
                confirmed=self._confirmed,
                since=self._since,
                read_at=read_at,
            )
        self._confirmed = {row for row in self._confirmed if row > self._verified_id}


def _read(listed: Listed) -> StarTransaction | None:
    """Return a payment of an invoice or its refund, and None for every other transaction."""
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
