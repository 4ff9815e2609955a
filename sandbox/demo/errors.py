"""What the demo did not expect."""


class Unexpected(Exception):
    """Something did not happen: what was expected, and what was seen instead."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected: {expected}\nseen:     {seen}")
