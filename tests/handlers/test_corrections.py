"""Test how a second admin decides about a proposed repair of the ledger."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind, Role
from services.market import staff_requests
from services.money import corrections, wallets
from services.platform.actors import Actor
from tests.factories import breakage, people, presses
from tests.handlers.marketplace import Marketplace

OPEN = "🔎 Open the correction"
CONFIRM = "✅ Confirm"
REFUSE = "✖️ Refuse"
ENTRIES = "I checked the entries"
ANOTHER = "Another admin"


@pytest.fixture
async def signed_by_two(market: Marketplace) -> Marketplace:
    """Return a running bot with two admins, an advertiser with $100, and another person."""
    created = await market.world.control("users", first_name="Taker")
    market.world.ids["taker"] = created["id"]
    for person in ("advertiser", "taker"):
        await market.say(person, "/start")
    await market.give("advertiser", 10_000)
    await hire(market, "owner", Role.ADMIN)
    return market


async def hire(market: Marketplace, who: str, role: Role) -> None:
    """Give a person a role, and add the person to the admin chat."""
    await market.employ(who, role)
    await market.world.control(
        f"chats/{market.chat('group')}/members", user_id=market.chat(who), status="member"
    )


async def proposer(market: Marketplace) -> Actor:
    """Return "admin" as an actor in the admin chat."""
    actor = await market.actor("admin")
    return Actor(actor.user_id, frozenset({Role.ADMIN}), in_admin_chat=True)


async def wallet(session: AsyncSession, who: Actor) -> int:
    """Return the id of a person's wallet."""
    return (await wallets.of_user(session, who.user_id or 0)).id


async def adjustment(market: Marketplace) -> int:
    """Let "admin" propose to move $40 between two wallets, and return the correction's id."""
    actor, giver = await proposer(market), await market.actor("advertiser")
    taker = await market.actor("taker")
    async with market.database.sessions.begin() as session:
        proposed = await presses.propose(
            corrections.propose_adjustment,
            session,
            actor=actor,
            from_wallet=await wallet(session, giver),
            to_wallet=await wallet(session, taker),
            amount=4_000,
            reason="paid for the wrong placement",
        )
    await market.deliver()
    return proposed.id


async def state(market: Marketplace) -> tuple[str, int]:
    """Return the correction's status, and the advertiser's balance in minor units."""
    status = await market.value("SELECT status FROM corrections")
    return status, await market.value(
        "SELECT balance FROM wallets JOIN users ON users.id = user_id"
        " WHERE telegram_id = :id AND kind = 'user'",
        id=market.chat("advertiser"),
    )


async def test_the_second_admin_confirms_with_a_reason(
    signed_by_two: Marketplace,
) -> None:
    market = signed_by_two
    await adjustment(market)
    assert "is proposed: an adjustment" in await market.last("group")
    await market.press("owner", OPEN, where="group")
    card = await market.last("group")
    assert "$40.00 goes from wallet" in card
    assert f"Proposed by {market.chat('admin')} (admin)" in card
    assert "Reason: paid for the wrong placement" in card
    assert f"of {market.chat('advertiser')}): balance $100.00, its entries sum to $100.00" in card
    assert card.count("Everything agrees.") == 2
    for who in ("admin", "owner"):
        assert await state(market) == ("proposed", 10_000)
        await market.press(who, CONFIRM, where="group")
        alert = await market.press(who, ENTRIES, where="group")
        assert (ANOTHER in alert) == (who == "admin")
        if who == "admin":
            await market.press(who, "⬅️ Back", where="group")
    assert await state(market) == ("done", 6_000)
    done = await market.last("group")
    assert f"Confirmed by {market.chat('owner')}: {ENTRIES}" in done
    assert "/ledger" in done
    assert await market.buttons("group") == ["⬅️ Back"]
    await market.press("owner", "⬅️ Back", where="group")
    assert "No correction waits" in await market.last("group")
    await market.deliver()
    assert "$40.00 was taken from your wallet" in await market.last("advertiser")
    await market.press("advertiser", "💰 Wallet")
    assert "Available: $60.00" in await market.last("advertiser")
    assert "$40.00 was added to your wallet" in await market.last("taker")
    assert [row["error"] for row in await market.refusals()] == ["SamePerson"]


async def test_two_confirmations_move_the_money_once(signed_by_two: Marketplace) -> None:
    market = signed_by_two
    await hire(market, "advertiser", Role.SUPER_ADMIN)
    number = await adjustment(market)
    await market.press("owner", OPEN, where="group")
    assert "Nobody decides on their own money" in await say(market, "advertiser", number)
    await market.press("owner", CONFIRM, where="group")
    [opened] = [
        m["message_id"] for m in await market.messages("group") if ENTRIES in str(m["buttons"])
    ]
    for _ in range(2):
        await market.world.control(
            f"users/{market.chat('owner')}/press",
            chat_id=market.chat("group"),
            message_id=opened,
            button=ENTRIES,
            wait=False,
        )
    await market.settle()
    assert await state(market) == ("done", 6_000)
    assert await market.value("SELECT count(*) FROM ledger_transfers") == 2
    assert "The present state: done" in await say(market, "owner", number, "/refuse")


async def say(market: Marketplace, who: str, number: int, command: str = "/confirm") -> str:
    """Let a person decide about a correction, and return the bot's answer."""
    await market.say(who, f"{command} {number} the statement says so", where="group")
    return await market.last("group")


async def test_a_drift_is_confirmed_by_a_command_and_repaired_by_the_owner_role(
    signed_by_two: Marketplace,
) -> None:
    market = signed_by_two
    actor, giver = await proposer(market), await market.actor("advertiser")
    async with market.database.sessions.begin() as session:
        drifted = await wallet(session, giver)
    await breakage.run_unguarded(
        market.database,
        f"UPDATE wallets SET balance = balance + 700 WHERE id = {drifted}",
    )
    async with market.database.sessions.begin() as session:
        proposed = await presses.propose(
            corrections.propose_balance_reset,
            session,
            actor=actor,
            wallet_id=drifted,
            reason="a row was written by hand",
        )
    await market.say("owner", "/corrections", where="group")
    assert await market.buttons("group") == [
        f"#{proposed.id} · the reset of a balance · waits for a second admin"
    ]
    await market.press("owner", f"#{proposed.id}", where="group")
    card = await market.last("group")
    assert "$107.00 now, $100.00 afterwards" in card
    assert "• the balance differs from that of the last entry" in card
    for wrong in ("/confirm", f"/confirm {proposed.id}", "/confirm x because"):
        await market.say("owner", wrong, where="group")
        assert "Usage" in await market.last("group"), wrong
    confirmed = await say(market, "owner", proposed.id)
    assert "Confirmed by" in confirmed
    assert f"adtech repair {proposed.id}" in confirmed
    await market.press("owner", "⬅️ Back", where="group")
    assert await market.buttons("group") == [
        f"#{proposed.id} · the reset of a balance · waits for adtech repair"
    ]
    async with market.database.sessions.begin() as session:
        request = await staff_requests.create(
            session,
            actor=actor,
            kind=RequestKind.REPAIR,
            arguments={"correction": proposed.id},
            reason="typed in a shell",
            from_shell=True,
        )
    await market.say("admin", "/requests", where="group")
    listed = f"#{request.id} · apply a correction · waits for its requester"
    await market.press("admin", listed, where="group")
    assert f"sign correction #{proposed.id}" in await market.last("group")
    await market.press("admin", "✅ That was me", where="group")
    await breakage.execute_correction(market.database, proposed)
    await market.press("owner", f"#{proposed.id}", where="group")
    card = next(
        message["text"]
        for message in await market.messages("group")
        if "Everything agrees" in (message["text"] or "")
    )
    assert f"Applied by {market.chat('admin')}" in card
    assert await state(market) == ("done", 10_000)


async def test_a_refusal_has_its_reason_and_an_old_button_says_that_it_is_old(
    signed_by_two: Marketplace,
) -> None:
    market = signed_by_two
    await adjustment(market)
    await market.press("owner", OPEN, where="group")
    old = (await market.messages("group"))[-1]["message_id"]
    await market.say("owner", "/corrections", where="group")
    await market.press("owner", "an adjustment", where="group")
    await market.press("owner", REFUSE, where="group")
    await market.press("owner", "The cause is not known yet", where="group")
    assert "Refused. Nothing was changed" in await market.last("group")
    await market.deliver()
    notice = "was refused: an adjustment.\nReason: The cause is not"
    assert any(notice in str(m["text"]) for m in await market.messages("group"))
    alert = await market.press("owner", CONFIRM, where="group", message_id=old)
    assert "decided already" in alert
    shown = {m["message_id"]: m["text"] for m in await market.messages("group")}
    assert "Refused" in shown[old]
    assert await state(market) == ("dropped", 10_000)


async def test_half_a_payout_is_completed_by_the_confirmation(signed_by_two: Marketplace) -> None:
    market = signed_by_two
    actor = await proposer(market)
    async with market.database.sessions.begin() as session:
        deal = await people.posted(session)
        owner = await wallet(session, deal.owner)
    await breakage.run_unguarded(
        market.database, "UPDATE escrows SET status = 'released', settled_at = now()"
    )
    async with market.database.sessions.begin() as session:
        await presses.propose(
            corrections.propose_missing_payout,
            session,
            actor=actor,
            target_id=deal.target.id,
            reason="the release was cut",
        )
    await market.say("owner", "/corrections", where="group")
    await market.press("owner", "a missing payout", where="group")
    card = await market.last("group")
    assert f"Placement #{deal.target.id} ($50.00; escrow released, post success)" in card
    assert "$45.00 goes to the owner, $5.00 to the platform" in card
    await market.press("owner", CONFIRM, where="group")
    await market.press("owner", "I looked at the post in its channel", where="group")
    assert "Done" in await market.last("group")
    paid = await market.value("SELECT balance FROM wallets WHERE id = :id", id=owner)
    assert paid == 4_500
    told = "SELECT user_id, payload ->> 'amount' AS n FROM outbox WHERE kind = 'wallet_corrected'"
    assert await market.rows(told) == [{"user_id": deal.owner.user_id, "n": "4500"}]


async def test_only_admins_see_and_decide_corrections(signed_by_two: Marketplace) -> None:
    market = signed_by_two
    await market.say("owner", "/corrections", where="group")
    assert "No correction waits" in await market.last("group")
    number = await adjustment(market)
    await hire(market, "advertiser", Role.OPERATOR)
    await market.say("advertiser", "/corrections", where="group")
    await market.press("advertiser", "an adjustment", where="group")
    assert "$40.00" in await market.last("group")
    assert "staff role" in await market.press("advertiser", CONFIRM, where="group")
    for command in (f"/confirm {number} yes", f"/refuse {number} no", "/corrections"):
        await market.say("owner", command)
        assert "admin chat" in await market.last("owner"), command
    assert await state(market) == ("proposed", 10_000)
