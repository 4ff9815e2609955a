"""Everything in its order: servers, tables, the bot and the scheduler, the Bot API server."""

import asyncio
import json
import time
from datetime import datetime
from functools import partial
from pathlib import Path

from sandbox import clock, embedded, folders, ports, schema, supervisor
from sandbox.environment import Surroundings
from sandbox.simulation import Simulation

_PATIENCE = 60.0  # seconds until a slow start is remarked on
_LOOK = 0.1


class Launch:
    """One run of the sandbox on a folder that is locked for us."""

    def __init__(self, folder: Path, given: Surroundings, simulation: Simulation | None) -> None:
        """Take the ports; without a simulation the bot speaks with Telegram.

        Raises CannotStart if the port asked for is in use.
        """
        self.supervisor = supervisor.Supervisor(self._write_world)
        self._folder = folder
        self._logs = folder / "log"
        self._given = given
        self._simulation = simulation
        self._http_port = ports.free(int(given.given["HTTP_PORT"] or 0))
        self._database_url = given.given["DATABASE_URL"]
        self._owner_url = given.given["MIGRATION_DATABASE_URL"]
        self._redis_url = given.given["REDIS_URL"]
        self._ready = False

    async def start(self, *, with_bot: bool) -> None:
        """Bring everything up, write `world.json` and say where the page is."""
        began = time.monotonic()
        self._logs.mkdir(mode=0o700, exist_ok=True)
        (self._folder / "world.json").unlink(missing_ok=True)
        await self._start_servers()
        await self._bring_up_tables()
        since = await clock.real_now(self._database_url)
        if with_bot:
            await self._start_programs()
        if self._simulation is not None:
            await self._simulation.serve(
                clock_shift=await clock.shift(self._database_url),
                move_clock=partial(clock.move, self._owner_url),
                processes=self.supervisor,
            )
        if with_bot:
            await self._until_works(since)
        self.supervisor.proven = self._ready = True
        self._write_world()
        self._greet(time.monotonic() - began)

    async def stop(self) -> None:
        """Stop everything, those first who use the others."""
        self._ready = False
        for name in ("scheduler", "bot"):
            await self.supervisor.stop(name)
        if self._simulation is not None:
            await self._simulation.close()
        for name in ("valkey", "postgres"):
            await self.supervisor.stop(name)
        (self._folder / "world.json").unlink(missing_ok=True)

    async def _start_servers(self) -> None:
        if not self._given.own_database:
            _say("starting PostgreSQL")
            folder = self._folder / "postgres"
            postgres = await self.supervisor.run(
                "postgres", partial(embedded.start_postgres, folder)
            )
            self._database_url = postgres.dsn(embedded.APP)
            self._owner_url = postgres.dsn(embedded.OWNER)
        if not self._given.own_redis:
            _say("starting Valkey")
            folder = self._folder / "valkey"
            valkey = await self.supervisor.run("valkey", partial(embedded.start_valkey, folder))
            self._redis_url = valkey.url

    async def _bring_up_tables(self) -> None:
        done = await schema.bring_up(
            self._owner_url,
            self._environment(),
            self._logs / "prepare.log",
            # Somebody's own database keeps its switches as they are, and so does everything
            # that posts in real channels.
            ours=self._simulation is not None and not self._given.own_database,
        )
        if done:
            _say("tables brought up to date")
        if not self._given.own_database:
            await clock.free_leases(self._owner_url)

    def _environment(self) -> dict[str, str]:
        provided = {
            "DATABASE_URL": self._database_url,
            "REDIS_URL": self._redis_url,
            "HTTP_PORT": str(self._http_port),
        }
        if not self._given.own_database and not self._given.given["AUDIT_CHAIN_FILE"]:
            provided["AUDIT_CHAIN_FILE"] = str((self._folder / "ledger-seals.jsonl").absolute())
        if self._simulation is not None:
            provided |= self._simulation.settings()
        return self._given.for_children(provided)

    async def _start_programs(self) -> None:
        _say("starting bot and scheduler")
        for name in ("bot", "scheduler"):
            log = self._logs / f"{name}.log"
            await self.supervisor.run(
                name, supervisor.program(name, ["-m", name], self._environment(), log)
            )

    async def _until_works(self, since: datetime) -> None:
        """Wait until the bot listens and the scheduler's heart beats.

        Raises CannotStart when one of them cannot be brought up.
        """
        working = asyncio.ensure_future(self._working(since))
        hopeless = asyncio.ensure_future(self.supervisor.until_hopeless())
        done: set[asyncio.Future[None]] = set()
        try:
            while not done:
                done, _ = await asyncio.wait(
                    {working, hopeless}, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    _say(f"still waiting for the bot and the scheduler, see {self._logs}")
            for future in done:
                future.result()
        finally:
            working.cancel()
            hopeless.cancel()

    async def _working(self, since: datetime) -> None:
        if self._simulation is not None:
            await self._simulation.until_polled()
        else:
            await ports.until_answered(self._http_port)
        while not await clock.beats(self._database_url, since):  # noqa: ASYNC110 - a table
            await asyncio.sleep(_LOOK)

    def _write_world(self) -> None:
        """Keep `world.json` true, from the moment on when everything works."""
        if not self._ready:
            return
        facts: dict[str, object] = {} if self._simulation is None else self._simulation.facts()
        facts |= {
            "database_url": self._database_url,
            "migration_database_url": self._owner_url,
            "redis_url": self._redis_url,
            "health_url": f"http://{ports.HOST}:{self._http_port}/api/health",
            "processes": self.supervisor.pids(),
        }
        folders.write_private(self._folder / "world.json", json.dumps(facts, indent=1))

    def _greet(self, seconds: float) -> None:
        print(f"ready after {seconds:.1f} s; logs: {self._logs}; Ctrl-C stops everything")
        if self._simulation is None:
            print("\nThe bot speaks with Telegram: write /start to it.\n", flush=True)
            return
        print(
            f"\n  {self._simulation.page_url}\n\n"
            "Open this page in a browser: you are Advertiser, Owner and Admin in turn.\n"
            "As Advertiser write /start to the bot; as Owner connect the channel; as Admin\n"
            "approve what comes into the admin chat.\n",
            flush=True,
        )


def _say(step: str) -> None:
    print(step, flush=True)
