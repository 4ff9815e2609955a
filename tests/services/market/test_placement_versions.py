"""Test that an answer and an approval count for one version of a placement alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.market import (
    agreements,
    campaigns,
    change_requests,
    channels,
    moderation,
    placement_versions,
)
from services.market.terms import Terms
from services.platform import errors
from services.platform.agreement_errors import (
    NotAgreed,
    NothingChanged,
    TooManyChanges,
    VersionChanged,
)
from services.posts import dead_letters, posting
from tests.conftest import Database
from tests.factories import concurrency, people, rows
from tests.factories.concurrency import Act
from tests.factories.people import Deal

OTHER = people.advert("Fresh bread every evening")
ORDERS = list(permutations(("accept", "accept again", "approve", "change")))
QUESTIONS = "SELECT key FROM outbox WHERE kind = 'ad_offered' ORDER BY id"
CARDS = "SELECT key FROM outbox WHERE kind = 'target_submitted' ORDER BY id"


async def _change(
    session: AsyncSession, made: Deal, version: int = 1, text: str = OTHER.text
) -> bool:
    creative = people.advert(text)
    return await placement_versions.change_ad(
        session, actor=made.advertiser, target_id=made.target.id, version=version, creative=creative
    )


async def test_a_changed_ad_is_answered_and_approved_anew(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    target_id = made.target.id
    await agreements.accept(session, actor=made.owner, target_id=target_id)
    assert await _change(session, made)
    assert not await _change(session, made)  # the second press of the same button
    row = await moderation.get_details(session, target_id=target_id)
    assert (row.version, row.creative, row.agreed_at) == (2, OTHER, None)
    assert row.waits_for_owner
    assert await moderation.queue(session, limit=10, offset=0) == []
    for version in (1, 2):
        with pytest.raises(VersionChanged if version == 1 else NotAgreed):
            await moderation.approve(
                session, actor=made.moderator, target_id=target_id, version=version
            )
    with pytest.raises(VersionChanged):
        await agreements.accept(session, actor=made.owner, target_id=target_id, version=1)
    assert await agreements.accept(session, actor=made.owner, target_id=target_id, version=2)
    with pytest.raises(VersionChanged):
        await moderation.approve(session, actor=made.moderator, target_id=target_id, version=1)
    with pytest.raises(VersionChanged):
        await moderation.reject(
            session, actor=made.moderator, target_id=target_id, reason="other", version=1
        )
    assert await rows.table(session, QUESTIONS) == [
        (f"ad_offered:{target_id}",),
        (f"ad_offered:{target_id}:2",),
    ]
    assert await rows.table(session, CARDS) == [
        (f"target_submitted:{target_id}",),
        (f"target_submitted:{target_id}:2",),
    ]
    await moderation.approve(session, actor=made.moderator, target_id=target_id, version=2)
    claim = await people.claimed(session)
    assert claim.creative == OTHER
    assert await rows.table(
        session, "SELECT version, creative->>'text', price FROM placement_versions"
    ) == [(1, people.advert().text, people.PRICE)]
    assert (
        await campaigns.get(session, actor=made.advertiser, campaign_id=made.campaign.id)
    ).creative == people.advert().as_json()


def _expected(order: Sequence[str]) -> tuple[str, int, bool]:
    """Return the status, the version and whether the owner has agreed, after acts in this order."""
    status, version, agreed = "pending", 1, False
    for act in order:
        if status != "pending":
            continue
        if act == "change":
            version, agreed = 2, False
        elif act in {"accept", "accept again"}:
            agreed = agreed or version == 1
        elif act == "approve" and agreed and version == 1:
            status = "approved"
    return status, version, agreed


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
async def test_presses_about_the_first_version_count_for_nothing_else(
    session: AsyncSession, order: Sequence[str]
) -> None:
    made = await people.deal(session, asks=True)
    target_id = made.target.id

    async def accept(session: AsyncSession) -> None:
        await agreements.accept(session, actor=made.owner, target_id=target_id)

    acts: dict[str, Act] = {
        "accept": accept,
        "accept again": accept,
        "approve": lambda session: people.approve(session, made),
        "change": lambda session: _change(session, made),
    }
    for act in order:
        try:
            async with session.begin_nested():
                await acts[act](session)
        except errors.DomainError:
            continue
    row = await moderation.get_details(session, target_id=target_id)
    assert (row.status, row.version, row.agreed_at is not None) == _expected(order)


@pytest.mark.parametrize("other", ["accept", "approve", "withdraw"])
async def test_a_change_and_another_act_at_once_have_one_order(
    database: Database, other: str
) -> None:
    async with database.sessions.begin() as session:
        made = await people.deal(session, asks=other == "accept")
    acts: dict[str, Act] = {
        "accept": lambda session: agreements.accept(
            session, actor=made.owner, target_id=made.target.id
        ),
        "approve": lambda session: people.approve(session, made),
        "withdraw": lambda session: campaigns.withdraw_target(
            session, actor=made.advertiser, target_id=made.target.id
        ),
    }
    results = await concurrency.run_concurrently(
        database.sessions, lambda session: _change(session, made), acts[other]
    )
    async with database.sessions.begin() as session:
        row = await moderation.get_details(session, target_id=made.target.id)
    refused = [result for result in results if isinstance(result, errors.DomainError)]
    if other == "accept":  # an acceptance of the first version never lasts
        assert (row.version, row.agreed_at) == (2, None)
    elif other == "withdraw":  # a placement is taken back in any version
        assert (row.status, len(refused)) == ("withdrawn", row.version == 1)
    else:
        assert len(refused) == 1
        assert row.version == (1 if row.status != "pending" else 2)


async def test_a_rule_accepts_a_new_version_up_to_its_price(session: AsyncSession) -> None:
    made = await people.deal(session)
    assert await _change(session, made)
    row = await moderation.get_details(session, target_id=made.target.id)
    assert (row.version, row.waits_for_owner) == (2, False)
    assert await rows.table(session, QUESTIONS) == []


async def test_a_wanted_price_or_time_is_accepted_as_a_new_version(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True, balance=8_000)
    target_id = made.target.id

    async def accept(version: int, later: int = 0) -> bool:
        asked = await change_requests.find_open(session, target_id)
        return await placement_versions.accept_request(
            session,
            actor=made.advertiser,
            target_id=target_id,
            version=version,
            request_id=(asked.id if asked else 0) + later,
        )

    async def ask(version: int, **change: object) -> None:
        await change_requests.ask_as_owner(
            session,
            actor=made.owner,
            target_id=target_id,
            version=version,
            **change,  # type: ignore[arg-type]  # fields
        )

    with pytest.raises(NothingChanged):
        await accept(1)
    await ask(1, price=7_000)
    with pytest.raises(VersionChanged):
        await accept(1, later=-1)  # the button of an earlier request
    assert await accept(1)
    with pytest.raises(VersionChanged):
        await accept(1)
    at = await queries.now(session) + timedelta(hours=5)
    await ask(2, publish_at=at)
    assert await accept(2)
    row = await moderation.get_details(session, target_id=target_id)
    assert (row.version, row.price, row.publish_at) == (3, 7_000, at)
    assert row.answer_due_at == at  # an answer after the publication would be too late
    await ask(3, price=8_001)
    with pytest.raises(errors.BudgetExceeded):
        await accept(3)
    await agreements.accept(session, actor=made.owner, target_id=target_id, version=3)
    await moderation.approve(session, actor=made.moderator, target_id=target_id, version=3)
    assert await rows.available(session, made.advertiser) == 1_000


async def test_a_higher_price_needs_the_money(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True, balance=2 * people.PRICE)
    await people.spend(session, made.advertiser, people.PRICE)
    await change_requests.ask_as_owner(
        session, actor=made.owner, target_id=made.target.id, version=1, price=people.PRICE + 1
    )
    with pytest.raises(errors.InsufficientFunds):
        await placement_versions.accept_request(
            session,
            actor=made.advertiser,
            target_id=made.target.id,
            version=1,
            request_id=queries.required(
                await change_requests.find_open(session, made.target.id)
            ).id,
        )


async def test_only_the_advertiser_changes_what_is_pending_and_usable(
    session: AsyncSession,
) -> None:
    made = await people.deal(session, asks=True)
    stranger = replace(made, advertiser=made.owner)
    with pytest.raises(errors.NotCampaignOwner):
        await _change(session, stranger)
    with pytest.raises(NothingChanged):
        await _change(session, made, text=people.advert().text)
    with pytest.raises(errors.InvalidCreative):
        await placement_versions.change_ad(
            session,
            actor=made.advertiser,
            target_id=made.target.id,
            version=1,
            creative=replace(OTHER, kind="song"),
        )
    await channels.pause(session, actor=made.owner, channel_id=made.channel.id)
    with pytest.raises(errors.ChannelNotUsable):
        await _change(session, made)
    await channels.resume(session, actor=made.owner, channel_id=made.channel.id)
    await campaigns.pause(session, actor=made.advertiser, campaign_id=made.campaign.id)
    with pytest.raises(errors.CampaignNotActive):
        await _change(session, made)
    await campaigns.resume(session, actor=made.advertiser, campaign_id=made.campaign.id)
    await people.block(session, made.owner)
    with pytest.raises(errors.PersonBlocked):
        await _change(session, made)


async def test_nothing_changes_after_the_approval(session: AsyncSession) -> None:
    made = await people.approved(session)
    with pytest.raises(errors.InvalidMove):
        await _change(session, made)


async def test_a_placement_has_a_limited_number_of_versions(session: AsyncSession) -> None:
    made = await people.deal(session, asks=True)
    for version in range(1, placement_versions.MOST):
        assert await _change(session, made, version, f"Bread {version}")
    with pytest.raises(TooManyChanges):
        await _change(session, made, placement_versions.MOST, "More bread")
    waits = await rows.one(session, "SELECT max(due_at) - clock() FROM outbox")
    assert waits > timedelta(minutes=59)  # the owner is not asked ten times within an hour


async def test_a_repeated_placement_has_the_ad_that_failed(session: AsyncSession) -> None:
    made = await people.deal(session)
    await _change(session, made)
    await moderation.approve(session, actor=made.moderator, target_id=made.target.id, version=2)
    claim = await people.claimed(session)
    await posting.record_refused(session, claim, error="Bad Request: no", rights_lost=False)
    await dead_letters.offer(session, actor=made.moderator, target_id=made.target.id)
    again = await dead_letters.retry(
        session,
        actor=made.advertiser,
        target_id=made.target.id,
        fee_bps=people.FEE_BPS,
        agreed=Terms(people.PRICE, 24),
    )
    details = await moderation.get_details(session, target_id=again.id)
    assert (details.version, details.creative) == (1, OTHER)
