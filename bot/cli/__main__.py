"""Makes `python -m bot.cli` the same as `adtech`."""

import bot.light_models  # noqa: F401 - before anything of aiogram
from bot.cli.app import main

main()
