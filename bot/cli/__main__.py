"""Run `adtech` with `python -m bot.cli`."""

import bot.light_models  # noqa: F401 - before anything of aiogram
from bot.cli.app import main

main()
