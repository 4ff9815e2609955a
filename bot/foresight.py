"""How long something will take, from how long it took lately."""

RISE, FALL = 1.0, 0.1
"""A longer time is believed at once, a shorter one little by little: late is worse than early."""


class Foresight:
    """An expectation in seconds, on the safe side."""

    def __init__(self, seconds: float) -> None:
        """Starts with a guess."""
        self.seconds = seconds

    def note(self, took: float) -> None:
        """Learns from how long it took this time."""
        share = RISE if took > self.seconds else FALL
        self.seconds += share * (took - self.seconds)
