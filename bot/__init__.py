"""Make aiogram build its pydantic models when they are first used, not when it is imported.

A program must import this package before it imports aiogram.
"""

from bot import deferred_models

deferred_models.install()
