"""Build the screens of an advertiser's placements (purchases of a post in a channel)."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton

from bot.callbacks import CancelPlacement, Go, OnPlacement, PlacementAct, Screen
from bot.result_callbacks import PlacementResults, Results
from bot.screens import clicks, complaint_buttons, formats, stories, wanted_changes
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.models.campaigns import TargetStatus
from db.models.complaints import ComplaintStatus
from services.market import cancellations
from services.market.placements import Placement
from services.market.stories import Step

# The id -1000000001234 of a private channel gives the link t.me/c/1234/MESSAGE_ID.
_PRIVATE_LINK_OFFSET = -1_000_000_000_000


def state(placement: Placement) -> str:
    """Return one word for the state of a placement.

    The word is the status of the purchase before its approval, and the state of its post
    afterwards.
    """
    if placement.waits_for_owner:
        return "asked"
    if placement.target_status == TargetStatus.REJECTED and placement.is_declined:
        return "declined"
    if placement.cancelled_at is not None:
        return "cancelled"
    if placement.target_status != TargetStatus.APPROVED:
        return str(placement.target_status)
    return _post_state(placement)


def _post_state(placement: Placement) -> str:
    """Return one word for the state of an approved placement's post."""
    job = str(placement.job_status or "queued")
    if job == "success" and placement.breach is not None:
        return "disputed"
    if job == "success" and placement.complaint_status not in {None, ComplaintStatus.CLOSED}:
        return "complained"
    return {"success": "live", "failed": "failing", "cancelled": "failing"}.get(job, job)


def placements(t: Texts, page: Page[Placement]) -> Outgoing:
    """Build the list of an advertiser's placements."""
    text = t("placements" if page.fetched else "placements-none")
    return placement_list(
        t,
        text,
        page,
        to_page=lambda number: Go(screen=Screen.PLACEMENTS, page=number),
        back=Go(screen=Screen.MENU),
    )


def placement_list(
    t: Texts,
    text: str,
    page: Page[Placement],
    *,
    to_page: Callable[[int], CallbackData],
    back: CallbackData,
    tabs: Sequence[InlineKeyboardButton] = (),
) -> Outgoing:
    """Build a list with a button for each placement.

    `to_page` makes the data of a button to a page of the list, and `back` is that of the way back.
    `tabs` are the buttons above the list.
    """
    return Outgoing(
        text,
        rows(
            tabs,
            *column(
                (
                    t(
                        "placements-row",
                        id=str(row.target_id),
                        channel=row.channel_title,
                        state=state(row),
                    ),
                    Go(screen=Screen.PLACEMENT, id=row.target_id),
                )
                for row in page.rows
            ),
            page.buttons(t, to_page),
            [button(t("back"), back)],
        ),
    )


def _when(t: Texts, published_at: datetime | None, publish_at: datetime | None) -> str:
    """Return when a post was published, or else its planned time with the zone's full name."""
    if published_at is not None:
        return t.time(published_at)
    return t.time_and_zone(publish_at) if publish_at else t("when-approved")


def placement(t: Texts, row: Placement, story: Sequence[Step], *, cutoff: timedelta) -> Outgoing:
    """Build the advertiser's screen of one placement, with what has happened with it.

    `cutoff` is until how long before its time an approved placement can be cancelled.
    """
    cancel_until = row.cancel_until(cutoff)
    published_at = get_published_at(row)
    lines = [
        t(
            "placement",
            id=str(row.target_id),
            campaign=row.campaign_name,
            channel=row.channel_title,
            price=t.money(row.price),
            stays=formats.stays(t, row),
            published="yes" if published_at else "no",
            when=_when(t, published_at, row.publish_at),
            state=t("placement-state", state=state(row)),
        )
    ]
    if row.waits_for_owner and row.answer_due_at is not None:
        lines.append(t("placement-asked", until=t.time(row.answer_due_at)))
    lines += wanted_changes.lines(t, row.wanted, row.version, to="advertiser")
    lines += reason_lines(t, row)
    if row.escrow_status is not None:
        back = t.money(row.returned or 0)
        lines.append(t("placement-escrow", status=money_state(row), back=back))
    if cancel_until is not None:
        lines.append(t("placement-cancel-until", until=t.time(cancel_until)))
    lines += [*promised_until(t, row), *paid_after(t, row), *covered(t, row)]
    return Outgoing(
        "\n".join([*lines, "", stories.newest(t, story, to="advertiser")]),
        rows(
            _look(t, row),
            *_pending_buttons(t, row),
            *complaint_buttons.of_placement(t, row, to_advertiser=True),
            [button(t("placement-cancel"), OnPlacement(act=PlacementAct.CANCEL, id=row.target_id))]
            if cancel_until is not None
            else [],
            stories.buttons(t, row.target_id, story),
            [clicks.links_button(t, row.target_id)],
            *_result_button(t, row),
            [button(t("refresh"), Go(screen=Screen.PLACEMENT, id=row.target_id))],
            [button(t("back"), Go(screen=Screen.PLACEMENTS))],
        ),
    )


def _look(t: Texts, row: Placement) -> list[InlineKeyboardButton]:
    """Make the button with which the advertiser sees the post, or nothing if there is none yet.

    Only members can open a post of a private channel, so the advertiser gets a copy instead.
    """
    if row.message_id is not None and row.channel_username is None and not row.is_gone:
        copy = OnPlacement(act=PlacementAct.COPY, id=row.target_id)
        return [button(t("placement-copy"), copy)]
    return post_links(t, row)


def _result_button(t: Texts, row: Placement) -> list[list[InlineKeyboardButton]]:
    if get_published_at(row) is None:
        return []
    data = PlacementResults(form=Results.SCREEN, id=row.target_id)
    return [[button(t("results-button"), data)]]


def _pending_buttons(t: Texts, row: Placement) -> list[list[InlineKeyboardButton]]:
    if not row.is_changeable:
        return []
    withdraw = OnPlacement(act=PlacementAct.WITHDRAW, id=row.target_id)
    return [
        *wanted_changes.advertiser_buttons(t, row.target_id, row.version, row.wanted),
        [button(t("placement-withdraw"), withdraw)],
    ]


def confirm_withdraw(t: Texts, row: Placement) -> Outgoing:
    """Build the question whether the advertiser really wants to withdraw a placement for good."""
    sure = OnPlacement(act=PlacementAct.WITHDRAW_CONFIRMED, id=row.target_id)
    return Outgoing(
        t("placement-withdraw-question", id=str(row.target_id), channel=row.channel_title),
        rows(
            [button(t("placement-withdraw-sure"), sure)],
            [button(t("no-go-back"), Go(screen=Screen.PLACEMENT, id=row.target_id))],
        ),
    )


def confirm_cancel(t: Texts, row: Placement) -> Outgoing:
    """Build the question why the advertiser cancels an approved placement, which cancels it."""
    return Outgoing(
        t(
            "placement-cancel-question",
            id=str(row.target_id),
            channel=row.channel_title,
            price=t.money(row.price),
        ),
        rows(
            *column(
                (
                    t("placement-cancel-sure", reason=t("cancel-reason", reason=reason)),
                    CancelPlacement(id=row.target_id, reason=reason),
                )
                for reason in cancellations.REASONS
            ),
            [button(t("no-go-back"), Go(screen=Screen.PLACEMENT, id=row.target_id))],
        ),
    )


def money_state(row: Placement) -> str:
    """Return one word for where the money of an approved placement is."""
    return "split" if row.returned else str(row.escrow_status)


def promised_until(t: Texts, row: Placement) -> list[str]:
    """Build the line until when a published post must stay, or nothing if it need not stay."""
    running = row.target_status == TargetStatus.APPROVED and row.promised_hours
    if row.release_due_at is None or not running:
        return []
    return [t("placement-until", at=t.time(row.release_due_at))]


def paid_after(t: Texts, row: Placement) -> list[str]:
    """Build the line until when the owner is not paid, so that the advertiser can complain.

    There is no line if this time ends with the promised hours, or before them.
    """
    published_at = get_published_at(row)
    if published_at is None or row.release_due_at is None or row.escrow_status != "held":
        return []
    ends_at = published_at + row.complaint_window
    return [t("placement-paid-after", at=t.time(ends_at))] if ends_at > row.release_due_at else []


def covered(t: Texts, row: Placement) -> list[str]:
    """Build the line about the newer post that covered an ad too early, or nothing."""
    if row.covered_at is None or row.covered_by is None:
        return []
    address = post_address(row.channel_username, row.channel_chat_id, row.covered_by)
    return [t("placement-covered", at=t.time(row.covered_at), link=address)]


def post_links(t: Texts, row: Placement) -> list[InlineKeyboardButton]:
    """Make the button that opens a placement's post, or nothing if there is no post now."""
    if row.message_id is None or row.is_gone:
        return []
    return [link(t, row.channel_username, row.channel_chat_id, row.message_id)]


def get_published_at(row: Placement) -> datetime | None:
    """Return when the post was published, or None if the post is not published."""
    if row.message_id is None or row.release_due_at is None:
        return None
    return row.release_due_at - timedelta(hours=row.promised_hours)


def reason_lines(t: Texts, row: Placement) -> list[str]:
    """Build the line why a placement was rejected or declined, or nothing if it was not."""
    if not row.decision_reason or row.target_status != TargetStatus.REJECTED:
        return []
    return [t("placement-reason", reason=reason(t, row.decision_reason, declined=row.is_declined))]


def reason(t: Texts, word: str, *, declined: bool | None) -> str:
    """Return the text of a preset reason. Return any other reason unchanged."""
    return t("decline-reason", reason=word) if declined else t("reject-reason", reason=word)


def link(t: Texts, username: str | None, chat_id: int, message_id: int) -> InlineKeyboardButton:
    """Make the button that opens a placement's post in its channel."""
    return InlineKeyboardButton(
        text=t("placement-open"), url=post_address(username, chat_id, message_id)
    )


def post_address(username: str | None, chat_id: int, message_id: int) -> str:
    """Return the address of a post.

    If the channel has no username, only its members can open the address.
    """
    chat = username or f"c/{_PRIVATE_LINK_OFFSET - chat_id}"
    return f"https://t.me/{chat}/{message_id}"
