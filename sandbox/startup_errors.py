"""What keeps the sandbox from running."""


class CannotStart(Exception):
    """The text is one sentence for the person who wanted to start."""
