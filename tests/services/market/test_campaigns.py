"""Test who may change a campaign, and in which statuses."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignStatus
from db.money import MAX_AMOUNT
from services.market import campaigns
from services.market.creatives import Creative
from services.money import escrow
from services.platform import errors
from services.platform.actors import SYSTEM, Actor
from services.posts import posting
from tests.conftest import Database
from tests.factories import one_post, people, rows

HOUR = timedelta(hours=1)
STEPS = {
    "activate": campaigns.activate,
    "pause": campaigns.pause,
    "resume": campaigns.resume,
    "cancel": campaigns.cancel,
}
REACHED_BY = {
    "draft": (),
    "active": ("activate",),
    "paused": ("activate", "pause"),
    "cancelled": ("cancel",),
}
MOVES = {
    ("draft", "activate"): "active",
    ("active", "activate"): "active",
    ("active", "pause"): "paused",
    ("paused", "pause"): "paused",
    ("paused", "resume"): "active",
    ("active", "resume"): "active",
    ("draft", "cancel"): "cancelled",
    ("active", "cancel"): "cancelled",
    ("paused", "cancel"): "cancelled",
    ("cancelled", "cancel"): "cancelled",
}


async def _draft(session: AsyncSession, actor: Actor, **values: Any) -> Campaign:
    made: dict[str, Any] = {
        "name": "Bakery",
        "creative": people.advert(),
        "total_budget": 10_000,
    }
    return await campaigns.create(session, actor=actor, **(made | values))


async def _audit(session: AsyncSession, action: str) -> int:
    return int(
        await rows.one(
            session, "SELECT count(*) FROM user_audit_logs WHERE action = :action", action=action
        )
    )


async def test_a_campaign_begins_as_a_draft(session: AsyncSession) -> None:
    person = await people.person(session)
    made = await _draft(session, person, name="  Bakery ")
    assert (made.status, made.name, made.total_budget) == (CampaignStatus.DRAFT, "Bakery", 10_000)
    assert Creative.from_json(made.creative) == people.advert()
    assert await _audit(session, "campaign_created") == 1


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"name": "  "}, errors.InvalidText),
        ({"name": "x" * 65}, errors.InvalidText),
        ({"total_budget": 0}, errors.InvalidAmount),
        ({"total_budget": -1}, errors.InvalidAmount),
        ({"total_budget": MAX_AMOUNT + 1}, errors.InvalidAmount),
        ({"creative": Creative("text", "")}, errors.InvalidText),
        ({"creative": Creative("photo", "no file")}, errors.InvalidCreative),
    ],
)
async def test_invalid_input_is_refused(
    session: AsyncSession, values: dict[str, object], error: type[errors.DomainError]
) -> None:
    person = await people.person(session)
    before = await rows.snapshot(session)
    with pytest.raises(error):
        await _draft(session, person, **values)
    assert await rows.snapshot(session) == before


async def test_only_these_people_create_campaigns(session: AsyncSession) -> None:
    person = await people.person(session)
    await people.block(session, person)
    with pytest.raises(errors.PersonBlocked):
        await _draft(session, person)
    with pytest.raises(errors.AccessDenied):
        await _draft(session, SYSTEM)


async def test_the_same_form_makes_one_campaign(session: AsyncSession) -> None:
    person, other = await people.person(session), await people.person(session)
    made = await _draft(session, person, key="form")
    before = await rows.snapshot(session)
    assert (await _draft(session, person, key="form")).id == made.id
    assert await rows.snapshot(session) == before
    with pytest.raises(errors.IdempotencyConflict):
        await _draft(session, other, key="form")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", REACHED_BY)
async def test_only_the_allowed_moves_are_made(
    session: AsyncSession, status: str, step: str
) -> None:
    person = await people.person(session)
    made = await _draft(session, person)
    for earlier in REACHED_BY[status]:
        await STEPS[earlier](session, actor=person, campaign_id=made.id)
    before = await rows.snapshot(session)
    expected = MOVES.get((status, step))
    if expected is None:
        with pytest.raises(errors.InvalidMove) as refusal:
            await STEPS[step](session, actor=person, campaign_id=made.id)
        assert (refusal.value.thing, refusal.value.status) == ("campaign", status)
    else:
        moved = await STEPS[step](session, actor=person, campaign_id=made.id)
        assert moved.status == expected
    if expected in {None, status}:
        assert await rows.snapshot(session) == before
    else:
        assert rows.grown(before, await rows.snapshot(session)) == {"user_audit_logs": 1}


@pytest.mark.parametrize("step", STEPS)
async def test_an_unknown_campaign_is_not_found(session: AsyncSession, step: str) -> None:
    person = await people.person(session)
    with pytest.raises(errors.NotFound):
        await STEPS[step](session, actor=person, campaign_id=999_999)


async def _scheduled(database: Database, *hours: int) -> people.Deal:
    """Create a paused campaign with approved posts that are due in `hours`."""
    async with database.sessions.begin() as session:
        moment = await rows.one(session, "SELECT clock()")
        deal = await people.approved(session, balance=50_000, publish_at=moment + hours[0] * HOUR)
        for later in hours[1:]:
            await people.another(session, deal, publish_at=moment + later * HOUR)
        await campaigns.pause(session, actor=deal.advertiser, campaign_id=deal.campaign.id)
    return deal


async def _jobs(database: Database) -> list[str]:
    async with database.sessions.begin() as session:
        found = await rows.table(session, "SELECT status FROM post_jobs ORDER BY id")
    return [status for (status,) in found]


async def test_resume_posts_what_is_an_hour_late_and_refunds_what_is_more(
    database: Database,
) -> None:
    deal = await _scheduled(database, 1, 2, 3, 9)
    await database.forward(3 * HOUR - timedelta(minutes=5))
    async with database.sessions.begin() as session:
        assert await one_post.claim(session, owner="w", lease=people.LEASE) is None
    async with database.sessions.begin() as session:
        await campaigns.resume(session, actor=deal.advertiser, campaign_id=deal.campaign.id)
    assert await _jobs(database) == ["cancelled", "queued", "queued", "queued"]
    async with database.sessions.begin() as session:
        assert await escrow.list_refundable(session, limit=9) == [deal.target.id]
        claim = await people.claimed(session)
        assert claim.target_id == deal.target.id + 1


async def test_a_second_resume_cancels_nothing(database: Database) -> None:
    deal = await _scheduled(database, 1)
    async with database.sessions.begin() as session:
        await campaigns.resume(session, actor=deal.advertiser, campaign_id=deal.campaign.id)
    await database.forward(4 * HOUR)  # the post waits for another reason, not for the campaign
    async with database.sessions.begin() as session:
        await campaigns.resume(session, actor=deal.advertiser, campaign_id=deal.campaign.id)
    assert await _jobs(database) == ["queued"]


async def test_a_placement_of_a_paused_campaign_is_not_approved(session: AsyncSession) -> None:
    deal = await people.deal(session)
    await campaigns.pause(session, actor=deal.advertiser, campaign_id=deal.campaign.id)
    with pytest.raises(errors.CampaignNotActive):
        await people.approve(session, deal)


async def test_cancel_ends_the_placements_that_are_not_published(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session, balance=90_000)
        held = await people.another(session, deal, decide=False)
        await escrow.hold(session, target_id=held.id)
        await people.another(session, deal)
        claim = await people.claimed(session)
        assert await one_post.record_published(session, claim, message_id=5)
        await people.another(session, deal)
        claim = await people.claimed(session)
        assert await posting.record_refused(session, claim, error="x", rights_lost=False)
        await people.another(session, deal)
        await people.claimed(session)
        await people.another(session, deal)
    async with database.sessions.begin() as session:
        await campaigns.cancel(session, actor=deal.advertiser, campaign_id=deal.campaign.id)
    async with database.sessions.begin() as session:
        assert await rows.table(
            session,
            "SELECT t.status, j.status, e.status FROM campaign_targets t"
            " LEFT JOIN post_jobs j ON j.campaign_target_id = t.id"
            " LEFT JOIN escrows e ON e.campaign_target_id = t.id ORDER BY t.id",
        ) == [
            ("withdrawn", None, None),
            ("pending", None, "held"),  # the watchdog refunds the escrow
            ("approved", "success", "held"),  # the post is already published
            ("approved", "failed", "held"),
            ("approved", "sending", "held"),
            ("approved", "cancelled", "held"),
        ]
        assert await one_post.claim(session, owner="w", lease=people.LEASE) is None


async def test_a_campaign_is_shown_to_its_advertiser_and_staff_alone(session: AsyncSession) -> None:
    deal = await people.deal(session)
    for actor in (deal.advertiser, deal.moderator):
        found = await campaigns.get(session, actor=actor, campaign_id=deal.campaign.id)
        assert found.id == deal.campaign.id
    with pytest.raises(errors.NotCampaignOwner):
        await campaigns.get(session, actor=deal.owner, campaign_id=deal.campaign.id)
    with pytest.raises(errors.NotFound):
        await campaigns.get(session, actor=deal.owner, campaign_id=999_999)


async def test_campaigns_are_paged_newest_first(session: AsyncSession) -> None:
    person = await people.person(session)
    made = [(await _draft(session, person)).id for _ in range(3)]
    await _draft(session, await people.person(session))
    assert person.user_id is not None
    page = await campaigns.of_advertiser(session, user_id=person.user_id, limit=2, offset=0)
    rest = await campaigns.of_advertiser(session, user_id=person.user_id, limit=2, offset=2)
    assert [row.id for row in [*page, *rest]] == made[::-1]


async def test_campaigns_are_listed_by_status(session: AsyncSession) -> None:
    deal = await people.deal(session)
    draft = await _draft(session, deal.advertiser)
    assert deal.advertiser.user_id is not None
    made = {CampaignStatus.ACTIVE: deal.campaign.id, CampaignStatus.DRAFT: draft.id}
    for status, id_ in made.items():
        found = await campaigns.of_advertiser(
            session, user_id=deal.advertiser.user_id, limit=9, offset=0, status=status
        )
        assert [row.id for row in found] == [id_]
