"""The pages of the desk: queue, case, dialogs, forms; what readers see and what they do not."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.grants import sync_grants
from accounts.models import FieldRule, Role
from contacts.letters import letter_to
from contacts.models import Interaction
from crm.core.approvals import open_approval
from crm.core.models import OutgoingMail
from service import services
from service.conversation import log_entry
from service.models import Case, CaseLink, Cause, Macro, Remedy, TextModule
from tests.factories import EmailFactory, OrganisationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def sven(cast, sign_in):
    return sign_in(cast.sven)


def test_an_empty_desk_says_what_it_is(sven):
    page = sven.get("/service/desk/")
    assert page.status_code == 200 and "Noch keine Vorgänge" in page.content.decode()


def test_the_queue_is_in_the_order_of_deadlines_and_opens_the_first(sven, make, cast):
    late = make(at=timezone.now() - timedelta(days=20), heading="Längst fällig")
    make(heading="Heute gekommen")
    waits = make(heading="Ruht", type="question", channel="phone")
    services.wait_case(waits, by=cast.sven)
    page = sven.get("/service/desk/")
    names = re.findall(r'<b class="l-cut l-grow">(.*?)</b>', page.content.decode())
    assert names == ["Längst fällig", "Heute gekommen", "Ruht"] and page.context["object"] == late
    assert {tab["key"]: tab["count"] for tab in page.context["tabs"]} == {"all": 3, "new": 2, "mine": 1, "waiting": 1, "soon": 1, "late": 1}
    waiting = sven.get("/service/desk/?view=waiting")
    assert [line["case"].pk for line in waiting.context["queue"]] == [waits.pk] and "ruht" in waiting.content.decode()
    assert sven.get("/service/desk/?view=nonsense").context["tab"]["key"] == "all"


def test_the_queue_begins_with_what_is_due_first_though_it_came_last(sven, make):
    make(heading="Heute gekommen")
    make(at=timezone.now() - timedelta(days=20), heading="Spät eingetragen")
    page = sven.get("/service/desk/")
    assert [line["case"].heading for line in page.context["queue"]] == ["Spät eingetragen", "Heute gekommen"]


def test_taken_down_on_the_telephone(sven, cast):
    from contacts.search import index_parties

    OrganisationFactory(owner=cast.anna, legal_name="Überlinger Stahlbau GmbH")
    index_parties()
    answer = sven.post("/service/cases/new/", {"party": "überl", "type": "fault", "heading": "Bahn steht", "priority": 2, "channel": "phone", "owner": cast.sven.pk})
    case = Case.objects.get()
    assert answer["Location"] == f"/service/cases/{case.pk}/"
    assert (case.party.name, case.owner, case.state, case.rule.key) == ("Überlinger Stahlbau GmbH", cast.sven, "open", "urgent-fault")
    assert case.ack_at is not None and case.team == cast.firm.service


def test_somebody_is_named_or_the_form_says_so(sven):
    typed = {"type": "question", "heading": "Wie lange?", "priority": 3, "channel": "phone"}
    page = sven.post("/service/cases/new/", typed)
    assert page.status_code == 422 and "Wie lange?" in page.content.decode() and not Case.objects.exists()
    assert sven.post("/service/cases/new/", {**typed, "reporter": "Herr Brückner, 07551 1234"}).status_code == 302
    case = Case.objects.get()
    assert case.party is None and "Herr Brückner" in sven.get(f"/service/cases/{case.pk}/").content.decode()


def test_a_rep_takes_down_a_case_for_the_queue_and_follows_it(cast, sign_in):
    from service.models import SlaRule

    SlaRule.objects.update(team=cast.firm.service)
    party = OrganisationFactory(owner=cast.anna)
    anna = sign_in(cast.anna)
    answer = anna.post("/service/cases/new/", {"party": party.number, "type": "complaint", "heading": "Lack", "priority": 3, "channel": "personal"})
    case = Case.objects.get()
    assert case.team == cast.firm.service and case.owner is None
    page = anna.get(answer["Location"]).content.decode()
    assert "Lack" in page and f"/service/cases/{case.pk}/take/" not in page
    assert anna.post(f"/service/cases/{case.pk}/take/").status_code == 403


def test_who_takes_it_second_reads_who_was_first(cast, sign_in, make):
    case = make()
    sven, emil = sign_in(cast.sven), sign_in(cast.emil)
    assert 'name="seen" value="0"' in sven.get(f"/service/cases/{case.pk}/").content.decode()
    assert emil.post(f"/service/cases/{case.pk}/take/", {"seen": "0"}).status_code == 302
    for verb, more in (("take", {}), ("macro", {"macro": Macro.objects.get(key="confirm").pk})):
        refused = sven.post(f"/service/cases/{case.pk}/{verb}/", {"seen": "0", **more})
        assert refused.status_code == 422 and "Emil Probe hat diesen Vorgang inzwischen übernommen" in refused.content.decode()
    assert sven.post(f"/service/cases/{case.pk}/take/", {"seen": str(cast.emil.pk)}).status_code == 302


def test_a_role_that_adds_for_its_team_may_fill_the_queue_of_another(cast, sign_in, make):
    from accounts.models import RoleRight
    from service.models import SlaRule

    SlaRule.objects.update(team=cast.firm.service)
    for reach in ("team", "own"):
        RoleRight.objects.filter(role__key="rep", entity="case", verb="add").update(reach=reach)
        sync_grants()
        answer = sign_in(cast.anna).post("/service/cases/new/", {"reporter": "Herr X", "type": "question", "heading": f"Reichweite {reach}", "priority": 3, "channel": "phone"})
        assert answer.status_code == 302, reach
    assert Case.objects.get(heading="Reichweite team").team == cast.firm.service and Case.objects.get(heading="Reichweite own").owner == cast.anna


def test_each_step_is_one_form(sven, make, cast):
    case = make()
    here = f"/service/cases/{case.pk}/"
    for verb, state in (("take", "open"), ("acknowledge", "open"), ("wait", "waiting"), ("resume", "open")):
        answer = sven.post(f"{here}{verb}/?view=mine")
        assert answer["Location"] == f"{here}?view=mine"
        case.refresh_from_db()
        assert case.state == state
    assert sven.post(f"{here}resume/").status_code == 422


def test_solving_asks_a_complaint_for_cause_and_remedy(sven, make):
    case = make()
    url = f"/service/cases/{case.pk}/solve/"
    dialog = sven.get(url, htmx=True).content.decode()
    assert "<dialog" in dialog and "Lieferung · verspätet" in dialog
    page = sven.post(url, {})
    assert page.status_code == 422 and "Aus Beschwerden lernen wir" in page.content.decode() and "was gewährt wurde" in page.content.decode()  # both at once
    done = sven.post(url, {"cause": Cause.objects.get(key="late").pk, "remedy": Remedy.objects.get(key="nothing").pk, "close": "1"})
    case.refresh_from_db()
    assert done.status_code == 302 and case.state == "closed" and case.cause.key == "late"


def test_grant_beyond_the_limit_is_asked_and_decided(cast, sign_in, make):
    case = make()
    sven, emil = sign_in(cast.sven), sign_in(cast.emil)
    typed = {"cause": Cause.objects.get(key="late").pk, "remedy": Remedy.objects.get(key="credit").pk, "goodwill": "800", "own_cost": "12.5"}
    assert sven.post(f"/service/cases/{case.pk}/grant/", {**typed, "goodwill": "viel"}).status_code == 422
    assert sven.post(f"/service/cases/{case.pk}/grant/", typed).status_code == 302
    assert open_approval(case, services.GOODWILL).amount == Decimal(800)
    mine, theirs = (browser.get(f"/service/cases/{case.pk}/").content.decode() for browser in (sven, emil))
    assert "bittet um Freigabe von 800,00" in mine and 'value="1">Freigeben' not in mine and 'value="1">Freigeben' in theirs
    assert sven.post(f"/service/cases/{case.pk}/decide/", {"granted": "1"}).status_code == 422
    assert emil.post(f"/service/cases/{case.pk}/decide/", {"granted": "1", "note": "gut"}).status_code == 302
    case.refresh_from_db()
    assert case.goodwill == Decimal(800)
    assert emil.post(f"/service/cases/{case.pk}/decide/", {"granted": "vielleicht"}).status_code == 422


def test_the_composer_writes_and_keeps_what_was_typed(sven, make, cast):
    case = make()
    here = f"/service/cases/{case.pk}/"
    assert sven.post(f"{here}log/", {"way": "note", "body": "Los prüfen"}).status_code == 302
    page = sven.post(f"{here}log/", {"way": "answer", "body": ""})
    assert page.status_code == 422 and 'aria-invalid="true"' in page.content.decode()
    text = TextModule.objects.get(key="solved")
    page = sven.post(f"{here}log/", {"way": "answer", "body": "Guten Morgen", "module": text.pk})
    html = page.content.decode()
    assert page.status_code == 200 and "Guten Morgen" in html and f"Ihr Anliegen {case.number}" in html
    assert Interaction.objects.filter(kind="note").count() == 1 and not Interaction.objects.filter(kind="email").exists()
    html = sven.get(here).content.decode()
    assert re.search(r'<article class="l-msg int">.*?intern.*?Los prüfen', html, re.S)


def test_an_entry_is_corrected_and_stays_on_its_side(sven, make, cast):
    case = make()
    entry = log_entry(case, way="answer", body="Wir komen.", by=cast.sven)
    url = re.search(r'href="(/contacts/[^"]+?/edit/\?next=[^"]+)"', sven.get(f"/service/cases/{case.pk}/").content.decode())[1]
    typed = {"kind": "email", "occurred_at": "2026-09-15T10:00", "body": "Wir kommen.", "version": 1}
    assert sven.post(url, {**typed, "kind": "note"}).status_code == 422
    assert sven.post(url, typed)["Location"] == f"/service/cases/{case.pk}/"
    entry.refresh_from_db()
    assert (entry.body, entry.kind, entry.direction) == ("Wir kommen.", "email", "out")
    assert sven.post(url.split("?")[0] + "?next=//evil.example/", {**typed, "version": 2})["Location"] == f"/contacts/{case.party_id}/"


def test_a_longer_queue_costs_no_more_queries(sven, make, cast):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for _ in range(3):
        make()
    counts = []
    for _ in range(2):
        sven.get("/service/desk/")
        with CaptureQueriesContext(connection) as queries:
            sven.get("/service/desk/")
        counts.append(len(queries))
        for _ in range(9):
            make()
    assert counts[0] == counts[1] and counts[0] < 80, counts


@pytest.fixture
def reachable(make):
    case = make()
    EmailFactory(party=case.party, address="einkauf@werk.example")
    EmailFactory(party=case.party, address="lager@werk.example", is_primary=False)
    return case


def test_an_answer_leaves_as_a_mail_once_and_stays_as_it_was_sent(sven, cast, reachable):
    here = f"/service/cases/{reachable.pk}/"
    page = sven.get(here).content.decode()
    assert page.index("einkauf@werk.example</option>") < page.index("lager@werk.example</option>") < page.index("nur festhalten")
    answer = sven.post(f"{here}log/", {"way": "answer", "body": "Wir kommen morgen.", "to": "lager@werk.example"}, follow=True)
    assert "ist unterwegs an lager@werk.example" in answer.content.decode() and "geplant" in answer.content.decode()
    mail, entry = OutgoingMail.objects.get(), Interaction.objects.get(kind="email")
    assert (mail.to, mail.kind, mail.heading, mail.body) == ("lager@werk.example", "case", f"[{reachable.number}] {reachable.heading}", "Wir kommen morgen.")
    assert mail.subject_id == reachable.pk and mail.language == "de"
    reachable.refresh_from_db()
    assert reachable.ack_at is not None
    for verb, more in (("edit", {"kind": "email", "occurred_at": "2026-09-15T10:00", "body": "anders", "version": 1}), ("delete", {})):
        refused = sven.post(reverse(f"interaction-{'update' if verb == 'edit' else 'delete'}", args=[entry.pk]), more)
        assert refused.status_code == 422 and "bleibt, wie er versandt wurde" in refused.content.decode()
    assert reverse("interaction-update", args=[entry.pk]) not in sven.get(f"/contacts/organisations/{reachable.party_id}/").content.decode()


def test_what_is_no_answer_and_what_is_only_written_down_does_not_leave(sven, reachable):
    url = f"/service/cases/{reachable.pk}/log/"
    for typed in ({"way": "note", "to": "einkauf@werk.example"}, {"way": "call_out", "to": "einkauf@werk.example"}, {"way": "answer", "to": ""}):
        assert sven.post(url, {"body": "Text", **typed}).status_code == 302
    assert not OutgoingMail.objects.exists()
    page = sven.post(url, {"way": "answer", "body": "Text", "to": "fremd@anderswo.example"})
    assert page.status_code == 422 and "Text</textarea>" in page.content.decode() and not OutgoingMail.objects.exists()


def test_the_macro_s_text_greets_and_leaves(sven, cast, reachable):
    macro = Macro.objects.get(key="confirm")
    assert sven.post(f"/service/cases/{reachable.pk}/macro/", {"macro": macro.pk, "way": "answer", "body": "", "to": "einkauf@werk.example"}).status_code == 302
    mail = OutgoingMail.objects.get()
    assert mail.body.startswith(f"{letter_to(reachable.party, cast.sven).salutation},\n") and reachable.number in mail.body and "{" not in mail.body


def test_who_only_looks_writes_to_nobody(cast, sign_in, reachable):
    anna = sign_in(cast.anna)  # follows it, because she looks after the customer
    page = anna.get(f"/service/cases/{reachable.pk}/").content.decode()
    assert "einkauf@werk.example</option>" not in page
    assert anna.post(f"/service/cases/{reachable.pk}/log/", {"way": "answer", "body": "Hallo", "to": "einkauf@werk.example"}).status_code == 422
    assert anna.post(f"/service/cases/{reachable.pk}/log/", {"way": "note", "body": "Stammkunde"}).status_code == 302 and not OutgoingMail.objects.exists()


def test_a_deleted_case_leaves_no_mail_behind_that_hangs_on_it(cast, reachable):
    log_entry(reachable, way="answer", body="Wir kommen.", by=cast.sven, to="einkauf@werk.example")
    services.delete_case(reachable, by=cast.sven)
    assert OutgoingMail.objects.get().subject_id is None


def test_an_answer_can_be_handed_to_the_mail_program(sven, make, cast):
    case = make()
    EmailFactory(party=case.party, address="einkauf@werk.example")
    log_entry(case, way="answer", body="Wir kommen morgen & übermorgen.", by=cast.sven)
    html = sven.get(f"/service/cases/{case.pk}/").content.decode()
    assert f"mailto:einkauf@werk.example?subject=%5B{case.number}%5D" in html and "Wir%20kommen%20morgen%20%26" in html


def test_one_click_confirms_names_the_deadline_and_takes_over(sven, make, cast):
    case = make()
    macro = Macro.objects.get(key="confirm")
    assert sven.post(f"/service/cases/{case.pk}/macro/", {"macro": macro.pk, "body": "", "way": "answer"}).status_code == 302
    case.refresh_from_db()
    assert case.owner == cast.sven and case.ack_at is not None and Interaction.objects.filter(kind="email", direction="out").count() == 1
    for nonsense in ({}, {"macro": 0}, {"macro": 10**17}):
        assert sven.post(f"/service/cases/{case.pk}/macro/", nonsense).status_code == 422


def test_merging_and_linking_by_number(sven, make, cast):
    one, two, three = make(), make(), make(party=None, reporter="?")
    dialog = sven.get(f"/service/cases/{one.pk}/merge/", htmx=True).content.decode()
    assert "<datalist" in dialog
    assert sven.post(f"/service/cases/{one.pk}/merge/", {"other": "R-99999"}).status_code == 422
    assert sven.post(f"/service/cases/{one.pk}/merge/", {"other": f"{two.number} · {two.heading}"})["Location"] == f"/service/cases/{two.pk}/"
    one.refresh_from_db()
    assert one.merged_into == two and "ging in diesem auf" in sven.get(f"/service/cases/{two.pk}/").content.decode()
    assert sven.post(f"/service/cases/{two.pk}/link/", {"other": three.number}).status_code == 302
    assert sven.post(f"/service/cases/{two.pk}/link/", {"other": three.number}).status_code == 422
    assert sven.post(f"/service/cases/{two.pk}/unlink/", {"other": three.pk}).status_code == 302 and not CaseLink.objects.exists()


def test_assigning_offers_agents_only(sven, make, cast):
    case = make()
    dialog = sven.get(f"/service/cases/{case.pk}/assign/", htmx=True).content.decode()
    assert "Emil Probe" in dialog and "Mia Probe" not in dialog
    sven.post(f"/service/cases/{case.pk}/assign/", {"owner": cast.emil.pk, "team": cast.firm.service.pk})
    case.refresh_from_db()
    assert case.owner == cast.emil


# --- who sees what --------------------------------------------------------------------------------------------------------------------


def test_a_note_is_not_in_the_history_of_those_who_may_not_see_the_case(cast, sign_in, make):
    case = make()
    log_entry(case, way="note", body="GEHEIM Kulanz bis 5.000", by=cast.sven)
    url = f"/contacts/organisations/{case.party_id}/"
    assert "GEHEIM" in sign_in(cast.sven).get(url).content.decode()
    assert "GEHEIM" not in sign_in(cast.mia).get(url).content.decode()


def test_the_customer_s_name_is_not_told_through_a_case(cast, sign_in, make):
    party = OrganisationFactory(owner=cast.david, legal_name="Fremdfirma GmbH")
    make(by=cast.anna, party=party, heading="Von Anna gemeldet")
    page = sign_in(cast.anna).get("/service/desk/").content.decode()
    assert "Von Anna gemeldet" in page and "Fremdfirma" not in page
    assert "Fremdfirma" not in sign_in(cast.anna).get("/service/cases/").content.decode()


def test_hidden_fields_stay_hidden_everywhere(cast, sign_in, make):
    case = make(lot="L-2231", demanded="Wandlung")
    with_goodwill = {"cause": Cause.objects.get(key="late"), "remedy": Remedy.objects.get(key="credit"), "goodwill": Decimal(77), "own_cost": Decimal(3)}
    from service.remedies import grant_remedy

    grant_remedy(case, by=cast.emil, **with_goodwill)
    for name in ("goodwill", "own_cost", "lot", "demanded"):
        FieldRule.objects.create(role=Role.objects.get(key="service"), entity="case", field=name)
    sync_grants()
    sven = sign_in(cast.sven)
    for url in (f"/service/cases/{case.pk}/", "/service/desk/", "/service/cases/?columns=goodwill,lot", f"/service/cases/{case.pk}/edit/", "/service/causes/", f"/service/cases/{case.pk}/changes/"):
        html = sven.get(url).content.decode()
        assert "77,00" not in html and "L-2231" not in html and "Wandlung" not in html, url
    sven.post(f"/service/cases/{case.pk}/grant/", {"cause": Cause.objects.get(key="tone").pk, "remedy": case.remedy_id or ""})
    case.refresh_from_db()
    assert (case.cause.key, case.goodwill, case.own_cost) == ("tone", Decimal(77), Decimal(3))


def test_the_panel_and_the_figure_on_the_customer_s_page(cast, sign_in, make):
    case = make()
    sven = sign_in(cast.sven)
    page = sven.get(f"/contacts/organisations/{case.party_id}/").content.decode()
    assert f"/contacts/{case.party_id}/cases/" in page and "Offene Vorgänge" in page and f"Vorgang eröffnet: {case.heading}" in page
    panel = sven.get(f"/contacts/{case.party_id}/cases/", htmx=True).content.decode()
    assert case.heading in panel and case.number in panel
    assert sven.get(f"/contacts/{case.party_id}/cases/")["Location"] == f"/service/cases/?party={case.party_id}"
    assert f"/contacts/{case.party_id}/cases/" not in sign_in(cast.mia).get(f"/contacts/organisations/{case.party_id}/").content.decode()


def test_found_by_number_lot_and_customer(cast, sign_in, make):
    case = make(lot="X-77")
    sven = sign_in(cast.sven)
    for text in (case.number, "X-77", case.heading[:12]):
        assert case.heading in sven.get(f"/search/?q={text}", htmx=True).content.decode(), text
    assert case.heading not in sign_in(cast.mia).get(f"/search/?q={case.number}", htmx=True).content.decode()


def test_today_names_what_is_due(cast, sign_in, make):
    case = make(at=timezone.now() - timedelta(days=20))
    services.take_case(case, by=cast.sven)
    page = sign_in(cast.sven).get("/today/").content.decode()
    assert "Vorgänge mit Frist bis heute" in page and case.heading in page


def test_the_list_narrows_and_exports(sven, make, cast):
    make(heading="Eins", type="fault"), make(heading="Zwei")
    assert "Eins" not in sven.get("/service/cases/?type=complaint").content.decode()
    today = timezone.localdate()
    assert "Zwei" in sven.get(f"/service/cases/?opened_from={today}&opened_until={today}").content.decode()
    body = b"".join(sven.get("/service/cases/export/").streaming_content).decode()
    assert "Eins" in body and "Zwei" in body
