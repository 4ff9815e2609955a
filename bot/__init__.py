"""Make aiogram build its pydantic models at their first use.

Import this package before aiogram.
"""

from bot import deferred_models

deferred_models.install()
