"""Test how the causes of database errors are found."""

from db import session


def test_an_error_that_is_its_own_cause_ends_the_search() -> None:
    error = ValueError("x")
    error.__cause__ = error
    assert session.cause(error) == "ValueError"
    other = ValueError("y")
    error.__cause__, other.__cause__ = other, error
    assert session.cause(error) == "ValueError"
