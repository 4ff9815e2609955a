"""Test how requests of the staff are confirmed in the admin chat."""

import pytest

from bot.screens.paging import PAGE_SIZE
from db.models.users import RequestKind, Role
from services.market import staff_requests
from services.platform.actors import Actor
from tests.factories import people
from tests.handlers.marketplace import Marketplace
from tests.handlers.test_corrections import hire
from tests.shell import shell_of

MINE, NOT_MINE = "✅ That was me", "✖️ That was not me"
CONFIRM, REFUSE, BACK = "✅ Confirm", "✖️ Refuse", "⬅️ Back"
SURE, SURE_REFUSE = "✅ Yes, confirm it", "✖️ Yes, refuse it"


@pytest.fixture
async def two_heads(market: Marketplace) -> Marketplace:
    """Return a running bot with two super admins: "admin" and "owner"."""
    await market.employ("admin", Role.SUPER_ADMIN)
    await hire(market, "owner", Role.SUPER_ADMIN)
    return market


async def roles_of(market: Marketplace, who: str) -> list[str]:
    """Return the stored roles of a person."""
    found = await market.value(
        "SELECT array_agg(role ORDER BY role) FROM user_roles JOIN users ON users.id = user_id"
        " WHERE telegram_id = :id",
        id=market.chat(who),
    )
    return list(found or [])


async def test_two_super_admins_grant_and_revoke_a_role(two_heads: Marketplace) -> None:
    market = two_heads
    await market.say("advertiser", "/start")
    whom = market.chat("advertiser")
    for command, expected in (("grant", ["operator"]), ("revoke", [])):
        await market.say("admin", f"/{command} {whom} operator the night shift", where="group")
        assert "Waits for a second person" in await market.last("group")
        assert "the night shift" in await market.last("group")
        await market.press("owner", CONFIRM, where="group")
        assert "Then this happens at once" in await market.last("group")
        assert await roles_of(market, "advertiser") != expected
        await market.press("owner", "⬅️ No, go back", where="group")
        await market.press("admin", CONFIRM, where="group")
        assert "Another person" in await market.press("admin", SURE, where="group")
        await market.press("owner", SURE, where="group")
        assert f"Done by {market.chat('owner')}" in await market.last("group")
        assert await market.buttons("group") == [BACK]
        assert await roles_of(market, "advertiser") == expected
    await market.say("owner", "/staff", where="group")
    assert f"{market.chat('owner')}: super admin" in await market.last("group")


async def test_a_list_of_the_staff_has_pages(two_heads: Marketplace) -> None:
    market = two_heads
    async with market.database.sessions.begin() as session:
        for _ in range(3 * PAGE_SIZE):
            await people.staff(session, Role.OPERATOR)
    await market.say("owner", "/staff", where="group")
    seen = [await market.last("group")]
    while "Next ▶️" in await market.buttons("group"):
        await market.press("owner", "Next ▶️", where="group")
        seen.append(await market.last("group"))
    listed = [line for page in seen for line in page.splitlines() if line.startswith("• ")]
    assert len(listed) == len(set(listed)) == 3 * PAGE_SIZE + 2
    assert all("/grant PERSON ROLE REASON" in page for page in seen)
    await market.press("owner", "◀️ Previous", where="group")
    assert await market.last("group") == seen[-2]


@pytest.mark.parametrize("text", ["", "5", "5 king x", "5 operator", "x operator y"])
async def test_a_wrong_command_shows_how_to_write_it(two_heads: Marketplace, text: str) -> None:
    market = two_heads
    await market.say("admin", f"/grant {text}", where="group")
    assert "/grant PERSON ROLE REASON" in await market.last("group")


async def test_a_role_for_a_stranger_is_refused(two_heads: Marketplace) -> None:
    market = two_heads
    await market.say("admin", "/grant 5 operator x", where="group")
    assert "PERSON" not in await market.last("group")
    assert await market.value("SELECT count(*) FROM staff_requests") == 0


async def _from_shell(market: Marketplace) -> None:
    """Request to block the advertiser from a shell, and deliver the card."""
    await market.say("advertiser", "/start")
    admin = await market.actor("admin")
    actor = Actor(admin.user_id, frozenset({Role.SUPER_ADMIN}), in_admin_chat=True)
    async with market.database.sessions.begin() as session:
        await staff_requests.create(
            session,
            actor=actor,
            kind=RequestKind.BLOCK,
            arguments={},
            reason="spam",
            subject_telegram_id=market.chat("advertiser"),
            from_shell=True,
        )
    await market.deliver()


async def _blocked(market: Marketplace) -> bool:
    return bool(
        await market.value(
            "SELECT blocked FROM users WHERE telegram_id = :id", id=market.chat("advertiser")
        )
    )


async def test_only_the_person_says_that_the_shell_was_them(two_heads: Marketplace) -> None:
    market = two_heads
    await _from_shell(market)
    card = await market.last("group")
    assert f"block {market.chat('advertiser')}" in card
    assert "typed in a shell" in card
    alert = await market.press("owner", MINE, where="group")
    assert "Only the person in whose name this was typed" in alert
    assert not await _blocked(market)
    await market.press("admin", MINE, where="group")
    assert await _blocked(market)
    assert "Done by" in await market.last("group")


async def test_the_block_of_a_colleague_is_an_alarm(two_heads: Marketplace) -> None:
    market = two_heads
    await market.say("advertiser", "/start")
    await market.employ("advertiser", Role.ADMIN)
    await _from_shell(market)
    whom = market.chat("advertiser")
    assert f"block {whom}, who has a staff role" in await market.last("group")
    await market.press("admin", MINE, where="group")
    assert not await _blocked(market)
    await market.deliver()
    await market.press("owner", CONFIRM, where="group")
    await market.press("owner", SURE, where="group")
    assert await _blocked(market)
    await market.deliver()
    texts = [str(message["text"]) for message in await market.messages("group")]
    assert any(f"🚨 {whom}, who has a staff role, is blocked." in text for text in texts)


async def test_a_decision_leaves_one_card(two_heads: Marketplace) -> None:
    """Check that the pressed card becomes one line, because the database sends the new card."""
    market = two_heads
    await market.say("advertiser", "/start")
    whom = market.chat("advertiser")
    await market.say("admin", f"/grant {whom} operator the night shift", where="group")
    await market.press("owner", CONFIRM, where="group")
    await market.press("owner", SURE, where="group")
    pressed = await market.last("group")
    assert f"Done by {market.chat('owner')}" in pressed
    assert "the night shift" not in pressed
    await market.deliver()
    shown = [message["text"] for message in await market.messages("group")]
    [card] = [text for text in shown if text and "the night shift" in text and "/grant" not in text]
    assert f"Done by {market.chat('owner')}" in card


async def test_a_request_that_was_not_theirs_does_nothing(two_heads: Marketplace) -> None:
    market = two_heads
    await _from_shell(market)
    await market.say("owner", "/requests", where="group")
    assert "waits for its requester" in str(await market.buttons("group"))
    [row] = await market.buttons("group")
    await market.press("owner", row, where="group")
    await market.press("admin", NOT_MINE, where="group")
    assert "Refused by" in await market.last("group")
    assert not await _blocked(market)
    await market.press("owner", BACK, where="group")
    assert "No request waits" in await market.last("group")


async def test_a_refusal_is_asked_once_and_an_old_card_decides_nothing(
    two_heads: Marketplace,
) -> None:
    market = two_heads
    await market.say("advertiser", "/start")
    whom = market.chat("advertiser")
    await market.say("admin", f"/grant {whom} operator the night shift", where="group")
    old = (await market.messages("group"))[-1]["message_id"]
    await market.say("owner", "/requests", where="group")
    [row] = await market.buttons("group")
    await market.press("owner", row, where="group")
    await market.press("owner", REFUSE, where="group")
    assert "Then it ends" in await market.last("group")
    assert await market.value("SELECT status FROM staff_requests") == "proposed"
    await market.press("owner", SURE_REFUSE, where="group")
    assert "Refused by" in await market.last("group")
    alert = await market.press("owner", CONFIRM, where="group", message_id=old)
    assert alert == "This has been decided already. Nothing was changed."
    assert await roles_of(market, "advertiser") == []


async def test_a_proposal_from_a_shell_shows_its_facts_in_words(two_heads: Marketplace) -> None:
    market = two_heads
    admin = await market.actor("admin")
    async with market.database.sessions.begin() as session:
        await staff_requests.create(
            session,
            actor=Actor(admin.user_id, frozenset({Role.SUPER_ADMIN}), in_admin_chat=True),
            kind=RequestKind.CORRECTION,
            arguments={"correction": "adjustment", "from_wallet": 1, "to_wallet": 2, "amount": 512},
            reason="twice",
            from_shell=True,
        )
    await market.deliver()
    facts = "an adjustment (from wallet 1, to wallet 2, amount $5.12)"
    assert facts in await market.last("group")


async def test_what_does_not_exist_is_named(two_heads: Marketplace) -> None:
    market = two_heads
    for command, said in (
        ("/paid 99 wire", "no withdrawal #99"),
        ("/there 99 1", "no placement #99"),
        ("/refuse 99 why", "no correction #99"),
        ("/grant 5 operator x", "does not know the person 5"),
    ):
        await market.say("admin", command, where="group")
        assert said in await market.last("group"), command


async def test_a_tester_is_marked_and_cleaned_up_from_a_shell(with_own_login: Marketplace) -> None:
    market = with_own_login
    await market.submitted()
    await market.make_campaign(active=False)
    await market.give("advertiser", 5_000)
    shell, admin = shell_of(market.database), market.chat("admin")
    tester = market.chat("advertiser")
    balance = await market.balance("advertiser")
    for command, done in (("mark", "as a tester"), ("clean-up", "clean up after the tester")):
        ran = await shell.adtech("testers", command, tester, "the smoke test", "--as", admin)
        assert (ran.status, "That was me" in ran.said) == (0, True), ran.said
        await market.deliver()
        assert done in await market.last("group")
        await market.press("admin", MINE, where="group")
        if command == "mark":
            assert f"Done by {admin}" in await market.last("group")
    assert "Waits for a second person" in await market.last("group")
    assert await market.value("SELECT count(*) FROM withdrawals") == 0
    await hire(market, "owner", Role.ADMIN)
    await market.deliver()
    await market.press("owner", CONFIRM, where="group")
    await market.press("owner", SURE, where="group")
    assert f"Done by {market.chat('owner')}" in await market.last("group")
    ran = await shell.adtech("testers", "list", "--csv")
    assert ran.out.splitlines() == ["person,campaigns", f"{tester},1"]
    statuses = await market.rows("SELECT status FROM campaigns")
    assert [row["status"] for row in statuses] == ["cancelled"]
    assert await market.value("SELECT sum(amount) FROM withdrawals") == balance
    assert await market.balance("advertiser") == 0
