"""Delay the build of aiogram's pydantic models from its import to their first use.

A program must import this package before it imports aiogram.
"""

from bot import deferred_models

deferred_models.install()
