"""Postgres and Valkey of one stack: their commands, first set-up, readiness, start and stop."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path

import psycopg2
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from crm.devstack import strays
from crm.devstack.engines import Account, as_account, postgres_folder, valkey_program
from crm.devstack.places import MARK, STATE, Stack, private_folder, refuse, server_account

# The same in docker-compose.yml (POSTGRES_INITDB_ARGS), so that every database sorts and folds alike.
INITDB_LOCALE = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
NAME = "lotse"  # of the database and its owner
# A statement that fails or is cancelled comes with its values, which psycopg2 writes into it, and Postgres would log it whole: names, addresses,
# the key under which addresses are hashed (contacts/reach.py). What went wrong is logged, its words are not. The same in docker-compose.yml.
DISCREET = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
LASTING = {"shared_buffers": "256MB", "max_wal_size": "2GB", **DISCREET}
THROWAWAY = {"shared_buffers": "128MB", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """PostgreSQL as a direct child in the foreground, reachable over a private Unix socket only."""

    name = "postgres"
    variable = "DATABASE_URL"
    stop_signal = signal.SIGINT  # ends sessions; SIGTERM would wait for them

    def __init__(self, stack: Stack) -> None:
        self.account = as_account()
        self.stack = stack
        self.data = stack.data / "postgres"

    @cached_property
    def programs(self) -> Path:
        """The folder of Postgres's programs."""
        return postgres_folder(self.stack)

    @property
    def url(self) -> str:
        """For DATABASE_URL."""
        return f"postgresql://{NAME}@/{NAME}?host={self.stack.sockets}"

    def command(self) -> list[str]:
        """What to run; under the server account when we are root."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.stack.sockets),
            "timezone": "UTC",
            "log_line_prefix": "",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "effective_cache_size": "1GB",
            "random_page_cost": "1.1",  # a solid state disk
            "jit": "off",  # costs more than it gains on short queries
            **(THROWAWAY if self.stack.throwaway else LASTING),
        }
        return [str(self.programs / "postgres"), "-D", str(self.data), *(f"--{key}={value}" for key, value in options.items())]

    def prepare(self) -> None:
        """Create the cluster if there is none; refuse one of another major version."""
        if not self.data.exists():
            self._create()
        ours = self._run("postgres", "--version").split()[2].split(".")[0]
        theirs = (self.data / "PG_VERSION").read_text().strip()
        if theirs != ours:
            refuse(f"{self.data} was written by Postgres {theirs}, here is {ours}. Move the folder away, or set LOTSE_PG_BIN.")

    def _create(self) -> None:
        # Made beside its place and then renamed: an interrupted initdb leaves no half cluster behind.
        draft = private_folder(self.data.with_name(f"postgres-new-{os.getpid()}"), server_account())
        self._run("initdb", "-D", str(draft), "-U", NAME, "--auth=trust", "-E", "UTF8", *INITDB_LOCALE, *(["--no-sync"] if self.stack.throwaway else []))
        draft.rename(self.data)

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run([str(self.programs / program), *arguments], capture_output=True, text=True, cwd="/", **self.account)
        if done.returncode:
            refuse(f"{program} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def connect(self, database: str = "postgres") -> "psycopg2.extensions.connection":
        """A connection that commits each statement."""
        connection = psycopg2.connect(host=str(self.stack.sockets), user=NAME, dbname=database, connect_timeout=5)
        connection.autocommit = True
        return connection

    def ready(self) -> bool:
        """Whether it takes connections."""
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def create_database(self) -> None:
        """Create the database if it is not there."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
                if not cursor.fetchone():
                    cursor.execute(f"CREATE DATABASE {NAME}")
        finally:
            connection.close()


class Valkey:
    """Valkey (or Redis) over a private Unix socket; the lasting one keeps its queue in an append-only file."""

    name = "valkey"
    variable = "REDIS_URL"
    stop_signal = signal.SIGTERM
    account = Account()

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.data = stack.data / "valkey"

    @property
    def socket(self) -> Path:
        """The socket's path."""
        return self.stack.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        """For REDIS_URL."""
        return f"unix://{self.socket}"

    def command(self) -> list[str]:
        """What to run."""
        keep = "no" if self.stack.throwaway else "yes"
        where = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--dir", str(self.data)]
        how = ["--appendonly", keep, "--save", "", "--maxmemory-policy", "noeviction", "--loglevel", "warning"]
        # A process title would be written over the environment, by which strays are found.
        return [valkey_program(), *where, *how, "--set-proc-title", "no"]

    def prepare(self) -> None:
        """Make its folder."""
        private_folder(self.data)

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            with redis.Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


Service = Postgres | Valkey


def local_services(stack: Stack) -> list[Service]:
    """The services this stack brings itself: the environment names none, or names ours."""
    services: list[Service] = [Postgres(stack), Valkey(stack)]
    return [service for service in services if os.environ.get(service.variable, "") in {"", service.url}]


def wait_for(ready: Callable[[], bool], what: str, seconds: float = 60, log: Path | None = None) -> None:
    """Return as soon as `ready()` holds; after `seconds` end with a sentence and the last lines of the `log`.

    A look counts for ten seconds at most: of a machine that stood still meanwhile nothing follows about what it runs.
    """
    waited, last = 0.0, time.monotonic()
    while not ready():
        now = time.monotonic()
        waited, last = waited + min(now - last, 10), now
        if waited > seconds:
            refuse(f"{what} did not start within {seconds:.0f} s." + (f" {log} ends with:\n{_end(log)}" if log else ""))
        time.sleep(0.05)


def _end(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-8:])


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold a lock that dies with the process; yields False if it is taken and `wait` is False."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def throwaway_stack() -> Iterator[Stack]:
    """A test run's stack: the first that no other run holds, kept for the next run so that it starts at once.

    What a killed run left in it is ended first, and everything in it is ended at the end.
    """
    for slot in count(1):
        with locked(STATE / f"test-{slot}.lock", wait=False) as ours:
            if not ours:
                continue
            stack = Stack(slot)
            strays.end(stack)
            try:
                yield stack
            finally:
                strays.end(stack)
            return


def start(stack: Stack, services: list[Service]) -> None:
    """Start those that are down as processes of their own and wait until they answer; they outlive us."""
    stack.prepare()
    with (stack.data / "services.log").open("w") as log:
        for service in services:
            if service.ready():
                continue
            service.prepare()
            child = subprocess.Popen(
                service.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                env={**os.environ, MARK: str(stack.data)},
                **service.account,
            )
            child.returncode = 0  # it outlives us on purpose: no warning about a child that still runs
    for service in services:
        wait_for(service.ready, service.name, log=stack.data / "services.log")
        if isinstance(service, Postgres):
            service.create_database()
