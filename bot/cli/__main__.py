"""Run `adtech` with `python -m bot.cli`."""

import sys


def main() -> None:
    """Run the command line. `adtech stop` loads only what it needs, because it has to be quick."""
    if sys.argv[1:2] == ["stop"]:
        from bot.cli import stop  # noqa: PLC0415 - see above

        del sys.argv[1]
        stop.app(prog_name="adtech stop")
    else:
        from bot.cli import app  # noqa: PLC0415 - see above

        app.main()


if __name__ == "__main__":
    main()
