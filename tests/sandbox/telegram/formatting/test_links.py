"""Test the checks of addresses with the vectors of TDLib."""

import pytest

from sandbox.telegram.formatting import links
from tests.sandbox.telegram.formatting import vectors


@pytest.mark.parametrize(("link", "expected"), vectors.read("links"))
def test_telegram_stores_the_same_address(link: str, expected: str | None) -> None:
    """The vectors are those of `check_link` in `test/link.cpp`."""
    if expected is None:
        with pytest.raises(links.LinkError):
            links.check_link(link)
    else:
        assert links.check_link(link) == expected
