"""Extend the model with withdrawals, money taken back, blocked people and requests of the staff."""

from dataclasses import dataclass, field

from db.models.campaigns import ChannelStatus as Channels
from db.models.money import WithdrawalStatus as Withdrawals
from db.models.operations import Switch
from db.models.users import RequestKind as Kinds
from db.models.users import RequestStatus as Requests
from services.platform import errors
from tests.factories.model import Refused
from tests.factories.model_posts import OWNER_BLOCKED, PostingModel

PROPOSAL_HOURS = 72
TWO_PEOPLE = {Kinds.RECORD_PAYMENT, Kinds.CLAWBACK}


@dataclass
class Withdrawal:
    """A withdrawal of a person."""

    person: int
    amount: int
    status: Withdrawals = Withdrawals.REQUESTED
    payments: list[str] = field(default_factory=list)
    """The references of its payments outside. The second one and later ones are in excess."""


@dataclass
class Request:
    """A request of the staff. `subject` is a person, a withdrawal or the key of a payment."""

    kind: Kinds
    requester: int
    asked_at: float
    subject: int | str
    reference: str
    acknowledged: bool
    status: Requests = Requests.PROPOSED


@dataclass
class MoneyModel(PostingModel):
    """The expected state of the whole marketplace, with the acts that take money out of it."""

    losses: dict[int, int] = field(default_factory=dict)
    """The platform's loss through each person, in minor units."""
    sent_outside: int = 0
    """The money that left the marketplace, in minor units."""
    withdrawals: dict[int, Withdrawal] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)

    # -- withdrawals ------------------------------------------------------------------------------

    def request_withdrawal(self, person: int, amount: int) -> Withdrawal:
        """Request a withdrawal and return it. The caller must store it under its id."""
        if amount < 1:
            raise Refused(errors.InvalidAmount)
        self._require_payable(person)
        if self.balances[person] < amount:
            raise Refused(errors.InsufficientFunds)
        self.balances[person] -= amount
        return Withdrawal(person, amount)

    def approve_withdrawal(self, number: int) -> None:
        """Approve a withdrawal."""
        withdrawal = self.withdrawals[number]
        if withdrawal.status in {Withdrawals.APPROVED, Withdrawals.PAID}:
            return
        if withdrawal.status is Withdrawals.RETURNED:
            raise Refused(errors.InvalidMove)
        self._require_payable(withdrawal.person)
        withdrawal.status = Withdrawals.APPROVED

    def _require_payable(self, person: int) -> None:
        if person in self.blocked:
            raise Refused(errors.PersonBlocked)
        if self.losses.get(person):
            raise Refused(errors.OpenLoss)
        if not self.switches[Switch.WITHDRAWALS]:
            raise Refused(errors.SwitchStopped)

    def mark_paid(self, number: int, reference: str, *, confirmed: bool = False) -> None:
        """Record the payment of a withdrawal."""
        withdrawal = self.withdrawals[number]
        if self._is_known(number, reference):
            return
        payable = {Withdrawals.APPROVED} | ({Withdrawals.REQUESTED} if confirmed else set())
        if withdrawal.status not in payable:
            raise Refused(errors.SecondPersonNeeded)
        withdrawal.status = Withdrawals.PAID
        withdrawal.payments.append(reference)
        self.sent_outside += withdrawal.amount

    def _is_known(self, number: int, reference: str) -> bool:
        """Return whether this payment of a withdrawal is recorded; it can have only one."""
        known = {ref: key for key, each in self.withdrawals.items() for ref in each.payments}
        if reference in known and known[reference] != number:
            raise Refused(errors.IdempotencyConflict)
        return reference in known

    def return_money(self, number: int) -> None:
        """Return the money of a withdrawal to its person."""
        withdrawal = self.withdrawals[number]
        if withdrawal.status is Withdrawals.PAID:
            raise Refused(errors.InvalidMove)
        self._return(withdrawal)

    def cancel_withdrawal(self, person: int, number: int) -> None:
        """Let a person cancel a withdrawal that nobody has approved."""
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

    # -- money that went outside without a withdrawal ---------------------------------------------

    def reverse(self, key: str, person: int | None, amount: int) -> None:
        """Take back a payment that was reversed outside, and block its payer."""
        if key not in self.deposits:
            if person is None:
                raise Refused(errors.NotFound)
            if amount < 1:
                raise Refused(errors.InvalidAmount)
            self.deposits[key] = (person, amount, False)
        payer, paid, credited = self.deposits[key]
        if paid != amount:
            raise Refused(errors.PaymentMismatch)
        if key in self.taken_back:
            return
        self.block(payer)
        self.taken_back.add(key)
        if credited:
            self._send_outside(payer, paid)

    def _send_outside(self, person: int, amount: int) -> None:
        """Return unapproved withdrawals, and take what the wallet has. The rest is a loss."""
        for withdrawal in self.withdrawals.values():
            if withdrawal.person == person and withdrawal.status is Withdrawals.REQUESTED:
                self._return(withdrawal)
        recovered = min(self.balances[person], amount)
        self.balances[person] -= recovered
        self.losses[person] = self.losses.get(person, 0) + amount - recovered
        self.sent_outside += amount

    def _record_payment(self, number: int, reference: str) -> None:
        """Record a payment that two people have decided about; it may be in excess."""
        withdrawal = self.withdrawals[number]
        if withdrawal.status not in {Withdrawals.PAID, Withdrawals.RETURNED}:
            self.mark_paid(number, reference, confirmed=True)
        elif not self._is_known(number, reference):
            withdrawal.payments.append(reference)
            self._send_outside(withdrawal.person, withdrawal.amount)

    # -- blocked people ---------------------------------------------------------------------------

    def block(self, person: int) -> None:
        """Block a person and suspend their channels."""
        if person in self.blocked:
            return
        self.blocked.add(person)
        for channel in self.channels.values():
            if channel.owner == person and channel.status is not Channels.SUSPENDED:
                self.suspend(channel, OWNER_BLOCKED)

    def unblock(self, person: int) -> None:
        """Unblock a person, and restore the channels that were suspended only because of that."""
        if person not in self.blocked:
            return
        self.blocked.remove(person)
        for channel in self.channels.values():
            if channel.owner == person and channel.reason == OWNER_BLOCKED:
                self.restore(channel)

    # -- requests of the staff --------------------------------------------------------------------

    def ask(
        self, requester: int, kind: Kinds, subject: int | str, reference: str, *, from_shell: bool
    ) -> Request:
        """Make a request and return it. The caller must store it under its id."""
        if not from_shell and kind not in TWO_PEOPLE:
            raise Refused(errors.AccessDenied)
        return Request(kind, requester, self.now, subject, reference, not from_shell)

    def acknowledge(self, number: int, person: int) -> None:
        """Let the requester acknowledge a request."""
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
        """Let a second person confirm a request."""
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
        """Refuse a request."""
        request = self.requests[number]
        if request.status is Requests.DONE:
            raise Refused(errors.InvalidMove)
        request.status = Requests.DROPPED

    def drop_ended(self) -> int:
        """Drop the requests that are too old, and return their number."""
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
                self.reverse(key, None, self.deposits[key][1])
            case Kinds.RECORD_PAYMENT, int(number):
                self._record_payment(number, request.reference)
        request.status = Requests.DONE
