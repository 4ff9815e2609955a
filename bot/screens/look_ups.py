"""Build the screens on which the staff look up people, campaigns and channels."""

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton

from bot.look_up_callbacks import LookedUp, LookUp, StopWatching
from bot.screens import offers
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.texts import Texts
from db.models.moderation import WatchedWord
from services.market.look_ups import FoundCampaign, FoundChannel, FoundPerson, PlacementLine


def person(t: Texts, found: FoundPerson) -> Outgoing:
    """Build the staff's screen of a person."""
    balances = found.balances
    text = t(
        "look-up-person",
        id=str(found.user_id),
        telegram_id=str(found.telegram_id),
        since=t.day(found.since.date()),
        language=t(f"language-{found.language}"),
        roles=", ".join(found.roles) or "none",
        blocked="yes" if found.blocked else "no",
        available=t.money(balances.available, balances.currency),
        held=t.money(balances.held, balances.currency),
        leaving=t.money(balances.leaving, balances.currency),
        loss=t.money(balances.loss, balances.currency) if balances.loss else "none",
    )
    return Outgoing(
        text,
        rows(
            *column(
                (
                    t("look-up-campaign-row", id=str(each.id), name=each.name),
                    LookUp(what=LookedUp.CAMPAIGN, id=each.id),
                )
                for each in found.campaigns
            ),
            *column(
                (
                    t("look-up-channel-row", id=str(each.id), title=each.title),
                    LookUp(what=LookedUp.CHANNEL, id=each.id),
                )
                for each in found.channels
            ),
        ),
    )


def campaign(t: Texts, found: FoundCampaign) -> Outgoing:
    """Build the staff's screen of a campaign."""
    row = found.campaign
    text = t(
        "look-up-campaign",
        id=str(row.id),
        name=row.name,
        advertiser=str(found.advertiser_telegram_id),
        status=row.status.value,
        budget=t.money(row.total_budget),
        left=t.money(found.left),
        since=t.time(row.created_at),
    )
    return Outgoing(text, rows(_person(t, row.advertiser_id), *_placements(t, found.placements)))


def channel(t: Texts, found: FoundChannel) -> Outgoing:
    """Build the staff's screen of a channel."""
    row = found.channel
    text = t(
        "look-up-channel",
        id=str(row.id),
        title=row.title,
        address=row.username or "private",
        owner=str(found.owner_telegram_id),
        status=row.status.value,
        price=t.money(row.price) if row.price is not None else "none",
        subscribers=row.subscribers,
        since=t.day(row.created_at.date()),
    )
    return Outgoing(
        f"{text}\n{offers.owner_record(t, found.record)}",
        rows(_person(t, row.owner_id), *_placements(t, found.placements)),
    )


def usage(t: Texts, what: LookedUp) -> Outgoing:
    """Build the explanation of a command that names nothing, or nothing that exists."""
    return Outgoing(t("look-up-usage", what=what.value))


def watched(t: Texts, words: Sequence[WatchedWord]) -> Outgoing:
    """Build the list of the watched words, each with a button that removes it."""
    return Outgoing(
        t("watched-words" if words else "watched-words-none"),
        rows(
            *column(
                (t("watched-word-remove", word=each.word), StopWatching(id=each.id))
                for each in words
            )
        ),
    )


def _person(t: Texts, user_id: int) -> list[InlineKeyboardButton]:
    return [button(t("look-up-person-row"), LookUp(what=LookedUp.PERSON, id=user_id))]


def _placements(t: Texts, placements: Sequence[PlacementLine]) -> list[list[InlineKeyboardButton]]:
    return column(
        (
            t(
                "look-up-placement-row",
                id=str(each.target_id),
                channel=each.channel_title,
                price=t.money(each.price),
                status=each.status,
            ),
            LookUp(what=LookedUp.PLACEMENT, id=each.target_id),
        )
        for each in placements
    )
