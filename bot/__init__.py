"""Make aiogram build its pydantic models at their first use instead of at its import.

A program must import this package before it imports aiogram.
"""

from bot import deferred_models

deferred_models.install()
