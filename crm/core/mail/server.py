"""Where mail is handed over: the house's settings in the admin, else the environment's, else a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from crm.core.mail.addresses import BadAddress, read_mailbox
from crm.core.models import MailSetup
from crm.core.seal import Unreadable, unseal

PURPOSE = "mail-server"  # what the password is sealed for
NOWHERE = ("Lotse", "lotse@localhost")


@dataclass(frozen=True)
class Server:
    """All that is needed to hand mails over, as plain values. Without a `host` they become files in `folder`. `timeout` is seconds per answer."""

    host: str = ""
    port: int = 25
    security: str = MailSetup.Security.NONE
    username: str = ""
    password: str = field(default="", repr=False)
    password_lost: bool = False
    timeout: float = 20
    our_name: str = "localhost"  # said in EHLO
    sender: tuple[str, str] = NOWHERE
    reply_to: tuple[str, str] | None = None
    log: str = ""
    folder: Path = Path()
    from_environment: bool = True


def server_of(setup: MailSetup) -> Server:
    """What holds at this moment."""
    if setup.host:
        try:
            password, lost = unseal(setup.password, PURPOSE), False
        except Unreadable:
            password, lost = "", True
        place = Server(setup.host, setup.port, setup.security, setup.username, password, lost, from_environment=False)
    else:
        security = MailSetup.Security.STARTTLS if settings.EMAIL_USE_TLS else MailSetup.Security.NONE
        place = Server(settings.SMTP_HOST, settings.EMAIL_PORT, security, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    return Server(
        **{name: getattr(place, name) for name in ("host", "port", "security", "username", "password", "password_lost", "from_environment")},
        timeout=settings.EMAIL_TIMEOUT,
        our_name=urlsplit(settings.BASE_URL).hostname or "localhost",
        sender=sender_of(setup),
        reply_to=_mailbox(setup.reply_to),
        log=settings.SMTP_LOG,
        folder=Path(settings.EMAIL_FILE_PATH),
    )


def only_a_folder(setup: MailSetup) -> bool:
    """Whether mails become files that somebody takes for sent: no mail server is named, and this is no place for trying Lotse out."""
    return not (setup.host or settings.SMTP_HOST or settings.DEBUG or settings.SHOW_DEMO_SIGN_INS)


def sender_of(setup: MailSetup) -> tuple[str, str]:
    """The house's sender as (name, address)."""
    return _mailbox(setup.sender) or _mailbox(settings.DEFAULT_FROM_EMAIL) or NOWHERE


def _mailbox(text: str) -> tuple[str, str] | None:
    try:
        return read_mailbox(text)
    except BadAddress:
        return None
