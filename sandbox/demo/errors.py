"""Define the error that ends the demo."""


class Unexpected(Exception):
    """The demo found something else than it expected.

    The text says what was expected and what was found instead.
    """

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"expected: {expected}\nseen:     {actual}")
