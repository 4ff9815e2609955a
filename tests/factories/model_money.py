"""Extend the model with deposits, withdrawals, reversed payments and staff requests."""

from dataclasses import dataclass, field

from db.models.campaigns import ChannelStatus as Channels
from db.models.money import EscrowStatus as Escrows
from db.models.money import WithdrawalStatus as Withdrawals
from db.models.operations import Switch
from db.models.users import RequestKind as Kinds
from db.models.users import RequestStatus as Requests
from services.money.payout_terms import PayoutTerms
from services.platform import errors
from services.platform.payout_errors import NotYetWithdrawable
from tests.factories.model_calendars import CalendarModel
from tests.factories.model_posts import OWNER_BLOCKED
from tests.factories.model_rows import Refused

PROPOSAL_HOURS = 72
"""The time in which a staff request can be confirmed, in hours."""
READ_HOURS = 5 / 60
"""The longest time between a comparison of the deposits and an approval, in hours."""
TWO_PEOPLE = {Kinds.RECORD_PAYMENT, Kinds.CLAWBACK}
"""The kinds of staff requests that a second admin has to confirm."""


@dataclass
class Deposit:
    """A person's payment in Stars."""

    person: int
    amount: int
    recorded_at: float
    credited: bool = False
    compared: bool = False
    """Whether the payment was found in Telegram's list of payments."""
    taken_back: bool = False
    """Whether the person got the payment back."""


@dataclass
class Withdrawal:
    """A person's request to be paid out from the wallet."""

    person: int
    amount: int
    held_at: float
    fee: int = 0
    status: Withdrawals = Withdrawals.REQUESTED
    payments: list[str] = field(default_factory=list)
    """The references of the payments that admins have made for this withdrawal."""


@dataclass
class Request:
    """A request of an admin, for example to block a person."""

    kind: Kinds
    requester: int
    asked_at: float
    subject: int | str
    """The id of a person, the id of a withdrawal, or the key of a payment."""
    reference: str
    """The reference of a payment that an admin made outside the platform."""
    acknowledged: bool
    """Whether the requester wrote in the admin chat or has pressed "That was me"."""
    status: Requests = Requests.PROPOSED


@dataclass
class MoneyModel(CalendarModel):
    """The expected state of deposits, withdrawals and staff requests."""

    deposits: dict[str, Deposit] = field(default_factory=dict)
    """The payments, by Telegram's id."""
    read_at: float | None = None
    """When Telegram's list of payments was last read to its end, or None."""
    sent_outside: int = 0
    """The total amount that has left the platform, in minor units."""
    withdrawals: dict[int, Withdrawal] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)

    # -- deposits ---------------------------------------------------------------------------------

    def deposit(self, person: int, amount: int, key: str) -> bool:
        """Record a payment, and return whether the payment is credited to the wallet."""
        if amount < 1:
            raise Refused(errors.InvalidAmount)
        deposit = self.deposits.setdefault(key, Deposit(person, amount, self.now))
        if (deposit.person, deposit.amount) != (person, amount):
            raise Refused(errors.IdempotencyConflict)
        if self.switches[Switch.DEPOSITS]:
            self._credit(deposit)
        return deposit.credited

    def credit_due(self) -> int:
        """Credit all payments that wait, and return their number."""
        if not self.switches[Switch.DEPOSITS]:
            return 0
        return sum(self._credit(deposit) for deposit in self.deposits.values())

    def _credit(self, deposit: Deposit) -> bool:
        """Credit a payment, and return False if the payment is already credited or reversed."""
        if deposit.credited or deposit.taken_back:
            return False
        self.balances[deposit.person] += deposit.amount
        deposit.credited = True
        return True

    def compare(self, *, listed: bool) -> None:
        """Compare the deposits with Telegram's list of payments.

        If `listed` is false, the comparison finds no deposit.
        """
        for deposit in self.deposits.values():
            deposit.compared |= listed
        self.read_at = self.now

    # -- withdrawals ------------------------------------------------------------------------------

    def request_withdrawal(self, person: int, amount: int, terms: PayoutTerms) -> Withdrawal:
        """Take the amount from a wallet, and return a withdrawal.

        The caller stores the withdrawal in `withdrawals`.
        """
        if amount < 1:
            raise Refused(errors.InvalidAmount)
        self._require_payable(person)
        if self.balances[person] < amount:
            raise Refused(errors.InsufficientFunds)
        if self.balances[person] - amount < self._young(person, terms.stars_hold_days):
            raise Refused(NotYetWithdrawable)
        self.balances[person] -= amount
        return Withdrawal(person, amount, self.now, fee=amount * terms.fee_bps // 10_000)

    def _young(self, person: int, hold_days: int) -> int:
        """Return what a person was paid for placements within the last `hold_days` days."""
        return sum(
            target.price - target.fee
            for target in self.targets.values()
            if target.owner == person
            and target.escrow is Escrows.RELEASED
            and target.released_at > self.now - 24 * hold_days
        )

    def approve_withdrawal(self, number: int) -> None:
        """Approve a withdrawal.

        Raises Refused(NotCompared) without a recent comparison of the deposits.
        """
        withdrawal = self.withdrawals[number]
        if withdrawal.status in {Withdrawals.APPROVED, Withdrawals.PAID}:
            return
        if withdrawal.status is Withdrawals.RETURNED:
            raise Refused(errors.InvalidMove)
        self._require_payable(withdrawal.person)
        self._require_comparison(withdrawal)
        withdrawal.status = Withdrawals.APPROVED

    def _require_payable(self, person: int) -> None:
        if person in self.blocked:
            raise Refused(errors.PersonBlocked)
        self.require_no_loss(person)
        if not self.switches[Switch.WITHDRAWALS]:
            raise Refused(errors.SwitchStopped)

    def _require_comparison(self, withdrawal: Withdrawal) -> None:
        uncompared = any(
            deposit.recorded_at <= withdrawal.held_at
            for deposit in self.deposits.values()
            if not deposit.compared
        )
        if self.read_at is None or self.read_at + READ_HOURS < self.now or uncompared:
            raise Refused(errors.NotCompared)

    def mark_paid(self, number: int, reference: str, *, confirmed: bool = False) -> None:
        """Record the payment of a withdrawal that is approved or that two admins have confirmed."""
        withdrawal = self.withdrawals[number]
        if self._is_known(number, reference):
            return
        payable = {Withdrawals.APPROVED} | ({Withdrawals.REQUESTED} if confirmed else set())
        if withdrawal.status not in payable:
            raise Refused(errors.SecondPersonNeeded)
        withdrawal.status = Withdrawals.PAID
        withdrawal.payments.append(reference)
        self.sent_outside += withdrawal.amount - withdrawal.fee
        self.revenue[withdrawal.person] = self.revenue.get(withdrawal.person, 0) + withdrawal.fee

    def _is_known(self, number: int, reference: str) -> bool:
        """Return whether this withdrawal has this payment.

        Raises Refused if the payment belongs to another withdrawal.
        """
        known = {ref: key for key, each in self.withdrawals.items() for ref in each.payments}
        if reference in known and known[reference] != number:
            raise Refused(errors.IdempotencyConflict)
        return reference in known

    def return_money(self, number: int) -> None:
        """Return the money of a withdrawal to the wallet.

        Raises Refused if the withdrawal is paid.
        """
        withdrawal = self.withdrawals[number]
        if withdrawal.status is Withdrawals.PAID:
            raise Refused(errors.InvalidMove)
        self._return(withdrawal)

    def cancel_withdrawal(self, person: int, number: int) -> None:
        """Let a person cancel a withdrawal.

        Raises Refused if the withdrawal is approved, paid, or another person's.
        """
        withdrawal = self.withdrawals[number]
        if withdrawal.person != person:
            raise Refused(errors.NotWithdrawalOwner)
        if withdrawal.status in {Withdrawals.APPROVED, Withdrawals.PAID}:
            raise Refused(errors.InvalidMove)
        self._return(withdrawal)

    def _return(self, withdrawal: Withdrawal) -> None:
        if withdrawal.status is not Withdrawals.RETURNED:
            withdrawal.status = Withdrawals.RETURNED
            self.balances[withdrawal.person] += withdrawal.amount

    # -- money that goes out without a withdrawal --------------------------------------------------

    def reverse(self, key: str, person: int | None, amount: int) -> None:
        """Record that a person got a payment back, and block the person.

        Raises Refused if the payer is unknown or the amount is wrong.
        """
        if key not in self.deposits:
            if person is None:
                raise Refused(errors.NotFound)
            if amount < 1:
                raise Refused(errors.InvalidAmount)
            self.deposits[key] = Deposit(person, amount, self.now)
        deposit = self.deposits[key]
        if deposit.amount != amount:
            raise Refused(errors.PaymentMismatch)
        if deposit.taken_back:
            return
        self.block(deposit.person)
        deposit.taken_back = True
        if deposit.credited:
            self._send_outside(deposit.person, amount)

    def _send_outside(self, person: int, amount: int) -> None:
        """Take an amount from a person's wallet, and record the missing rest as a loss."""
        for withdrawal in self.withdrawals.values():
            if withdrawal.person == person and withdrawal.status is Withdrawals.REQUESTED:
                self._return(withdrawal)
        recovered = min(self.balances[person], amount)
        self.balances[person] -= recovered
        self.losses[person] = self.losses.get(person, 0) + amount - recovered
        self.sent_outside += amount

    def _record_payment(self, number: int, reference: str) -> None:
        """Record a payment of a withdrawal that two admins have confirmed."""
        withdrawal = self.withdrawals[number]
        if withdrawal.status not in {Withdrawals.PAID, Withdrawals.RETURNED}:
            self.mark_paid(number, reference, confirmed=True)
        elif withdrawal.status is Withdrawals.PAID and withdrawal.payments[0] == reference:
            raise Refused(errors.IdempotencyConflict)  # it is no payment in excess
        elif not self._is_known(number, reference):
            withdrawal.payments.append(reference)
            self._send_outside(withdrawal.person, withdrawal.amount - withdrawal.fee)

    # -- blocked people ---------------------------------------------------------------------------

    def block(self, person: int) -> None:
        """Block a person, and suspend the person's active and paused channels."""
        if person in self.blocked:
            return
        self.blocked.add(person)
        for channel in self.channels.values():
            if channel.owner == person and channel.status is not Channels.SUSPENDED:
                self.suspend(channel, OWNER_BLOCKED)

    def unblock(self, person: int) -> None:
        """Unblock a person, and restore the channels that only the block had suspended."""
        if person not in self.blocked:
            return
        self.blocked.remove(person)
        for channel in self.channels.values():
            if channel.owner == person and channel.reason == OWNER_BLOCKED:
                self.restore(channel)

    # -- requests of the staff --------------------------------------------------------------------

    def make_request(
        self, requester: int, kind: Kinds, subject: int | str, reference: str, *, from_shell: bool
    ) -> Request:
        """Return a new staff request, which the caller stores in `requests`."""
        if not from_shell and kind not in TWO_PEOPLE:
            raise Refused(errors.AccessDenied)
        return Request(kind, requester, self.now, subject, reference, not from_shell)

    def acknowledge(self, number: int, person: int) -> None:
        """Let a person press "That was me". Raises Refused if the person is not the requester."""
        request = self.requests[number]
        if person != request.requester:
            raise Refused(errors.AccessDenied)
        if request.acknowledged and request.status is not Requests.DROPPED:
            return
        self._require_open(request)
        if request.kind not in TWO_PEOPLE:
            self._carry_out(request)
        request.acknowledged = True

    def confirm(self, number: int, person: int) -> None:
        """Confirm and carry out a request. Raises Refused if the person is the requester."""
        request = self.requests[number]
        if person == request.requester:
            raise Refused(errors.SamePerson)
        if request.status is Requests.DONE:
            return
        if request.status is Requests.DROPPED:
            raise Refused(errors.InvalidMove)
        if not request.acknowledged or request.kind not in TWO_PEOPLE:
            raise Refused(errors.NotAcknowledged)
        self._require_open(request)
        self._carry_out(request)

    def drop(self, number: int) -> None:
        """Drop a request. Raises Refused if the request is already done."""
        request = self.requests[number]
        if request.status is Requests.DONE:
            raise Refused(errors.InvalidMove)
        request.status = Requests.DROPPED

    def drop_ended(self) -> int:
        """Drop all open requests that are too old, and return their number."""
        ended = [
            request
            for request in self.requests.values()
            if request.status is Requests.PROPOSED and self._has_ended(request)
        ]
        for request in ended:
            request.status = Requests.DROPPED
        return len(ended)

    def _has_ended(self, request: Request) -> bool:
        return request.asked_at + PROPOSAL_HOURS < self.now

    def _require_open(self, request: Request) -> None:
        if request.status is not Requests.PROPOSED:
            raise Refused(errors.InvalidMove)
        if self._has_ended(request):
            raise Refused(errors.ProposalEnded)

    def _carry_out(self, request: Request) -> None:
        match request.kind, request.subject:
            case Kinds.BLOCK, int(person):
                self.block(person)
            case Kinds.UNBLOCK, int(person):
                self.unblock(person)
            case Kinds.CLAWBACK, str(key):
                if key not in self.deposits:
                    raise Refused(errors.NotFound)
                self.reverse(key, None, self.deposits[key].amount)
            case Kinds.RECORD_PAYMENT, int(number):
                self._record_payment(number, request.reference)
        request.status = Requests.DONE
