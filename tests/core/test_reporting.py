"""What leaves for the collector of errors, seen at the collector; and that nothing is imported without one."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import brotli
import pytest

from crm.devstack.places import ROOT

FAIL = """
import logging
from crm.wsgi import application
import sentry_sdk
from django.conf import settings
from django.test import RequestFactory
settings.ROOT_URLCONF = "tests.core.failing_urls"
secrets = {"HTTP_USER_AGENT": "geheim-agent", "HTTP_AUTHORIZATION": "geheim-kopf", "HTTP_COOKIE": "other=geheim-keks", "REMOTE_ADDR": "192.0.2.77"}
request = RequestFactory().post("/fails/geheim-0123456789-0123456789/?q=geheim-frage", {"name": "geheim-name"}, **secrets)
application(request.environ, lambda status, headers: print(status))
logging.getLogger("lotse.tasks").error("mail %s failed", "geheim-wort")
sentry_sdk.flush(10)
"""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[str]]]:
    """(its DSN, what came in)."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            unpack = {"gzip": gzip.decompress, "br": brotli.decompress}.get(self.headers.get("Content-Encoding", ""), bytes)
            received.append(unpack(body).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://key@127.0.0.1:{server.server_port}/1", received
        server.shutdown()
        thread.join()


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "crm.settings", "LOTSE_DEMO": "1", **variables}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_an_error_leaves_without_what_a_person_typed(collector: tuple[str, list[str]]) -> None:
    pytest.importorskip("sentry_sdk")
    address, received = collector
    done = run(FAIL, LOTSE_ERRORS_DSN=address)
    assert done.stdout.startswith("500"), done.stderr[-1500:]
    everything = "\n".join(received)
    assert "it broke" in everything and "failing_urls.py" in everything and "mail %s failed" in everything
    assert '"request":{"method":"POST","url":"/fails/' in everything and '"tags":{"request":"' in everything
    assert "geheim" not in everything and "192.0.2.77" not in everything, everything


def test_red_control_as_the_library_would_send_it(collector: tuple[str, list[str]]) -> None:
    pytest.importorskip("sentry_sdk")
    address, received = collector
    run("import crm.core.reporting as r; r.event_of = lambda event, hint: event\n" + FAIL, LOTSE_ERRORS_DSN=address)
    everything = "\n".join(received)
    assert "geheim-name" in everything and "geheim-wort" in everything


def test_without_a_collector_nothing_is_imported() -> None:
    done = run("import sys, django; django.setup(); print('sentry_sdk' in sys.modules)", LOTSE_ERRORS_DSN="")
    assert done.stdout.strip() == "False", done.stderr


def test_a_missing_package_is_said_in_words() -> None:
    done = run("import sys, django; sys.modules['sentry_sdk'] = None; django.setup()", LOTSE_ERRORS_DSN="http://key@127.0.0.1:1/1")
    assert "LOTSE_ERRORS_DSN is set, but the package sentry-sdk is missing" in done.stderr
