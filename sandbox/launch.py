"""Start and stop all parts of the sandbox in the right order."""

import asyncio
import json
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import aiohttp

from sandbox import clock, embedded, folders, logins, processes, schema, supervisor
from sandbox.demo.errors import Unexpected
from sandbox.environment import EnvironmentSettings
from sandbox.simulation import Simulation
from sandbox.telegram import ports

_SLOW_START = 60.0  # seconds after which a message says that the start is slow
_POLL_INTERVAL = 0.1  # seconds


class Launch:
    """One run of the sandbox. The caller must have locked the sandbox's folder."""

    def __init__(
        self,
        folder: Path,
        settings: EnvironmentSettings,
        simulation: Simulation | None,
        *,
        with_redirect: bool = False,
    ) -> None:
        """Choose the HTTP ports, or raise CannotStart if a requested port is in use.

        If `simulation` is None, the bot uses the real Telegram. The redirect of tracked links then
        needs the setting PUBLIC_URL.
        """
        self.supervisor = supervisor.Supervisor(self._write_world_file)
        self._folder = folder
        self._logs = folder / "log"
        self._settings = settings
        self._simulation = simulation
        self._http_port = ports.free(int(settings.values["HTTP_PORT"] or 0))
        self._redirect_port = (
            ports.free(int(settings.values["REDIRECT_PORT"] or 0))
            if with_redirect and (simulation is not None or settings.values["PUBLIC_URL"])
            else None
        )
        self._database_url = settings.values["DATABASE_URL"]
        self._owner_url = settings.values["MIGRATION_DATABASE_URL"]
        self._redis_url = settings.values["REDIS_URL"]
        self._job_urls: dict[str, str] = {}
        self._ready = False
        self._first_world: asyncio.Task[None] | None = None
        self.start_over_asked = asyncio.Event()
        """A person has asked the page to begin again with a new world."""

    async def start(self, *, with_bot: bool) -> None:
        """Start all parts, write `world.json` and print the address of the web page.

        If `with_bot` is false, neither the bot nor the scheduler starts. Raises CannotStart if a
        part cannot start.
        """
        began = time.monotonic()
        self._logs.mkdir(mode=0o700, exist_ok=True)
        (self._folder / "world.json").unlink(missing_ok=True)
        await self._start_servers()
        await self._migrate_database()
        since = await clock.read_real_time(self._database_url)
        if with_bot:
            await self._start_programs()
        if self._simulation is not None:
            await self._simulation.serve(
                clock_shift=await clock.read_shift(self._database_url),
                move_clock=partial(clock.move_forward, self._owner_url),
                processes=self.supervisor,
                start_over=None if self._settings.external_database else self._ask_to_start_over,
            )
        if with_bot:
            await self._wait_until_working(since)
        self.supervisor.startup_complete = self._ready = True
        self._write_world_file()
        self._print_instructions(time.monotonic() - began)
        if with_bot and self._simulation is not None:
            self._first_world = asyncio.create_task(self._fill_first_world(self._simulation))

    async def _fill_first_world(self, simulation: Simulation) -> None:
        try:
            await simulation.fill_first_world()
        except (Unexpected, aiohttp.ClientError) as error:
            _print_step(f"the first world is not complete: {error}")

    async def _ask_to_start_over(self) -> None:
        self.start_over_asked.set()

    async def stop(self) -> None:
        """Stop all parts, beginning with the scheduler and ending with PostgreSQL."""
        self._ready = False
        if self._first_world is not None:
            self._first_world.cancel()
            await asyncio.wait({self._first_world})
        for name in ("scheduler", "bot", "redirect"):
            await self.supervisor.stop(name)
        if self._simulation is not None:
            await self._simulation.close()
        for name in ("valkey", "postgres"):
            await self.supervisor.stop(name)
        (self._folder / "world.json").unlink(missing_ok=True)

    async def _start_servers(self) -> None:
        if not self._settings.external_database:
            _print_step("starting PostgreSQL")
            folder = self._folder / "postgres"
            postgres = await self.supervisor.run(
                "postgres", partial(embedded.start_postgres, folder)
            )
            self._database_url = postgres.dsn(embedded.APP)
            self._owner_url = postgres.dsn(embedded.OWNER)
            self._job_urls = {
                "DATABASE_URL": postgres.dsn(logins.BOT),
                "INTAKE_DATABASE_URL": postgres.dsn(logins.INTAKE),
                "CLOCK_DATABASE_URL": postgres.dsn(logins.CLOCK),
                "REPORTS_DATABASE_URL": postgres.dsn(logins.REPORTS),
                "REDIRECT_DATABASE_URL": postgres.dsn(logins.REDIRECT),
            }
        if not self._settings.external_redis:
            _print_step("starting Valkey")
            folder = self._folder / "valkey"
            valkey = await self.supervisor.run("valkey", partial(embedded.start_valkey, folder))
            self._redis_url = valkey.url

    async def _migrate_database(self) -> None:
        done = await schema.migrate(
            self._owner_url,
            self._build_child_environment(),
            self._logs / "prepare.log",
            # The kill switches are not changed if the database is an external one, or if the bot
            # posts in real channels.
            own_database=self._simulation is not None and not self._settings.external_database,
        )
        if done:
            _print_step("tables brought up to date")
        if not self._settings.external_database:
            await clock.end_leases(self._owner_url)

    def _build_child_environment(self) -> dict[str, str]:
        return self._settings.child_environment(self._provide_settings())

    def _provide_settings(self) -> dict[str, str]:
        """Return the settings that lead to the servers of this sandbox."""
        provided = {
            "DATABASE_URL": self._database_url,
            "REDIS_URL": self._redis_url,
            "HTTP_PORT": str(self._http_port),
        } | self._job_urls
        # The programs run in another folder, so a path must not depend on the current folder.
        if given := self._settings.values["AUDIT_CHAIN_FILE"]:
            provided["AUDIT_CHAIN_FILE"] = str(Path(given).absolute())
        elif not self._settings.external_database:
            provided["AUDIT_CHAIN_FILE"] = str((self._folder / "audit-chain.jsonl").absolute())
        if self._simulation is not None:
            provided |= self._simulation.settings()
        if self._redirect_port is not None:
            provided |= self._provide_redirect_settings(self._redirect_port)
        return provided

    def _provide_redirect_settings(self, port: int) -> dict[str, str]:
        links = self._settings.values["LINKS_FILE"] or self._folder / "links.jsonl"
        provided = {"REDIRECT_PORT": str(port), "LINKS_FILE": str(Path(links).absolute())}
        if self._settings.external_database:
            own = self._settings.values["REDIRECT_DATABASE_URL"]
            provided["REDIRECT_DATABASE_URL"] = own or self._database_url
        if self._simulation is not None:
            provided["PUBLIC_URL"] = f"http://{ports.HOST}:{port}"
        return provided

    def _build_shell_settings(self) -> dict[str, str]:
        """Return the settings that a person's shell beside the sandbox needs for `adtech`."""
        children = self._build_child_environment()
        names = ("CURRENCY", "ENVIRONMENT", "ESCROW_SLA", *self._provide_settings())
        chosen = {name: children[name] for name in names if children[name]}
        return chosen | {"MIGRATION_DATABASE_URL": self._owner_url}

    async def _start_programs(self) -> None:
        _print_step("starting bot and scheduler")
        modules = {"bot": "bot", "scheduler": "scheduler"}
        if self._redirect_port is not None:
            modules["redirect"] = "bot.redirect"
        for name, module in modules.items():
            log = self._logs / f"{name}.log"
            start = supervisor.program(
                name, processes.module(module), self._build_child_environment(), log
            )
            await self.supervisor.run(name, start)

    async def _wait_until_working(self, since: datetime) -> None:
        working = asyncio.ensure_future(self._wait_for_bot_and_scheduler(since))
        failed = asyncio.ensure_future(self.supervisor.wait_for_failure())
        done: set[asyncio.Future[None]] = set()
        try:
            while not done:
                done, _ = await asyncio.wait(
                    {working, failed}, timeout=_SLOW_START, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    _print_step(f"still waiting for the bot and the scheduler, see {self._logs}")
            for future in done:
                future.result()
        finally:
            working.cancel()
            failed.cancel()

    async def _wait_for_bot_and_scheduler(self, since: datetime) -> None:
        if self._simulation is not None:
            await self._simulation.wait_for_first_poll()
        else:
            await ports.until_answered(self._http_port)
        while not await clock.has_heartbeat_since(self._database_url, since):  # noqa: ASYNC110 - reads a table
            await asyncio.sleep(_POLL_INTERVAL)

    def _write_world_file(self) -> None:
        if not self._ready:
            return
        facts: dict[str, object] = {} if self._simulation is None else self._simulation.facts()
        facts |= {
            "database_url": self._database_url,
            "migration_database_url": self._owner_url,
            "redis_url": self._redis_url,
            "health_url": f"http://{ports.HOST}:{self._http_port}/api/health",
            "processes": self.supervisor.pids(),
            "settings": self._build_shell_settings(),
        }
        folders.write_private(self._folder / "world.json", json.dumps(facts, indent=1))

    def _print_instructions(self, seconds: float) -> None:
        print(f"ready after {seconds:.1f} s; logs: {self._logs}; Ctrl-C stops everything")
        if self._simulation is None:
            print("\nThe bot speaks with Telegram: write /start to it.\n", flush=True)
            return
        print(
            f"\n  {self._simulation.page_url}\n\n"
            "Open this page in a browser: you are each of the people there in turn.\n"
            "As Advertiser write /start to the bot; as Owner connect the channel; as Admin\n"
            "approve what comes into the admin chat.\n",
            flush=True,
        )


def _print_step(step: str) -> None:
    print(step, flush=True)
