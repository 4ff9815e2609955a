"""Define the error that ends the demo."""


class Unexpected(Exception):
    """A step of the demo did not find what it expected."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"expected: {expected}\nseen:     {actual}")
