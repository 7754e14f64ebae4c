"""Libraries that no wheel brings: Pango for PDFs, Chromium for the browser tests.

As root (or with a passwordless sudo) apt installs them; without root the packages are unpacked below `.local`, which
needs no rights; else one plain sentence. LOTSE_NO_APT=1 forbids the first way.
"""

import ctypes
import os
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from crm.devstack.places import STATE, say

PANGO = ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-dejavu-core"]
PANGO_LIBRARIES = ["libgobject-2.0.so.0", "libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0", "libfontconfig.so.1"]
CHROMIUM = ["chromium", "fonts-dejavu-core"]
SYSROOT = STATE / "sysroot"


def pango_works() -> bool:
    """Whether WeasyPrint will find its libraries."""
    if _unpacked_library(PANGO_LIBRARIES[1]):
        return True
    try:
        for library in PANGO_LIBRARIES:
            ctypes.CDLL(library)
    except OSError:
        return False
    return True


def chromium() -> str | None:
    """The browser's path: LOTSE_CHROMIUM, PATH, or the unpacked one."""
    if os.environ.get("LOTSE_CHROMIUM"):
        return os.environ["LOTSE_CHROMIUM"]
    unpacked = SYSROOT / "usr/lib/chromium/chromium"
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), str(unpacked) if unpacked.exists() else None)


def ensure_pango() -> bool:
    """Install Pango if it is missing; says so if PDFs stay off."""
    if pango_works() or (_install(PANGO) and pango_works()):
        return True
    say(f"PDF is off, because Pango is missing. On Debian or Ubuntu: apt-get install {' '.join(PANGO)}")
    return False


def ensure_chromium() -> bool:
    """Install Chromium if it is missing; says so if the browser tests are skipped."""
    if chromium() or (_install(CHROMIUM) and chromium()):
        return True
    say("The browser tests are skipped, because Chromium is missing: install it, or name one in LOTSE_CHROMIUM.")
    return False


def environment() -> dict[str, str]:
    """Variables that make processes find the unpacked libraries and fonts, also those still to come; none when the machine has its own."""
    found: dict[str, str] = {}
    if browser := chromium():
        found["LOTSE_CHROMIUM"] = browser
    if SYSROOT.exists() or not pango_works():
        folders = [SYSROOT / "usr/lib" / _multiarch(), SYSROOT / "lib" / _multiarch(), SYSROOT / "usr/lib" / _multiarch() / "pulseaudio"]
        found["LD_LIBRARY_PATH"] = ":".join([*map(str, folders), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
        if not Path("/etc/fonts/fonts.conf").exists():
            found["FONTCONFIG_FILE"] = str(_font_settings())
    return found


def _unpacked_library(name: str) -> bool:
    return any((SYSROOT / folder / _multiarch() / name).exists() for folder in ("usr/lib", "lib"))


def _multiarch() -> str:
    return str(sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu")


def _font_settings() -> Path:
    # Debian writes this file in a post-install script, which unpacking does not run.
    path = SYSROOT / "fonts.conf"
    if not path.exists():
        SYSROOT.mkdir(parents=True, exist_ok=True)
        folders = f"<dir>{SYSROOT}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{STATE}/fontcache</cachedir>"
        path.write_text(f'<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>{folders}</fontconfig>\n')
    return path


def _install(packages: list[str]) -> bool:
    if not shutil.which("apt-get"):
        return False
    say(f"Installing {' '.join(packages)} …")
    rights = _rights()
    return _unpack(packages) if rights is None else _Apt(rights, []).install(packages)


def _rights() -> list[str] | None:
    """The words before a command that needs root; None: we may not."""
    if os.environ.get("LOTSE_NO_APT") == "1":
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


@dataclass(frozen=True)
class _Apt:
    """apt-get with words before it and options behind it."""

    before: list[str]
    options: list[str]

    def run(self, *arguments: str, quiet: bool = False) -> bool:
        """On failure the last lines of its output are shown, unless `quiet`."""
        command = [*self.before, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", *self.options, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode and not quiet:
            say("\n".join((done.stdout + done.stderr).strip().splitlines()[-5:]))
        return done.returncode == 0

    def install(self, packages: list[str]) -> bool:
        """Install without recommended packages; the lists are fetched anew only if those at hand do not do."""
        words = ["install", "-y", "--no-install-recommends", *packages]
        return self.run(*words, quiet=True) or (self.run("update") and self.run(*words))


def _unpack(packages: list[str]) -> bool:
    """Let apt work in folders of ours, download what is missing on this machine, and unpack it into the sysroot."""
    if not shutil.which("dpkg-deb"):
        return False
    state, cache = STATE / "apt/state", STATE / "apt/cache"
    for folder in (state / "lists/partial", cache / "archives/partial", SYSROOT):
        folder.mkdir(parents=True, exist_ok=True)
    ours = {"Dir::State": state, "Dir::Cache": cache, "Dir::State::status": "/var/lib/dpkg/status", "Debug::NoLocking": 1}
    download = ["install", "-y", "--no-install-recommends", "--download-only", *packages]
    own_lists = _Apt([], [word for key, value in ours.items() for word in ("-o", f"{key}={value}")])
    lists_at_hand = _Apt([], [*own_lists.options, "-o", "Dir::State::lists=/var/lib/apt/lists"])
    if not (lists_at_hand.run(*download, quiet=True) or (own_lists.run("update") and own_lists.run(*download))):
        return False
    for archive in (cache / "archives").glob("*.deb"):
        if subprocess.run(["dpkg-deb", "-x", archive, SYSROOT], capture_output=True).returncode:
            return False
    shutil.rmtree(STATE / "apt", ignore_errors=True)
    return True
