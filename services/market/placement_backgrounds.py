"""Read what an admin should know about both sides of a placement before a decision."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import (
    card_readers,
    creatives,
    links,
    owner_records,
    tracked_links,
    watched_words,
)
from services.market.card_readers import Reader
from services.market.creatives import Creative
from services.market.moderation import PlacementDetails
from services.market.owner_records import OwnerRecord

MOST = 200
"""Of the advertiser's placements, at most this number of the newest ones counts."""
MOST_ADS = 50
"""So many of the advertiser's latest approved ads are searched for a host that is known."""
USUAL_OF = 10
"""The usual price of a channel is the median of its last approved placements, up to this number."""
JUMP = 2
"""A price that is at least this many times the usual price is a jump."""
_HISTORY = text(
    f"""
    WITH newest AS (
        SELECT target.status FROM campaigns campaign
        JOIN campaign_targets target ON target.campaign_id = campaign.id
        WHERE campaign.advertiser_id = :advertiser_id AND target.id <> :target_id
        ORDER BY target.id DESC LIMIT {MOST}
    ), prices AS (
        SELECT price FROM campaign_targets
        WHERE channel_id = :channel_id AND id < :target_id
            AND status IN ('approved', 'posted', 'refunded')
        ORDER BY id DESC LIMIT {USUAL_OF}
    )
    SELECT
        (SELECT created_at FROM users WHERE id = :advertiser_id) AS since,
        (SELECT count(*) FROM newest WHERE status = 'posted') AS kept,
        (SELECT count(*) FROM newest WHERE status = 'refunded') AS refunded,
        (SELECT count(*) FROM newest WHERE status = 'rejected') AS rejected,
        (SELECT count(*) FROM newest WHERE status = 'withdrawn') AS withdrawn,
        (SELECT count(*) FROM deposits
            WHERE user_id = :advertiser_id AND status = 'clawed_back') AS payments_taken_back,
        (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY price) FROM prices) AS usual_price,
        (SELECT clock() - coalesce(target.agreed_at, target.changed_at, target.created_at)
            FROM campaign_targets target WHERE target.id = :target_id) AS waiting
    """  # noqa: S608 - only numbers are put in
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("advertiser_id", "target_id", "channel_id"))
)
_ADS = text(
    f"""
    SELECT coalesce(target.creative, campaign.creative) AS creative, (
        SELECT jsonb_agg(jsonb_build_array(link.base || '/r/' || link.token, link.url))
        FROM tracked_links link WHERE link.campaign_target_id = target.id) AS links
    FROM campaigns campaign JOIN campaign_targets target ON target.campaign_id = campaign.id
    WHERE campaign.advertiser_id = :advertiser_id AND target.id <> :target_id
        AND target.status IN ('approved', 'posted')
    ORDER BY target.id DESC LIMIT {MOST_ADS}
    """  # noqa: S608 - only a number is put in
).bindparams(*(bindparam(name, type_=BigInteger) for name in ("advertiser_id", "target_id")))


@dataclass(frozen=True)
class Background:
    """The histories of both sides of a placement. Amounts are in minor units."""

    since: datetime
    """When the advertiser began to use the bot."""
    kept: int
    """How many of the advertiser's other placements ended with a payment to the owner."""
    refunded: int
    rejected: int
    withdrawn: int
    payments_taken_back: int
    """How many of the advertiser's payments were taken back outside of the platform."""
    usual_price: int | None
    """The usual price of the channel, or None before its first approved placement."""
    waiting: timedelta
    """How long the placement has waited for a decision in its present version."""
    owner: OwnerRecord
    new_hosts: tuple[str, ...]
    """The hosts of links that none of the advertiser's approved ads had."""
    watched: tuple[str, ...]
    """The watched words that are in the ad, its button or its links."""
    reader: Reader | None
    """The admin who reads the card now."""

    def is_jump(self, price: int) -> bool:
        """Return whether a price is far above the usual price of the channel."""
        return self.usual_price is not None and price >= JUMP * self.usual_price


async def read(session: AsyncSession, row: PlacementDetails) -> Background:
    """Return the background of a placement. Locks nothing."""
    ids = {"advertiser_id": row.advertiser_id, "target_id": row.target_id}
    history = (await session.execute(_HISTORY, ids | {"channel_id": row.channel_id})).one()
    # A tracked link says nothing about its target, so the true addresses are compared.
    ad = tracked_links.plain(row.creative, row.targets)
    shown = list(hosts(ad))
    known: set[str] = set()
    if shown:
        for stored in await session.execute(_ADS, ids):
            approved = creatives.read_or_none(stored.creative)
            if approved is not None:
                targets = tracked_links.targets(approved, stored.links)
                known.update(hosts(tracked_links.plain(approved, targets)))
    words = await watched_words.list_all(session)
    records = await owner_records.of_channels(session, [row.channel_id])
    return Background(
        **history._mapping,  # noqa: SLF001 - the public name of a row's mapping
        owner=records[row.channel_id],
        new_hosts=tuple(host for host in dict.fromkeys(shown) if host not in known),
        watched=find_words(ad, [each.word for each in words]),
        reader=await card_readers.find(session, row.target_id),
    )


def hosts(creative: Creative) -> Iterable[str]:
    """Return the hosts of all links of an ad, in small letters. Links to no host are left out."""
    for url in _links(creative):
        try:
            parts = urlsplit(links.with_scheme(url))
        except ValueError:
            continue
        if parts.scheme in {"http", "https"} and parts.hostname:
            yield parts.hostname.removeprefix("www.")


def find_words(creative: Creative, words: Collection[str]) -> tuple[str, ...]:
    """Return the words, given in small letters, that are in the ad, its button or its links."""
    texts = [content.text for content in creative.messages]
    everything = " ".join([*texts, creative.button_text or "", *_links(creative)])
    searched = " ".join(everything.split()).casefold()
    return tuple(word for word in words if word in searched)


def _links(creative: Creative) -> Iterable[str]:
    if creative.button_url:
        yield creative.button_url
    for content in creative.messages:
        for entity in content.entities:
            if entity.get("type") == "text_link":
                yield str(entity.get("url"))
        # Telegram makes links of the addresses that stand in the text, and no entity names them.
        yield from links.find_addresses(content.text)
