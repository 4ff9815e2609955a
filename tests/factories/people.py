"""Create people, channels, campaigns and placements with the product's services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import func, insert, null, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget, Channel
from db.models.corrections import Correction
from db.models.operations import InboxUpdate, OutboxMessage, OutboxStatus, Switch
from db.models.posting import PostJob
from db.models.users import RequestKind, Role, User, UserRole
from db.session import Sessions
from services.market import (
    acceptance_rules,
    campaigns,
    channels,
    moderation,
    registration,
    user_blocks,
)
from services.market.creatives import Creative
from services.money import corrections, wallets
from services.platform import killswitches, users
from services.platform.actors import SYSTEM, Actor
from services.posts import posting
from services.posts.posting import Claim
from tests.factories import one_post, payments, presses

CURRENCY = "USD"
FEE_BPS = 1_000
PRICE = 5_000
LEASE = timedelta(seconds=30)
_numbers = count(1_000)


@dataclass(frozen=True)
class Deal:
    """A placement with its campaign, its channel and its people."""

    advertiser: Actor
    owner: Actor
    moderator: Actor
    campaign: Campaign
    channel: Channel
    target: CampaignTarget


def number() -> int:
    """Return a number that was not returned before in this process."""
    return next(_numbers)


def advert(text: str = "Fresh bread every morning") -> Creative:
    """Return the content of an ad that has only a text."""
    return Creative(kind="text", text=text)


async def commit(session: AsyncSession) -> None:
    """Run the checks of a commit, but do not commit."""
    await session.flush()
    await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    await session.execute(text("SET CONSTRAINTS ALL DEFERRED"))


async def run_switches(session: AsyncSession) -> None:
    """Allow every kind of operation."""
    operator = await staff(session, Role.OPERATOR)
    for key in Switch:
        await killswitches.set(session, actor=operator, key=key, enabled=True, reason="test")


async def set_switch(
    session: AsyncSession, key: Switch, *, enabled: bool
) -> killswitches.SwitchChange:
    """Let a new operator run a kill switch, or let the system stop it."""
    actor = await staff(session, Role.OPERATOR) if enabled else SYSTEM
    return await killswitches.set(session, actor=actor, key=key, enabled=enabled, reason="test")


async def stop(session: AsyncSession, key: Switch) -> None:
    """Set a kill switch so that it forbids its kind of operation."""
    await set_switch(session, key, enabled=False)


async def person(session: AsyncSession, *, balance: int = 0, currency: str = CURRENCY) -> Actor:
    """Register a person with `balance` minor units in the wallet."""
    user = await registration.register(
        session, telegram_id=number(), language="en", currency=currency
    )
    if balance:
        await payments.deposit(
            session, user_id=user.id, amount=balance, key=f"charge-{number()}", source="telegram"
        )
    return Actor(user.id)


async def staff(session: AsyncSession, role: Role = Role.ADMIN) -> Actor:
    """Register a person with a role, as an actor in the admin chat."""
    user = await registration.register(
        session, telegram_id=number(), language="en", currency=CURRENCY
    )
    session.add(UserRole(user_id=user.id, role=role))
    await session.flush()
    return Actor(user.id, frozenset({role}), in_admin_chat=True)


async def admins(sessions: Sessions) -> list[int]:
    """Register two admins in a separate transaction, and return their user ids."""
    async with sessions.begin() as session:
        return [(await staff(session)).user_id or 0 for _ in range(2)]


async def channel(session: AsyncSession, owner: Actor, **terms: Any) -> Channel:
    """Connect a channel that accepts each ad, and set its terms."""
    place = await asking_channel(session, owner, **terms)
    await acceptance_rules.set(
        session, actor=owner, channel_id=place.id, rule=acceptance_rules.Rule(0, None)
    )
    return place


async def asking_channel(
    session: AsyncSession,
    owner: Actor,
    *,
    price: int = PRICE,
    promised_hours: int = 24,
    hours_on_top: int = 0,
) -> Channel:
    """Connect a channel whose owner is asked about each ad, and set its price and hours."""
    connected = await channels.connect(
        session,
        actor=owner,
        chat_id=-1_000_000_000_000 - number(),
        title="Morning news",
        username=None,
        subscribers=1_200,
    )
    return await channels.set_terms(
        session,
        actor=owner,
        channel_id=connected.id,
        price=price,
        promised_hours=promised_hours,
        hours_on_top=hours_on_top,
        topic="news",
    )


async def take_over(session: AsyncSession, place: Channel) -> Actor:
    """Let a new person, who is the creator now, connect a channel of somebody else."""
    heir = await person(session)
    await channels.connect(
        session,
        actor=heir,
        chat_id=place.chat_id,
        title=place.title,
        username=None,
        subscribers=1_200,
        former_owner_id=place.owner_id,
    )
    return heir


async def campaign(session: AsyncSession, advertiser: Actor, *, budget: int = 100_000) -> Campaign:
    """Create an active campaign."""
    created = await campaigns.create(
        session, actor=advertiser, name="Bakery", creative=advert(), total_budget=budget
    )
    return await campaigns.activate(session, actor=advertiser, campaign_id=created.id)


async def deal(
    session: AsyncSession,
    *,
    balance: int = 20_000,
    price: int = PRICE,
    promised_hours: int = 24,
    hours_on_top: int = 0,
    publish_at: datetime | None = None,
    fee_bps: int = FEE_BPS,
    complaint_window: timedelta = timedelta(),
    asks: bool = False,
) -> Deal:
    """Submit a placement with a new advertiser, a new owner and a new channel.

    If `asks` is True, the owner has to answer. Otherwise the channel accepts each ad.
    If `balance` is below the price, the rest is in the wallet only during the submission.
    """
    advertiser = await person(session, balance=balance)
    owner = await person(session)
    moderator = await staff(session)
    connect = asking_channel if asks else channel
    place = await connect(
        session, owner, price=price, promised_hours=promised_hours, hours_on_top=hours_on_top
    )
    bought = await campaign(session, advertiser, budget=max(balance, price))
    async with funded(session, advertiser, price):
        target = await campaigns.submit_target(
            session,
            actor=advertiser,
            campaign_id=bought.id,
            channel_id=place.id,
            publish_at=publish_at,
            fee_bps=fee_bps,
            complaint_window=complaint_window,
        )
    await commit(session)
    return Deal(advertiser, owner, moderator, bought, place, target)


@asynccontextmanager
async def funded(session: AsyncSession, who: Actor, amount: int) -> AsyncIterator[None]:
    """Let a person have at least `amount` minor units in the `with` block only."""
    user_id = who.user_id or 0
    missing = max(amount - (await wallets.of_user(session, user_id)).balance, 0)
    if missing:
        key = f"charge-{number()}"
        await payments.deposit(session, user_id=user_id, amount=missing, key=key, source="telegram")
    yield
    if missing:
        await spend(session, who, missing)


async def spend(session: AsyncSession, who: Actor, amount: int) -> None:
    """Move `amount` minor units from a person's wallet to another person's wallet."""
    own = await wallets.of_user(session, who.user_id or 0)
    other = await person(session, currency=own.currency)
    other_wallet = await wallets.of_user(session, other.user_id or 0)
    last_id = await session.scalar(select(func.coalesce(func.max(InboxUpdate.id), 0)))
    await adjusted(session, own.id, other_wallet.id, amount)
    # A running bot must not handle the presses, because they are no whole updates.
    await session.execute(
        update(InboxUpdate)
        .where(InboxUpdate.id > last_id)
        .values(done_at=func.now(), payload=null())
    )
    # The other person is not in Telegram, and gets no message.
    await session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.kind == "wallet_corrected", OutboxMessage.status == OutboxStatus.QUEUED
        )
        .values(status=OutboxStatus.FAILED)
    )


async def block(session: AsyncSession, who: Actor) -> None:
    """Mark a person as blocked. Two new super admins decide this about a person with a role."""
    if await users.is_staff(session, who.user_id or 0):
        await decide_block(session, RequestKind.BLOCK_STAFF, who)
    await session.execute(update(User).where(User.id == who.user_id).values(blocked=True))


async def decide_block(session: AsyncSession, kind: RequestKind, who: Actor) -> None:
    """Let two new super admins decide to block or unblock a person, but do not do it."""
    heads = [await staff(session, Role.SUPER_ADMIN) for _ in range(2)]
    await payments.decided_request(session, kind, {}, *heads, subject_id=who.user_id)


async def approve(session: AsyncSession, made: Deal) -> moderation.Decision:
    """Let the moderator approve a placement."""
    return await moderation.approve(session, actor=made.moderator, target_id=made.target.id)


async def approved(session: AsyncSession, **terms: Any) -> Deal:
    """Create a placement whose money is held and whose post waits to be sent."""
    made = await deal(session, **terms)
    await approve(session, made)
    await commit(session)
    return made


async def another(
    session: AsyncSession, made: Deal, *, publish_at: datetime | None = None, decide: bool = True
) -> CampaignTarget:
    """Submit another placement of the same campaign in the same channel."""
    target = await campaigns.submit_target(
        session,
        actor=made.advertiser,
        campaign_id=made.campaign.id,
        channel_id=made.channel.id,
        publish_at=publish_at,
        fee_bps=FEE_BPS,
    )
    if decide:
        await moderation.approve(session, actor=made.moderator, target_id=target.id)
    await commit(session)
    return target


async def queue(session: AsyncSession, target: CampaignTarget) -> None:
    """Queue the post of a pending placement, which the product never does."""
    await session.execute(
        insert(PostJob).values(
            campaign_target_id=target.id, channel_id=target.channel_id, due_at=target.created_at
        )
    )


async def claimed(session: AsyncSession, *, owner: str = "worker") -> Claim:
    """Claim the post with the earliest due time, or fail if no post is due."""
    claim = await one_post.claim(session, owner=owner, lease=LEASE)
    assert claim is not None
    return claim


async def posted(session: AsyncSession, **terms: Any) -> Deal:
    """Create a placement whose post is published with the message id 10."""
    made = await approved(session, **terms)
    claim = await claimed(session)
    assert claim.target_id == made.target.id
    assert await one_post.record_published(session, claim, message_id=10)
    await commit(session)
    return made


async def lose(session: AsyncSession, who: Actor, amount: int) -> None:
    """Let a person with an empty wallet owe `amount` minor units, and unblock the person."""
    person_id, key = who.user_id or 0, f"charge-{number()}"
    payment: dict[str, Any] = {"user_id": person_id, "amount": amount, "source": "telegram"}
    await payments.deposit(session, key=key, **payment)
    await spend(session, who, amount)
    await payments.reverse(session, external_reference=key, **payment)
    admin = await staff(session)
    await user_blocks.unblock(session, actor=admin, user_id=person_id, reason="a mistake")


async def in_debt(session: AsyncSession) -> Deal:
    """Create a pending placement of an advertiser who has its price and owes PRICE."""
    made = await deal(session, balance=0)
    await lose(session, made.advertiser, PRICE)
    await payments.deposit(
        session,
        user_id=made.advertiser.user_id or 0,
        amount=PRICE,
        key=f"charge-{number()}",
        source="telegram",
    )
    await commit(session)
    return made


async def failed(session: AsyncSession, **terms: Any) -> Deal:
    """Create a placement whose post Telegram has refused."""
    made = await approved(session, **terms)
    claim = await claimed(session)
    assert claim.target_id == made.target.id
    assert await posting.record_refused(
        session, claim, error="Bad Request: chat not found", rights_lost=False
    )
    await commit(session)
    return made


async def adjusted(
    session: AsyncSession, from_wallet: int, to_wallet: int, amount: int
) -> Correction:
    """Move an amount (in minor units) between two wallets by a correction of two new admins."""
    proposer, confirmer = await staff(session), await staff(session)
    proposed = await presses.propose(
        corrections.propose_adjustment,
        session,
        actor=proposer,
        from_wallet=from_wallet,
        to_wallet=to_wallet,
        amount=amount,
        reason="a fee was taken twice",
    )
    return await corrections.confirm(
        session,
        actor=await presses.confirm_correction(session, confirmer, proposed.id),
        correction_id=proposed.id,
        reason="seen in the statement",
    )


async def decided_payment(session: AsyncSession, admin: Actor, **payment: Any) -> None:
    """Store a finished staff request of two admins, but do not record its payment."""
    await payments.decided_request(
        session, RequestKind.RECORD_PAYMENT, payment, await staff(session), admin
    )
