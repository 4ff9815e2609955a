"""Render a row of the outbox (the table of messages to send) right before the send."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.screens import complaints as complaint_screens
from bot.screens import dead_letters as dead_letter_screens
from bot.screens import destinations as destination_screens
from bot.screens import moderation as moderation_screens
from bot.screens import money_notices as money_screens
from bot.screens import notices as screens
from bot.screens import offers as offer_screens
from bot.screens import results as result_screens
from bot.screens import stop as stop_screens
from bot.screens import uncertain_posts as uncertain_post_screens
from bot.screens import wanted_changes as wanted_change_screens
from bot.screens import withdrawals as withdrawal_screens
from bot.screens.outgoing import Outgoing, keep_notice
from bot.texts import Texts
from db.models.campaigns import TargetStatus
from db.models.complaints import ComplaintStatus
from db.models.destinations import PayoutDestination
from db.models.money import WithdrawalStatus
from db.models.operations import OutboxMessage
from scheduler import channel_notices, missed_notices, staff_notices
from services.market import (
    advertiser_records,
    agreements,
    complaint_details,
    complaints,
    moderation,
    placement_backgrounds,
    results,
)
from services.market.moderation import PlacementDetails
from services.money import incidents, withdrawals
from services.platform import killswitches, outbox, switch_notices, users
from services.posts import alterations, dead_letters, resolution_details

Payload = Mapping[str, Any]
Render = Callable[[AsyncSession, Texts, Payload], Awaitable[Outgoing]]
OfPlacement = Callable[[Texts, PlacementDetails, Payload], Outgoing]


async def read(
    session: AsyncSession, messages: Sequence[OutboxMessage]
) -> Mapping[int, PlacementDetails]:
    """Read the details of all placements in some outbox rows, by placement id."""
    target_ids = {m.payload["target_id"] for m in messages if m.kind in _OF_PLACEMENTS}
    return await moderation.get_many_details(session, target_ids=target_ids) if target_ids else {}


async def render(
    session: AsyncSession,
    message: OutboxMessage,
    language: str,
    currency: str,
    *,
    cards: Mapping[int, PlacementDetails],
) -> Outgoing:
    """Render one outbox row as a message in `language`, with times in the receiver's time zone.

    `currency` is for amounts without a currency. `cards` is the result of `read`. Raises
    LookupError if the row's kind has no screen or the row's placement is not in `cards`.
    """
    time_zone = None
    if message.user_id is not None:
        time_zone = (await users.get(session, message.user_id)).time_zone
    t = Texts(language, currency, time_zone)
    if message.kind == outbox.SUMMARY:

        async def render_one(row: OutboxMessage) -> Outgoing | None:
            found = await read(session, [row])
            if await is_withdrawn(session, row, found):
                return None
            return await render(session, row, language, currency, cards=found)

        return await missed_notices.render(session, t, message, render_one)
    screen = await _render(session, t, message, cards)
    return screen if message.user_id is None else keep_notice(screen)


async def _render(
    session: AsyncSession, t: Texts, message: OutboxMessage, cards: Mapping[int, PlacementDetails]
) -> Outgoing:
    if (of_placement := _OF_PLACEMENTS.get(message.kind)) is not None:
        return of_placement(t, cards[message.payload["target_id"]], message.payload)
    return await _KINDS[message.kind](session, t, message.payload)


async def is_withdrawn(
    session: AsyncSession, message: OutboxMessage, cards: Mapping[int, PlacementDetails]
) -> bool:
    """Return whether a row need not be sent any more.

    One type of such a row asks the staff about a request that its person has taken back: a pending
    placement or a withdrawal of money. Or it asks an owner or the staff about a version of an ad
    that needs no answer now.
    The other type is about kill switches. Such a row is not needed if a later row is about the same
    switches. It is not needed either if an incident has stopped them, because the message about the
    incident says so. `cards` is the result of `read` for this row.
    """
    if message.kind == switch_notices.KIND:
        payload = message.payload
        is_freeze = payload["user_id"] is None and payload["reason"] == incidents.FREEZE_REASON
        return is_freeze or await switch_notices.is_superseded(session, message.id)
    if message.kind == "target_submitted":
        row = await moderation.get_details(session, target_id=message.payload["target_id"])
        return row.status == TargetStatus.WITHDRAWN or row.waits_for_owner
    if message.kind in {agreements.QUESTION, agreements.MANAGER_QUESTION}:
        row = await moderation.get_details(session, target_id=message.payload["target_id"])
        return not row.waits_for_owner or row.version != message.payload.get("version", 1)
    if message.kind == complaints.STAFF_NOTICE:
        case = await complaint_details.read(session, message.payload["complaint_id"])
        return case.status not in {ComplaintStatus.DISPUTED, ComplaintStatus.APPEALED}
    if message.kind == "withdrawal_changed" and message.user_id is None:
        withdrawal = await withdrawals.get(session, message.payload["withdrawal_id"])
        return withdrawal.status is WithdrawalStatus.RETURNED
    return False


async def _moderation_card(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await moderation.get_details(session, target_id=payload["target_id"])
    background = await placement_backgrounds.read(session, row)
    return moderation_screens.card(t, row, background, with_ad=True)


def _change_asked(t: Texts, card: PlacementDetails, payload: Payload) -> Outgoing:
    return wanted_change_screens.notice(t, card)


def _of_placement(message_id: str) -> OfPlacement:
    def render_placement(t: Texts, card: PlacementDetails, payload: Payload) -> Outgoing:
        return screens.placement(t, message_id, card, payload)

    return render_placement


async def _target_paid(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await moderation.get_details(session, target_id=payload["target_id"])
    notice = _of_placement("notice-target-paid")(t, row, payload)
    if payload["to"] == "owner":
        return notice
    return result_screens.with_result(t, notice, await results.of_ended(session, row.target_id))


async def _ad_offered(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await moderation.get_details(session, target_id=payload["target_id"])
    record = await advertiser_records.read(session, row.advertiser_id)
    return offer_screens.question(t, row, record, with_ad=row.waits_for_owner)


async def _uncertain_post(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    case = await resolution_details.get_case(session, target_id=payload["target_id"])
    return uncertain_post_screens.card(t, case, with_ad=True)


async def _complaint(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    case = await complaint_details.read(session, payload["complaint_id"])
    return complaint_screens.notice(t, case, payload["to"], payload["step"])


async def _complaint_staff(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    case = await complaint_details.read(session, payload["complaint_id"])
    return complaint_screens.card(t, case, complaint_details.STAFF)


async def _posts_altered(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    since, until = (datetime.fromisoformat(payload[name]) for name in ("since", "until"))
    rows = await alterations.list_notified(session, since=since, until=until)
    return screens.posts_altered(t, rows)


async def _retry_offered(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await dead_letters.get(session, target_id=payload["target_id"])
    return dead_letter_screens.offer(t, row)


async def _deposit_credited(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return money_screens.deposit_credited(t, payload)


async def _answer_lost(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    if payload.get("invoice"):
        return screens.invoice_lost(t)
    return screens.answer_lost(t, payload.get("text"))


async def _star_transaction_refused(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return money_screens.star_transaction_refused(t, payload)


async def _person_blocked(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.person_blocked(t, blocked=True)


async def _person_unblocked(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return screens.person_blocked(t, blocked=False)


async def _switch_changed(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    keys = switch_notices.keys(payload)
    states = await killswitches.overview(session)
    return stop_screens.present_states(t, [state for state in states if state.key in keys])


async def _switch_answer_lost(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    answer = screens.answer_lost(t, payload.get("text")).text
    lines = stop_screens.state_lines(t, await killswitches.overview(session))
    return Outgoing("\n".join([answer, t("switch-answer-now"), *lines]))


async def _withdrawal_changed(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await withdrawals.get(session, payload["withdrawal_id"])
    user = await users.get(session, row.user_id)
    return withdrawal_screens.notice(t, row, payload["status"], user.telegram_id)


async def _destination_changed(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await session.get_one(PayoutDestination, payload["destination_id"])
    return destination_screens.changed(t, row)


async def _destination_dropped(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    row = await session.get_one(PayoutDestination, payload["destination_id"])
    user = await users.get(session, row.user_id)
    return destination_screens.dropped(t, row, user.telegram_id)


async def _deposit_clawed_back(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    user = await users.get(session, payload["user_id"])
    return money_screens.deposit_clawed_back(t, user.telegram_id, payload)


async def _deposit_returned(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return money_screens.deposit_returned(t, payload)


async def _deposit_return_refused(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return money_screens.deposit_return_refused(t, payload)


async def _deposit_return_problem(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    user = await users.get(session, payload["user_id"])
    return money_screens.deposit_return_problem(t, user.telegram_id, payload)


async def _deposit_taken_back(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return money_screens.deposit_taken_back(t, payload)


async def _wallet_corrected(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    return money_screens.wallet_corrected(t, payload["amount"], payload["currency"])


async def _excess_payment(session: AsyncSession, t: Texts, payload: Payload) -> Outgoing:
    user = await users.get(session, payload["user_id"])
    return money_screens.excess_payment(t, user.telegram_id, payload)


_OF_PLACEMENTS: Mapping[str, OfPlacement] = {
    "target_approved": _of_placement("notice-target-approved"),
    "refund_decided": _of_placement("notice-refund-decided"),
    "target_rejected": _of_placement("notice-target-rejected"),
    "target_expired": _of_placement("notice-target-expired"),
    "target_refunded": _of_placement("notice-target-refunded"),
    "funds_missing": _of_placement("notice-funds-missing"),
    "loss_open": _of_placement("notice-loss-open"),
    "change_asked": _change_asked,
    "post_above": _of_placement("notice-post-above"),
    "placement_accepted": _of_placement("notice-placement-accepted"),
    "placement_declined": _of_placement("notice-placement-declined"),
    "placement_cancelled": _of_placement("notice-placement-cancelled"),
    "post_waits_for_hours": _of_placement("notice-post-waits-for-hours"),
    "manager_answered": _of_placement("notice-manager-answered"),
    "owner_unreachable": _of_placement("notice-owner-unreachable"),
    "ad_offer_ended": _of_placement("notice-ad-offer-ended"),
    "ad_scheduled": _of_placement("notice-ad-scheduled"),
    "post_published": _of_placement("notice-post-published"),
    "post_refused": _of_placement("notice-post-refused"),
    "placement_channel_suspended": _of_placement("notice-placement-channel-suspended"),
    "post_removed": _of_placement("notice-post-removed"),
    "removal_refused": _of_placement("notice-removal-refused"),
    "post_gone": _of_placement("notice-post-gone"),
    "post_altered": _of_placement("notice-post-altered"),
    "post_breach": _of_placement("notice-post-breach"),
    "post_breach_refunded": _of_placement("notice-post-breach-refunded"),
    "breach_dismissed": _of_placement("notice-breach-dismissed"),
}
_KINDS: Mapping[str, Render] = {
    "target_submitted": _moderation_card,
    "target_paid": _target_paid,
    **channel_notices.RENDER,
    **staff_notices.RENDER,
    "ad_offered": _ad_offered,
    "ad_offered_to_manager": _ad_offered,
    "post_uncertain": _uncertain_post,
    "post_unseen": _uncertain_post,
    "complaint": _complaint,
    "complaint_staff": _complaint_staff,
    "posts_altered": _posts_altered,
    "retry_offered": _retry_offered,
    "deposit_credited": _deposit_credited,
    "answer_lost": _answer_lost,
    "switch_answer_lost": _switch_answer_lost,
    "star_transaction_refused": _star_transaction_refused,
    "person_blocked": _person_blocked,
    "person_unblocked": _person_unblocked,
    "switch_changed": _switch_changed,
    "withdrawal_changed": _withdrawal_changed,
    "destination_changed": _destination_changed,
    "destination_dropped": _destination_dropped,
    "deposit_clawed_back": _deposit_clawed_back,
    "deposit_taken_back": _deposit_taken_back,
    "deposit_returned": _deposit_returned,
    "deposit_return_refused": _deposit_return_refused,
    "deposit_return_problem": _deposit_return_problem,
    "wallet_corrected": _wallet_corrected,
    "excess_payment": _excess_payment,
}

KINDS = frozenset(_OF_PLACEMENTS) | frozenset(_KINDS) | {outbox.SUMMARY}
"""All kinds of messages in the outbox."""
