"""Test how admins decide about uncertain and unverifiable posts."""

from datetime import timedelta

import pytest

from db.models.posting import Verdict
from db.models.users import Role
from services.posts import posting, verification
from tests.factories import one_post
from tests.handlers.marketplace import AD, Marketplace
from tests.handlers.uncertain_post import MOVED_ON, ask, job, link, publish, target

THERE = "✅ It is there"
ABSENT = "📤 It is not there: send it"
SURE_ABSENT = "📤 Yes, send it again"
REFUND = "↩️ Refund the advertiser"
RELEASE = "💰 It stayed: pay the owner"
SURE_REFUND = "↩️ Yes, refund it"
SURE_RELEASE = "💰 Yes, pay the owner"
WAIT = "⏳ Wait another day"


async def test_the_card_shows_the_ad_and_three_decisions(with_uncertain_post: Marketplace) -> None:
    assert (await with_uncertain_post.buttons("group"))[1:] == [THERE, ABSENT, REFUND]
    shown = [m["text"] for m in await with_uncertain_post.messages("group")]
    assert shown[-2] == AD
    assert "TimeoutError" in shown[-1]


@pytest.mark.usefixtures("with_own_login")
async def test_confirming_a_post_needs_a_link_that_is_checked(
    with_uncertain_post: Marketplace,
) -> None:
    market = with_uncertain_post
    number = await target(market)
    message_id = await publish(market)
    assert "🔗 Open the channel" in await market.buttons("group")
    await market.press("admin", THERE, where="group")
    assert f"/there {number} LINK" in await market.last("group")
    assert await job(market) == ("uncertain", "held")
    await market.say("admin", f"/there {number} {link(market, message_id)}", where="group")
    assert "✅ It is published" in await market.last("group")
    assert await job(market) == ("success", "held")
    assert await market.value("SELECT message_id FROM post_jobs") == message_id
    audited = await market.rows(
        "SELECT role FROM user_audit_logs WHERE action = 'resolution_confirm_published'"
    )
    assert [row["role"] for row in audited] == ["admin"]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("{link}999", "There is nothing at that link."),
        ("https://t.me/c/1/{id}", "Usage: /there"),
        ("https://t.me/somebody/{id}", "Usage: /there"),
        ("{stranger}", "What is at that link is not this ad"),
        ("nonsense", "Usage: /there"),
        ("", "Usage: /there"),
    ],
)
async def test_a_link_that_proves_nothing_changes_nothing(
    with_uncertain_post: Marketplace, words: str, answer: str
) -> None:
    market = with_uncertain_post
    posted = await market.world.control(
        f"chats/{market.chat('channel')}/post", user_id=market.chat("owner"), text="News"
    )
    await market.settle()
    before = await market.everything()
    given = words.format(
        link=link(market, 1), id=posted["message_id"], stranger=link(market, posted["message_id"])
    )
    await market.say("admin", f"/there {await target(market)} {given}", where="group")
    assert answer in await market.last("group")
    assert await market.everything() == before


async def test_a_link_is_not_accepted_while_telegram_does_not_answer(
    with_uncertain_post: Marketplace,
) -> None:
    market = with_uncertain_post
    message_id = await publish(market)
    await market.world.control(
        "faults", method="stopMessageLiveLocation", kind="refuse_before", times=1
    )
    await market.say("admin", f"/there {await target(market)} {message_id}", where="group")
    assert "Telegram does not tell" in await market.last("group")
    assert await job(market) == ("uncertain", "held")


async def test_a_forward_without_an_answer_is_tried_again_later(
    with_uncertain_post: Marketplace,
) -> None:
    market = with_uncertain_post
    message_id = await publish(market)
    await market.world.control("faults", method="forwardMessage", kind="html_502", times=1)
    await market.say("admin", f"/there {await target(market)} {message_id}", where="group")
    assert "Telegram does not tell" in await market.last("group")
    assert await job(market) == ("uncertain", "held")


@pytest.mark.usefixtures("with_own_login")
async def test_two_admins_who_report_a_missing_post_queue_it_once(
    with_uncertain_post: Marketplace,
) -> None:
    market = with_uncertain_post
    await market.press("admin", ABSENT, where="group")
    assert "it is then published twice" in await market.last("group")
    await market.press("admin", "⬅️ No, go back", where="group")
    await market.press("admin", ABSENT, where="group")
    assert await job(market) == ("uncertain", "held")
    await market.press("admin", SURE_ABSENT, where="group")
    assert "It is queued" in await market.last("group")
    assert await job(market) == ("queued", "held")
    async with market.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(minutes=1))
        assert claim is not None
        assert await one_post.may_send(session, claim)
        assert await posting.record_uncertain(session, claim, error="TimeoutError")
    await ask(market, posting.UNCERTAIN_ESCALATION_DELAY)
    cards = [m for m in await market.messages("group") if (m["text"] or "").startswith("❔")]
    assert [bool(card["buttons"]) for card in cards] == [False, True]


@pytest.mark.parametrize("button", [ABSENT, REFUND])
async def test_the_card_of_an_earlier_claim_decides_nothing(
    with_uncertain_post: Marketplace, button: str
) -> None:
    market = with_uncertain_post
    old = (await market.messages("group"))[-1]["message_id"]
    await market.database.as_owner("UPDATE post_jobs SET claim_no = 2")
    before = await market.everything()
    assert await market.press("admin", button, where="group", message_id=old) == MOVED_ON
    assert await market.everything() == before


@pytest.mark.usefixtures("with_own_login")
async def test_a_refund_fails_the_post_and_the_next_tick_refunds_it(
    with_uncertain_post: Marketplace,
) -> None:
    market = with_uncertain_post
    await market.press("admin", REFUND, where="group")
    assert "$50.00 goes back to the advertiser" in await market.last("group")
    assert await job(market) == ("uncertain", "held")
    await market.press("admin", "⬅️ No, go back", where="group")
    await market.press("admin", REFUND, where="group")
    await market.press("admin", SURE_REFUND, where="group")
    assert await job(market) == ("failed", "held")
    assert "the money goes back to the advertiser" in await market.last("group")
    assert await market.buttons("group") == []
    await market.deliver()
    assert "decided that the advertiser gets the money back" in await market.last("owner")


@pytest.mark.parametrize("button", [THERE, ABSENT, REFUND])
async def test_a_member_without_a_role_decides_nothing(
    with_uncertain_post: Marketplace, button: str
) -> None:
    market = with_uncertain_post
    stranger = await market.world.control("users", first_name="Visitor")
    market.world.ids["visitor"] = stranger["id"]
    await market.world.control(
        f"chats/{market.chat('group')}/members", user_id=stranger["id"], status="member"
    )
    await market.give("visitor", 1)
    before = await market.everything()
    assert "You may not do this" in await market.press("visitor", button, where="group")
    assert await market.everything() == before
    assert (await market.refusals())[-1]["error"] == "AccessDenied"


async def test_nobody_decides_on_their_own_money(with_uncertain_post: Marketplace) -> None:
    market = with_uncertain_post
    await market.employ("owner", Role.SUPER_ADMIN)
    await market.world.control(
        f"chats/{market.chat('group')}/members", user_id=market.chat("owner"), status="member"
    )
    for button, question in ((SURE_ABSENT, ABSENT), (SURE_REFUND, REFUND)):
        await market.press("owner", question, where="group")
        assert "Nobody decides on their own money" in await market.press(
            "owner", button, where="group"
        )
        await market.press("owner", "⬅️ No, go back", where="group")
    assert await job(market) == ("uncertain", "held")


@pytest.fixture
async def with_unverifiable_post(market: Marketplace) -> Marketplace:
    """Return a running bot with an unverifiable post, whose two promised hours are over."""
    await market.give("advertiser", 10_000)
    await market.submitted(hours=2)
    await market.press("admin", "✅ Approve", where="group")
    async with market.database.sessions.begin() as session:
        claim = await one_post.claim(session, owner="worker", lease=timedelta(minutes=1))
        assert claim is not None
        assert await one_post.record_published(session, claim, message_id=await publish(market))
    await market.deliver()
    await market.database.forward(timedelta(hours=2) + verification.ESCALATION_DELAY)
    async with market.database.sessions.begin() as session:
        await verification.record_check(
            session, job_id=claim.job_id, verdict=Verdict.UNKNOWN, evidence="502"
        )
    await ask(market, timedelta())
    return market


async def test_an_unverifiable_post_can_be_postponed_and_then_paid(
    with_unverifiable_post: Marketplace,
) -> None:
    market = with_unverifiable_post
    assert (await market.buttons("group"))[1:] == [WAIT, RELEASE, REFUND]
    assert "asked again in a day" in await market.press("admin", WAIT, where="group")
    assert await job(market) == ("success", "held")
    checks = "SELECT verdict FROM post_checks ORDER BY id"
    await market.press("admin", RELEASE, where="group")
    assert "minus the fee goes to the owner" in await market.last("group")
    alert = await market.press("admin", SURE_RELEASE, where="group")
    target_id = await market.value("SELECT id FROM campaign_targets")
    assert f"/payowner {target_id} REASON" in alert
    assert [row["verdict"] for row in await market.rows(checks)] == ["unknown"]
    await market.hire_newcomer("second", Role.ADMIN)
    await market.press("second", RELEASE, where="group")
    alert = await market.press("second", SURE_RELEASE, where="group")
    assert f"say how you know that it stayed: /payowner {target_id} REASON" in alert
    await market.say("second", f"/payowner {target_id}", where="group")
    assert "Usage: /payowner" in await market.last("group")
    assert [row["verdict"] for row in await market.rows(checks)] == ["unknown"]
    await market.say("second", f"/payowner {target_id} I saw it at noon", where="group")
    kept = await market.rows(
        "SELECT metadata ->> 'reason' AS reason, metadata ->> 'probe' AS probe"
        " FROM user_audit_logs WHERE action = 'resolution_decide_release'"
    )
    assert [tuple(row.values()) for row in kept] == [("I saw it at noon", "candidate")]
    assert [row["verdict"] for row in await market.rows(checks)] == ["unknown", "present"]
    assert await job(market) == ("success", "held")  # the next tick pays the owner


async def test_an_unverifiable_post_can_be_refunded(with_unverifiable_post: Marketplace) -> None:
    await with_unverifiable_post.press("admin", REFUND, where="group")
    await with_unverifiable_post.press("admin", SURE_REFUND, where="group")
    assert await job(with_unverifiable_post) == ("failed", "held")


@pytest.mark.parametrize("button", [WAIT, RELEASE, REFUND])
async def test_an_old_card_decides_nothing_after_the_post_was_found_again(
    with_unverifiable_post: Marketplace, button: str
) -> None:
    market = with_unverifiable_post
    async with market.database.sessions.begin() as session:
        await verification.record_check(
            session,
            job_id=await market.value("SELECT id FROM post_jobs"),
            verdict=Verdict.PRESENT,
            evidence="400: message is not modified",
        )
    before = await market.everything()
    assert await market.press("admin", button, where="group") == MOVED_ON
    assert await market.everything() == before
    assert "Nothing is left to decide" in await market.last("group")
