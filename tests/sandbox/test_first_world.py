"""Test the people, channels and posts with which `make run` begins."""

from pathlib import Path

from sandbox import first_world, seed_data
from sandbox.first_world import CHANNELS, OWN_POSTS
from sandbox.telegram import audience
from sandbox.telegram.state import State


def _create(folder: Path) -> tuple[State, int]:
    """Create a first world, and return it with the id of the channel of the guide."""
    state = State.load(folder)
    state.adopt_bot(7)
    seeds = seed_data.load_or_create(state)
    first_world.create(state, seeds.channel_id)
    return state, seeds.channel_id


def test_three_channels_have_posts_of_the_last_weeks_with_readers(tmp_path: Path) -> None:
    state, first_channel = _create(tmp_path)
    audience.grow(state)
    channels = [chat for chat in state.chats.values() if chat.type == "channel"]
    assert len({chat.subscribers for chat in channels}) == len(channels) == 3
    for chat in channels:
        posts = [each for each in state.messages[chat.id].values() if not each.service]
        dates = [post.body["date"] for post in posts]
        assert dates == sorted(dates)
        assert dates[-1] < state.now() - 4 * 86_400
        assert all(post.views > 0 and post.reactions for post in posts)
    own = [post.body["text"] for post in state.messages[first_channel].values()]
    assert own == list(OWN_POSTS)
    state.close()


def test_the_world_is_unfinished_until_the_bot_knows_all_of_it(tmp_path: Path) -> None:
    state, _ = _create(tmp_path)
    for part in [*[channel.title for channel in CHANNELS], "campaign"]:
        assert first_world.is_unfinished(state)
        first_world.finish(state, part)
    assert not first_world.is_unfinished(state)
    state.close()


def test_a_small_world_has_nothing_to_fill(tmp_path: Path) -> None:
    state = State.load(tmp_path)
    state.adopt_bot(7)
    seed_data.load_or_create(state)
    assert not first_world.is_unfinished(state)
    state.close()
