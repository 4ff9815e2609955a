"""Build the texts and buttons about changes of placements that owners and moderators ask for."""

from aiogram.types import InlineKeyboardButton

from bot.callbacks import Go, OnPlacement, PlacementAct, Screen
from bot.owner_callbacks import AcceptChange, ChangeForm, OpenChangeForm
from bot.screens import formats
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from db.models.campaigns import TargetStatus
from services.market.change_requests import WantedChange
from services.market.moderation import PlacementDetails

REASONS = ("text", "link", "picture", "claim", "language")
"""The presets of what a moderator wants to be different."""


def lines(t: Texts, wanted: WantedChange | None, version: int, *, to: str) -> list[str]:
    """Build the lines about a placement's version and about the change that somebody asks for.

    `to` names the reader: `owner`, `advertiser` or `staff`.
    """
    found = [t("placement-version", version=version)] if version > 1 else []
    if wanted is not None:
        found.append(t("change-wanted", side=wanted.side.value, to=to, what=_what(t, wanted)))
    return found


def advertiser_buttons(
    t: Texts, target_id: int, version: int, wanted: WantedChange | None
) -> list[list[InlineKeyboardButton]]:
    """Build the buttons with which an advertiser changes a pending placement."""
    edit, move = (
        OpenChangeForm(name=name, id=target_id, version=version)
        for name in (ChangeForm.EDIT, ChangeForm.MOVE)
    )
    found = [[button(t("change-edit"), edit), button(t("change-move"), move)]]
    if wanted is not None and wanted.is_proposal:
        accept = AcceptChange(id=target_id, version=version, request_id=wanted.id)
        found.insert(0, [button(t("change-accept", what=_what(t, wanted)), accept)])
    return found


def notice(t: Texts, row: PlacementDetails) -> Outgoing:
    """Build the notice to an advertiser that somebody asks for a change of a placement."""
    card = button(t("placement-card"), Go(screen=Screen.PLACEMENT, id=row.target_id))
    if row.wanted is None or row.status != TargetStatus.PENDING:
        text = t("notice-change-over", id=str(row.target_id), channel=row.channel_title)
        return Outgoing(text, rows([card]))
    withdraw = OnPlacement(act=PlacementAct.WITHDRAW, id=row.target_id)
    return Outgoing(
        t(
            "notice-change-asked",
            id=str(row.target_id),
            channel=row.channel_title,
            side=row.wanted.side.value,
            what=_what(t, row.wanted),
        ),
        rows(
            *advertiser_buttons(t, row.target_id, row.version, row.wanted),
            [button(t("placement-withdraw"), withdraw)],
            [card],
        ),
    )


def _what(t: Texts, wanted: WantedChange) -> str:
    """Return in words what somebody wants to be different."""
    if wanted.kind is not None:
        kind = formats.kind(t, wanted.kind)
        return t("change-format", kind=kind, price=t.money(wanted.price or 0))
    if wanted.price is not None:
        return t("change-price", price=t.money(wanted.price))
    if wanted.publish_at is not None:
        return t("change-time", at=t.time_and_zone(wanted.publish_at))
    words = wanted.words or ""
    return t("change-reason", reason=words) if words in REASONS else words
