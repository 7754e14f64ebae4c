"""HTML becomes PDF in a process of its own: no database, no settings, no network, no files, and hard limits (D21).

`render(html, assets)` takes a complete HTML document and the few bytes it may show, named `asset:<id>` in the HTML; any other
address (http, file, data, …) is refused in the child. Memory, CPU seconds, open files, what it writes and wall time are limited.
The child is this very file, run by path in isolated mode, so it imports nothing of ours.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

MEMORY = 1_500_000_000  # bytes of address space; WeasyPrint with its fonts takes 0.4 GB of it
CPU = 20  # seconds
WALL = 40  # seconds; a waiting child is ended, too
WRITTEN = 20_000_000  # bytes of any one file (fonts are unpacked to a temporary folder)
HTML_LIMIT = 5_000_000  # characters

# What the child is told of its surroundings: where libraries and fonts are, nothing else (no secrets, no database).
_PASSED = ("LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "PATH", "HOME", "XDG_CACHE_HOME")
_LIBRARIES = (("libpango-1.0.so.0", "libpango-1.0.dylib"), ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib"))


class PdfFailed(Exception):
    """No PDF came out: too big, too slow, or the child ended otherwise. The text is for the log, not for people."""


@cache
def available() -> bool:
    """Are the libraries there that no wheel brings? Without them the pages hide their PDF buttons."""
    return all(any(_loads(name) for name in names) for names in _LIBRARIES)


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def render(html: str, assets: Mapping[str, tuple[str, bytes]] | None = None, *, memory: int = MEMORY, cpu: int = CPU, wall: float = WALL) -> bytes:
    """The document as PDF. `assets` maps an id to (media type, bytes). Raises PdfFailed."""
    if len(html) > HTML_LIMIT:
        raise PdfFailed(f"{len(html)} characters of HTML")
    order = {
        "html": html,
        "assets": {name: [kind, base64.b64encode(data).decode()] for name, (kind, data) in (assets or {}).items()},
        "limits": [[resource.RLIMIT_AS, memory], [resource.RLIMIT_CPU, cpu], [resource.RLIMIT_FSIZE, WRITTEN], [resource.RLIMIT_NOFILE, 64], [resource.RLIMIT_CORE, 0]],
    }
    try:
        with tempfile.TemporaryDirectory(prefix="lotse-pdf-") as folder:  # of the child's own, for nobody tidies up behind one that was ended
            done = subprocess.run(  # noqa: S603  (our own interpreter and file, no shell)
                [sys.executable, "-I", __file__],
                input=json.dumps(order).encode(),
                capture_output=True,
                timeout=wall,
                env={**{name: os.environ[name] for name in _PASSED if name in os.environ}, "TMPDIR": folder},
                cwd="/",
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise PdfFailed(f"more than {wall} seconds") from None
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        raise PdfFailed(f"exit {done.returncode}: {done.stderr[-2000:].decode(errors='replace')}")
    return done.stdout


def _child() -> None:
    """Read the order from stdin, limit this process, write the PDF to stdout."""
    order = json.load(sys.stdin.buffer)
    for kind, limit in order["limits"]:
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))
    import weasyprint
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    assets = {f"asset:{name}": (kind, base64.b64decode(data)) for name, (kind, data) in order["assets"].items()}

    class Named(URLFetcher):  # type: ignore[misc]
        """Deny by default: only the named assets exist."""

        def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
            if url not in assets:
                raise ValueError("address refused")
            kind, data = assets[url]
            return URLFetcherResponse(url, data, {"Content-Type": kind})

    sys.stdout.buffer.write(weasyprint.HTML(string=order["html"], url_fetcher=Named()).write_pdf())
    sys.stdout.buffer.flush()
    # Out at once: Pango keeps a thread, and a tidy end takes the library away under it. Now and then that thread still
    # runs, and a finished PDF would be lost to a segmentation fault.
    os._exit(0)


if __name__ == "__main__":
    _child()
