"""What the database keeps from being null."""

import pytest

from db import queries


def test_what_is_always_there_is_given_back_or_missed_aloud() -> None:
    assert queries.required(0) == 0
    with pytest.raises(LookupError):
        queries.required(None)
