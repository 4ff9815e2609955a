"""Build the screens of the placements in an owner's channels."""

from collections.abc import Mapping, Sequence

from bot.callbacks import Go, Screen
from bot.owner_callbacks import OfferAct, OnOffer, ShowSold
from bot.screens import complaint_buttons, formats, stories, wanted_changes
from bot.screens.outgoing import Outgoing, button, rows
from bot.screens.paging import Page
from bot.screens.placements import (
    covered,
    get_published_at,
    money_state,
    paid_after,
    placement_list,
    post_links,
    promised_until,
    reason_lines,
    state,
)
from bot.texts import Texts
from db.models.campaigns import Channel
from services.market import terms
from services.market.placements import Placement
from services.market.sold_parts import SoldPart
from services.market.stories import Step


def sold_placements(t: Texts, page: Page[Placement]) -> Outgoing:
    """Build the list of the placements in an owner's channels."""
    text = t("sold" if page.fetched else "sold-none")
    return placement_list(
        t,
        text,
        page,
        to_page=lambda number: Go(screen=Screen.SOLD, page=number),
        back=Go(screen=Screen.CHANNELS),
    )


def sold_in_channel(
    t: Texts,
    channel: Channel,
    part: SoldPart,
    page: Page[Placement],
    counted: Mapping[SoldPart, int],
) -> Outgoing:
    """Build the list of one part of the placements in a channel, with buttons to the others."""
    text = t(
        "channel-sold-list",
        title=channel.title,
        part=part.value,
        found="yes" if page.fetched else "no",
    )
    return placement_list(
        t,
        text,
        page,
        to_page=lambda number: ShowSold(id=channel.id, part=part, page=number),
        back=Go(screen=Screen.CHANNEL, id=channel.id),
        tabs=[
            button(
                t("channel-sold-part", part=each.value, count=counted[each]),
                ShowSold(id=channel.id, part=each),
            )
            for each in SoldPart
            if each is not part
        ],
    )


def sold_placement(t: Texts, row: Placement, story: Sequence[Step]) -> Outgoing:
    """Build the owner's screen of one placement: what the owner gets, and what has happened."""
    published_at = get_published_at(row)
    planned = published_at or row.publish_at
    shares = terms.share(row.price - (row.returned or 0), row.fee_bps)
    lines = [
        t(
            "sold-placement",
            id=str(row.target_id),
            channel=row.channel_title,
            price=t.money(row.price),
            share=t.money(shares.owner),
            fee=t.money(shares.fee),
            stays=formats.stays(t, row),
            published="yes" if published_at else "no",
            when=t.time(planned) if planned else t("when-approved"),
            state=t("sold-state", state=state(row)),
        )
    ]
    if row.waits_for_owner and row.answer_due_at is not None:
        lines.append(t("offer-until", until=t.time(row.answer_due_at)))
    lines += wanted_changes.lines(t, row.wanted, row.version, to="owner")
    lines += reason_lines(t, row)
    if row.escrow_status is not None:
        back = t.money(row.returned or 0)
        lines.append(t("sold-escrow", status=money_state(row), back=back))
    lines += [*promised_until(t, row), *paid_after(t, row), *covered(t, row)]
    return Outgoing(
        "\n".join([*lines, "", stories.newest(t, story, to="owner")]),
        rows(
            post_links(t, row),
            [button(t("offer-open"), OnOffer(act=OfferAct.OPEN, id=row.target_id))]
            if row.waits_for_owner
            else [],
            *complaint_buttons.of_placement(t, row, to_advertiser=False),
            stories.buttons(t, row.target_id, story),
            [button(t("refresh"), Go(screen=Screen.PLACEMENT, id=row.target_id))],
            [button(t("back"), Go(screen=Screen.SOLD))],
        ),
    )
