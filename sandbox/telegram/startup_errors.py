"""Define the error of a sandbox that cannot start."""


class CannotStart(Exception):
    """The sandbox cannot start. The text gives the reason."""
