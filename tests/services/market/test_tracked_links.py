"""Test that the links of an ad are tracked, in what everybody sees and in what is published."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import sqlstate
from services.market import (
    agreements,
    campaigns,
    change_requests,
    moderation,
    placement_versions,
    tracked_links,
)
from services.market.creatives import Creative
from services.money import escrow
from services.platform import errors
from services.platform.agreement_errors import NothingChanged
from tests.conftest import Database
from tests.factories import people, rows, tracked
from tests.factories.tracked import AD, BASE, BUTTON, MENU, SHOP

TRACKED = re.compile(re.escape(BASE) + r"/r/[A-Za-z0-9_-]{22}")
LINKS = "SELECT url, works_until IS NOT NULL, works_until > clock() FROM tracked_links ORDER BY url"
VERSIONS = "SELECT version, creative->>'button_url' FROM placement_versions"


def addresses(creative: Creative) -> list[str]:
    """Return the addresses behind the words and the button of an ad."""
    linked = [each["url"] for each in creative.entities if each["type"] == "text_link"]
    return [*linked, creative.button_url or ""]


def test_links_that_a_reader_sees_and_links_of_telegram_are_not_counted() -> None:
    found = tracked_links.find_links(AD)
    assert found.countable == (SHOP, MENU, BUTTON)
    assert found.others == ("shop.example", "tg://resolve?domain=shop")


def test_only_addresses_of_which_telegram_makes_links_are_named() -> None:
    ad = replace(
        AD,
        text="😀 a.example, see b.example and c.example. Run d.example",
        entities=[
            {"type": "text_link", "offset": 18, "length": 9, "url": SHOP},
            {"type": "code", "offset": 47, "length": 9},
        ],
        button_url=None,
    )
    assert tracked_links.find_links(ad).others == ("a.example", "c.example")


async def test_everybody_sees_the_ad_as_it_is_published(session: AsyncSession) -> None:
    made = await tracked.deal(session, asks=True)
    row = await moderation.get_details(session, target_id=made.target.id)
    shop, menu, telegram, button = addresses(row.creative)
    assert all(TRACKED.fullmatch(address) for address in (shop, menu, button))
    assert telegram == "tg://resolve?domain=shop"
    assert len({shop, menu, button}) == 3
    assert row.targets == ((shop, SHOP), (menu, MENU), (button, BUTTON))
    assert row.plain_creative == AD
    assert made.target.creative == row.creative.as_json()
    changed = replace(row.creative, entities=AD.entities, button_url=AD.button_url)
    assert changed == AD  # nothing but the addresses differs

    await agreements.accept(session, actor=made.owner, target_id=made.target.id)
    await people.approve(session, made)
    claim = await people.claimed(session)
    assert claim.creative == row.creative


async def test_links_work_from_the_approval_to_the_refund(session: AsyncSession) -> None:
    made = await tracked.deal(session)
    assert await rows.table(session, LINKS) == [(url, False, None) for url in (SHOP, BUTTON, MENU)]
    await people.approve(session, made)
    assert await rows.table(session, LINKS) == [(url, True, True) for url in (SHOP, BUTTON, MENU)]
    await campaigns.cancel(session, actor=made.advertiser, campaign_id=made.campaign.id)
    await escrow.refund(session, target_id=made.target.id)
    assert await rows.table(session, LINKS) == [(url, True, False) for url in (SHOP, BUTTON, MENU)]


async def test_a_new_version_keeps_the_links_that_stay(session: AsyncSession) -> None:
    made = await tracked.deal(session, asks=True)
    first = await moderation.get_details(session, target_id=made.target.id)
    other = replace(AD, button_url="https://shop.example/other")

    async def change(creative: Creative, version: int) -> bool:
        return await placement_versions.change_ad(
            session,
            actor=made.advertiser,
            target_id=made.target.id,
            version=version,
            creative=creative,
        )

    for same in (AD, first.creative):
        with pytest.raises(NothingChanged):
            await change(same, 1)
    assert await change(other, 1)
    assert not await change(other, 1)  # the second press of the same button
    second = await moderation.get_details(session, target_id=made.target.id)
    assert second.plain_creative == other
    assert addresses(second.creative)[:2] == addresses(first.creative)[:2]
    assert addresses(second.creative)[3] != addresses(first.creative)[3]
    assert await rows.table(session, VERSIONS) == [(1, first.creative.button_url)]

    await agreements.accept(session, actor=made.owner, target_id=made.target.id, version=2)
    await moderation.approve(session, actor=made.moderator, target_id=made.target.id, version=2)
    assert await rows.table(session, LINKS) == [
        (SHOP, True, True),
        (BUTTON, False, None),
        (MENU, True, True),
        ("https://shop.example/other", True, True),
    ]


async def test_changed_terms_change_no_link(session: AsyncSession) -> None:
    made = await tracked.deal(session, asks=True)
    first = await moderation.get_details(session, target_id=made.target.id)
    await change_requests.ask_as_owner(
        session, actor=made.owner, target_id=made.target.id, version=1, price=people.PRICE + 1
    )
    wanted = await change_requests.find_open(session, made.target.id)
    assert wanted is not None
    await placement_versions.accept_request(
        session,
        actor=made.advertiser,
        target_id=made.target.id,
        version=1,
        request_id=wanted.id,
    )
    second = await moderation.get_details(session, target_id=made.target.id)
    assert (second.version, second.creative) == (2, first.creative)


async def test_a_repeated_placement_has_links_of_its_own(session: AsyncSession) -> None:
    made = await tracked.deal(session)
    again = await campaigns.submit_target(
        session,
        actor=made.advertiser,
        campaign_id=made.campaign.id,
        channel_id=made.channel.id,
        publish_at=None,
        fee_bps=people.FEE_BPS,
        retry_of=made.target.id,
    )
    await people.commit(session)
    first = await moderation.get_details(session, target_id=made.target.id)
    second = await moderation.get_details(session, target_id=again.id)
    assert second.plain_creative == AD
    assert not {address for address, _ in second.targets} & {a for a, _ in first.targets}
    assert len(second.targets) == 3


async def test_the_choice_counts_for_later_placements_alone(session: AsyncSession) -> None:
    made = await tracked.deal(session)
    campaign = {"campaign_id": made.campaign.id}
    await tracked_links.count(session, actor=made.advertiser, base=None, **campaign)
    again = await people.another(session, made, decide=False)
    plain = await moderation.get_details(session, target_id=again.id)
    assert (plain.creative, plain.targets) == (AD, ())
    assert (await moderation.get_details(session, target_id=made.target.id)).targets
    with pytest.raises(errors.NotCampaignOwner):
        await tracked_links.count(session, actor=made.owner, base=BASE, **campaign)
    with pytest.raises(errors.NotFound):
        await tracked_links.count(session, actor=made.owner, base=BASE, campaign_id=2**40)
    await campaigns.cancel(session, actor=made.advertiser, **campaign)
    with pytest.raises(errors.InvalidMove):
        await tracked_links.count(session, actor=made.advertiser, base=BASE, **campaign)


async def test_nobody_gives_a_placement_links_of_their_own(session: AsyncSession) -> None:
    made = await tracked.deal(session)
    copy = (
        "INSERT INTO campaign_targets (campaign_id, channel_id, owner_id, price, promised_hours,"
        " fee_bps, answer_due_at, link_base) SELECT campaign_id, channel_id, owner_id, price,"
        " promised_hours, fee_bps, answer_due_at, 'https://evil.example' FROM campaign_targets"
        f" WHERE id = {made.target.id}"
    )
    with pytest.raises(DBAPIError) as refusal:
        async with session.begin_nested():
            await session.execute(text(copy))
    assert sqlstate(refusal.value) == "AD180"


async def test_a_link_never_leads_elsewhere(database: Database) -> None:
    async with database.sessions.begin() as session:
        await tracked.deal(session)
    for change in (
        "UPDATE tracked_links SET url = 'https://evil.example'",
        "UPDATE campaign_targets SET link_base = NULL",
        "DELETE FROM tracked_links",
    ):
        with pytest.raises(Exception, match=r"never changes|is refused"):
            await database.as_owner(change)
