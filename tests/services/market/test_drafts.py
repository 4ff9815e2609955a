"""Test who may change or delete a draft of a campaign, and raise a budget."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign
from db.money import MAX_AMOUNT
from services.market import campaigns, drafts
from services.platform import errors
from services.platform.actors import Actor
from services.platform.draft_errors import BudgetTooLow
from tests.factories import people, rows

CHANGED: dict[str, Any] = {"name": "Rolls", "creative": people.advert("New"), "total_budget": 50}


async def _draft(session: AsyncSession) -> tuple[Actor, int]:
    """Return a person and the id of the person's draft."""
    actor = await people.person(session)
    made = await campaigns.create(
        session, actor=actor, name="Bakery", creative=people.advert(), total_budget=100
    )
    return actor, made.id


async def _content(session: AsyncSession, campaign_id: int) -> tuple[str, str, int]:
    row = await session.get_one(Campaign, campaign_id, populate_existing=True)
    return row.name, row.creative["text"], row.total_budget


async def _acts(session: AsyncSession, action: str) -> int:
    query = "SELECT count(*) FROM user_audit_logs WHERE action = :action"
    return int(await rows.one(session, query, action=action))


async def test_a_draft_is_changed_and_the_same_change_writes_nothing(session: AsyncSession) -> None:
    actor, campaign_id = await _draft(session)
    for _ in range(2):
        await drafts.change(session, actor=actor, campaign_id=campaign_id, **CHANGED)
    assert await _content(session, campaign_id) == ("Rolls", "New", 50)
    assert await _acts(session, "campaign_changed") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": "x" * 65},
        {"total_budget": 0},
        {"total_budget": MAX_AMOUNT + 1},
        {"creative": people.advert(" ")},
    ],
)
async def test_a_draft_never_becomes_invalid(session: AsyncSession, wrong: dict[str, Any]) -> None:
    actor, campaign_id = await _draft(session)
    with pytest.raises((errors.InvalidText, errors.InvalidAmount)):
        await drafts.change(session, actor=actor, campaign_id=campaign_id, **(CHANGED | wrong))


async def test_nobody_else_changes_or_deletes_a_draft(session: AsyncSession) -> None:
    _advertiser, campaign_id = await _draft(session)
    other = await people.person(session)
    with pytest.raises(errors.NotFound):
        await drafts.change(session, actor=other, campaign_id=campaign_id, **CHANGED)
    with pytest.raises(errors.NotFound):
        await drafts.raise_budget(session, actor=other, campaign_id=campaign_id, total_budget=900)
    with pytest.raises(errors.NotFound):
        await drafts.delete(session, actor=other, campaign_id=campaign_id)
    with pytest.raises(errors.NotFound):
        await drafts.raise_budget(session, actor=other, campaign_id=2**40, total_budget=900)
    assert await _acts(session, "campaign_changed") == 0
    assert await _content(session, campaign_id) == ("Bakery", people.advert().text, 100)


async def test_the_ad_of_an_active_campaign_stays_and_its_budget_only_grows(
    session: AsyncSession,
) -> None:
    actor, campaign_id = await _draft(session)
    await campaigns.activate(session, actor=actor, campaign_id=campaign_id)
    with pytest.raises(errors.InvalidMove):
        await drafts.change(session, actor=actor, campaign_id=campaign_id, **CHANGED)
    with pytest.raises(errors.InvalidMove):
        await drafts.delete(session, actor=actor, campaign_id=campaign_id)
    with pytest.raises(BudgetTooLow) as refusal:
        await drafts.raise_budget(session, actor=actor, campaign_id=campaign_id, total_budget=99)
    assert refusal.value.least == 100
    for _ in range(2):
        await drafts.raise_budget(session, actor=actor, campaign_id=campaign_id, total_budget=150)
    await campaigns.pause(session, actor=actor, campaign_id=campaign_id)
    await drafts.raise_budget(session, actor=actor, campaign_id=campaign_id, total_budget=200)
    assert await _content(session, campaign_id) == ("Bakery", people.advert().text, 200)
    assert await campaigns.budget_left(session, campaign_id) == 200
    assert await _acts(session, "campaign_changed") == 2
    await campaigns.cancel(session, actor=actor, campaign_id=campaign_id)
    with pytest.raises(errors.InvalidMove):
        await drafts.raise_budget(session, actor=actor, campaign_id=campaign_id, total_budget=300)


async def test_a_draft_is_deleted_once(session: AsyncSession) -> None:
    actor, campaign_id = await _draft(session)
    for _ in range(2):
        await drafts.delete(session, actor=actor, campaign_id=campaign_id)
    assert await rows.one(session, "SELECT count(*) FROM campaigns") == 0
    assert await _acts(session, "draft_deleted") == 1
