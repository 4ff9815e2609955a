"""Find the Chromium of this machine."""

import shutil

VARIABLE = "BROWSER_OF_TESTS"
"""The environment variable with the path of Chromium. Without it, pytest ignores these tests."""
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Return the path of Chromium, or None if this machine has none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)
