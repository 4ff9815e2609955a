"""Test which characters count as invisible."""

import pytest

from services.platform.characters import is_invisible

INVISIBLE = (
    " \u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u202e\u2060\u2066"
    "\u2800\u3000\u3164\ufe00\ufe0f\ufeff\uffa0\U000e0001\U000e0100\U000e0fff\n\x00"
)


@pytest.mark.parametrize("character", INVISIBLE)
def test_a_character_without_ink_is_invisible(character: str) -> None:
    assert is_invisible(character)


@pytest.mark.parametrize("character", "a-я٣\u0301語👨ﷺ_ẞ\u2603\ue000")
def test_other_characters_are_visible(character: str) -> None:
    assert not is_invisible(character)
