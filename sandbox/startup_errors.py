"""Define the error that ends a start of the sandbox."""


class CannotStart(Exception):
    """The sandbox cannot start. The text is one sentence for the person who started the sandbox."""
