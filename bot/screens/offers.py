"""Build the messages on which channel owners accept or decline ads, and choose their rules."""

from collections.abc import Sequence
from datetime import timedelta
from math import ceil

from aiogram.types import InlineKeyboardButton

from bot.callbacks import Go, Screen
from bot.owner_callbacks import (
    AskFormat,
    ChangeAct,
    ChangeForm,
    OfferAct,
    OnChange,
    OnOffer,
    OpenChangeForm,
    SetRule,
    ShowRule,
)
from bot.screens import clicks, formats, wanted_changes
from bot.screens.outgoing import Outgoing, button, column, grid, rows
from bot.screens.paging import Page
from bot.texts import Texts
from bot.topic_callbacks import SetRuleTopic, ShowRuleTopics
from db.models.campaigns import Channel, TargetStatus
from db.models.formats import ChannelFormat
from services.market import terms, topics
from services.market.acceptance_rules import Rule
from services.market.advertiser_records import AdvertiserRecord
from services.market.moderation import PlacementDetails
from services.market.owner_records import OwnerRecord
from services.market.placements import Placement

REASONS = ("topic", "quality", "price", "time", "other")
"""The preset reasons with which an owner declines an ad."""
KEPT_CHOICES = (0, 1, 3, 10)
"""The numbers of kept placements that a rule can require. 0 accepts every advertiser."""
HOUR = timedelta(hours=1)
_PRICE_FACTORS = (1, 2, 5)
"""The price limits of a rule, as multiples of the channel's present price."""


def question(
    t: Texts, row: PlacementDetails, record: AdvertiserRecord, *, with_ad: bool
) -> Outgoing:
    """Build the question to an owner whether an ad may be published.

    `record` is that of the advertiser. If `with_ad` is True, the ad is sent first, in another
    message.
    """
    buttons: list[list[InlineKeyboardButton]] = []
    if row.waits_for_owner:
        buttons = [
            [
                button(t("offer-accept"), _data(row, OfferAct.ACCEPT)),
                button(t("offer-decline"), _data(row, OfferAct.ASK_REASON)),
            ],
            [
                button(
                    t("change-ask"),
                    OnChange(act=ChangeAct.ASK, id=row.target_id, version=row.version),
                )
            ],
        ]
    back = [button(t("offer-list"), Go(screen=Screen.WAITING))]
    return Outgoing(_facts(t, row, record), rows(*buttons, back), row.creative if with_ad else None)


def formats_to_ask(
    t: Texts, row: PlacementDetails, record: AdvertiserRecord, sold: Sequence[ChannelFormat]
) -> Outgoing:
    """Build the question to an owner which format of the channel the placement should have."""
    return Outgoing(
        f"{_facts(t, row, record)}\n\n{t('change-format-ask')}",
        rows(
            *column(
                (
                    t(
                        "change-format",
                        kind=formats.kind(t, each),
                        price=t.money(each.price),
                    ),
                    AskFormat(id=row.target_id, version=row.version, format_id=each.id),
                )
                for each in sold
            ),
            [
                button(
                    t("back"),
                    OnChange(act=ChangeAct.ASK, id=row.target_id, version=row.version),
                )
            ],
        ),
    )


def changes(
    t: Texts, row: PlacementDetails, record: AdvertiserRecord, *, has_formats: bool
) -> Outgoing:
    """Build the question to an owner what should be different.

    `has_formats` says whether the channel sells more than one format.
    """
    return Outgoing(
        f"{_facts(t, row, record)}\n\n{t('change-what')}",
        rows(
            *column(
                (
                    t("change-choice", what=name.value),
                    OpenChangeForm(name=name, id=row.target_id, version=row.version),
                )
                for name in (ChangeForm.WORDS, ChangeForm.PRICE, ChangeForm.TIME)
            ),
            [
                button(
                    t("change-choice", what="format"),
                    OnChange(act=ChangeAct.FORMATS, id=row.target_id, version=row.version),
                )
            ]
            if has_formats
            else [],
            [button(t("back"), _data(row, OfferAct.CARD))],
        ),
    )


def reasons(t: Texts, row: PlacementDetails, record: AdvertiserRecord) -> Outgoing:
    """Build the question to an owner why an ad is declined."""
    return Outgoing(
        f"{_facts(t, row, record)}\n\n{t('offer-why')}",
        rows(
            *column(
                (
                    t("decline-reason", reason=reason),
                    OnOffer(
                        act=OfferAct.DECLINE,
                        id=row.target_id,
                        reason=reason,
                        version=row.version,
                    ),
                )
                for reason in REASONS
            ),
            [button(t("back"), _data(row, OfferAct.CARD))],
        ),
    )


def waiting(t: Texts, page: Page[Placement]) -> Outgoing:
    """Build the list of the placements that wait for an owner's answer, the oldest first."""
    return Outgoing(
        t("offers" if page.fetched else "offers-none"),
        rows(
            *column(
                (
                    t(
                        "offers-row",
                        id=str(row.target_id),
                        channel=row.channel_title,
                        price=t.money(row.price),
                    ),
                    OnOffer(act=OfferAct.OPEN, id=row.target_id),
                )
                for row in page.rows
            ),
            page.buttons(t, lambda number: Go(screen=Screen.WAITING, page=number)),
            [button(t("back"), Go(screen=Screen.CHANNELS))],
        ),
    )


def rule(t: Texts, channel: Channel, present: Rule | None) -> Outgoing:
    """Build the screen on which an owner chooses which ads are accepted without a question."""
    text = t(
        "rule",
        title=channel.title,
        mode=_mode(present),
        kept=present.least_kept if present else 0,
        limit=t.money(present.most_price) if present and present.most_price else "none",
    )
    if present is not None and present.excluded_topics:
        excluded = ", ".join(t("topic", topic=each) for each in present.excluded_topics)
        text = f"{text}\n\n{t('rule-topics', topics=excluded)}"
    return Outgoing(
        text,
        rows(
            [button(t("rule-ask"), SetRule(id=channel.id))],
            *column(
                (
                    t("rule-accept", kept=least_kept),
                    ShowRule(id=channel.id, least_kept=least_kept),
                )
                for least_kept in KEPT_CHOICES
            ),
            [button(t("rule-topics-button"), ShowRuleTopics(id=channel.id))] if present else [],
            [button(t("back"), Go(screen=Screen.CHANNEL, id=channel.id))],
        ),
    )


def rule_topics(t: Texts, channel: Channel, present: Rule | None) -> Outgoing:
    """Build the screen on which an owner chooses the topics that the rule does not accept."""
    excluded = present.excluded_topics if present else ()
    return Outgoing(
        t("rule-topics-ask", title=channel.title),
        rows(
            *grid(
                button(
                    t(
                        "rule-topic",
                        topic=t("topic", topic=topic),
                        excluded="yes" if topic in excluded else "no",
                    ),
                    SetRuleTopic(id=channel.id, topic=topic, excluded=topic not in excluded),
                )
                for topic in topics.TOPICS
            ),
            [button(t("back"), ShowRule(id=channel.id))],
        ),
    )


def price_limits(t: Texts, channel: Channel, least_kept: int) -> Outgoing:
    """Build the question up to which price a rule accepts ads."""
    choices: Sequence[int | None] = [None]
    if channel.price is not None:
        choices = [None, *(channel.price * factor for factor in _PRICE_FACTORS)]
    return Outgoing(
        t(
            "rule-limit-ask",
            title=channel.title,
            mode=_mode(Rule(least_kept, None)),
            kept=least_kept,
        ),
        rows(
            *column(
                (
                    t("rule-limit", limit="none" if price is None else t.money(price)),
                    SetRule(id=channel.id, least_kept=least_kept, most_price=price),
                )
                for price in choices
            ),
            [button(t("back"), ShowRule(id=channel.id))],
        ),
    )


def owner_record(t: Texts, record: OwnerRecord) -> str:
    """Build the text about what an owner has done with the placements in a channel."""
    counted = (record.kept, record.removed, record.altered, record.declined, record.unanswered)
    return t(
        "owner-record",
        placements=sum(counted),
        kept=record.kept,
        removed=record.removed,
        altered=record.altered,
        declined=record.declined,
        unanswered=record.unanswered,
        answer=answer_hours(record),
    )


def answer_hours(record: OwnerRecord) -> int:
    """Return within how many hours an owner usually answers, or 0 if this is not known."""
    return 0 if record.answer_time is None else max(1, ceil(record.answer_time / HOUR))


def _data(row: PlacementDetails, act: OfferAct) -> OnOffer:
    return OnOffer(act=act, id=row.target_id, version=row.version)


def _mode(present: Rule | None) -> str:
    if present is None:
        return "ask"
    return "known" if present.least_kept else "all"


def _facts(t: Texts, row: PlacementDetails, record: AdvertiserRecord) -> str:
    shares = terms.share(row.price, row.fee_bps)
    state = "asked" if row.waits_for_owner else str(row.status)
    if row.status == TargetStatus.REJECTED and row.is_declined:
        state = "declined"
    lines = [
        t(
            "offer",
            id=str(row.target_id),
            channel=row.channel_title,
            price=t.money(row.price, row.currency),
            share=t.money(shares.owner, row.currency),
            fee=t.money(shares.fee, row.currency),
            stays=formats.stays(t, row),
            when=t.time_and_zone(row.publish_at) if row.publish_at else t("when-approved"),
            advertiser=str(row.advertiser_id),
            kept=record.kept,
            cancelled=record.cancelled,
            approved=record.approved,
        ),
        t("sold-state", state=state),
    ]
    if row.topic is not None:
        lines.append(t("offer-topic", topic=t("topic", topic=row.topic)))
    if row.waits_for_owner and row.answer_due_at is not None:
        lines.append(t("offer-until", until=t.time(row.answer_due_at)))
    lines += clicks.target_lines(t, row)
    lines += wanted_changes.lines(t, row.wanted, row.version, to="owner")
    return "\n".join(lines)
