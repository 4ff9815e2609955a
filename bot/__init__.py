"""Defer the build of aiogram's models. A program must import this package before aiogram."""

from bot import deferred_models

deferred_models.install()
