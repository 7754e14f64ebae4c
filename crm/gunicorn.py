"""How gunicorn runs the page: `gunicorn crm.wsgi --config python:crm.gunicorn`. The only place for its settings.

There is no access log here: the page writes one itself (`crm.core.logs`).
"""

import ctypes
import gc
import itertools
import os
import shutil
import tempfile
from typing import Any

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

preload_app = not settings.DEBUG  # loaded once and shared by all workers; with DEBUG each loads what was just changed
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
timeout = 60  # seconds without a sign of life until a worker is ended; a slow statement is the database's to stop
graceful_timeout = 30  # seconds for what is on its way when we are asked to end
max_requests = 5_000  # then a worker is replaced, so that what leaks does not add up …
max_requests_jitter = 1_000  # … and not all at once
backlog = 128  # connections that may wait; those beyond are the proxy's, which can say so
keepalive = 130  # seconds: longer than any proxy keeps what is idle (nginx 60, Caddy 120), or a form meets a connection just being closed
worker_connections = 250  # idle ones with them
control_socket_disable = True  # it lies in the home folder: two copies would share it
logconfig_dict = settings.LOGGING

GIVE_BACK_EVERY = 250  # requests of a worker
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # malloc.h of glibc
_c = {name: getattr(ctypes.CDLL(None), name) for name in ("mallopt", "malloc_trim") if hasattr(ctypes.CDLL(None), name)}

# Each process counts into a file of its own (`crm.core.monitoring`), named by its place and not by its number: a worker that follows
# another counts on in the same file, so there are never more files than processes at once.
_counts = tempfile.mkdtemp(prefix="lotse-counts-") if settings.METRICS_TOKEN else ""
_place = 0
if _counts:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = _counts
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue(lambda: _place)


def when_ready(server: Any) -> None:
    if preload_app:
        from crm.core.warm import warm_up  # the application is there by now

        try:
            warm_up()
        except Exception:
            server.log.exception("not everything could be loaded beforehand")  # one page may be broken; the others are not
    gc.collect()
    gc.freeze()  # what is loaded stays: the workers need not look through it, nor get pages of their own by that


def pre_fork(server: Any, worker: Any) -> None:
    taken = {other.place for other in server.WORKERS.values()}
    worker.place = next(place for place in itertools.count() if place not in taken)


def post_fork(server: Any, worker: Any) -> None:
    global _place
    _place = worker.place
    keep_little()


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    if worker.nr % GIVE_BACK_EVERY == 0:
        give_back()


def keep_little() -> None:
    """Each thread would keep memory of its own in which the holes add up, and glibc would keep ever larger pieces once it had seen one: a worker grew
    without holding more. Two pools for all threads, and pieces from 128 kB on for themselves. Other C libraries know no such words.
    """
    for setting, value in ((_ARENA_MAX, 2), (_MMAP_THRESHOLD, 128 * 1024)):
        if "mallopt" in _c:
            _c["mallopt"](setting, value)


def give_back() -> None:
    """What is free in the middle goes back to the system, too; it takes some milliseconds."""
    if "malloc_trim" in _c:
        _c["malloc_trim"](0)


def on_exit(server: Any) -> None:
    shutil.rmtree(_counts, ignore_errors=True)
