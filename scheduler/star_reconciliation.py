"""Compare the recorded deposits with Telegram's list of payments in Stars; record missing deposits.

A deposit can be missing if the update about its payment was lost.
"""

from datetime import datetime

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import StarTransaction as Listed
from aiogram.types import TransactionPartnerUser

from db.money import STARS
from db.session import Sessions
from services.market import star_transactions
from services.market.star_transactions import StarTransaction
from services.money import received_payments
from services.platform import errors

PAGE = 100
"""The largest number of transactions that Telegram returns in one answer."""
PAGES_PER_TICK = 20
"""The largest number of answers (pages of Telegram's list) that one tick reads."""
_INVOICE = "invoice_payment"

log = structlog.get_logger(__name__)


class StarReconciliation:
    """The comparison, with its position in Telegram's list of the bot's transactions in Stars.

    The list is in the order of time. A process reads it from its beginning, and then only its new
    transactions. Only this object holds the position. If a new process reads the list from its
    beginning again, nothing is recorded twice.
    """

    def __init__(
        self, sessions: Sessions, bot: Bot, intake_sessions: Sessions | None = None
    ) -> None:
        """Start at the beginning of Telegram's list, and read nothing yet.

        `intake_sessions` are for the writes: payments and refunds from the list are stored with a
        database role for this task. Without them, `sessions` are used.
        """
        self._sessions = sessions
        self._intake_sessions = intake_sessions or sessions
        self._bot = bot
        self._offset = 0
        self._since: datetime | None = None
        self._confirmed: set[int] = set()
        self._verified_id = 0

    async def run(self) -> None:
        """Read the new transactions of the list, and record the payments and refunds among them.

        At the end of the list, check that the list contains every recorded deposit in Stars. If
        Telegram does not answer, the next run continues at the same position.
        """
        try:
            for _ in range(PAGES_PER_TICK):
                answer = await self._bot.get_star_transactions(offset=self._offset, limit=PAGE)
                await self._record_page(answer.transactions)
                if len(answer.transactions) < PAGE:
                    await self._verify()
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

    async def _verify(self) -> None:
        async with self._sessions.begin() as session:
            self._verified_id = await star_transactions.verify(
                session,
                after_id=self._verified_id,
                confirmed=self._confirmed,
                since=self._since,
            )
        self._confirmed = {row for row in self._confirmed if row > self._verified_id}


def _read(listed: Listed) -> StarTransaction | None:
    """Convert an item of Telegram's list of transactions into a StarTransaction.

    Returns None if the item is neither a person's payment of an invoice nor the refund of one.
    """
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
