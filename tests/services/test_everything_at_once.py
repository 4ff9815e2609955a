"""Run random operations at the same time, and test that no invariant is violated."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.operations import Switch
from db.models.posting import Verdict
from db.session import is_away
from services.market import calendars, campaigns, channels, moderation, placement_expiry
from services.money import deposits, escrow, incidents, stuck_escrows
from services.platform import errors
from services.posts import posting, rescue, uncertain_posts, verification
from services.posts.posting import Claim
from tests.conftest import Database
from tests.factories import one_post, payments, people, rows

Act = Callable[[AsyncSession], Awaitable[Any]]
WORKERS, STEPS = 8, 30


async def _any_target(session: AsyncSession, rng: random.Random) -> int:
    """Return the id of a random placement among the 12 newest."""
    found = await rows.table(session, "SELECT id FROM campaign_targets ORDER BY id DESC LIMIT 12")
    return int(rng.choice(found)[0])


async def _claim(session: AsyncSession) -> Claim | None:
    return await one_post.claim(session, owner="worker", lease=people.LEASE)


def _random_outcome(rng: random.Random, claim: Claim) -> Act:
    """Return a function that records a random result of sending a post."""
    ends: list[Act] = [
        lambda session: one_post.record_published(session, claim, message_id=rng.randrange(1, 999)),
        lambda session: one_post.record_published(session, claim, message_id=rng.randrange(1, 999)),
        lambda session: posting.record_refused(session, claim, error="x", rights_lost=False),
        lambda session: posting.record_refused(session, claim, error="x", rights_lost=True),
        lambda session: posting.record_uncertain(session, claim, error="x"),
        lambda session: posting.release_claim(session, claim),
    ]
    return rng.choice(ends)


async def _check_or_claim(session: AsyncSession, rng: random.Random) -> None:
    """Choose at random: claim due checks and searches, or record one check."""
    if rng.random() < 0.5:
        await verification.claim_due(session, limit=2)
        await uncertain_posts.claim_due(session, limit=2)
        return
    job_id = await session.scalar(
        text("SELECT id FROM post_jobs WHERE status = 'success' ORDER BY random() LIMIT 1")
    )
    if job_id is not None:
        await verification.record_check(
            session, job_id=job_id, verdict=Verdict.PRESENT, evidence="x"
        )


async def _record_search(session: AsyncSession, rng: random.Random) -> None:
    """Record a random search result for an uncertain post, if such a post exists."""
    found = await session.execute(
        text(
            "SELECT id, claim_no, campaign_target_id, clock() AS moment"
            " FROM post_jobs WHERE status = 'uncertain'"
            " ORDER BY random() LIMIT 1"
        )
    )
    row = found.one_or_none()
    if row is None:
        return
    uncertain_post = uncertain_posts.UncertainPost(
        row.id, row.claim_no, row.campaign_target_id, 0, people.advert(), 0, 0, row.moment
    )
    if rng.random() < 0.5:
        await uncertain_posts.record_found(
            session, uncertain_post, message_ids=(rng.randrange(1_000, 9_999),)
        )
    else:
        await uncertain_posts.record_absent(
            session, uncertain_post, gap=timedelta(), highest_seen_id=0
        )


async def _submit(session: AsyncSession, rng: random.Random, deal: people.Deal) -> None:
    """Submit a placement for a random one of few times, or as soon as possible."""
    hours = rng.randrange(4)
    at = await queries.now(session) + timedelta(hours=hours) if hours else None
    await people.another(session, deal, publish_at=at, decide=False)


async def _decide(session: AsyncSession, rng: random.Random, deal: people.Deal) -> None:
    target_id = await _any_target(session, rng)
    if rng.random() < 0.1:
        await moderation.reject(session, actor=deal.moderator, target_id=target_id, reason="x")
    elif rng.random() < 0.2:
        await escrow.hold(session, target_id=target_id)
    else:
        await moderation.approve(session, actor=deal.moderator, target_id=target_id)


async def _settle(session: AsyncSession, rng: random.Random) -> None:
    end = rng.choice([escrow.release, escrow.refund])
    limited = escrow.list_releasable if end is escrow.release else escrow.list_refundable
    ready = await limited(session, limit=5)
    await end(session, target_id=rng.choice(ready) if ready else await _any_target(session, rng))


async def _campaign(session: AsyncSession, rng: random.Random, deal: people.Deal) -> None:
    actor, campaign_id = deal.advertiser, deal.campaign.id
    if rng.random() < 0.05:
        await campaigns.cancel(session, actor=actor, campaign_id=campaign_id)
    elif rng.random() < 0.3:
        await campaigns.pause(session, actor=actor, campaign_id=campaign_id)
    else:
        await campaigns.resume(session, actor=actor, campaign_id=campaign_id)


async def _channel(session: AsyncSession, rng: random.Random, deal: people.Deal) -> None:
    if rng.random() < 0.2:
        await channels.pause(session, actor=deal.owner, channel_id=deal.channel.id)
    elif rng.random() < 0.5:
        await channels.resume(session, actor=deal.owner, channel_id=deal.channel.id)
    else:
        await channels.record_rights_restored(session, chat_id=deal.channel.chat_id)


async def _deposit(session: AsyncSession, rng: random.Random, deal: people.Deal) -> None:
    user_id = deal.advertiser.user_id
    assert user_id is not None
    key = f"{user_id}-{rng.randrange(9)}"
    await payments.deposit(session, user_id=user_id, amount=1_000, key=key, source="telegram")


async def _withdraw(session: AsyncSession, rng: random.Random, deal: people.Deal) -> None:
    target_id = await _any_target(session, rng)
    await campaigns.withdraw_target(session, actor=deal.advertiser, target_id=target_id)


def _act(rng: random.Random, deals: list[people.Deal]) -> Act:
    """Return a random operation, most often a step of a placement."""
    deal = rng.choice(deals)
    often: list[Act] = [
        lambda session: _submit(session, rng, deal),
        lambda session: _decide(session, rng, deal),
        _claim,
        lambda session: _settle(session, rng),
        lambda session: _check_or_claim(session, rng),
        lambda session: _record_search(session, rng),
    ]
    rarely: list[Act] = [
        lambda session: _campaign(session, rng, deal),
        lambda session: _channel(session, rng, deal),
        lambda session: _deposit(session, rng, deal),
        lambda session: _withdraw(session, rng, deal),
        lambda session: people.stop(session, rng.choice(list(Switch))),
        people.run_switches,
        people.run_switches,
        deposits.credit_due,
        placement_expiry.expire_targets,
        stuck_escrows.refund_stuck_escrows,
        incidents.check_ledger_invariant,
        rescue.rescue_abandoned,
    ]
    return rng.choice(often if rng.random() < 0.7 else rarely)


async def test_concurrent_acts_are_done_or_refused_and_the_books_hold(database: Database) -> None:
    async with database.sessions.begin() as session:
        deals = [
            await people.deal(session, balance=200_000, promised_hours=n % 2) for n in range(6)
        ]
        for deal in deals[::2]:
            await calendars.reset(
                session, actor=deal.owner, channel_id=deal.channel.id, time_zone=None
            )
    refused: list[errors.DomainError] = []

    async def person(number: int) -> None:
        rng = random.Random(number)
        for _ in range(STEPS):
            try:
                async with database.sessions.begin() as session:
                    done = await _act(rng, deals)(session)
                if isinstance(done, Claim):
                    async with database.sessions.begin() as session:
                        assert await _random_outcome(rng, done)(session)
            except errors.DomainError as error:
                refused.append(error)
            except Exception as error:
                if not is_away(error):
                    raise
                # A stop ends the session of an operation that holds its switch for too long.

    async def time() -> None:
        for _ in range(4):
            await asyncio.sleep(0.3)
            await database.forward(timedelta(hours=9))

    await asyncio.gather(time(), *(person(number) for number in range(WORKERS)))
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT count(*) FROM incidents") == 0
        assert await rows.one(session, "SELECT count(*) FROM escrows") > 0
        assert await rows.one(session, "SELECT count(*) FROM kept_times") > 0
    assert refused, "nothing was ever in anybody's way"
