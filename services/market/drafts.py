"""Change and delete the drafts of campaigns, and raise the budgets of campaigns."""

from sqlalchemy import BigInteger, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from services.market import campaigns
from services.market.creatives import Creative
from services.money import wallets
from services.platform import errors
from services.platform.actors import Actor
from services.platform.draft_errors import BudgetTooLow

_CHANGE = text(
    "SELECT code, state FROM change_campaign("
    ":campaign_id, :actor_id, :name, :ad, :total_budget, :correlation_id)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("campaign_id", "actor_id", "total_budget")),
    bindparam("ad", type_=JSONB(none_as_null=True)),
    *(bindparam(name, type_=Text) for name in ("name", "correlation_id")),
)
_DELETE = text(
    "SELECT code, state FROM delete_draft(:campaign_id, :actor_id, :correlation_id)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("campaign_id", "actor_id")),
    bindparam("correlation_id", type_=Text),
)


async def change(
    session: AsyncSession,
    *,
    actor: Actor,
    campaign_id: int,
    name: str,
    creative: Creative,
    total_budget: int,
) -> None:
    """Give a draft another name, ad and budget (minor units). The same values change nothing.

    Locks the campaign. Raises AccessDenied, InvalidText, InvalidAmount, InvalidCreative, NotFound;
    InvalidMove if the campaign is no draft any more.
    """
    wallets.require_amount(total_budget)
    await _change(
        session,
        actor,
        campaign_id,
        name=campaigns.checked_name(name),
        ad=creative.validate().as_json(),
        total_budget=total_budget,
    )


async def raise_budget(
    session: AsyncSession, *, actor: Actor, campaign_id: int, total_budget: int
) -> None:
    """Raise the budget of a campaign to an amount in minor units. The present one changes nothing.

    Locks the campaign. Raises AccessDenied, InvalidAmount, NotFound; InvalidMove if the campaign
    has ended; BudgetTooLow if the amount is lower than the present budget.
    """
    wallets.require_amount(total_budget)
    await _change(session, actor, campaign_id, name=None, ad=None, total_budget=total_budget)


async def _change(session: AsyncSession, actor: Actor, campaign_id: int, **values: object) -> None:
    user_id = actor.require_user(action="campaign_change")
    found = await session.execute(
        _CHANGE,
        {
            "campaign_id": campaign_id,
            "actor_id": user_id,
            "correlation_id": correlation_id.get(),
            **values,
        },
    )
    _require_done(campaign_id, *found.one(), wanted="changed")


async def delete(session: AsyncSession, *, actor: Actor, campaign_id: int) -> None:
    """Delete a draft for good. Nothing changes if the draft is gone already.

    Locks the campaign. Raises AccessDenied; NotFound for a campaign of somebody else; InvalidMove
    if the campaign is no draft any more.
    """
    user_id = actor.require_user(action="draft_delete")
    found = await session.execute(
        _DELETE,
        {
            "campaign_id": campaign_id,
            "actor_id": user_id,
            "correlation_id": correlation_id.get(),
        },
    )
    _require_done(campaign_id, *found.one(), wanted="deleted")


def _require_done(campaign_id: int, code: str | None, state: str | None, *, wanted: str) -> None:
    if code == "not_found":
        raise errors.NotFound("campaign", campaign_id)
    if code == "too_low":
        raise BudgetTooLow(campaign_id, int(state or 0))
    if code == "invalid_move":
        raise errors.InvalidMove("campaign", campaign_id, state or "", wanted)
