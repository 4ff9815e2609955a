"""Build the screens of an owner's channels."""

from collections.abc import Sequence

from aiogram.types import (
    ChatAdministratorRights,
    KeyboardButton,
    KeyboardButtonRequestChat,
    ReplyKeyboardMarkup,
)

from bot.calendar_callbacks import ShowCalendar
from bot.callbacks import ChannelAct, FormName, Go, OnChannel, OpenForm, Screen
from bot.format_callbacks import ShowFormats
from bot.manager_callbacks import ManagerAct, OnManager
from bot.owner_callbacks import ShowRule, ShowSold
from bot.screens import channel_card, channel_facts
from bot.screens import formats as format_screens
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.models.campaigns import Channel, ChannelStatus
from db.models.formats import ChannelFormat
from services.market.subscriber_counts import Growth

REQUEST_ID = 1
"""The id of the channel picker in Telegram's answer."""


def channels(
    t: Texts, page: Page[Channel], waiting: int, managed: Sequence[Channel] = ()
) -> Outgoing:
    """Build the list of a person's channels. `waiting` is how many ads wait for an answer.

    `managed` has the channels of other owners of which the person is a manager.
    """
    return Outgoing(
        t("channels" if page.fetched or managed else "channels-none"),
        rows(
            *column(
                (
                    t("channels-row", title=row.title, status=row.status.value),
                    Go(screen=Screen.CHANNEL, id=row.id),
                )
                for row in page.rows
            ),
            *column(
                (
                    t(
                        "channels-row-managed",
                        row=t("channels-row", title=row.title, status=row.status.value),
                    ),
                    Go(screen=Screen.CHANNEL, id=row.id),
                )
                for row in managed
            ),
            page.buttons(t, lambda number: Go(screen=Screen.CHANNELS, page=number)),
            [button(t("channels-waiting", waiting=waiting), Go(screen=Screen.WAITING))]
            if waiting
            else [],
            [
                button(t("channels-sold"), Go(screen=Screen.SOLD)),
                button(t("channels-earnings"), Go(screen=Screen.EARNINGS)),
            ]
            if page.fetched
            else [],
            [button(t("channel-connect"), Go(screen=Screen.CONNECT))],
            [button(t("back"), Go(screen=Screen.MENU))],
        ),
    )


def channel(
    t: Texts,
    row: Channel,
    offered: Sequence[ChannelFormat],
    fee_bps: int,
    *,
    is_owner: bool = True,
    growth: Growth | None = None,
) -> Outgoing:
    """Build the screen of one channel: its state, what it sells, its growth, and its actions.

    `fee_bps` is the platform's present fee in hundredths of a percent. A person who is not the
    owner is a manager, and has fewer actions. `growth` is None for a channel that is new.
    """
    acts = {
        ChannelStatus.ACTIVE: [ChannelAct.PAUSE],
        ChannelStatus.PAUSED: [ChannelAct.RESUME],
    }.get(row.status, [])
    connected = row.status is not ChannelStatus.REMOVED
    change = ShowFormats(id=row.id) if offered else OpenForm(name=FormName.TERMS, id=row.id)
    lines = [
        t(
            "channel",
            title=row.title,
            status=row.status.value,
        ),
        format_screens.offered(t, offered, fee_bps),
        t("channel-topic", topic=channel_facts.topic(t, row.topic)),
    ]
    lines.extend(
        ["", *channel_facts.lines_for_owner(t, row), *channel_card.growth_lines(t, growth)]
    )
    if row.status is ChannelStatus.SUSPENDED:
        lines.append(t("channel-suspended-why", reason=row.status_reason or "other"))
    return Outgoing(
        "\n".join(lines),
        rows(
            [button(t("channel-terms"), change)] if connected else [],
            [
                button(t("channel-rule"), ShowRule(id=row.id)),
                button(t("channel-managers"), OnManager(act=ManagerAct.LIST, id=row.id)),
            ]
            if connected and is_owner
            else [],
            [button(t("channel-sold"), ShowSold(id=row.id))] if connected else [],
            [button(t("channel-calendar"), ShowCalendar(id=row.id))] if connected else [],
            *(channel_card.owner_buttons(t, row, growth) if connected else ()),
            [button(t(f"channel-{act.value}"), OnChannel(act=act, id=row.id)) for act in acts],
            [button(t("channel-remove"), OnChannel(act=ChannelAct.REMOVE, id=row.id))]
            if connected and is_owner
            else [],
            [button(t("back"), Go(screen=Screen.CHANNELS))],
        ),
    )


def confirm_remove(t: Texts, row: Channel) -> Outgoing:
    """Build the question whether the owner really wants to remove a channel."""
    return Outgoing(
        t("channel-remove-question", title=row.title),
        rows(
            [
                button(
                    t("channel-remove-sure"), OnChannel(act=ChannelAct.REMOVE_CONFIRMED, id=row.id)
                )
            ],
            [button(t("no-go-back"), Go(screen=Screen.CHANNEL, id=row.id))],
        ),
    )


def channel_picker(t: Texts) -> Outgoing:
    """Build the message whose button opens Telegram's channel picker.

    Telegram makes the bot an admin of the chosen channel.
    """
    picker = KeyboardButtonRequestChat(
        request_id=REQUEST_ID,
        chat_is_channel=True,
        bot_administrator_rights=_posting_rights(),
        user_administrator_rights=_posting_rights(),
    )
    return Outgoing(
        t("channel-choose"),
        ReplyKeyboardMarkup(
            keyboard=[
                [KeyboardButton(text=t("channel-choose-button"), request_chat=picker)],
                [KeyboardButton(text=t("cancel"))],
            ],
            resize_keyboard=True,
            one_time_keyboard=True,
        ),
    )


def _posting_rights() -> ChatAdministratorRights:
    """Return the admin rights that the bot asks for: the right to post."""
    return ChatAdministratorRights(
        is_anonymous=False,
        can_manage_chat=False,
        can_delete_messages=False,
        can_manage_video_chats=False,
        can_restrict_members=False,
        can_promote_members=False,
        can_change_info=False,
        can_invite_users=False,
        can_post_stories=False,
        can_edit_stories=False,
        can_delete_stories=False,
        can_send_welcome_messages=False,
        can_post_messages=True,
    )
