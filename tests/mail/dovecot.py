"""A real mail server for the long form of `mailin`: Dovecot as Debian packs it (dovecot-imapd), in a folder of its own, with tests.mail.imap's words."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from tests.mail.imap import closed_port

PLACES = ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"]
CONF = Template("""
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
base_dir = $folder/run
state_dir = $folder/state
log_path = $folder/log
mail_location = maildir:$folder/mail
passdb {
  driver = static
  args = password=$password
}
userdb {
  driver = static
  args = uid=$uid gid=$gid home=$folder/mail
}
service imap-login {
  inet_listener imap {
    port = $port
  }
  inet_listener imaps {
    port = 0
  }
}
""")
UNPRIVILEGED = Template("""
default_login_user = $name
default_internal_user = $name
default_internal_group =
service imap-login {
  chroot =
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
""")


def program() -> str | None:
    """Where Dovecot is; it stands outside an ordinary user's PATH."""
    return shutil.which("dovecot") or next((place for place in PLACES if os.access(place, os.X_OK)), None)


class Dovecot:
    """`with Dovecot() as box: box.put(raw)`. Users and passwords as the in-process server has them; one mailbox, as Maildir."""

    def __init__(self, user: str = "service", password: str = "geheim") -> None:
        self.user, self.password, self.port = user, password, closed_port()
        self.lock = threading.RLock()
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self._client: IMAPClient | None = None
        root = os.geteuid() == 0
        reader = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())  # Dovecot never reads mail as root
        self.mail = self.folder / "mail"
        self.mail.mkdir()
        self.folder.chmod(0o755)
        os.chown(self.mail, reader.pw_uid, reader.pw_gid)
        conf = CONF.substitute(folder=self.folder, port=self.port, password=password, uid=reader.pw_uid, gid=reader.pw_gid)
        (self.folder / "conf").write_text(conf + ("" if root else UNPRIVILEGED.substitute(name=reader.pw_name)), encoding="utf-8")

    def __enter__(self) -> Dovecot:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        self._process = subprocess.Popen([str(program()), "-F", "-c", str(self.folder / "conf")], stdin=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "log").read_text(encoding="utf-8", errors="replace"))

    def _stop(self) -> None:
        if self._client is not None:
            self._client.shutdown()
            self._client = None
        self._process.terminate()
        self._process.wait(20)

    def _inbox(self) -> IMAPClient:
        if self._client is None:
            self._client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20)
            self._client.login(self.user, self.password)
            self._client.select_folder("INBOX", readonly=True)
        return self._client

    def put(self, raw: bytes) -> None:
        """A mail arrives; a second later, as tests.mail.imap has it."""
        when = datetime.now(UTC) + timedelta(seconds=1)
        with self.lock:
            try:
                self._inbox().append("INBOX", raw, msg_time=when)
            except (IMAPClientError, OSError):  # the connection broke: whoever delivers mail tries again, even if it may then lie there twice
                self._client = None
                self._inbox().append("INBOX", raw, msg_time=when)

    def count_anew(self) -> None:
        """Another UIDVALIDITY, other UIDs: what Dovecot knew of the Maildir is gone, as after a restore."""
        with self.lock:
            self._stop()
            for known in self.mail.glob("dovecot*"):
                known.unlink()
            self._start()

    def unseen(self) -> list[int]:
        """UIDs of what nobody has marked as read."""
        with self.lock:
            self._inbox().noop()
            return list(self._inbox().search(["UNSEEN"]))
