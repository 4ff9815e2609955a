"""Create placements whose ads have tracked links."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.market import campaigns, tracked_links
from services.market.creatives import Creative
from tests.factories import people
from tests.factories.people import Deal

BASE = "https://go.example.com"
SHOP, MENU, BUTTON = (f"https://shop.example/{path}" for path in ("", "menu?a=1&b=2", "buy"))
AD = Creative(
    kind="text",
    text="Our shop, the menu, tg and shop.example",
    entities=[
        {"type": "text_link", "offset": 4, "length": 4, "url": SHOP},
        {"type": "bold", "offset": 0, "length": 3},
        {"type": "text_link", "offset": 14, "length": 4, "url": MENU},
        {"type": "text_link", "offset": 20, "length": 2, "url": "tg://resolve?domain=shop"},
    ],
    button_text="Buy",
    button_url=BUTTON,
)
"""An ad with three links that can be counted, and two that cannot."""


async def deal(
    session: AsyncSession,
    *,
    creative: Creative = AD,
    price: int = people.PRICE,
    promised_hours: int = 24,
    asks: bool = False,
) -> Deal:
    """Submit a placement of a campaign that counts clicks."""
    advertiser = await people.person(session, balance=4 * price)
    owner = await people.person(session)
    moderator = await people.staff(session)
    connect = people.asking_channel if asks else people.channel
    place = await connect(session, owner, price=price, promised_hours=promised_hours)
    bought = await campaigns.create(
        session, actor=advertiser, name="Bakery", creative=creative, total_budget=4 * price
    )
    await campaigns.activate(session, actor=advertiser, campaign_id=bought.id)
    await tracked_links.count(session, actor=advertiser, campaign_id=bought.id, base=BASE)
    target = await campaigns.submit_target(
        session,
        actor=advertiser,
        campaign_id=bought.id,
        channel_id=place.id,
        publish_at=None,
        fee_bps=people.FEE_BPS,
    )
    await people.commit(session)
    return Deal(advertiser, owner, moderator, bought, place, target)
