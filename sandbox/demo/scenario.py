"""Define the people, the shared data and the common checks of the demo."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.demo.books import DemoDatabase
from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Chat, Control, Json, Person

# Amounts in minor units. The underscore separates dollars and cents.
TOP_UP, PRICE, FEE, BUDGET = 250_00, 50_00, 5_00, 100_00
HOURS = 24
CAMPAIGN = "Spring seeds"
AD = "Spring is here! Order your seeds today."
FORMATTING: list[Json] = [
    {"type": "bold", "offset": 0, "length": 15},
    {"type": "italic", "offset": 33, "length": 5},
]
_FOUND = (
    *("mention", "hashtag", "cashtag", "bot_command"),
    *("url", "email", "phone_number", "bank_card_number"),
)
LINK = ("Order now", "https://example.com/seeds")


@dataclass(frozen=True)
class Participants:
    """The people and chats of one run of the demo."""

    advertiser: Person
    owner: Person
    admin: Person
    admin_chat: Chat
    channel: Chat
    channel_title: str


@dataclass
class Scenario:
    """The data that the steps of the demo share."""

    control: Control
    books: DemoDatabase
    participants: Participants
    card: Json = field(default_factory=dict)
    """The message whose buttons the next steps press."""
    preview: Json = field(default_factory=dict)
    post: Json = field(default_factory=dict)
    campaign_id: int = 0
    target_id: int = 0


@dataclass(frozen=True)
class StepResult:
    """The texts about the chat and the database after one step."""

    chat: str
    database: str


async def create_participants(control: Control, facts: Json, suffix: str) -> Participants:
    """Create an advertiser, an owner and a channel, and return them with the admin."""
    advertiser = await control.post("/users", first_name=f"Advertiser {suffix}")
    owner = await control.post("/users", first_name=f"Owner {suffix}")
    title = f"Owner's channel {suffix}"
    channel = await control.post("/channels", owner_id=owner["id"], title=title)
    people = {
        "advertiser": advertiser["id"],
        "owner": owner["id"],
        "admin": facts["people"]["admin"],
    }
    return _participants(control, people, facts["admin_chat_id"], channel["id"], title)


async def seed_participants(control: Control, facts: Json) -> Participants:
    """Return the first people and chats of a sandbox."""
    chats = {chat["id"]: chat for chat in (await control.get("/state"))["chats"]}
    channel_id = facts["channel_id"]
    title = chats[channel_id]["title"]
    return _participants(control, facts["people"], facts["admin_chat_id"], channel_id, title)


def _participants(
    control: Control, people: dict[str, int], admin_chat_id: int, channel_id: int, title: str
) -> Participants:
    advertiser, owner, admin = (
        Person(control, people[name]) for name in ("advertiser", "owner", "admin")
    )
    return Participants(
        advertiser, owner, admin, Chat(control, admin_chat_id), Chat(control, channel_id), title
    )


def expected_ad() -> Json:
    """Return the ad that the advertiser writes."""
    return {"text": AD, "entities": FORMATTING, "buttons": [LINK]}


def extract_ad(message: Json) -> Json:
    """Return the text, the formatting and the link buttons of a message.

    What Telegram finds in the text by itself, such as a phone number, is no formatting.
    """
    return {
        "text": message["text"],
        "entities": [each for each in message["entities"] if each["type"] not in _FOUND],
        "buttons": [(b["text"], b.get("url")) for row in message["buttons"] for b in row],
    }


async def open_wallet(scenario: Scenario, then: str) -> Json:
    """Open the advertiser's wallet, and return the message that contains `then`."""
    person = scenario.participants.advertiser
    menu = await person.say("/start", then="What would you like to do?")
    return await person.press("💰 Wallet", on=menu, then=then)


async def channel_posts(scenario: Scenario) -> list[Json]:
    """Return the posts of the channel, without service messages."""
    shown = (await scenario.participants.channel.read())["messages"]
    return [message for message in shown if message["service"] is None]


async def expect_ad_shown(scenario: Scenario, chat: Chat) -> None:
    """Check that a chat shows the ad as it was previewed. Raises Unexpected if it does not."""
    shown = (await chat.read())["messages"]
    if not any(extract_ad(message) == scenario.preview for message in shown):
        raise Unexpected("the ad itself in the chat", f"{len(shown)} other messages")


async def expect_audit_row(scenario: Scenario, action: str, name: str, number: int) -> None:
    """Raise Unexpected unless exactly one audit row has this action and this detail."""
    rows = await scenario.books.rows(
        "SELECT id FROM user_audit_logs WHERE action = $1 AND metadata ->> $2 = $3",
        action,
        name,
        str(number),
    )
    expect(len(rows), 1, f"one audit row {action}")


def expect(actual: Any, expected: Any, subject: str) -> None:
    """Raise Unexpected if `actual` differs from `expected`."""
    if actual != expected:
        raise Unexpected(f"{subject}: {expected}", str(actual))
