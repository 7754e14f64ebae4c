"""A bare Debian 12 in a folder (debootstrap, minbase), and a person at its terminal."""

import http.client
import http.cookiejar
import os
import pty
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urljoin

import psutil

from crm.devstack.places import ROOT

BARE = Path("/var/tmp/lotse-debian-12")
PACKAGES = ["python3", "python3-venv", "git", "ca-certificates"]
CACHES = [".cache/uv", ".cache/pip", ".npm"]  # of the package managers, kept between runs: "a warm package cache"


def until(holds: Callable[[], object], seconds: float) -> float:
    """Wait until it holds; returns how long that took."""
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() - begin < seconds, f"waited {seconds} s in vain"
        time.sleep(0.1)
    return time.monotonic() - begin


def bare_debian() -> Path:
    """The folder with the bare system, made once."""
    if not BARE.exists():
        draft = BARE.with_name(f"{BARE.name}-{os.getpid()}")
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", str(draft)], check=True, capture_output=True)
        draft.rename(BARE)
    return BARE


class Machine:
    """A copy of the bare system with one account; its processes share our network, not our files."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.folder = Path(f"/var/tmp/lotse-fresh-{account}")
        self.remove()
        subprocess.run(["cp", "-a", str(bare_debian()), str(self.folder)], check=True)
        for file in ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
            shutil.copy(file, self.folder / file.lstrip("/"))
        if account != "root":
            self.run_as_root("useradd", "--create-home", account)
        self.home = Path("/root") if account == "root" else Path("/home") / account

    def enter(self, command: list[str], account: str) -> list[str]:
        """The command inside: own mounts, which vanish with the process, then chroot."""
        inside = self.folder
        mounts = [f"mount -t proc proc {inside}/proc", f"mount --rbind /dev {inside}/dev"]
        if account == self.account:
            for cache in CACHES:
                kept = Path(f"/var/tmp/lotse-caches-{account}") / cache
                mounts.append(f"mkdir -p {kept} {inside}{self.home}/{cache}")
                mounts.append(f"mount --bind {kept} {inside}{self.home}/{cache}")
            owned = " ".join(str(self.home / cache) for cache in [".cache", *CACHES])
            mounts.append(f"chroot {inside} chown {account} {owned}")
        script = f'{" && ".join(mounts)} && exec chroot --userspec={account} {inside} "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *command]

    def run_as_root(self, *command: str) -> None:
        """A command of the machine's administrator."""
        subprocess.run(self.enter(list(command), "root"), check=True, capture_output=True)

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        """A bare environment; only what names proxies and certificates of this network is passed on."""
        network = {name: value for name, value in os.environ.items() if "PROXY" in name.upper() or "CERT" in name.upper() or "CA_BUNDLE" in name}
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {**network, "PATH": path, "HOME": str(self.home), "TERM": "dumb", "LANG": "C.UTF-8", **variables}

    def clone(self, name: str) -> Path:
        """A fresh clone of what is committed, in the account's home; the path is the one inside."""
        target = self.folder / str(self.home).lstrip("/") / name
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(target)], check=True)
        self.run_as_root("chown", "-R", self.account, str(self.home / name))
        return self.home / name

    def terminal(self, command: str, **variables: str) -> "Terminal":
        """Type a command."""
        return Terminal(self.enter(["/bin/sh", "-c", command], self.account), self.environment(variables))

    def processes(self) -> list[psutil.Process]:
        """Everything that runs inside; `info` holds name and cmdline as they were read, for a process may end meanwhile."""
        return [process for process in psutil.process_iter(["name", "cmdline"]) if self._is_inside(process.pid)]

    def _is_inside(self, pid: int) -> bool:
        try:
            return os.readlink(f"/proc/{pid}/root") == str(self.folder)
        except OSError:
            return False

    def remove(self) -> None:
        """End what runs inside and delete the copy."""
        for process in self.processes():
            process.kill()
        time.sleep(0.2)
        shutil.rmtree(self.folder, ignore_errors=True)


class Terminal:
    """A command on a terminal of its own, so that Ctrl-C is a key and not a signal of ours."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.begin = time.monotonic()
        self.pid, self.keyboard = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)
        self.output = ""
        self.code: int | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self.keyboard, 65536)
            except OSError:
                break
            if not piece:
                break
            self.output += piece.decode(errors="replace")

    @property
    def seconds(self) -> float:
        """Since the command was typed."""
        return time.monotonic() - self.begin

    def ended(self) -> bool:
        """Whether it is over; then `code` is its exit code."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def address(self, seconds: float) -> str:
        """The address that `./lotse up` prints."""
        until(lambda: "Lotse runs: " in self.output or self.ended(), seconds)
        found = re.search(r"Lotse runs: (\S+)", self.output)
        assert found, self.output[-3000:]
        return found.group(1)

    def wait(self, seconds: float) -> int:
        """Until it is over; the exit code."""
        until(self.ended, seconds)
        self._reader.join(5)
        assert self.code is not None
        return self.code

    def press_ctrl_c(self) -> None:
        """The key."""
        os.write(self.keyboard, b"\x03")

    def kill(self) -> None:
        """For the end of a failed test."""
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)


class _Forms(HTMLParser):
    """The forms of a page: action and the fields that have a value."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        attributes = dict(attrs)
        if tag == "form":
            self.found.append((attributes.get("action") or "", {}))
        elif tag == "input" and self.found and attributes.get("name"):
            self.found[-1][1][str(attributes["name"])] = attributes.get("value") or ""


class Visitor:
    """Reads pages and sends forms, with cookies and without JavaScript."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str, data: dict[str, str] | None = None) -> str:
        """The page, or an empty text where none comes."""
        request = urllib.request.Request(urljoin(self.address, path), urlencode(data).encode() if data else None, {"Referer": self.address})
        try:
            with self.opener.open(request, timeout=20) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError, http.client.HTTPException):
            return ""

    def sign_in_as_demo_user(self) -> bool:
        """One click on the first person that the sign-in page offers; False while there is none yet."""
        forms = _Forms()
        forms.feed(self.get("/"))
        for action, fields in forms.found:
            if fields.get("login") and fields.get("password"):
                page = self.get(action, fields)
                return bool(page) and 'name="password"' not in page
        return False
