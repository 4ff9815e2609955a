"""Build the screens of an advertiser's campaigns."""

from aiogram.types import InlineKeyboardButton

from bot.callbacks import (
    CampaignAct,
    FormName,
    Go,
    OnCampaign,
    OpenForm,
    Screen,
)
from bot.result_callbacks import CampaignResults, Results
from bot.screens import clicks
from bot.screens.outgoing import Outgoing, button, column, grid, rows
from bot.screens.paging import Page
from bot.texts import Texts
from bot.topic_callbacks import SetAdTopic, ShowAdTopics
from db.models.campaigns import Campaign, CampaignStatus
from services.market import topics


def campaigns(t: Texts, page: Page[Campaign]) -> Outgoing:
    """Build the list of an advertiser's campaigns."""
    return Outgoing(
        t("campaigns" if page.fetched else "campaigns-none"),
        rows(
            *column(
                (
                    t("campaigns-row", name=campaign.name, status=campaign.status.value),
                    Go(screen=Screen.CAMPAIGN, id=campaign.id),
                )
                for campaign in page.rows
            ),
            page.buttons(t, lambda number: Go(screen=Screen.CAMPAIGNS, page=number)),
            [button(t("campaign-new"), OpenForm(name=FormName.CAMPAIGN))],
            [button(t("back"), Go(screen=Screen.MENU))],
        ),
    )


def campaign(t: Texts, row: Campaign, left: int) -> Outgoing:
    """Build the screen of one campaign.

    `left` is the unspent part of the budget, in minor units.
    """
    is_draft = row.status is CampaignStatus.DRAFT
    acts = {
        CampaignStatus.DRAFT: [CampaignAct.ACTIVATE],
        CampaignStatus.ACTIVE: [CampaignAct.PAUSE],
        CampaignStatus.PAUSED: [CampaignAct.RESUME],
    }.get(row.status, [])
    buy = (
        [button(t("menu-buy"), OpenForm(name=FormName.BUY, id=row.id))]
        if row.status is CampaignStatus.ACTIVE
        else []
    )
    change = []
    if is_draft:
        change = [button(t("campaign-change"), OpenForm(name=FormName.DRAFT, id=row.id))]
    elif acts:
        change = [button(t("campaign-raise"), OpenForm(name=FormName.BUDGET, id=row.id))]
    end = CampaignAct.DELETE if is_draft else CampaignAct.CANCEL
    return Outgoing(
        t(
            "campaign",
            id=str(row.id),
            name=row.name,
            status=row.status.value,
            budget=t.money(row.total_budget),
            left=t.money(left),
        ),
        rows(
            buy,
            [button(t(f"campaign-{act.value}"), OnCampaign(act=act, id=row.id)) for act in acts],
            change,
            [_topic_button(t, row)] if acts else [],
            [
                button(t("campaign-ad"), OnCampaign(act=CampaignAct.SHOW_AD, id=row.id)),
                button(t("campaign-copy"), OpenForm(name=FormName.COPY, id=row.id)),
            ],
            [
                *([clicks.choice_button(t, row)] if acts else []),
                button(
                    t("results-button-campaign"),
                    CampaignResults(form=Results.SCREEN, id=row.id),
                ),
            ],
            [button(t(f"campaign-{end.value}"), OnCampaign(act=end, id=row.id))] if acts else [],
            [button(t("back"), Go(screen=Screen.CAMPAIGNS))],
        ),
    )


def _topic_button(t: Texts, row: Campaign) -> InlineKeyboardButton:
    """Build the button that shows the topic of a campaign's ad, and asks for another one."""
    topic = "none" if row.topic is None else t("topic", topic=row.topic)
    return button(t("campaign-topic", topic=topic), ShowAdTopics(id=row.id))


def ad_topics(t: Texts, row: Campaign) -> Outgoing:
    """Build the question what a campaign's ad is about."""
    return Outgoing(
        t("ad-topic-ask", name=row.name),
        rows(
            *grid(
                button(t("topic", topic=topic), SetAdTopic(id=row.id, topic=topic))
                for topic in topics.TOPICS
            ),
            [button(t("back"), Go(screen=Screen.CAMPAIGN, id=row.id))],
        ),
    )


def confirm_cancel(t: Texts, row: Campaign) -> Outgoing:
    """Build the question whether the advertiser really wants to cancel a campaign for good."""
    return Outgoing(
        t("campaign-cancel-question", name=row.name),
        rows(
            [
                button(
                    t("campaign-cancel-sure"),
                    OnCampaign(act=CampaignAct.CANCEL_CONFIRMED, id=row.id),
                )
            ],
            [button(t("no-go-back"), Go(screen=Screen.CAMPAIGN, id=row.id))],
        ),
    )


def confirm_delete(t: Texts, row: Campaign) -> Outgoing:
    """Build the question whether the advertiser really wants to delete a draft."""
    return Outgoing(
        t("campaign-delete-question", name=row.name),
        rows(
            [
                button(
                    t("campaign-delete-sure"),
                    OnCampaign(act=CampaignAct.DELETE_CONFIRMED, id=row.id),
                )
            ],
            [button(t("no-go-back"), Go(screen=Screen.CAMPAIGN, id=row.id))],
        ),
    )


def choose_campaign(t: Texts, page: Page[Campaign]) -> Outgoing:
    """Build the list of active campaigns from which an advertiser buys a post."""
    return Outgoing(
        t("buy-campaign" if page.fetched else "buy-no-campaign"),
        rows(
            *column(
                (
                    t("buy-campaign-row", name=campaign.name),
                    OpenForm(name=FormName.BUY, id=campaign.id),
                )
                for campaign in page.rows
            ),
            page.buttons(t, lambda number: Go(screen=Screen.BUY, page=number)),
            [] if page.fetched else [button(t("menu-campaigns"), Go(screen=Screen.CAMPAIGNS))],
            [button(t("back"), Go(screen=Screen.MENU))],
        ),
    )
