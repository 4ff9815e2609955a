"""Define the error of a process that cannot start."""


class CannotStartError(Exception):
    """The process cannot start. The message is one line for the person who starts the process."""
