"""The error that ends the demo."""


class Unexpected(Exception):
    """Something did not happen. The text says what was expected and what was seen instead."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"expected: {expected}\nseen:     {actual}")
