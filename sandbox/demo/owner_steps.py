"""Run what the owner of the channel does in the demo."""

# ruff: noqa: RUF001 - the bot's buttons have these plus signs

from sandbox.demo.people import after, words
from sandbox.demo.scenario import (
    HOURS,
    PRICE,
    Scenario,
    StepResult,
    expect,
    expect_ad_shown,
    expect_audit_row,
)


async def owner_connects(scenario: Scenario) -> StepResult:
    """Connect a channel as the owner, with a price and promised hours."""
    participants, person = scenario.participants, scenario.participants.owner
    menu = await person.say("/start", then="What would you like to do?")
    channels = await person.press("📺 My channels", on=menu, then="➕ Connect a channel")
    await person.press("➕ Connect a channel", on=channels, then="Choose one of the channels")
    since = await person.chat.version()
    await scenario.control.post(
        f"/users/{person.id}/choose_channel",
        button="📺 Choose a channel",
        channel_id=participants.channel.id,
    )
    await person.chat.shows("What does one post cost?", since=since)
    await person.say("50", then="How many hours does a post stay?")
    await person.say(str(HOURS), then="What is the channel about?")
    card = await person.say("News", then="on offer")
    row = await scenario.books.row(
        """
        SELECT c.id, c.status, c.price, c.promised_hours
        FROM channels c JOIN users u ON u.id = c.owner_id
        WHERE c.chat_id = $1 AND u.telegram_id = $2
        """,
        participants.channel.id,
        person.id,
    )
    terms = (row["status"], row["price"], row["promised_hours"])
    expect(terms, ("active", PRICE, HOURS), "an active channel with its terms")
    return StepResult(
        f"on offer: {after(card, 'Price of a post: ')}, {after(card, 'A post stays: ')}",
        f"channel {row['id']} active, {PRICE} for {HOURS} hours",
    )


async def accept_placement(scenario: Scenario) -> None:
    """Check that the owner sees the ad and the amounts before anybody else, and accept it."""
    person = scenario.participants.owner
    number = scenario.target_id
    admins = (await scenario.participants.admin_chat.read())["messages"]
    cards = [words(each) for each in admins if f"Placement #{number}\n" in words(each)]
    expect(cards, [], "no card for the admins yet")
    question = await person.chat.shows(f"Placement #{number}: ", "You get: $45.00", "✅ Accept")
    await expect_ad_shown(scenario, person.chat)
    await person.press("✅ Accept", on=question, then="you have accepted")
    await expect_audit_row(scenario, "placement_accepted", "target_id", number)
