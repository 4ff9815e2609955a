"""Build the screens of the formats that a channel sells, and the texts about a format."""

from collections.abc import Sequence
from typing import Protocol

from bot.callbacks import FormName, Go, OpenForm, Screen
from bot.format_callbacks import FormatAct, OnFormat, SetLanguage, ShowFormats, ShowLanguages
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.texts import Texts
from db.models.campaigns import Channel
from db.models.formats import ChannelFormat, Ending
from services.market import terms, topics


class Promise(Protocol):
    """The promise about a post: the one of a format, of terms, or of a placement."""

    @property
    def promised_hours(self) -> int:
        """How many hours the post must stay."""

    @property
    def hours_on_top(self) -> int:
        """In how many of these hours no newer post comes after it."""

    @property
    def ending(self) -> Ending:
        """The fate of the post afterwards."""


def stays(t: Texts, promise: Promise) -> str:
    """Return the sentence about how long a post stays."""
    hours, top, ending = promise.promised_hours, promise.hours_on_top, promise.ending.value
    return t("stays", hours=hours, top=top, ending=ending)


def kind(t: Texts, promise: Promise) -> str:
    """Return the short name of a format, for example `2/48 h`."""
    hours, top, ending = promise.promised_hours, promise.hours_on_top, promise.ending.value
    return t("stays-short", hours=hours, top=top, ending=ending)


def usual(t: Texts, promise: Promise) -> str:
    """Return the text of the button of a usual format."""
    hours, top, ending = promise.promised_hours, promise.hours_on_top, promise.ending.value
    return t("usual-format", hours=hours, top=top, ending=ending)


def offered(t: Texts, formats: Sequence[ChannelFormat], fee_bps: int) -> str:
    """Return the lines of a channel's screen about what it sells.

    `fee_bps` is the platform's present fee in hundredths of a percent.
    """
    if len(formats) > 1:
        return "\n".join([t("channel-offered-more"), _lines(t, formats, fee_bps)])
    only = formats[0] if formats else None
    return t(
        "channel-offered",
        price=t.money(only.price) if only else t("unset"),
        share=t.money(terms.share(only.price if only else 0, fee_bps).owner),
        priced="yes" if only else "no",
        stays=stays(t, only) if only else t("unset"),
    )


def formats(
    t: Texts,
    channel: Channel,
    present: Sequence[ChannelFormat],
    fee_bps: int,
    owner_language: str,
) -> Outgoing:
    """Build the list of the formats that an owner's channel sells.

    `owner_language` is the language of a channel for which none was chosen.
    """
    code = channel.language or owner_language
    return Outgoing(
        "\n\n".join(
            [
                t("formats", title=channel.title),
                _lines(t, present, fee_bps),
                t("formats-choose"),
            ]
        ),
        rows(
            *column(
                (
                    t("formats-row", kind=kind(t, row), price=t.money(row.price)),
                    OnFormat(act=FormatAct.CARD, channel=channel.id, id=row.id),
                )
                for row in present
            ),
            [button(t("format-add"), OpenForm(name=FormName.FORMAT, id=channel.id))],
            [button(t("format-topic"), OpenForm(name=FormName.TOPIC, id=channel.id))],
            [
                button(
                    t("format-language", language=topics.LANGUAGES.get(code, code)),
                    ShowLanguages(id=channel.id),
                )
            ],
            [button(t("back"), Go(screen=Screen.CHANNEL, id=channel.id))],
        ),
    )


def languages(t: Texts, channel: Channel) -> Outgoing:
    """Build the question in which language a channel is."""
    buttons = [
        button(name, SetLanguage(id=channel.id, language=code))
        for code, name in topics.LANGUAGES.items()
    ]
    return Outgoing(
        t("format-language-ask", title=channel.title),
        rows(
            *(buttons[start : start + 3] for start in range(0, len(buttons), 3)),
            [button(t("back"), ShowFormats(id=channel.id))],
        ),
    )


def format_card(
    t: Texts, channel: Channel, row: ChannelFormat, fee_bps: int, *, is_last: bool
) -> Outgoing:
    """Build the screen of one format. `is_last` says that the channel sells no other format."""
    shares = terms.share(row.price, fee_bps)
    text = t(
        "format-card",
        title=channel.title,
        stays=stays(t, row),
        price=t.money(row.price),
        share=t.money(shares.owner),
        fee=t.money(shares.fee),
    )
    retire = OnFormat(act=FormatAct.RETIRE, channel=channel.id, id=row.id)
    return Outgoing(
        f"{text}\n\n{t('format-last')}" if is_last else text,
        rows(
            [button(t("format-price"), OpenForm(name=FormName.FORMAT_PRICE, id=row.id))],
            [] if is_last else [button(t("format-retire"), retire)],
            [button(t("back"), ShowFormats(id=channel.id))],
        ),
    )


def _lines(t: Texts, formats: Sequence[ChannelFormat], fee_bps: int) -> str:
    return "\n".join(
        t(
            "format-line",
            kind=kind(t, row),
            price=t.money(row.price),
            share=t.money(terms.share(row.price, fee_bps).owner),
        )
        for row in formats
    )
