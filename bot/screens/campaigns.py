"""An advertiser's campaigns."""

from bot.callbacks import CampaignAct, FormName, Go, OnCampaign, OpenForm, Place
from bot.screens.outgoing import Outgoing, button, rows
from bot.screens.paging import Page
from bot.texts import Texts
from db.models.campaigns import Campaign, CampaignStatus


def campaigns(t: Texts, page: Page[Campaign]) -> Outgoing:
    """The list; each row opens its card."""
    return Outgoing(
        t("campaigns" if page.found else "campaigns-none"),
        rows(
            *(
                [
                    button(
                        t("campaigns-row", name=campaign.name, status=campaign.status.value),
                        Go(place=Place.CAMPAIGN, id=campaign.id),
                    )
                ]
                for campaign in page.rows
            ),
            page.turns(t, lambda number: Go(place=Place.CAMPAIGNS, page=number)),
            [button(t("campaign-new"), OpenForm(name=FormName.CAMPAIGN))],
            [button(t("back"), Go(place=Place.MENU))],
        ),
    )


def campaign(t: Texts, row: Campaign, left: int) -> Outgoing:
    """One campaign with what can be done with it now; `left` of the budget in minor units."""
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
    cancel = (
        [button(t("campaign-cancel"), OnCampaign(act=CampaignAct.CANCEL, id=row.id))]
        if acts
        else []
    )
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
            [button(t(f"campaign-{act.value}"), OnCampaign(act=act, id=row.id)) for act in acts],
            buy,
            [button(t("campaign-ad"), OnCampaign(act=CampaignAct.SHOW_AD, id=row.id))],
            cancel,
            [button(t("back"), Go(place=Place.CAMPAIGNS))],
        ),
    )


def cancel_sure(t: Texts, row: Campaign) -> Outgoing:
    """The question before a campaign is cancelled for good."""
    return Outgoing(
        t("campaign-cancel-question", name=row.name),
        rows(
            [button(t("campaign-cancel-sure"), OnCampaign(act=CampaignAct.CANCEL_SURE, id=row.id))],
            [button(t("back"), Go(place=Place.CAMPAIGN, id=row.id))],
        ),
    )


def choose_for_buying(t: Texts, page: Page[Campaign]) -> Outgoing:
    """The active campaigns, to buy a placement for one of them."""
    return Outgoing(
        t("buy-campaign" if page.found else "buy-no-campaign"),
        rows(
            *(
                [
                    button(
                        t("buy-campaign-row", name=campaign.name),
                        OpenForm(name=FormName.BUY, id=campaign.id),
                    )
                ]
                for campaign in page.rows
            ),
            page.turns(t, lambda number: Go(place=Place.BUY, page=number)),
            [] if page.found else [button(t("menu-campaigns"), Go(place=Place.CAMPAIGNS))],
            [button(t("back"), Go(place=Place.MENU))],
        ),
    )
