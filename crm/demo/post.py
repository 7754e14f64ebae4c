"""Mail in the demo: what came into the shared mailbox, written and filed as mail is (D14)."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import Team
from contacts.models import EmailAddress
from crm.core.mail.inbox.fetching import store
from crm.core.mail.inbox.server import Fetched
from crm.core.mail.inbox.taking import take_in
from crm.core.mail.message import File, Letter, compose
from crm.core.models import IncomingMail
from crm.core.work import work
from service.conversation import log_entry
from service.mailin import writers_of
from service.models import Case, DeskSetup
from service.services import assign_case

US = ("Rheintal Service", "service@rheintal.example")
TABLE = (
    "<p>Guten Tag,</p><p>wir brauchen <b>bis Ende der Woche</b> ein Angebot über:</p><table border='1'><tr><th>Teil</th><th>Menge</th></tr>"
    "<tr><td>Tragrolle RB 100</td><td>24</td></tr><tr><td>Seitenführung RB 300</td><td>6</td></tr></table><p>Freundliche Grüße<br>Sabine Ostermann<br>Einkauf</p>"
)
INTRO = (
    "Wir antworten an Werktagen zwischen 8 und 17 Uhr. Steht eine Bahn still, rufen Sie uns bitte an: das geht schneller.",
    "We answer on working days between 8 a.m. and 5 p.m. If a line stands still, please call us: that is quicker.",
)
PLAN = "Linie;Zone;Fehler\n2;Eingang;F-17\n2;Ausgang;\n"


def deliver(now: datetime, cases: list[Case]) -> None:
    """Three mails of this morning: a stranger's with a table, a customer's with a file, and the customer's second one below our answer."""
    with work():
        setup = DeskSetup.current()
        setup.team = Team.objects.get(name="Service")
        setup.form_open, setup.form_intro_de, setup.form_intro_en = True, *INTRO
        setup.save(update_fields=["team", "form_open", "form_intro_de", "form_intro_en"])
    customer = EmailAddress.objects.unrestricted().filter(party__kind="person").select_related("party").order_by("pk").first()
    _come(1, now - timedelta(hours=4), ("Sabine Ostermann", "ostermann@hafenlogistik.example"), "Ersatzteile für Linie 2", "", html=TABLE)
    if customer is None:
        return
    who = (str(customer.party), customer.address)
    text = "Guten Tag,\n\nan Linie 2 löst der Lichttaster ohne Grund aus, seit heute früh schon dreimal. Die Liste der Fehler hängt an.\n\nFreundliche Grüße"
    first = _come(2, now - timedelta(hours=3), who, "Lichttaster an Linie 2 löst ohne Grund aus", text, files=[File("Fehlerliste.csv", "text/csv", PLAN.encode())])
    case = Case.objects.unrestricted().get(pk=first.subject_id)
    agent = next((one.owner for one in cases if one.owner is not None), None)
    if agent is None:
        return
    assign_case(case, owner=agent, team=case.team, by=agent, at=now - timedelta(hours=2, minutes=40))
    asked = "Guten Tag,\n\nleuchtet die Anzeige am Taster dabei rot oder gelb?\n\nFreundliche Grüße"
    log_entry(case, way="answer", body=asked, by=agent, at=now - timedelta(hours=2, minutes=30), to=writers_of(case)[0][0])
    below = "".join(f"> {line}\n" for line in asked.split("\n"))
    _come(3, now - timedelta(hours=1), who, f"AW: [{case.number}] {case.heading}", f"Gelb, und nur wenn die Sonne darauf steht.\n\nAm Vormittag schrieb Rheintal Service:\n{below}", references="<demo-2@kunde.example>")


def _come(number: int, at: datetime, who: tuple[str, str], heading: str, text: str, *, html: str = "", files: list[File] | None = None, references: str = "") -> IncomingMail:
    """A mail arrives, is kept and filed."""
    message_id = f"<demo-{number}@kunde.example>"
    headers = {"References": references, "In-Reply-To": references} if references else {}
    letter = Letter(sender=who, to=US, heading=heading, text=text or "Guten Tag, wir brauchen bis Ende der Woche ein Angebot, siehe Tabelle.", message_id=message_id, date=at, html=html, files=files or [], headers=headers)
    store(1, Fetched(number, compose(letter), at))
    IncomingMail.objects.filter(message_id=message_id).update(marked=True)
    take_in(float("inf"))
    return IncomingMail.objects.get(message_id=message_id)
