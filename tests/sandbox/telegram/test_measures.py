"""Test that sizes and durations are read from files, and that nonsense has none."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.telegram import measures
from sandbox.telegram.measures import Measures
from tests.factories import pictures
from tests.sandbox.telegram.test_contents import box, sound, video


def test_each_kind_of_file_tells_what_it_has() -> None:
    assert measures.of_picture(pictures.png(3, 4)) == Measures(3, 4)
    assert measures.of_sound(sound(2)) == Measures(duration=2)
    assert measures.of_video(video(320, 240)) == Measures(320, 240, 7)


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_nonsense_has_no_size_and_ends_nothing(content: bytes) -> None:
    for function in (measures.of_picture, measures.of_sound, measures.of_video):
        function(content)
        assert isinstance(function(box(b"moov", content)), Measures)
