"""Test which updates do not wait for older updates of their chat."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.operator_callbacks import OnSwitch
from db.models.users import Role
from services.platform import lanes
from tests.factories import people, rows


def _message(text: object, chat_id: int = -100, person: object = 7) -> dict[str, Any]:
    return {"message": {"text": text, "chat": {"id": chat_id}, "from": {"id": person}}}


def _press(data: object) -> dict[str, Any]:
    return {"callback_query": {"data": data, "from": {"id": 7}, "message": {"chat": {"id": -100}}}}


@pytest.mark.parametrize(
    ("payload", "lane"),
    [
        (_message("/killswitch stop payouts x"), lanes.SWITCH_LANES + 7),
        (_message("/killswitch@bot"), lanes.SWITCH_LANES + 7),
        (_message("/stop"), lanes.SWITCH_LANES + 7),
        (_message("/STOP@bot odd sums"), lanes.SWITCH_LANES + 7),
        (_message("/stop\nodd sums"), lanes.SWITCH_LANES + 7),
        (_message("/stopped"), None),
        (_message("please /stop"), None),
        (_message("/stop", chat_id=7), None),
        (_press(f"{OnSwitch.__prefix__}:stop:payouts"), lanes.SWITCH_LANES + 7),
        (_press("mod:approve:1"), None),
        (_message("/killswitch", chat_id=7), None),
        (_message("/queue"), None),
        (_message(["/killswitch"]), None),
        (_message("/killswitch", person=2**70), None),
        (_message("/killswitch", person="7"), None),
        ({"pre_checkout_query": {"from": {"id": 7}}}, lanes.PRE_CHECKOUT_LANES + 7),
        ({"pre_checkout_query": {"from": "text"}}, None),
    ],
)
def test_switches_in_groups_and_pre_checkout_queries_have_lanes(
    payload: dict[str, Any], lane: int | None
) -> None:
    assert lanes.own_lane(payload) == lane


async def test_people_with_a_role_have_the_lanes_of_the_staff(session: AsyncSession) -> None:
    operator, stranger = await people.staff(session, Role.OPERATOR), await people.person(session)
    ids = "SELECT telegram_id FROM users WHERE id = :id"
    operator_id = await rows.one(session, ids, id=operator.user_id)
    stranger_id = await rows.one(session, ids, id=stranger.user_id)
    found = await lanes.staff_lanes(session, -100)
    assert {-100, operator_id, lanes.SWITCH_LANES + operator_id} <= found
    assert stranger_id not in found
