"""Create the first state of the state machine test."""

from copy import deepcopy
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.formats import Ending
from db.models.money import DepositStatus, EscrowStatus
from db.models.users import Role
from db.money import STARS
from services.market import calendars, format_changes
from services.market.terms import Terms
from services.platform.actors import Actor
from tests.factories import payments, people
from tests.factories.books import RolledBackSteps
from tests.factories.model_calendars import Calendar
from tests.factories.model_corrections import CorrectionModel
from tests.factories.model_money import Deposit
from tests.factories.model_rows import Campaign, Channel, Sold, Target


class World:
    """The state in which every run of the state machine test begins."""

    def __init__(self, rolled_back: RolledBackSteps) -> None:
        self.rolled_back = rolled_back
        self.model = CorrectionModel()
        self.people: list[Actor] = []
        self.moderator = rolled_back.do(people.staff)
        for number in range(3):
            person = rolled_back.do(partial(people.person, currency=STARS))
            self.people.append(person)
            self.model.balances[user_id(person)] = 0
            self._pay(person, 3_000 if number < 2 else 0)
        # This person has made a payment, and no rule chooses them.
        self.payer = rolled_back.do(partial(people.person, currency=STARS))
        self.model.balances[user_id(self.payer)] = 0
        self._pay(self.payer, 1)
        self.second_admin = rolled_back.do(people.staff)
        self.operator = rolled_back.do(partial(people.staff, role=Role.OPERATOR))
        self.head = rolled_back.do(partial(people.staff, role=Role.SUPER_ADMIN))
        for employed in (self.moderator, self.second_admin, self.operator, self.head):
            self.model.balances[user_id(employed)] = 0
        for owner, price, hours, accepts in ((2, 700, 24, True), (1, 900, 0, False)):
            self._channel(self.people[owner], price, hours, accepts=accepts)
        self._calendar(self.people[2])
        for advertiser, budget in ((0, 4_000), (1, 2_000)):
            self._campaign(self.people[advertiser], budget)

    def _pay(self, person: Actor, amount: int) -> None:
        if amount:
            payer_id, key = user_id(person), f"start-{user_id(person)}"
            self.rolled_back.do(
                lambda session: payments.deposit(
                    session, user_id=payer_id, amount=amount, key=key, source="telegram"
                )
            )
            self.model.deposit(payer_id, amount, key)

    def _channel(self, owner: Actor, price: int, hours: int, *, accepts: bool) -> None:
        connect = people.channel if accepts else people.asking_channel
        created = self.rolled_back.do(
            lambda session: connect(session, owner, price=price, promised_hours=hours)
        )
        self.model.channels[created.id] = Channel(user_id(owner), price, hours, accepts=accepts)

    def _calendar(self, owner: Actor) -> None:
        """Connect a channel with a calendar that sells two formats."""
        first, second = Sold(300, 24, 0), Sold(450, 48, 2)

        async def connect(session: AsyncSession) -> int:
            made = await people.asking_channel(
                session, owner, price=first.price, promised_hours=first.hours
            )
            await format_changes.put(
                session, actor=owner, channel_id=made.id, terms=Terms(*second, Ending.LEFT)
            )
            await calendars.reset(session, actor=owner, channel_id=made.id, time_zone="UTC")
            return made.id

        channel_id = self.rolled_back.do(connect)
        self.model.channels[channel_id] = Channel(
            user_id(owner), first.price, first.hours, accepts=False
        )
        self.model.calendars[channel_id] = Calendar()
        self.model.formats = [first, second]

    def _campaign(self, advertiser: Actor, budget: int) -> None:
        created = self.rolled_back.do(
            lambda session: people.campaign(session, advertiser, budget=budget)
        )
        self.model.campaigns[created.id] = Campaign(user_id(advertiser), budget)


def user_id(actor: Actor) -> int:
    """Return the user id of a person."""
    assert actor.user_id is not None
    return actor.user_id


def nth(things: dict[int, Any], pick: int) -> int:
    """Return the id of the thing at an index, which is taken modulo."""
    return list(things)[pick % len(things)]


def copy(model: CorrectionModel) -> CorrectionModel:
    """Return a deep copy of the model."""
    return deepcopy(model)


def books(model: CorrectionModel) -> dict[str, Any]:
    """Return the balances, states and kill switches that the model expects."""
    model.absorb()
    held = [t.price for t in model.targets.values() if t.escrow is EscrowStatus.HELD]
    return {
        "broken": [],
        "balances": {str(key): value for key, value in model.balances.items()},
        "revenue": {str(key): value for key, value in model.revenue.items() if value},
        "losses": {str(key): value for key, value in model.losses.items() if value},
        "outside": sum(each.amount for each in model.deposits.values() if each.credited)
        - model.sent_outside,
        "blocked": sorted(model.blocked),
        "requests": {
            str(key): [each.status, each.acknowledged] for key, each in model.requests.items()
        },
        "corrections": {str(key): each.status for key, each in model.corrections.items()},
        "held": sum(held) if any(t.escrow for t in model.targets.values()) else None,
        "deposits": {
            key: [each.person, each.amount, _deposit_status(each)]
            for key, each in model.deposits.items()
        },
        "withdrawals": {
            str(key): [each.person, each.amount, each.status, each.fee]
            for key, each in model.withdrawals.items()
        },
        "campaigns": {str(key): value.status for key, value in model.campaigns.items()},
        "channels": {str(key): value.status for key, value in model.channels.items()},
        "complaints": [
            [key, each.status, each.outcome, each.percent]
            for key, target in sorted(model.targets.items())
            for each in target.complaints
        ],
        "switches": {key.value: enabled for key, enabled in model.switches.items()},
        "targets": {str(key): _row(target) for key, target in model.targets.items()},
    }


def _row(target: Target) -> list[Any]:
    held = target.escrow is not None
    posted = target.job is not None
    return [
        target.status,
        target.price,
        target.escrow,
        target.price if held else None,
        target.fee if held else None,
        target.job,
        target.claim_no if posted else None,
        target.attempts if posted else None,
        len(target.looks),
        target.breach_refund_at is not None,
        target.accepted,
        target.cancelled,
    ]


def _deposit_status(deposit: Deposit) -> DepositStatus:
    if deposit.taken_back:
        return DepositStatus.CLAWED_BACK
    return DepositStatus.CREDITED if deposit.credited else DepositStatus.RECEIVED
