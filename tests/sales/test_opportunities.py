"""The pages of an opportunity: created by the service, edited without losing anyone's work, exported, shared, explained, deleted."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import Interaction, Task
from crm.core.models import Undo
from crm.core.undo import take_back
from sales import services
from sales.models import Opportunity, StageTransition
from tests.factories import OpportunityFactory, OrganisationFactory, PriceFactory, ProductFactory, grant_share

NEW = "/sales/opportunities/new/"


def facts(row, **changed):
    """What the form of this row sends, with some fields changed."""
    values = {
        "name": row.name, "party": row.party.number if row.party else "", "product": row.product_id or "", "amount": row.amount if row.amount is not None else "",
        "currency": row.currency_id, "expected_close": row.expected_close or "", "opened_on": row.opened_on or "", "source": row.source, "version": row.version,
    }  # fmt: skip
    return values | changed


def edit(browser, row, **changed):
    return browser.post(reverse("opportunity-update", args=[row.pk]), facts(row, **changed))


def test_a_new_one_is_opened_by_the_service(cast, stages, sign_in):
    party = OrganisationFactory(owner=cast.anna)
    anna = sign_in(cast.anna)
    page = anna.get(NEW, {"party": party.number, "name": "Sorter"}).content.decode()
    assert party.number in page and 'value="Sorter"' in page
    answer = anna.post(NEW, {"name": "Sorter", "party": party.number, "currency": "EUR", "stage": stages[0].pk, "amount": "12.50", "version": "0"})
    row = Opportunity.objects.get()
    assert answer.status_code == 302 and answer.headers["Location"] == reverse("opportunity-detail", args=[row.pk])
    assert (row.owner, row.team, row.party_id, row.amount, row.pricing, row.opened_on) == (cast.anna, cast.anna.team, party.pk, Decimal("12.50"), "typed", timezone.localdate())
    assert row.number.startswith("V-")
    assert StageTransition.objects.get(opportunity=row).kind == "open"


def test_a_product_fills_the_amount_unless_one_was_typed(cast, stages, sign_in):
    product, other = ProductFactory(), ProductFactory()
    today = timezone.localdate()
    PriceFactory(product=product, valid_from=today - timedelta(days=30), amount="100")
    PriceFactory(product=product, valid_from=today, amount="120")
    PriceFactory(product=product, valid_from=today + timedelta(days=1), amount="999")
    PriceFactory(product=other, valid_from="2020-01-01", amount="70")
    anna = sign_in(cast.anna)
    base = {"currency": "EUR", "stage": stages[0].pk, "version": "0"}
    anna.post(NEW, {**base, "name": "list", "product": product.pk})
    anna.post(NEW, {**base, "name": "typed", "product": product.pk, "amount": "95"})
    anna.post(NEW, {**base, "name": "no price", "product": product.pk, "currency": "USD"})
    found = {row.name: (row.amount, row.pricing) for row in Opportunity.objects.all()}
    assert found == {"list": (Decimal("120"), "list"), "typed": (Decimal("95"), "typed"), "no price": (None, "typed")}
    row = Opportunity.objects.get(name="list")
    edit(anna, row, product=other.pk)  # a list price follows the product
    row.refresh_from_db()
    assert (row.amount, row.pricing) == (Decimal("70"), "list")
    edit(anna, row, amount="65")
    row.refresh_from_db()
    assert (row.amount, row.pricing) == (Decimal("65"), "typed")
    edit(anna, row, product=product.pk)  # an agreed amount does not
    row.refresh_from_db()
    assert (row.amount, row.pricing) == (Decimal("65"), "typed")


def test_the_form_never_changes_stage_state_or_number(cast, stages, make, sign_in):
    row = make()
    edit(sign_in(cast.anna), row, name="new name", stage=stages[3].pk, state="won", number="V-1", rank="9", team=cast.firm.south.pk, owner=cast.david.pk)
    row.refresh_from_db()
    assert (row.name, row.stage, row.state, row.owner, row.team) == ("new name", stages[0], "open", cast.anna, cast.anna.team)


def test_who_may_assign_chooses_owner_and_team_within_reach(cast, stages, make, sign_in):
    row = make()
    clara = sign_in(cast.clara)
    assert edit(clara, row, owner=cast.ben.pk, team=cast.firm.north.pk).status_code == 302
    row.refresh_from_db()
    assert row.owner == cast.ben
    assert edit(clara, row, owner=cast.david.pk, team=cast.firm.south.pk).status_code == 422
    page = clara.get(NEW).content.decode()
    assert 'name="owner"' in page and 'name="owner"' not in sign_in(cast.anna).get(NEW).content.decode()


def test_a_foreign_contact_cannot_be_attached_by_guessing(cast, stages, sign_in):
    secret = OrganisationFactory(owner=cast.david, legal_name="Geheim KG")
    anna = sign_in(cast.anna)
    for guess in (secret.number, secret.pk, "Geheim KG"):
        answer = anna.post(NEW, {"name": "x", "currency": "EUR", "stage": stages[0].pk, "party": guess, "version": "0"})
        assert answer.status_code == 422, guess
    assert "Geheim" not in anna.get(NEW, {"party": secret.number}).content.decode()
    assert not Opportunity.objects.exists()


def test_two_people_editing_lose_nothing(cast, stages, make, sign_in):
    row = make(name="old", amount=Decimal("10"))
    clara, anna = sign_in(cast.clara), sign_in(cast.anna)
    edit(clara, row, name="claras name", owner=cast.anna.pk, team=cast.firm.north.pk)
    assert edit(anna, row, amount="20").status_code == 302  # another field: merged
    merged = Opportunity.objects.get()
    assert (merged.name, merged.amount) == ("claras name", Decimal("20"))
    clash = edit(anna, row, name="annas name")
    assert clash.status_code == 409 and "claras name" in clash.content.decode() and "annas name" in clash.content.decode()
    assert Opportunity.objects.get().name == "claras name"


def test_a_form_of_the_contact_read_before_the_win_does_not_write_its_state_back(cast, stages, make, sign_in):
    row = make()
    anna, url = sign_in(cast.anna), reverse("organisation-update", args=[row.party_id])
    sent = {bound.html_name: bound.value() for bound in anna.get(url).context["form"] if bound.value() not in (None, "")}
    services.win_opportunity(row, by=cast.ben)
    assert anna.post(url, {**sent, "website": "https://werk.example"}).status_code == 302
    row.party.refresh_from_db()
    assert (row.party.state, row.party.website) == ("customer", "https://werk.example")


def test_a_won_one_keeps_its_contact_and_amount(cast, stages, make, sign_in):
    row = make()
    services.win_opportunity(row, by=cast.anna)
    row.refresh_from_db()
    anna = sign_in(cast.anna)
    for broken in ({"party": ""}, {"amount": ""}, {"opened_on": timezone.localdate() + timedelta(days=3)}, {"amount": "-1"}):
        assert edit(anna, row, **broken).status_code == 422, broken


@pytest.mark.parametrize(
    "nonsense",
    [{"amount": "9" * 5000}, {"amount": "1e9999"}, {"expected_close": "31.02.2026"}, {"product": "9" * 5000}, {"party": "9" * 5000}, {"stage": "x"}, {"name": "n" * 161}, {"name": ""}, {"version": "x"}, {"currency": "XXX"}],
)
def test_nonsense_is_said_beside_its_field(cast, stages, sign_in, nonsense):
    answer = sign_in(cast.anna).post(NEW, {"name": "x", "currency": "EUR", "stage": stages[0].pk, "version": "0"} | nonsense)
    assert answer.status_code == 422 and set(answer.context["form"].errors) == set(nonsense)


def test_a_stage_that_demands_more_says_so_at_creation(cast, stages, sign_in):
    stages[0].gate = {"all": [{"field": "amount", "op": "set"}]}
    stages[0].save()
    answer = sign_in(cast.anna).post(NEW, {"name": "x", "currency": "EUR", "stage": stages[0].pk, "version": "0"})
    assert answer.status_code == 422 and "amount" in answer.context["form"].errors
    assert not Opportunity.objects.exists() and not StageTransition.objects.exists()


def test_the_export_is_what_the_list_shows(cast, stages, make, sign_in):
    make(name="=cmd|' /C calc'!A0", amount=Decimal("1234.50"))
    make(name="bens", owner=cast.ben)
    make(name="souths", owner=cast.david)
    clara = sign_in(cast.clara)
    answer = clara.get(reverse("opportunity-export"), {"columns": "party,amount,currency", "amount_max": "2000"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if ";" in text.splitlines()[0] else ","))
    assert len(rows) == 2 and len(rows[0]) == 4
    assert not rows[1][0].startswith("=") and "cmd" in rows[1][0]
    own = b"".join(sign_in(cast.anna).get(reverse("opportunity-export")).streaming_content).decode()
    assert "bens" not in own and "cmd" in own  # a rep exports the own ones
    assert sign_in(cast.mia).get(reverse("opportunity-export")).status_code == 403


def test_rights_decide_every_page(cast, stages, make, sign_in):
    row = make()
    for page in ("detail", "update", "delete", "changes", "why", "share"):
        address = reverse(f"opportunity-{page}", args=[row.pk])
        assert sign_in(cast.anna).get(address).status_code == 200, page
        assert sign_in(cast.david).get(address).status_code == 404, page
        assert sign_in(cast.mia).get(address).status_code == 403, page
    assert sign_in(cast.ben).get(reverse("opportunity-detail", args=[row.pk])).status_code == 200
    assert sign_in(cast.ben).get(reverse("opportunity-update", args=[row.pk])).status_code == 404
    assert sign_in(cast.greta).get(reverse("opportunity-update", args=[row.pk])).status_code == 403


def test_the_page_tells_its_history_and_what_comes_next(cast, stages, make, sign_in):
    row = make(name="Sorter", amount=Decimal("1000"))
    undo = services.move_opportunity(row, stages[1], by=cast.anna)
    take_back(undo, by=cast.anna)
    services.move_opportunity(row, stages[2], by=cast.anna)
    services.win_opportunity(row, by=cast.anna)
    anna = sign_in(cast.anna)
    page = anna.get(reverse("opportunity-detail", args=[row.pk]))
    kinds = [item["icon"] for day in page.context["days"] for item in day["items"]]
    assert kinds == ["trophy", "arrow-right", "arrow-back-up", "arrow-right", "flag"]
    assert any(item["tags"] for day in page.context["days"] for item in day["items"] if "tags" in item)


def test_an_entry_and_a_next_step_are_written_where_one_is(cast, stages, make, sign_in):
    row = make()
    anna, log, plan = sign_in(cast.anna), reverse("opportunity-log", args=[row.pk]), reverse("opportunity-step", args=[row.pk])
    assert anna.post(log, {"kind": "call", "body": "", "next_step": ""}, htmx=True).status_code == 422
    answer = anna.post(log, {"kind": "call", "body": "wants the drawing", "next_step": "morgen 9 Zeichnung"}, htmx=True)
    assert answer.status_code == 200 and "wants the drawing" in answer.content.decode()
    entry = Interaction.objects.get(kind="call")
    assert (entry.subject_id, entry.party_id) == (row.pk, row.party_id)
    assert Task.objects.get().subject_id == row.pk
    assert anna.post(plan, {"step": "no day in here"}).status_code == 422
    assert anna.post(plan, {"step": "morgen 14:00 Anruf"}).status_code == 302
    assert Task.objects.count() == 2
    without = make(party=None)
    assert anna.post(reverse("opportunity-step", args=[without.pk]), {"step": "morgen 9 Anruf"}).status_code == 302
    assert anna.post(reverse("opportunity-log", args=[without.pk]), {"kind": "call", "body": "x"}).status_code == 404
    for verb in ("log", "step"):
        assert sign_in(cast.greta).post(reverse(f"opportunity-{verb}", args=[row.pk]), {"step": "morgen 9 x"}).status_code == 403


def test_sharing_opens_it_and_ends_again(cast, stages, make, sign_in):
    row = make()
    anna, david, address = sign_in(cast.anna), sign_in(cast.david), reverse("opportunity-detail", args=[row.pk])
    assert anna.post(reverse("opportunity-share", args=[row.pk]), {"who": f"user-{cast.david.pk}", "action": "view"}).status_code == 302
    assert david.get(address).status_code == 200
    assert "David" in anna.get(address).content.decode()
    assert anna.post(reverse("opportunity-share", args=[row.pk]), {"who": f"user-{cast.frieda.pk}", "action": "view"}).status_code == 422
    assert anna.post(reverse("opportunity-unshare", args=[row.pk]), {"who": f"user-{cast.david.pk}"}).status_code == 302
    assert david.get(address).status_code == 404
    assert sign_in(cast.ben).post(reverse("opportunity-share", args=[row.pk]), {"who": f"user-{cast.david.pk}", "action": "view"}).status_code == 404


def test_why_says_the_reason_and_only_who_may_change_asks_about_others(cast, stages, make, sign_in):
    row = make()
    address = reverse("opportunity-why", args=[row.pk])
    verdicts = {v.action: v.holds for v in sign_in(cast.anna).get(address, {"who": cast.ben.pk}).context["verdicts"]}
    assert verdicts == {"view": True, "change": False, "delete": False}
    assert sign_in(cast.ben).get(address, {"who": cast.anna.pk}).context["who"] == cast.ben
    assert not any(v.holds for v in sign_in(cast.anna).get(address, {"who": cast.frieda.pk}).context["verdicts"])
    grant_share(row, cast.david)
    reasons = sign_in(cast.anna).get(address, {"who": cast.david.pk}).context["verdicts"][0]
    assert reasons.holds and reasons.reasons


def test_deleting_can_be_taken_back(cast, stages, make, sign_in):
    row = make(name="Gone")
    anna = sign_in(cast.anna)
    assert anna.post(reverse("opportunity-delete", args=[row.pk]), {}).status_code == 302
    assert not Opportunity.objects.filter(pk=row.pk).exists()
    take_back(Undo.objects.latest("at"), by=cast.anna)
    assert Opportunity.objects.get(pk=row.pk).name == "Gone"
    assert services.live_transitions().filter(opportunity_id=row.pk).count() == 1


def test_a_new_one_needs_a_team(cast, stages, sign_in):
    cast.anna.team = None
    cast.anna.save()
    answer = sign_in(cast.anna).post(NEW, {"name": "x", "currency": "EUR", "stage": stages[0].pk, "version": "0"})
    assert answer.status_code == 422 and not Opportunity.objects.exists()


def test_an_empty_list_invites(cast, stages, sign_in):
    anna = sign_in(cast.anna)
    for address in (reverse("opportunity-list"), reverse("board")):
        assert NEW in anna.get(address).content.decode()
    OpportunityFactory(owner=cast.anna)
    assert anna.get(reverse("opportunity-list"), {"q": "nothing like this"}).status_code == 200
