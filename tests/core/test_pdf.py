"""PDFs come from a process that can reach nothing: no files, no network, no more memory and time than it is given."""

from __future__ import annotations

import http.server
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from crm.core import pdf
from crm.core.paper import print_html

pytestmark = pytest.mark.usefixtures("pango")
SECRET = "canary-7f3a"
LOGO = ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#0b6470"/></svg>')


def unpacked(document: bytes) -> bytes:
    """Everything in a PDF, streams inflated."""
    import re
    import zlib

    streams = []
    for found in re.finditer(rb"stream\r?\n(.*?)endstream", document, re.S):
        try:
            streams.append(zlib.decompressobj().decompress(found.group(1)))
        except zlib.error:
            streams.append(found.group(1))
    return document + b"\n".join(streams)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file no document may show, as text, picture and style sheet alike."""
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "secret.css").write_text(f'p::after {{ content: "{SECRET}" }} @page {{ size: 200mm 77mm }}')
    (tmp_path / "secret.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"><text y="20">{SECRET}</text></svg>')
    return tmp_path


@pytest.fixture
def server():
    """Counts who asks."""
    asked: list[str] = []

    class Count(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"p { color: red }")

        def log_message(self, *_: object) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Count)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", asked
    running.shutdown()
    running.server_close()


def hostile(folder: Path, host: str) -> str:
    """A document that tries every way WeasyPrint fetches anything."""
    here = folder.as_uri()
    nested = f"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='{here}/secret.svg' width='9' height='9'/></svg>"
    return f"""<html><head>
    <link rel="stylesheet" href="{here}/secret.css"><link rel="stylesheet" href="{host}/a.css"><link rel="attachment" href="{here}/secret.txt">
    <style>@import url({here}/secret.css); @import url({host}/b.css); @font-face {{ font-family: X; src: url({host}/c.woff) }}
    body {{ background: url({here}/secret.svg), url({host}/d.png); font-family: X, sans-serif }}</style></head>
    <body><p>safe text</p><img src="{here}/secret.svg"><img src="{host}/e.png"><a rel="attachment" href="{here}/secret.txt">x</a>
    <object data="{here}/secret.svg"></object><embed src="{here}/secret.svg"><iframe src="{here}/secret.txt"></iframe>{nested}
    <img src="data:image/svg+xml;utf8,{nested}"><img src="asset:unknown"><img src="asset:logo"></body></html>"""


def test_a_document_reaches_nothing(secret, server):
    host, asked = server
    document = unpacked(pdf.render(hostile(secret, host), {"logo": LOGO}))
    assert document.startswith(b"%PDF-")
    assert SECRET.encode() not in document and b"EmbeddedFile" not in document
    assert asked == []


def test_red_control_without_the_guard_it_would(secret, server):
    """The same document through WeasyPrint's own fetcher: file, network and attachment are all reached."""
    host, asked = server
    code = "import sys, weasyprint; sys.stdout.buffer.write(weasyprint.HTML(string=sys.stdin.read()).write_pdf())"
    done = subprocess.run([sys.executable, "-I", "-c", code], input=hostile(secret, host).encode(), capture_output=True, timeout=60, check=True)
    document = unpacked(done.stdout)
    assert SECRET.encode() in document and b"EmbeddedFile" in document
    assert len(asked) >= 3


def test_named_assets_are_shown():
    shown = pdf.render('<img src="asset:logo">', {"logo": LOGO})
    assert unpacked(shown).count(b" re") > unpacked(pdf.render('<img src="asset:logo">')).count(b" re")


@pytest.mark.parametrize(("limit", "words"), [({"memory": 120_000_000}, "exit"), ({"cpu": 1}, "exit -"), ({"wall": 0.1}, "seconds")])
def test_limits_hold(limit, words):
    began = time.monotonic()
    with pytest.raises(pdf.PdfFailed, match=words):
        pdf.render("<table>" + "<tr><td>1<td>2<td>3" * 40_000 + "</table>", **limit)
    assert time.monotonic() - began < 30


def test_too_much_html_is_refused_at_once():
    with pytest.raises(pdf.PdfFailed, match="characters"):
        pdf.render("x" * (pdf.HTML_LIMIT + 1))


def test_the_child_knows_no_secrets(monkeypatch):
    """Neither database nor key is in the child's environment, and its module path holds nothing of ours."""
    seen = {}
    real = subprocess.run

    def spy(*args, **options):
        seen.update(options["env"], command=args[0])
        return real(*args, **options)

    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setattr(pdf.subprocess, "run", spy)
    pdf.render("<p>x</p>")
    assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"} & seen.keys()
    assert seen["command"][1] == "-I"


def test_the_child_leaves_at_once_and_leaves_nothing_behind(tmp_path, monkeypatch):
    """No tidy end, during which a library's thread may lose the ground under its feet; yet no font stays in the temporary folder.
    Red controls: without `os._exit` the handler is called; without a folder of its own the font stays."""
    real = subprocess.run
    tidy = f"import atexit, os, runpy; atexit.register(os._exit, 7); runpy.run_path({pdf.__file__!r}, run_name='__main__')"

    def through_a_handler(command, **options):
        return real([command[0], "-I", "-c", tidy], **options)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(pdf.subprocess, "run", through_a_handler)
    assert print_html('<link rel="stylesheet" href="asset:style"><p>Größe').startswith(b"%PDF-")
    assert not list(tmp_path.iterdir())


def test_nonsense_is_still_a_page():
    assert pdf.render("<<<>&;<p").startswith(b"%PDF-")
