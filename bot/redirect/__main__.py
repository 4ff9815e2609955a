"""Run the redirect of tracked links (`python -m bot.redirect`) until a stop signal."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack

import structlog
from aiohttp import web

from bot import health_pages, logging, process_end, settings
from bot.redirect.keeper import Keeper
from bot.redirect.server import Redirect, Server
from bot.redirect.targets import Targets
from bot.redirect_settings import RedirectSettings
from db.session import create_engine, create_sessions, dispose

POOL_SIZE = 2

log = structlog.get_logger(__name__)


def main() -> None:
    """Run the redirect until SIGTERM or SIGINT.

    If a setting is wrong, the process writes one line to stderr and exits with status 2.
    """
    config = settings.load_as(RedirectSettings)
    logging.setup(config)
    try:
        asyncio.run(_run(config))
    except OSError as error:
        sys.stderr.write(
            f"redirect: REDIRECT_PORT or LINKS_FILE cannot be used: {error.strerror}\n"
        )
        raise SystemExit(2) from None


async def _run(config: RedirectSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    redirect = Redirect(Targets(config.links_file), config.trusted_proxies)
    async with AsyncExitStack() as stack:
        engine = create_engine(config.redirect_database_url.get_secret_value(), pool_size=POOL_SIZE)
        stack.push_async_callback(dispose, engine)
        keeper = Keeper(redirect, create_sessions(engine))
        stack.push_async_callback(keeper.stop)
        runner = web.ServerRunner(Server(redirect))
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, config.http_host, config.redirect_port).start()
        if config.redirect_metrics_port is not None:
            await _serve_metrics(stack, config, keeper)
        keeping = asyncio.create_task(keeper.run(), name="keeper")
        stack.callback(keeping.cancel)
        log.info("redirect started", links=len(redirect.targets))
        await stop.wait()
    log.info("redirect stopped")


async def _serve_metrics(stack: AsyncExitStack, config: RedirectSettings, keeper: Keeper) -> None:
    """Serve health and metrics at a port that only the operators reach."""

    async def check() -> tuple[dict[str, object], bool]:
        return keeper.facts(), keeper.is_loaded

    app = web.Application()
    health_pages.add_health(app, check)
    health_pages.add_metrics(app)
    await health_pages.serve(
        stack,
        app,
        host=config.http_host,
        port=config.redirect_metrics_port or 0,
        setting="REDIRECT_METRICS_PORT",
    )


if __name__ == "__main__":
    process_end.run(main)
