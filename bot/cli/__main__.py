"""Makes `python -m bot.cli` the same as `adtech`."""

from bot.cli.app import main

main()
