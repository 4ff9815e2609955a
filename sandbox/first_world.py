"""Fill a new sandbox with two channels on offer, an owner of them, and an advertiser with money.

Their posts of the last weeks are written into the simulated Telegram. All that the product knows of
them, they tell the bot themselves, with its buttons.
"""

# ruff: noqa: RUF001 - the bot's buttons have these plus signs

from dataclasses import dataclass

from sandbox.demo.people import Control, Json, Person
from sandbox.telegram import messages, new_chats
from sandbox.telegram.entities import Chat, User
from sandbox.telegram.formatting.text import format_text
from sandbox.telegram.messages import Draft
from sandbox.telegram.state import State

_SETTING = "first_world"
_DAY = 86_400
_REACTION_SHARE = 0.02
"""Of the readers of a post, this share reacts to it."""
DEPOSIT, BUDGET = "500", "300"
"""The payment of the advertiser and the budget of the campaign, as people write them."""


@dataclass(frozen=True)
class NewChannel:
    """A channel and its terms, as its owner writes them."""

    title: str
    username: str
    subscribers: int
    price: str
    hours: str
    topic: str
    posts: tuple[str, ...]
    """The posts of the last weeks, the oldest first."""


CHANNELS = (
    NewChannel(
        *("City news", "city_news_of_the_sandbox", 12_400, "120", "48", "News"),
        posts=(
            "The new tram line opens on Monday. The first week is free.",
            "The library stays open until ten in the evening from now on.",
            "Market day: the street between the bridge and the station is closed to cars.",
            "Rain until Thursday, then sun. The outdoor pool opens on Saturday.",
        ),
    ),
    NewChannel(
        *("Street food", "street_food_of_the_sandbox", 3_150, "35", "24", "Food"),
        posts=(
            "Dumplings by the river: six kinds, and the line is short before noon.",
            "Three places with bread from their own oven. The third one has rye.",
            "Soup of the week: pumpkin with ginger, at the corner of the old square.",
        ),
    ),
)
OWN_POSTS = (
    "Welcome! Here you read about gardens, balconies and what grows on them.",
    "Sow tomatoes now, on a warm window sill. They need light more than water.",
    "Question of the week: which herb survives your winter?",
)
"""The posts of the channel that the first owner has not connected yet."""


def create(state: State, first_channel_id: int) -> None:
    """Create the people, the channels and the posts in a new sandbox."""
    _write_posts(state, state.chats[first_channel_id], OWN_POSTS)
    owner, advertiser = (
        state.add_user(User(state.new_id(), name)) for name in ("Second owner", "Second advertiser")
    )
    channels = {}
    for each in CHANNELS:
        chat = new_chats.create(
            *(state, "channel", each.title, owner.id),
            username=each.username,
            subscribers=each.subscribers,
        )
        _write_posts(state, chat, each.posts)
        channels[each.title] = chat.id
    people = {"owner": owner.id, "advertiser": advertiser.id}
    state.set(_SETTING, {**people, "channels": channels, "done": []})
    state.commit()


def _write_posts(state: State, chat: Chat, texts: tuple[str, ...]) -> None:
    chat.reaction_share = _REACTION_SHARE
    state.save_chat(chat)
    for number, text in enumerate(texts):
        content = messages.text_fields(format_text(text, None, None))
        posted = messages.post_by_person(state, chat, Draft(content), chat.owner_id or 0)
        age = (len(texts) - number) * (4 * _DAY + 2 * 3600)
        posted.body = posted.body | {"date": posted.body["date"] - age}
        state.save_message(posted)


def is_unfinished(state: State) -> bool:
    """Return whether there is a first world that the bot does not know wholly."""
    known = state.settings.get(_SETTING)
    return known is not None and len(known["done"]) <= len(CHANNELS)


async def fill(state: State, facts: Json) -> None:
    """Let the people tell the bot about their channels and the ad. What is done stays done.

    Raises Unexpected if the bot does something else than expected.
    """
    control = Control.of(facts)
    try:
        for each in CHANNELS:
            if _begins(state, each.title):
                await _connect(Person(control, state.settings[_SETTING]["owner"]), each, state)
                finish(state, each.title)
        if _begins(state, "campaign"):
            person = Person(control, state.settings[_SETTING]["advertiser"])
            await _pay_in(person)
            await _create_campaign(person)
            finish(state, "campaign")
    finally:
        await control.session.close()


def _begins(state: State, part: str) -> bool:
    return part not in state.settings[_SETTING]["done"]


def finish(state: State, part: str) -> None:
    """Record that the bot knows a part: a channel by its title, or the campaign."""
    known = state.settings[_SETTING]
    state.set(_SETTING, {**known, "done": [*known["done"], part]})
    state.commit()


async def _connect(person: Person, channel: NewChannel, state: State) -> None:
    menu = await person.say("/start", then="What would you like to do?")
    mine = await person.press("📺 My channels", on=menu, then="➕ Connect a channel")
    await person.press("➕ Connect a channel", on=mine, then="Choose one of the channels")
    since = await person.chat.version()
    await person.control.post(
        f"/users/{person.id}/choose_channel",
        button="📺 Choose a channel",
        channel_id=state.settings[_SETTING]["channels"][channel.title],
    )
    await person.chat.shows("What does one post cost?", since=since)
    await person.say(channel.price, then="How many hours does a post stay?")
    await person.say(channel.hours, then="What is the channel about?")
    await person.say(channel.topic, then="on offer")


async def _pay_in(person: Person) -> None:
    menu = await person.say("/start", then="What would you like to do?")
    wallet = await person.press("💰 Wallet", on=menu, then="➕ Top up")
    await person.press("➕ Top up", on=wallet, then="How much would you like to top up?")
    await person.say(DEPOSIT, then="Pay")
    await person.control.post(f"/users/{person.id}/pay")
    await person.chat.shows("has arrived")


async def _create_campaign(person: Person) -> None:
    menu = await person.say("/start", then="What would you like to do?")
    campaigns = await person.press("📣 Campaigns", on=menu, then="➕ New campaign")
    await person.press("➕ New campaign", on=campaigns, then="What is it called?")
    await person.say("Bicycles", then="Now send the ad itself")
    await person.say("Bicycles for the whole summer: from $5 a day.", then="a link button")
    await person.say("See the bicycles", then="Where does the button lead?")
    await person.say("https://example.com/bicycles", then="What is the budget of the campaign?")
    question = await person.say(BUDGET, then="exactly as it will be published")
    card = await person.press("💾 Save", on=question, then="🚀 Activate")
    await person.press("🚀 Activate", on=card, then="Status: active")
