"""The fourteen steps of one ad's life, each by pressing buttons and then looking at the books."""

# ruff: noqa: RUF001 - the plus signs on the bot's buttons are what they are

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox.demo import books
from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Json, after
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
    Seen,
    Story,
    audited,
    expect,
    look_of,
    posts_of,
    wallet,
    wanted_ad,
)


@dataclass(frozen=True)
class Step:
    """One of the fourteen."""

    title: str
    act: Callable[[Story], Awaitable[Seen]]


async def advertiser_starts(story: Story) -> Seen:
    """1: the menu, and a wallet with nothing in it."""
    shown = await wallet(story, "Available: $0.00")
    row = await story.books.row(
        """
        SELECT u.id, w.balance,
            (SELECT COUNT(*) FROM ledger_entries e WHERE e.wallet_id = w.id) AS moves
        FROM users u JOIN wallets w ON w.user_id = u.id AND w.kind = 'user'
        WHERE u.telegram_id = $1
        """,
        story.cast.advertiser.id,
    )
    expect((row["balance"], row["moves"]), (0, 0), "an empty wallet")
    return Seen(
        "Available: " + after(shown, "Available: "),
        f"balance {row['balance']}, {row['moves']} ledger entries",
    )


async def advertiser_tops_up(story: Story) -> Seen:
    """2: an amount is typed, the invoice is paid."""
    person = story.cast.advertiser
    shown = await wallet(story, "Available: $0.00")
    await person.press("➕ Top up", on=shown, then="How much would you like to top up?")
    since = await person.chat.version()
    await story.control.post(f"/users/{person.id}/send", chat_id=person.id, text="250")

    def new_invoice(messages: list[Json]) -> Json | None:
        invoices = (row for row in messages if row["version"] > since and "invoice" in row)
        return next(invoices, None)

    invoice = await person.chat.until(new_invoice, "an invoice of $250.00")
    expect(invoice["invoice"]["total_amount"], TOP_UP, "an invoice of $250.00")
    paid = await story.control.post(f"/users/{person.id}/pay", message_id=invoice["message_id"])
    if not paid["ok"]:
        raise Unexpected("the payment passes the pre-checkout", str(paid["error_message"]))
    row = await story.books.until(
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
    shown = await wallet(story, "Available: $250.00")
    return Seen(
        f"paid; Available: {after(shown, 'Available: ')}",
        f"deposit {row['id']} credited, balance {row['balance']}",
    )


async def owner_connects(story: Story) -> Seen:
    """3: a channel is chosen in Telegram's picker, then its terms are typed."""
    cast, person = story.cast, story.cast.owner
    menu = await person.say("/start", then="What would you like to do?")
    channels = await person.press("📺 My channels", on=menu, then="➕ Connect a channel")
    await person.press("➕ Connect a channel", on=channels, then="Choose one of the channels")
    since = await person.chat.version()
    await story.control.post(
        f"/users/{person.id}/choose_channel",
        button="📺 Choose a channel",
        channel_id=cast.channel.id,
    )
    await person.chat.shows("What does one post cost?", since=since)
    await person.say("50", then="How many hours does a post stay?")
    await person.say(str(HOURS), then="What is the channel about?")
    card = await person.say("Gardens", then="on offer")
    row = await story.books.row(
        """
        SELECT c.id, c.status, c.price, c.promised_hours
        FROM channels c JOIN users u ON u.id = c.owner_id
        WHERE c.chat_id = $1 AND u.telegram_id = $2
        """,
        cast.channel.id,
        person.id,
    )
    terms = (row["status"], row["price"], row["promised_hours"])
    expect(terms, ("active", PRICE, HOURS), "an active channel with its terms")
    return Seen(
        f"on offer: {after(card, 'Price of a post: ')}, {after(card, 'A post stays: ')}",
        f"channel {row['id']} active, {PRICE} for {HOURS} hours",
    )


async def campaign_created(story: Story) -> Seen:
    """4: a form asks for everything and shows the ad exactly as it will be published."""
    person = story.cast.advertiser
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
    story.preview = look_of(above[-1]) if above else {}
    expect(story.preview, wanted_ad(), "a preview of the ad as it was written")
    story.card = await person.press("💾 Save", on=question, then="🚀 Activate")
    row = await story.books.row(
        """
        SELECT c.id, c.status, c.total_budget
        FROM campaigns c JOIN users u ON u.id = c.advertiser_id WHERE u.telegram_id = $1
        """,
        person.id,
    )
    expect((row["status"], row["total_budget"]), ("draft", BUDGET), "a draft with its budget")
    story.campaign_id = row["id"]
    return Seen(
        "previewed; Status: " + after(story.card, "Status: ").partition(" ")[0],
        f"campaign {row['id']} draft, budget {BUDGET}",
    )


async def campaign_activated(story: Story) -> Seen:
    """5: one press."""
    story.card = await story.cast.advertiser.press(
        "🚀 Activate", on=story.card, then="Status: active"
    )
    row = await story.books.row("SELECT status FROM campaigns WHERE id = $1", story.campaign_id)
    expect(row["status"], "active", "an active campaign")
    await audited(story, "campaign_activated", "campaign_id", story.campaign_id)
    return Seen(
        "Status: " + after(story.card, "Status: "),
        f"campaign {story.campaign_id} active, campaign_activated",
    )


async def target_submitted(story: Story) -> Seen:
    """6: a placement is bought; its card comes into the admin chat, below the ad itself."""
    cast, person = story.cast, story.cast.advertiser
    catalogue = await person.press(
        "🛒 Buy a placement", on=story.card, then=f"{cast.channel_title} · $50.00"
    )
    when = await person.press(
        f"{cast.channel_title} · ", on=catalogue, then="When should it be published?"
    )
    check = await person.press("⚡ As soon as approved", on=when, then="Please check")
    await person.press("✅ Submit", on=check, then="waits for an admin")
    row = await story.books.row(
        "SELECT id, status, price, fee_bps FROM campaign_targets WHERE campaign_id = $1",
        story.campaign_id,
    )
    expect((row["status"], row["price"]), ("pending", PRICE), "a pending target with its price")
    story.target_id = row["id"]
    await audited(story, "target_submitted", "target_id", story.target_id)
    story.card = await cast.admin_chat.shows(f"Placement #{row['id']}\n", "✅ Approve")
    shown = (await cast.admin_chat.read())["messages"]
    ads = [message for message in shown if look_of(message) == story.preview]
    if not ads:
        raise Unexpected("the ad itself in the admin chat", f"{len(shown)} other messages")
    return Seen(
        "ad and card for the admins",
        f"target {row['id']} pending, target_submitted",
    )


async def target_approved(story: Story) -> Seen:
    """7: money goes into escrow and the post into the queue, in one transaction."""
    admin, place = story.cast.admin, story.cast.admin_chat
    card = await admin.press("✅ Approve", on=story.card, chat=place, then="Approved by")
    row = await story.books.row(
        """
        SELECT t.status, e.status AS escrow, e.amount, e.fee, j.status AS job,
            (SELECT SUM(amount)::bigint FROM ledger_entries l
             WHERE l.reference_id = t.id AND l.reason = 'escrow_hold' AND l.amount > 0) AS held
        FROM campaign_targets t
        JOIN escrows e ON e.campaign_target_id = t.id
        JOIN post_jobs j ON j.campaign_target_id = t.id
        WHERE t.id = $1
        """,
        story.target_id,
    )
    expect(
        (row["status"], row["escrow"], row["amount"], row["fee"], row["held"]),
        ("approved", "held", PRICE, FEE, PRICE),
        "an approved target whose escrow holds the price",
    )
    await audited(story, "moderation_approved", "target_id", story.target_id)
    return Seen(
        f"Approved by {after(card, 'Approved by ')}",
        f"{row['amount']} held, job {row['job']}, moderation_approved",
    )


async def balance_down(story: Story) -> Seen:
    """8: the advertiser sees what is left and what is held."""
    shown = await wallet(story, "Available: $200.00")
    held = after(shown, "Held for placements: ")
    expect(held, "$50.00", "what is held")
    row = await story.books.row(
        """
        SELECT w.balance FROM wallets w JOIN users u ON u.id = w.user_id
        WHERE u.telegram_id = $1 AND w.kind = 'user'
        """,
        story.cast.advertiser.id,
    )
    expect(row["balance"], TOP_UP - PRICE, "a balance less the price")
    checked = await story.books.check_all(books.INVARIANTS)
    return Seen(
        f"{after(shown, 'Available: ')} left, {held} held",
        f"balance {row['balance']}, {len(checked)} invariants hold",
    )


async def one_message(story: Story) -> Seen:
    """9: the ad is in the channel, once, as it was previewed, and its id is known."""
    channel = story.cast.channel
    job = await story.books.until(
        "SELECT status, message_id FROM post_jobs WHERE campaign_target_id = $1",
        story.target_id,
        so=lambda row: row["message_id"] is not None,
        expected="the job knows the id of its message",
    )
    posts = await posts_of(story)
    if len(posts) != 1:
        raise Unexpected("one message in the channel", f"{len(posts)} messages")
    story.post = posts[0]
    expect(look_of(story.post), story.preview, "the ad as it was previewed")
    expect(story.post["message_id"], job["message_id"], "the message that the job knows")
    published = await story.control.get("/published", chat_id=channel.id)
    expect(len(published["published"]), 1, "one message ever published there")
    return Seen(
        f"message {job['message_id']}, as previewed",
        f"the job knows message {job['message_id']}",
    )


async def job_success(story: Story) -> Seen:
    """10: recorded, with the time from which the promised hours run."""
    row = await story.books.row(
        """
        SELECT j.status, j.claim_no, j.attempts, e.release_due_at - j.sent_at AS promised
        FROM post_jobs j JOIN escrows e ON e.campaign_target_id = j.campaign_target_id
        WHERE j.campaign_target_id = $1
        """,
        story.target_id,
    )
    promised = round(row["promised"].total_seconds() / 3600, 3)
    expect((row["status"], promised), ("success", HOURS), "success, and 24 promised hours")
    await story.cast.advertiser.chat.shows("Your ad is published", f"#{story.target_id})")
    return Seen(
        "“Your ad is published”",
        f"success, claim {row['claim_no']}, money due in {promised:.0f} h",
    )


async def live_check(story: Story) -> Seen:
    """11: the promised hours pass, and somebody looks whether the post is still there."""
    await story.control.post("/clock", seconds=HOURS * 3600)
    await story.books.until(
        """
        SELECT COUNT(*) AS checks, bool_and(c.verdict = 'present') AS present
        FROM post_checks c JOIN post_jobs j ON j.id = c.post_job_id
        JOIN escrows e ON e.campaign_target_id = j.campaign_target_id
        WHERE j.campaign_target_id = $1 AND c.checked_at >= e.release_due_at
        """,
        story.target_id,
        so=lambda row: bool(row["present"]),
        expected="a look after the promised hours that finds the post present",
    )
    posts = await posts_of(story)
    expect([look_of(post) for post in posts], [story.preview], "the post as it was")
    return Seen(f"message {story.post['message_id']}, unchanged", "live check: present")


async def released(story: Story) -> Seen:
    """12: the placement is done."""
    person = story.cast.advertiser
    row = await story.books.until(
        """
        SELECT e.status AS escrow, t.status AS target
        FROM campaign_targets t JOIN escrows e ON e.campaign_target_id = t.id WHERE t.id = $1
        """,
        story.target_id,
        so=lambda row: bool(row["escrow"] != "held"),
        expected="the escrow is released",
    )
    expect((row["escrow"], row["target"]), ("released", "posted"), "released and posted")
    menu = await person.say("/start", then="What would you like to do?")
    listed = await person.press("📋 My placements", on=menu, then=f"#{story.target_id} ·")
    card = await person.press(f"✅ #{story.target_id} ·", on=listed, then="the owner has been paid")
    return Seen(f"Money: {after(card, 'Money: ')}", "escrow released, target posted")


async def owner_credited(story: Story) -> Seen:
    """13: the price less the fee; both are told."""
    cast = story.cast
    row = await story.books.row(
        """
        SELECT w.balance, r.balance AS revenue
        FROM users u JOIN wallets w ON w.user_id = u.id AND w.kind = 'user'
        JOIN wallets r ON r.counterparty_id = u.id AND r.kind = 'revenue'
        WHERE u.telegram_id = $1
        """,
        cast.owner.id,
    )
    expect((row["balance"], row["revenue"]), (PRICE - FEE, FEE), "the price less the fee")
    number = f"#{story.target_id}"
    told = await cast.owner.chat.shows("You have been paid $45.00", number)
    await cast.advertiser.chat.shows("is done: the post has stayed as promised", number)
    return Seen(
        f"{after(told, 'You have been ').partition(' for ')[0]}, both told",
        f"owner's balance {row['balance']}, revenue {row['revenue']}",
    )


async def all_clean(story: Story) -> Seen:
    """14: every check of the books finds nothing, and the channel still has one message."""
    checked = await story.books.check_all(books.INVARIANTS)
    unique = await story.books.check_all(books.UNIQUENESS)
    expect(len(await posts_of(story)), 1, "one message in the channel")
    await story.cast.admin.say("/ledger", chat=story.cast.admin_chat, then="The ledger is clean")
    return Seen(
        "“The ledger is clean”",
        f"{len(checked)} invariants, {len(unique)} reports: no row",
    )


STEPS = (
    Step("Advertiser starts", advertiser_starts),
    Step("Advertiser tops up", advertiser_tops_up),
    Step("Owner connects a channel", owner_connects),
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
