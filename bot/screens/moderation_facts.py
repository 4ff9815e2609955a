"""Build the lines about both sides of a placement, and what an admin should look at."""

from bot.screens import offers
from bot.screens.ages import age
from bot.texts import Texts
from db.models.campaigns import TargetStatus
from services.market.moderation import PlacementDetails
from services.market.placement_backgrounds import Background


def lines(t: Texts, row: PlacementDetails, background: Background) -> list[str]:
    """Build the histories, the warnings about a pending placement, and who is reading its card."""
    shown = ["", _advertiser(t, background), offers.owner_record(t, background.owner)]
    if row.status != TargetStatus.PENDING or row.waits_for_owner:
        return shown
    shown.append(t("card-waiting", age=age(t, background.waiting)))
    shown += _warnings(t, row, background)
    if background.reader is not None:
        shown.append(
            t(
                "card-reader",
                by=str(background.reader.telegram_id),
                until=t.time(background.reader.until),
            )
        )
    return shown


def _advertiser(t: Texts, background: Background) -> str:
    return t(
        "card-advertiser",
        since=t.day(background.since.date()),
        kept=background.kept,
        refunded=background.refunded,
        rejected=background.rejected,
        withdrawn=background.withdrawn,
        taken_back=background.payments_taken_back,
    )


def _warnings(t: Texts, row: PlacementDetails, background: Background) -> list[str]:
    found = []
    if not background.kept:
        found.append(t("card-new-advertiser"))
    if background.usual_price is not None and background.is_jump(row.price):
        found.append(t("card-price-jump", usual=t.money(background.usual_price, row.currency)))
    if background.new_hosts:
        found.append(t("card-new-link", words=", ".join(background.new_hosts)))
    if background.watched:
        found.append(t("card-watched", words=", ".join(background.watched)))
    return found
