"""Services that were killed leave nothing that keeps the next ones from starting."""

import contextlib
import subprocess
import threading
import time
from pathlib import Path

import psutil
import psycopg2
import pytest

from crm.devstack import services, strays
from crm.devstack.services import Postgres, start, throwaway_stack, wait_for

LONG = "SELECT count(*) FROM generate_series(1, 1000000000)"


def test_a_killed_postgres_with_a_long_query_starts_again() -> None:
    with throwaway_stack() as stack:
        postgres = Postgres(stack)
        start(stack, [postgres])
        postmaster = next(process for process in strays.processes(stack) if strays.is_server(process, "postgres"))

        def ask() -> None:
            with contextlib.suppress(psycopg2.Error), contextlib.closing(postgres.connect()) as connection, connection.cursor() as cursor:
                cursor.execute(LONG)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        working = _session(postmaster)
        postmaster.kill()
        assert working.is_running() and (stack.data / "postgres" / "postmaster.pid").exists(), "red control: it left something behind"

        with subprocess.Popen(["sleep", "60"], cwd=stack.data / "postgres") as somebody:
            strays.end(stack)
            assert strays.is_alive(psutil.Process(somebody.pid)), "who merely stands in the folder is left alone"
            somebody.kill()
        begun = time.monotonic()
        start(stack, [postgres])
        assert postgres.ready() and time.monotonic() - begun < 30
        asking.join(10)
        assert not asking.is_alive()


def _session(postmaster: psutil.Process) -> psutil.Process:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for child in postmaster.children():
            with contextlib.suppress(psutil.Error):
                if "SELECT" in " ".join(child.cmdline()):
                    return child
        time.sleep(0.05)
    pytest.fail("no session began its query")


@pytest.mark.parametrize("further", [{}, services.DISCREET], ids=["red control", "discreet"])
def test_a_statement_that_fails_is_logged_without_its_values(monkeypatch: pytest.MonkeyPatch, further: dict[str, str]) -> None:
    """Failing, with what stands in the table, and cancelled. That it failed is logged all the same."""
    monkeypatch.setattr(services, "THROWAWAY", {**services.THROWAWAY, **further})
    with throwaway_stack() as stack:
        postgres = Postgres(stack)
        start(stack, [postgres])
        with contextlib.closing(postgres.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE one (address text PRIMARY KEY); INSERT INTO one VALUES ('mia@thal.example')")
            for statement in ("SELECT no_such_thing(%s)", "INSERT INTO one VALUES (%s)", "SET statement_timeout = 100; SELECT pg_sleep(9), %s"):
                with pytest.raises(psycopg2.Error):
                    cursor.execute(statement, ["mia@thal.example"])
        log = (stack.data / "services.log").read_text()
    assert all(words in log for words in ("no_such_thing", "duplicate key", "statement timeout"))
    assert log.count("mia@thal.example") == (0 if further else 4)


def test_a_service_that_does_not_start_is_told_with_what_it_said(tmp_path: Path) -> None:
    log = tmp_path / "services.log"
    log.write_text("LOG:  starting\nFATAL:  could not open the folder\n")
    with pytest.raises(SystemExit, match=r"(?s)postgres did not start within 0 s\..*FATAL:  could not open the folder"):
        wait_for(lambda: False, "postgres", 0, log)


def test_a_machine_that_stood_still_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(services.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(services.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    looks = iter([False, False, True])

    def ready() -> bool:
        clock[0] += 100  # stood still
        return next(looks)

    wait_for(ready, "postgres")
    with pytest.raises(SystemExit):
        wait_for(lambda: False, "postgres")
    assert 60 < clock[0] - 300 < 62
