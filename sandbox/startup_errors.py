"""Define the error that is raised if the sandbox cannot start."""


class CannotStart(Exception):
    """The sandbox cannot start. The text is one sentence for the person who started it."""
