"""Test that everybody reads what they can do, and that `/cancel` is answered everywhere."""

# ruff: noqa: RUF001 - buttons are pressed by the very text that people see
import pytest

from bot import commands
from db.models.users import Role
from tests.handlers.marketplace import Marketplace

pytestmark = pytest.mark.usefixtures("with_own_login")


async def _help(market: Marketplace, who: str) -> str:
    await market.say(who, "/help")
    return await market.last(who)


async def _join(market: Marketplace, who: str) -> None:
    await market.say(who, "/start")
    await market.world.control(
        f"chats/{market.chat('group')}/members", user_id=market.chat(who), status="member"
    )


async def test_the_help_is_about_what_a_person_is(market: Marketplace) -> None:
    shown = await _help(market, "advertiser")
    assert "You buy ads" in shown
    assert "You own a channel" in shown
    for name in commands.PEOPLE:
        assert f"\n/{name}: " in shown
    await market.connect_channel()
    await market.make_campaign()
    shown = await _help(market, "advertiser")
    assert "You buy ads" in shown
    assert "You can also sell ads" in shown
    shown = await _help(market, "owner")
    assert "You own a channel" in shown
    assert "You can also buy ads" in shown
    assert "staff" not in shown
    shown = await _help(market, "admin")
    assert "one of the staff" in shown
    assert "Admin: you check ads" in shown
    assert "Operator" not in shown
    owner_id, user_id = [(await market.actor(who)).user_id for who in ("owner", "advertiser")]
    await market.database.as_owner(
        "INSERT INTO channel_managers (channel_id, owner_id, user_id)"
        " SELECT id, $1, $2 FROM channels",
        owner_id,
        user_id,
    )
    assert "You manage a channel" in await _help(market, "advertiser")


@pytest.mark.parametrize("role", Role)
async def test_each_role_reads_the_commands_that_it_may_use(
    market: Marketplace, role: Role
) -> None:
    """Send each command of the admin chat, and compare the refusals with the list."""
    await market.hire_newcomer("clerk", role)
    await market.say("clerk", "/help", where="group")
    shown = await market.last("group")
    refused = set()
    for name in commands.STAFF:
        before = len(await market.refusals())
        words = "" if name == "killswitch" else " 1 1 word"  # its panel is for all of the staff
        await market.say("clerk", f"/{name}{words}", where="group")
        if len(await market.refusals()) > before:
            refused.add(name)
        assert (f"\n/{name}: " in shown) == (name not in refused), name
    assert refused == set(commands.STAFF) - set(commands.of({role}))


async def test_others_get_the_help_of_a_group_in_private(market: Marketplace) -> None:
    await _join(market, "advertiser")
    before = len(await market.messages("group"))
    await market.say("advertiser", "/help", where="group")
    assert "How it works" in await market.last("advertiser")
    await market.say("advertiser", "/cancel", where="group")
    assert "nothing can be begun with me" in await market.last("advertiser")
    assert len(await market.messages("group")) == before + 2


async def test_a_group_of_people_who_never_wrote_to_the_bot_stays_silent(
    market: Marketplace,
) -> None:
    newcomer = await market.world.control("users", first_name="Silent")
    market.world.ids["silent"] = newcomer["id"]
    await market.world.control(
        f"chats/{market.chat('group')}/members", user_id=newcomer["id"], status="member"
    )
    await market.say("silent", "/help", where="group")
    assert await market.rows("SELECT id FROM inbox WHERE failed_at IS NOT NULL") == []


async def test_cancel_says_whether_there_was_anything(market: Marketplace) -> None:
    await market.say("advertiser", "/cancel")
    assert "There is nothing to cancel" in (await market.messages("advertiser"))[-2]["text"]
    await market.press("advertiser", "📣 Campaigns")
    await market.press("advertiser", "➕ New campaign")
    await market.say("advertiser", "/cancel")
    assert (await market.messages("advertiser"))[-2]["text"] == "Cancelled."
    await market.press("advertiser", "📺 My channels")
    await market.press("advertiser", "➕ Connect a channel")
    await market.say("advertiser", "✖️ Cancel")
    assert (await market.messages("advertiser"))[-2]["text"] == "Cancelled."


async def test_cancel_in_the_admin_chat_gives_cards_back(market: Marketplace) -> None:
    await market.submitted()
    await market.press("admin", "👀", where="group")
    assert await market.value("SELECT until > clock() FROM card_readers")
    await market.say("admin", "/cancel", where="group")
    assert "colleagues can read these cards again: #" in await market.last("group")
    assert not await market.value("SELECT until > clock() FROM card_readers")
    await market.say("admin", "/cancel", where="group")
    assert "you read no card" in await market.last("group")
