"""Run the fourteen steps of the demo."""

# ruff: noqa: RUF001 - the bot's buttons have these plus signs

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox.demo import books, owner_steps
from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Json, after, words
from sandbox.demo.scenario import (
    AD,
    BUDGET,
    CAMPAIGN,
    FEE,
    FORMATTING,
    HOURS,
    LINK,
    PRICE,
    TOP_UP,
    Scenario,
    StepResult,
    channel_posts,
    expect,
    expect_ad_shown,
    expect_audit_row,
    expected_ad,
    extract_ad,
    open_wallet,
)


@dataclass(frozen=True)
class Step:
    """The title and the function of one step of the demo."""

    title: str
    act: Callable[[Scenario], Awaitable[StepResult]]


async def advertiser_starts(scenario: Scenario) -> StepResult:
    """Check that the advertiser's wallet is empty."""
    shown = await open_wallet(scenario, "Available: $0.00")
    row = await scenario.books.row(
        """
        SELECT u.id, w.balance,
            (SELECT COUNT(*) FROM ledger_entries e WHERE e.wallet_id = w.id) AS moves
        FROM users u JOIN wallets w ON w.user_id = u.id AND w.kind = 'user'
        WHERE u.telegram_id = $1
        """,
        scenario.participants.advertiser.id,
    )
    expect((row["balance"], row["moves"]), (0, 0), "an empty wallet")
    return StepResult(
        "Available: " + after(shown, "Available: "),
        f"balance {row['balance']}, {row['moves']} ledger entries",
    )


async def advertiser_tops_up(scenario: Scenario) -> StepResult:
    """Pay an invoice as the advertiser, and check the deposit."""
    person = scenario.participants.advertiser
    shown = await open_wallet(scenario, "Available: $0.00")
    await person.press("➕ Top up", on=shown, then="How much would you like to top up?")
    since = await person.chat.version()
    await scenario.control.post(f"/users/{person.id}/send", chat_id=person.id, text="250")

    def new_invoice(messages: list[Json]) -> Json | None:
        invoices = (row for row in messages if row["version"] > since and "invoice" in row)
        return next(invoices, None)

    invoice = await person.chat.until(new_invoice, "an invoice of $250.00")
    expect(invoice["invoice"]["total_amount"], TOP_UP, "an invoice of $250.00")
    paid = await scenario.control.post(f"/users/{person.id}/pay", message_id=invoice["message_id"])
    if not paid["ok"]:
        raise Unexpected("the payment passes the pre-checkout", str(paid["error_message"]))
    row = await scenario.books.until(
        """
        SELECT d.id, d.status, d.amount, w.balance
        FROM deposits d JOIN wallets w ON w.user_id = d.user_id AND w.kind = 'user'
        WHERE d.external_reference = $1
        """,
        paid["telegram_payment_charge_id"],
        so=lambda row: bool(row["status"] == "credited"),
        expected="the deposit is credited",
    )
    expect((row["amount"], row["balance"]), (TOP_UP, TOP_UP), "deposit and balance of 25000")
    shown = await open_wallet(scenario, "Available: $250.00")
    return StepResult(
        f"paid; Available: {after(shown, 'Available: ')}",
        f"deposit {row['id']} credited, balance {row['balance']}",
    )


async def campaign_created(scenario: Scenario) -> StepResult:
    """Create a campaign, and check the preview of the ad."""
    person = scenario.participants.advertiser
    menu = await person.say("/start", then="What would you like to do?")
    campaigns = await person.press("📣 Campaigns", on=menu, then="➕ New campaign")
    await person.press("➕ New campaign", on=campaigns, then="What is it called?")
    await person.say(CAMPAIGN, then="Now send the ad itself")
    await person.say(AD, entities=FORMATTING, then="Should there be a link button")
    await person.say(LINK[0], then="Where does the button lead?")
    await person.say(LINK[1], then="What is the budget of the campaign?")
    question = await person.say("100", then="exactly as it will be published")
    shown = (await person.chat.read())["messages"]
    above = [message for message in shown if message["message_id"] < question["message_id"]]
    scenario.preview = extract_ad(above[-1]) if above else {}
    expect(scenario.preview, expected_ad(), "a preview of the ad as it was written")
    scenario.card = await person.press("💾 Save", on=question, then="🚀 Activate")
    row = await scenario.books.row(
        """
        SELECT c.id, c.status, c.total_budget
        FROM campaigns c JOIN users u ON u.id = c.advertiser_id WHERE u.telegram_id = $1
        """,
        person.id,
    )
    expect((row["status"], row["total_budget"]), ("draft", BUDGET), "a draft with its budget")
    scenario.campaign_id = row["id"]
    return StepResult(
        "previewed; Status: " + after(scenario.card, "Status: ").partition(" ")[0],
        f"campaign {row['id']} draft, budget {BUDGET}",
    )


async def campaign_activated(scenario: Scenario) -> StepResult:
    """Activate the campaign."""
    scenario.card = await scenario.participants.advertiser.press(
        "🚀 Activate", on=scenario.card, then="Status: active"
    )
    row = await scenario.books.row(
        "SELECT status FROM campaigns WHERE id = $1", scenario.campaign_id
    )
    expect(row["status"], "active", "an active campaign")
    await expect_audit_row(scenario, "campaign_activated", "campaign_id", scenario.campaign_id)
    return StepResult(
        "Status: " + after(scenario.card, "Status: "),
        f"campaign {scenario.campaign_id} active, campaign_activated",
    )


async def target_submitted(scenario: Scenario) -> StepResult:
    """Buy a placement, let the owner accept it, and check that the admin chat shows the ad."""
    participants, person = scenario.participants, scenario.participants.advertiser
    catalogue = await person.press(
        "🛒 Buy a placement", on=scenario.card, then=f"{participants.channel_title} · $50.00"
    )
    card = await person.press(
        f"{participants.channel_title} · ", on=catalogue, then="Buy a placement here?"
    )
    when = await person.press("🛒 Buy here", on=card, then="When should it be published?")
    check = await person.press("⚡ As soon as approved", on=when, then="Please check")
    await person.press("✅ Submit", on=check, then="waits for the owner")
    row = await scenario.books.row(
        "SELECT id, status, price, fee_bps FROM campaign_targets WHERE campaign_id = $1",
        scenario.campaign_id,
    )
    expect((row["status"], row["price"]), ("pending", PRICE), "a pending target with its price")
    scenario.target_id = row["id"]
    await expect_audit_row(scenario, "target_submitted", "target_id", scenario.target_id)
    await owner_steps.accept_placement(scenario)
    scenario.card = await participants.admin_chat.shows(f"Placement #{row['id']}\n", "✅ Approve")
    await expect_ad_shown(scenario, participants.admin_chat)
    return StepResult(
        "accepted by the owner; ad and card for the admins",
        f"target {row['id']} pending, target_submitted, placement_accepted",
    )


async def target_approved(scenario: Scenario) -> StepResult:
    """Approve the placement, and check that an escrow holds the price."""
    admin, admin_chat = scenario.participants.admin, scenario.participants.admin_chat
    card = await admin.press("✅ Approve", on=scenario.card, chat=admin_chat, then="Approved by")
    row = await scenario.books.row(
        """
        SELECT t.status, e.status AS escrow, e.amount, e.fee, j.status AS job,
            (SELECT SUM(amount)::bigint FROM ledger_entries l
             WHERE l.reference_id = t.id AND l.reason = 'escrow_hold' AND l.amount > 0) AS held
        FROM campaign_targets t
        JOIN escrows e ON e.campaign_target_id = t.id
        JOIN post_jobs j ON j.campaign_target_id = t.id
        WHERE t.id = $1
        """,
        scenario.target_id,
    )
    expect(
        (row["status"], row["escrow"], row["amount"], row["fee"], row["held"]),
        ("approved", "held", PRICE, FEE, PRICE),
        "an approved target whose escrow holds the price",
    )
    await expect_audit_row(scenario, "moderation_approved", "target_id", scenario.target_id)
    return StepResult(
        f"Approved by {after(card, 'Approved by ')}",
        f"{row['amount']} held, job {row['job']}, moderation_approved",
    )


async def balance_down(scenario: Scenario) -> StepResult:
    """Check the advertiser's balance and the held money."""
    shown = await open_wallet(scenario, "Available: $200.00")
    held = after(shown, "Held for placements: ")
    expect(held, "$50.00", "what is held")
    row = await scenario.books.row(
        """
        SELECT w.balance FROM wallets w JOIN users u ON u.id = w.user_id
        WHERE u.telegram_id = $1 AND w.kind = 'user'
        """,
        scenario.participants.advertiser.id,
    )
    expect(row["balance"], TOP_UP - PRICE, "a balance less the price")
    invariant_results = await scenario.books.check_all(books.INVARIANTS)
    return StepResult(
        f"{after(shown, 'Available: ')} left, {held} held",
        f"balance {row['balance']}, {len(invariant_results)} invariants hold",
    )


async def one_message(scenario: Scenario) -> StepResult:
    """Check that the channel has one post, equal to the preview."""
    channel = scenario.participants.channel
    job = await scenario.books.until(
        "SELECT status, message_id FROM post_jobs WHERE campaign_target_id = $1",
        scenario.target_id,
        so=lambda row: row["message_id"] is not None,
        expected="the job knows the id of its message",
    )
    posts = await channel_posts(scenario)
    if len(posts) != 1:
        raise Unexpected("one message in the channel", f"{len(posts)} messages")
    scenario.post = posts[0]
    expect(extract_ad(scenario.post), scenario.preview, "the ad as it was previewed")
    expect(scenario.post["message_id"], job["message_id"], "the message that the job knows")
    published = await scenario.control.get("/published", chat_id=channel.id)
    expect(len(published["published"]), 1, "one message ever published there")
    return StepResult(
        f"message {job['message_id']}, as previewed",
        f"the job knows message {job['message_id']}",
    )


async def job_success(scenario: Scenario) -> StepResult:
    """Check that the ad is published and that the payment is due in 24 hours."""
    row = await scenario.books.row(
        """
        SELECT j.status, j.claim_no, j.attempts, e.release_due_at - j.sent_at AS promised
        FROM post_jobs j JOIN escrows e ON e.campaign_target_id = j.campaign_target_id
        WHERE j.campaign_target_id = $1
        """,
        scenario.target_id,
    )
    promised = round(row["promised"].total_seconds() / 3600, 3)
    expect((row["status"], promised), ("success", HOURS), "success, and 24 promised hours")
    await scenario.participants.advertiser.chat.shows(
        "Your ad is published", f"#{scenario.target_id})"
    )
    return StepResult(
        "“Your ad is published”",
        f"success, claim {row['claim_no']}, money due in {promised:.0f} h",
    )


async def live_check(scenario: Scenario) -> StepResult:
    """Move the clock by 24 hours, and wait until a check finds the post."""
    await scenario.control.post("/clock", seconds=HOURS * 3600)
    await scenario.books.until(
        """
        SELECT COUNT(*) AS checks, bool_and(c.verdict = 'present') AS present
        FROM post_checks c JOIN post_jobs j ON j.id = c.post_job_id
        JOIN escrows e ON e.campaign_target_id = j.campaign_target_id
        WHERE j.campaign_target_id = $1 AND c.checked_at >= e.release_due_at
        """,
        scenario.target_id,
        so=lambda row: bool(row["present"]),
        expected="a look after the promised hours that finds the post present",
    )
    posts = await channel_posts(scenario)
    expect([extract_ad(post) for post in posts], [scenario.preview], "the post as it was")
    return StepResult(f"message {scenario.post['message_id']}, unchanged", "live check: present")


async def released(scenario: Scenario) -> StepResult:
    """Wait until the escrow is released, and check the advertiser's view."""
    person = scenario.participants.advertiser
    row = await scenario.books.until(
        """
        SELECT e.status AS escrow, t.status AS target
        FROM campaign_targets t JOIN escrows e ON e.campaign_target_id = t.id WHERE t.id = $1
        """,
        scenario.target_id,
        so=lambda row: bool(row["escrow"] != "held"),
        expected="the escrow is released",
    )
    expect((row["escrow"], row["target"]), ("released", "posted"), "released and posted")
    menu = await person.say("/start", then="What would you like to do?")
    listed = await person.press("📋 My placements", on=menu, then=f"#{scenario.target_id} ·")
    # The notice of the payout also says that the owner has been paid; only the card has this line.
    card = await person.press(f"✅ #{scenario.target_id} ·", on=listed, then="Money: ")
    paid = "the owner has been paid"
    expect(paid in words(card), True, paid)  # noqa: FBT003 - the value that is expected
    return StepResult(f"Money: {after(card, 'Money: ')}", "escrow released, target posted")


async def owner_credited(scenario: Scenario) -> StepResult:
    """Check the owner's wallet and the messages about the payment."""
    participants = scenario.participants
    row = await scenario.books.row(
        """
        SELECT w.balance, r.balance AS revenue
        FROM users u JOIN wallets w ON w.user_id = u.id AND w.kind = 'user'
        JOIN wallets r ON r.counterparty_id = u.id AND r.kind = 'revenue'
        WHERE u.telegram_id = $1
        """,
        participants.owner.id,
    )
    expect((row["balance"], row["revenue"]), (PRICE - FEE, FEE), "the price less the fee")
    number = f"#{scenario.target_id}"
    payout_message = await participants.owner.chat.shows("You have been paid $45.00", number)
    # Between the publication and the end, the clock was moved at once, so no check was made.
    await participants.advertiser.chat.shows("the ad was there unchanged", number)
    return StepResult(
        f"{after(payout_message, 'You have been ').partition(' for ')[0]}, both told",
        f"owner's balance {row['balance']}, revenue {row['revenue']}",
    )


async def all_clean(scenario: Scenario) -> StepResult:
    """Run all checks of the database."""
    invariant_results = await scenario.books.check_all(books.INVARIANTS)
    uniqueness_results = await scenario.books.check_all(books.UNIQUENESS)
    expect(len(await channel_posts(scenario)), 1, "one message in the channel")
    await scenario.participants.admin.say(
        "/ledger", chat=scenario.participants.admin_chat, then="The ledger is clean"
    )
    return StepResult(
        "“The ledger is clean”",
        f"{len(invariant_results)} invariants, {len(uniqueness_results)} reports: no row",
    )


STEPS = (
    Step("Advertiser starts", advertiser_starts),
    Step("Advertiser tops up", advertiser_tops_up),
    Step("Owner connects a channel", owner_steps.owner_connects),
    Step("campaign created: draft", campaign_created),
    Step("campaign activated", campaign_activated),
    Step("placement bought", target_submitted),
    Step("Admin approves it", target_approved),
    Step("balance is down", balance_down),
    Step("one message in channel", one_message),
    Step("post job succeeded", job_success),
    Step("24 h later: still there", live_check),
    Step("escrow released", released),
    Step("Owner paid less the fee", owner_credited),
    Step("books are clean", all_clean),
)
