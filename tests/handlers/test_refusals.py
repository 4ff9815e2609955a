"""Test five refused operations (N1 to N5 of the production checklist)."""
# ruff: noqa: RUF001 - buttons are pressed by the very text that people see
# ruff: noqa: N802 - N1 to N5 are the names of the specification

from typing import Any

from bot.callbacks import CampaignAct, ChannelAct, OnCampaign, OnChannel
from db.models.operations import Switch
from db.models.users import Role
from tests.handlers.marketplace import Marketplace


async def only_audited(market: Marketplace, before: Any, error: str) -> None:
    """Assert that a refusal added one audit row and changed nothing else."""
    assert await market.everything() == before
    assert [row["error"] for row in await market.refusals()] == [error]


async def test_N1_submit_to_a_campaign_that_is_not_active(market: Marketplace) -> None:
    await market.connect_channel()
    await market.make_campaign()
    await market.press("advertiser", "🛒 Buy a placement")
    await market.press("advertiser", "Daily")
    await market.press("advertiser", "🛒 Buy here")
    await market.press("advertiser", "⚡ As soon as approved")
    campaign_id = await market.value("SELECT id FROM campaigns")
    pause = OnCampaign(act=CampaignAct.PAUSE, id=campaign_id).pack()
    await market.press_forged("advertiser", pause)
    before = await market.everything()
    alert = await market.press("advertiser", "✅ Submit")
    assert "not active. Its state: paused" in alert
    await only_audited(market, before, "CampaignNotActive")


async def test_N2_activate_somebody_elses_campaign(market: Marketplace) -> None:
    await market.make_campaign(active=False)
    campaign_id = await market.value("SELECT id FROM campaigns")
    await market.say("owner", "/start")
    before = await market.everything()
    activate = OnCampaign(act=CampaignAct.ACTIVATE, id=campaign_id).pack()
    assert "Not campaign owner" in await market.press_forged("owner", activate)
    await only_audited(market, before, "NotCampaignOwner")


async def test_N3_an_advertiser_tries_to_moderate(market: Marketplace) -> None:
    await market.submitted()
    before = await market.everything()
    alert = await market.press_forged("advertiser", "mod:approve:1:")
    assert "staff role" in alert
    await only_audited(market, before, "AccessDenied")


async def test_N3_a_member_of_the_admin_chat_without_a_role_tries_to_moderate(
    market: Marketplace,
) -> None:
    await market.submitted()
    await market.world.control(
        f"chats/{market.chat('group')}/members", user_id=market.chat("owner"), status="member"
    )
    await market.settle()
    before = await market.everything()
    for button in ("✅ Approve", "❌ Reject"):
        assert "staff role" in await market.press("owner", button, where="group")
    await market.say("owner", "/killswitch stop payouts fun", where="group")
    assert "staff role" in await market.last("group")
    assert await market.everything() == before
    refused = [row["refused"] for row in await market.refusals()]
    assert refused == ["moderation_approve", "moderation_reject", "kill_switch"]


async def test_N3_an_admin_tries_to_moderate_from_a_private_chat(market: Marketplace) -> None:
    await market.submitted()
    await market.say("admin", "/start")
    before = await market.everything()
    assert "admin chat" in await market.press_forged("admin", "mod:approve:1:")
    await only_audited(market, before, "AccessDenied")


async def test_N4_approve_without_enough_money(market: Marketplace) -> None:
    await market.submitted()
    before = await market.everything()
    alert = await market.press("admin", "✅ Approve", where="group")
    assert "$50.00 is needed, $0.00 is there" in alert
    await only_audited(market, before, "InsufficientFunds")
    await market.deliver()
    assert "$50.00 is missing" in await market.last("advertiser")


async def test_N5_approve_while_new_escrows_are_stopped(market: Marketplace) -> None:
    await market.give("advertiser", 10_000)
    await market.submitted()
    await market.set_switch(Switch.NEW_ESCROWS, enabled=False)
    before = await market.everything()
    alert = await market.press("admin", "✅ Approve", where="group")
    assert "approvals and holds of money" in alert
    await only_audited(market, before, "SwitchStopped")


async def test_nobody_approves_their_own_money(market: Marketplace) -> None:
    await market.give("advertiser", 10_000)
    await market.submitted()
    await market.employ("advertiser", Role.SUPER_ADMIN)
    await market.world.control(
        f"chats/{market.chat('group')}/members", user_id=market.chat("advertiser"), status="member"
    )
    before = await market.everything()
    assert "own money" in await market.press("advertiser", "✅ Approve", where="group")
    await only_audited(market, before, "OwnMoney")


async def test_the_channel_of_somebody_else_cannot_be_changed(market: Marketplace) -> None:
    await market.connect_channel()
    channel_id = await market.value("SELECT id FROM channels")
    await market.say("advertiser", "/start")
    before = await market.everything()
    remove = OnChannel(act=ChannelAct.REMOVE_CONFIRMED, id=channel_id).pack()
    assert "somebody else's" in await market.press_forged("advertiser", remove)
    await only_audited(market, before, "NotChannelOwner")


async def test_a_placement_in_a_channel_without_rights_is_not_approved(market: Marketplace) -> None:
    await market.give("advertiser", 10_000)
    await market.submitted()
    await market.world.control(
        f"chats/{market.chat('channel')}/members", user_id="bot", status="left"
    )
    await market.settle()
    assert await market.value("SELECT status FROM channels") == "suspended"
    alert = await market.press("admin", "✅ Approve", where="group")
    assert "can't post in this channel" in alert
    assert await market.value("SELECT count(*) FROM escrows") == 0
    await market.world.promote(can_post_messages=True)
    await market.settle()
    assert await market.value("SELECT status FROM channels") == "active"


async def test_invoices_are_refused_while_deposits_are_stopped(
    market: Marketplace,
) -> None:
    await market.say("advertiser", "/start")
    await market.press("advertiser", "💰 Wallet")
    await market.press("advertiser", "➕ Top up")
    await market.say("advertiser", "100")
    await market.set_switch(Switch.DEPOSITS, enabled=False)
    before = await market.everything()
    paid = await market.pay("advertiser")
    assert not paid["ok"]
    assert "Stopped by the operators" in paid["error_message"]
    await only_audited(market, before, "SwitchStopped")
