"""The bot. Importing it defers the build of aiogram's models, so it is imported before aiogram."""

from bot import deferred_models

deferred_models.install()
