"""Count clicks on the links of ads: choose it for a campaign, and read the true addresses.

The database puts the tracked links into a new placement (`tracked_ad`), so that everybody sees and
answers to the ad as it will be published. docs/results.md says which links are replaced.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignStatus, CampaignTarget
from db.models.results import TrackedLink
from services.market import links
from services.market.creatives import Creative
from services.platform import audit, errors
from services.platform.actors import Actor

Targets = tuple[tuple[str, str], ...]
"""The tracked links of an ad, each with its true address."""
_WEB = frozenset({"http", "https"})
_NO_ADDRESS_IN = frozenset({"text_link", "code", "pre"})
"""The types of formatting in which Telegram makes no link of an address."""
_CHANGEABLE = (CampaignStatus.DRAFT, CampaignStatus.ACTIVE, CampaignStatus.PAUSED)


@dataclass(frozen=True)
class Links:
    """The links of an ad whose clicks can be counted, and the others."""

    countable: tuple[str, ...]
    """The web addresses behind the button and behind linked words."""
    others: tuple[str, ...]
    """Addresses that a reader sees as words, and addresses of another type, for example tg://."""


def find_links(creative: Creative) -> Links:
    """Return the links of an ad, in the order in which they stand there, the button last."""
    behind = [
        str(each.get("url"))
        for content in creative.messages
        for each in content.entities
        if each.get("type") == "text_link"
    ]
    if creative.button_url is not None:
        behind.append(creative.button_url)
    countable = [url for url in behind if urlsplit(url).scheme in _WEB]
    shown = [address for content in creative.messages for address in _shown(content)]
    others = [*shown, *(url for url in behind if url not in countable)]
    return Links(tuple(dict.fromkeys(countable)), tuple(dict.fromkeys(others)))


def _shown(creative: Creative) -> list[str]:
    """Return the addresses in the text of a message that Telegram itself turns into links."""
    units = bytearray(creative.text.encode("utf-16-le"))
    for each in creative.entities:
        if each.get("type") in _NO_ADDRESS_IN:
            start, length = 2 * each["offset"], 2 * each["length"]
            units[start : start + length] = " ".encode("utf-16-le") * each["length"]
    return links.find_addresses(units.decode("utf-16-le", "replace"))


def plain(creative: Creative, targets: Targets) -> Creative:
    """Return an ad with the true address in place of each tracked link."""
    true = dict(targets)
    return replace(
        creative,
        button_url=creative.button_url and true.get(creative.button_url, creative.button_url),
        entities=[
            each | {"url": true[each["url"]]}
            if each.get("type") == "text_link" and each.get("url") in true
            else each
            for each in creative.entities
        ],
        items=tuple(plain(item, targets) for item in creative.items),
    )


def stored() -> ColumnElement[list[list[str]] | None]:
    """Build the expression of all pairs of a tracked link of a placement and its true address.

    `targets` needs it. The value is null if the placement has no tracked link.
    """
    address = func.concat(TrackedLink.base, "/r/", TrackedLink.token)
    return (
        select(func.jsonb_agg(func.jsonb_build_array(address, TrackedLink.url)))
        .where(TrackedLink.campaign_target_id == CampaignTarget.id)
        .scalar_subquery()
    )


def targets(creative: Creative, pairs: Sequence[tuple[str, str]] | None) -> Targets:
    """Return each tracked link of an ad with its true address. `pairs` are those of `stored`."""
    true = dict(pairs or ())
    return tuple(
        (address, true[address]) for address in find_links(creative).countable if address in true
    )


async def refresh(session: AsyncSession, target: CampaignTarget, campaign: Campaign) -> None:
    """Read the ad of a new placement, if the database may have put tracked links into it."""
    if campaign.link_base is not None or target.retry_of is not None:
        await session.refresh(target, ["creative", "link_base"])


async def count(
    session: AsyncSession, *, actor: Actor, campaign_id: int, base: str | None
) -> Campaign:
    """Let clicks on the new placements of a campaign be counted, or not if `base` is None.

    `base` is the public address of the redirect. Placements that were submitted before stay as they
    are. Locks the campaign. Raises NotFound, NotCampaignOwner; InvalidMove if the campaign is over.
    """
    campaign = await queries.lock_campaign(session, campaign_id)
    if campaign is None:
        raise errors.NotFound("campaign", campaign_id)
    if campaign.advertiser_id != actor.user_id:
        raise errors.NotCampaignOwner(campaign_id)
    if campaign.status not in _CHANGEABLE:
        raise errors.InvalidMove("campaign", campaign_id, campaign.status, "counted")
    if campaign.link_base != base:
        campaign.link_base = base
        await session.flush()
        await audit.record(
            session,
            actor=actor,
            action="click_count_changed",
            role="advertiser",
            campaign_id=campaign_id,
            counted=base is not None,
        )
    return campaign
