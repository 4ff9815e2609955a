"""Build the screens of dead letters (post jobs that failed for good)."""

from bot.callbacks import Go, OnDeadLetter, Retry, Screen, ShowDeadLetters
from bot.screens import formats
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.screens.paging import Page
from bot.texts import Texts
from services.money import stuck_escrows
from services.posts.dead_letters import DeadLetter

OPEN = "open"
OFFER = "offer"


def dead_letters(t: Texts, page: Page[DeadLetter]) -> Outgoing:
    """Build the staff's list of dead letters, the newest first."""
    return Outgoing(
        t("dead-letters" if page.fetched else "dead-letters-none"),
        rows(
            *column(
                (
                    t(
                        "dead-letters-row",
                        id=str(row.target_id),
                        channel=row.channel_title,
                        error=_error(t, row),
                    ),
                    OnDeadLetter(act=OPEN, id=row.target_id),
                )
                for row in page.rows
            ),
            page.buttons(t, lambda number: ShowDeadLetters(page=number)),
        ),
    )


def card(t: Texts, row: DeadLetter) -> Outgoing:
    """Build the staff's screen of one dead letter."""
    if row.retried_by is not None:
        state = t("dead-letter-retried", again=str(row.retried_by))
    else:
        state = t("dead-letter-offered" if row.offered else "dead-letter-open")
    text = t(
        "dead-letter",
        id=str(row.target_id),
        campaign=row.campaign_name,
        channel=row.channel_title,
        price=t.money(row.price),
        when=t.time(row.failed_at),
        attempts=row.attempts,
        error=_error(t, row),
        escrow=row.escrow_status.value,
    )
    offers = [] if row.offered else [button(t("dead-letter-offer"), _act(OFFER, row))]
    return Outgoing(f"{text}\n\n{state}", rows(offers, [button(t("back"), ShowDeadLetters())]))


def _error(t: Texts, row: DeadLetter) -> str:
    """Return why a post failed: in the reader's language, or in Telegram's own words."""
    return t("dead-letter-late") if row.error == stuck_escrows.NOT_IN_TIME else row.error


def offer(t: Texts, row: DeadLetter) -> Outgoing:
    """Build the offer to an advertiser to submit a failed placement again.

    The offer has the present price of the same format. There is no offer if the channel does not
    sell this format any more.
    """
    terms = row.terms_now
    card = [button(t("placement-card"), Go(screen=Screen.PLACEMENT, id=row.target_id))]
    if terms is None:
        return Outgoing(
            t("retry-gone", id=str(row.target_id), channel=row.channel_title),
            rows([button(t("menu-buy"), Go(screen=Screen.BUY))], card),
        )
    price = t.money(terms.price)
    retry = button(
        t("retry-button", price=price),
        Retry(id=row.target_id, price=terms.price, hours=terms.promised_hours),
    )
    return Outgoing(
        t(
            "retry-offer",
            id=str(row.target_id),
            channel=row.channel_title,
            price=price,
            stays=formats.stays(t, terms),
        ),
        rows([retry], card),
    )


def _act(act: str, row: DeadLetter) -> OnDeadLetter:
    return OnDeadLetter(act=act, id=row.target_id)
