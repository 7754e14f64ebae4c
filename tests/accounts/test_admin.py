"""The set-up pages: who gets in, that every form works as a browser sends it, and what the CRM manager can do."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from accounts.models import Deputy, FieldRule, Membership, Role, RoleRight, Team, TeamUserPerm, User
from contacts.models import Party
from crm.catalog.models import Currency, Price, Product
from crm.core.access import scope_of
from crm.core.admin_site import Gate, LookOnly, SingleAdmin
from crm.core.models import Event, Installation, MailText, NumberRange, OutgoingMail
from sales.models import LostReason, Opportunity, Stage
from sales.services import open_opportunity
from tests.factories import OpportunityFactory, PersonFactory

pytestmark = pytest.mark.django_db


def pages() -> list[str]:
    """The list and, where rows are made by hand, the add page of every registered model."""
    made = [model for model, page in admin.site._registry.items() if not isinstance(page, LookOnly | SingleAdmin) and model not in {NumberRange, MailText}]
    name = "admin:{0.app_label}_{0.model_name}_{1}"
    return [name.format(model._meta, "changelist") for model in admin.site._registry] + [name.format(model._meta, "add") for model in made]


def fields_of(response: Any) -> dict[str, Any]:
    """What a browser would send back from the page's form: its values as rendered, the key and the token included."""
    html = response.content.decode()
    form = html[html.index('<form', html.index('id="content"')) :]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        names = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        kind = names.get("type", "text")
        if "name" not in names or kind in {"submit", "button"} or (kind in {"checkbox", "radio"} and " checked" not in tag):
            continue
        value = unescape(names.get("value", "on" if kind == "checkbox" else ""))
        found.setdefault(names["name"], []).append(value)
    for name, body in re.findall(r'<select [^>]*?name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.findall(r'<option value="([^"]*)"[^>]*? selected', body)
        found[name] = chosen[:1] or [""]
    return found


def submit(browser: Any, url: str, **typed: Any) -> Any:
    """Open the page, fill in, send: without the header our other tests lean on, as a browser without JavaScript does."""
    page = browser.get(url)
    assert page.status_code == 200, url
    facts = {**fields_of(page), **{name.replace("__", "-"): value for name, value in typed.items()}}
    assert facts.get("_key"), "the form carries its key"
    return browser.post(url, facts, headers={"Idempotency-Key": ""})


def test_only_pages_on_the_gate_are_registered(db: None) -> None:
    assert all(isinstance(page, Gate) for page in admin.site._registry.values())
    assert Group not in admin.site._registry
    assert Party not in admin.site._registry and Opportunity not in admin.site._registry


@pytest.mark.parametrize("name", ["anna", "clara", "mia", "sven", "greta", "frieda"])
def test_others_are_refused(cast: Any, sign_in: Any, name: str) -> None:
    browser = sign_in(getattr(cast, name))
    for page in ["admin:index", *pages()]:
        assert browser.get(reverse(page)).status_code == 403, page
    assert browser.get(reverse("admin:accounts_role_change", args=[Role.objects.first().pk])).status_code == 403  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_page_opens_for_the_crm_manager(cast: Any, sign_in: Any, language: str) -> None:
    User.objects.filter(pk=cast.emil.pk).update(language=language)
    browser = sign_in(cast.emil)
    for page in ["admin:index", *pages()]:
        response = browser.get(reverse(page))
        assert response.status_code == 200, page
        html = response.content.decode()
        assert "<style" not in html and " style=" not in html and not re.search(r"<script(?![^>]*src=)", html), page


def test_there_are_no_password_pages(cast: Any, sign_in: Any) -> None:
    assert sign_in(cast.emil).get("/admin/password_change/").status_code == 404


def test_anonymous_is_sent_to_the_one_sign_in_page(cast: Any, client: Any) -> None:
    assert client.get("/admin/accounts/role/").headers["Location"].startswith("/accounts/login/")


def test_add_a_role_and_give_it_rights(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    answer = submit(browser, reverse("admin:accounts_role_add"), label_de="Außendienst", label_en="Field sales", like=str(Role.objects.get(key="rep").pk))
    role = Role.objects.get(key="field-sales")
    assert answer.status_code == 302 and role.group is not None
    assert role.rights.count() == Role.objects.get(key="rep").rights.count()
    url = reverse("admin:accounts_role_change", args=[role.pk])
    submit(browser, url, right_party_delete="all", right_opportunity_view="", concealed=["party.revenue", "opportunity.amount"])
    cells = {(cell.entity, cell.verb): cell.reach for cell in role.rights.all()}
    assert cells["party", "delete"] == "all" and ("opportunity", "view") not in cells and cells["party", "view"] == "team"
    assert set(role.field_rules.values_list("entity", "field")) == {("party", "revenue"), ("opportunity", "amount")}


def test_matrix_applies_with_the_next_click_and_ends_no_session(cast: Any, sign_in: Any) -> None:
    anna = sign_in(cast.anna)
    role = Role.objects.get(key="rep")
    assert scope_of(cast.anna).may("view", "forecast")
    submit(sign_in(cast.emil), reverse("admin:accounts_role_change", args=[role.pk]), right_forecast_view="")
    assert not scope_of(cast.anna).may("view", "forecast")
    assert anna.get(reverse("notifications")).status_code == 200


def test_the_matrix_offers_only_real_fields_and_reaches(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    role = Role.objects.get(key="rep")
    url = reverse("admin:accounts_role_change", args=[role.pk])
    answer = submit(browser, url, concealed=["party.password"])
    assert answer.status_code == 200 and not FieldRule.objects.exists()
    answer = submit(browser, url, right_party_view="everything")
    assert answer.status_code == 200 and RoleRight.objects.get(role=role, entity="party", verb="view").reach == "team"
    assert 'name="right_setup_view"' in answer.content.decode()


def test_nobody_saws_off_the_branch(cast: Any, sign_in: Any) -> None:
    role = Role.objects.get(key="manager")
    answer = submit(sign_in(cast.emil), reverse("admin:accounts_role_change", args=[role.pk]), right_setup_change="")
    assert answer.status_code == 422
    assert RoleRight.objects.filter(role=role, entity="setup", verb="change").exists()
    assert scope_of(cast.emil).may("change", "setup")


def test_invite_a_user(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    facts = {"email": "Nora@Lotse.test", "first_name": "Nora", "last_name": "Neu", "language": "en", "team": cast.firm.north.pk, "role": Role.objects.get(key="rep").pk}
    assert submit(browser, reverse("admin:accounts_user_add"), **facts).status_code == 302
    nora = User.objects.get(email="nora@lotse.test")
    assert not nora.has_usable_password() and scope_of(nora).may("view", "opportunity")
    assert OutgoingMail.objects.get(user=nora).heading == "Your access to Lotse"
    again = submit(browser, reverse("admin:accounts_user_add"), **facts)
    with translation.override("de"):
        assert again.status_code == 200 and "errorlist" in again.content.decode()
    assert User.objects.filter(email__iexact="nora@lotse.test").count() == 1


def test_change_memberships_and_deputies_in_their_tables(cast: Any, sign_in: Any) -> None:
    browser, anna = sign_in(cast.emil), sign_in(cast.anna)
    url = reverse("admin:accounts_user_change", args=[cast.anna.pk])
    facts = {"memberships-TOTAL_FORMS": "2", "memberships-1-team": str(cast.firm.south.pk), "memberships-1-role": str(Role.objects.get(key="lead").pk), "memberships-1-user": str(cast.anna.pk)}
    facts |= {"deputies-TOTAL_FORMS": "1", "deputies-0-deputy": str(cast.ben.pk), "deputies-0-until": "31.12.2099", "deputies-0-absent": str(cast.anna.pk), "deputies-0-id": ""}
    assert submit(browser, url, **facts).status_code == 302
    assert set(cast.anna.memberships.values_list("team__name", "role__key")) == {("Nord", "rep"), ("Süd", "lead")}
    assert TeamUserPerm.objects.filter(user=cast.ben, source="deputy").exists()
    assert anna.get(reverse("notifications")).status_code == 302, "her sessions have ended"
    arrangement = Deputy.objects.get()
    assert submit(browser, url, **{"deputies-0-DELETE": "on"}).status_code == 302
    assert not Deputy.objects.filter(pk=arrangement.pk).exists()
    assert not TeamUserPerm.objects.filter(source="deputy").exists()


def test_the_manager_stays_signed_in_after_changing_her_own_roles(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    facts = {"memberships-TOTAL_FORMS": "2", "memberships-1-team": str(cast.firm.north.pk), "memberships-1-role": str(Role.objects.get(key="lead").pk)}
    assert submit(browser, reverse("admin:accounts_user_change", args=[cast.emil.pk]), **facts).status_code == 302
    assert browser.get(reverse("admin:index")).status_code == 200


def test_switch_off_by_the_box(cast: Any, sign_in: Any) -> None:
    anna = sign_in(cast.anna)
    page = reverse("admin:accounts_user_change", args=[cast.anna.pk])
    assert submit(sign_in(cast.emil), page, is_active=[]).status_code == 302
    assert anna.get(reverse("notifications")).status_code == 302
    assert not TeamUserPerm.objects.filter(user=cast.anna).exists()
    own = submit(sign_in(cast.emil), reverse("admin:accounts_user_change", args=[cast.emil.pk]), is_active=[])
    assert own.status_code == 200 and User.objects.get(pk=cast.emil.pk).is_active


def test_who_may_do_everything_is_out_of_the_managers_reach(cast: Any, sign_in: Any) -> None:
    """Shown, not changed: neither by the form nor by what a browser could send instead."""
    User.objects.filter(pk=cast.greta.pk).update(is_superuser=True)
    browser, page = sign_in(cast.emil), reverse("admin:accounts_user_change", args=[cast.greta.pk])
    shown = browser.get(page)
    assert "Diese Person darf hier alles" in shown.content.decode() and "greta@lotse.test" in shown.content.decode()
    assert not {"email", "is_active", "memberships-TOTAL_FORMS"} & set(fields_of(shown))
    forged = {"email": "mine@lotse.test", "is_active": [], "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0"}
    assert submit(browser, page, first_name="Grete", **forged).status_code == 302
    greta = User.objects.get(pk=cast.greta.pk)
    assert (greta.first_name, greta.email, greta.is_active, greta.memberships.count()) == ("Grete", "greta@lotse.test", True, 1)
    answer = browser.post(reverse("admin:accounts_user_changelist"), {"action": "send_link", "_selected_action": [str(greta.pk)]}, follow=True)
    assert "Grete Probe darf hier alles" in answer.content.decode() and not OutgoingMail.objects.exists()
    User.objects.filter(pk=cast.emil.pk).update(is_superuser=True)
    assert submit(browser, page, email="greta.neu@lotse.test").status_code == 302
    assert User.objects.get(pk=greta.pk).email == "greta.neu@lotse.test"


def test_a_changed_address_is_told_to_the_former_one(cast: Any, sign_in: Any) -> None:
    page = reverse("admin:accounts_user_change", args=[cast.anna.pk])
    assert submit(sign_in(cast.emil), page, email="Mine@lotse.test").status_code == 302
    mail = OutgoingMail.objects.get()
    assert User.objects.get(pk=cast.anna.pk).email == "mine@lotse.test"
    assert (mail.to, mail.heading) == ("anna@lotse.test", "Die E-Mail-Adresse Ihres Zugangs zu Lotse wurde geändert") and "Geändert von: Emil Probe" in mail.body


def test_a_team_cannot_hang_below_itself(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    child = Team.objects.create(name="Nord 1", parent=cast.firm.north)
    answer = submit(browser, reverse("admin:accounts_team_change", args=[cast.firm.north.pk]), parent=str(child.pk))
    assert answer.status_code == 200 and "errorlist" in answer.content.decode()
    answer = submit(browser, reverse("admin:accounts_team_add"), name="Zweite Wurzel", parent="")
    assert answer.status_code == 200 and Team.objects.filter(parent=None).count() == 1
    assert browser.get(reverse("admin:accounts_team_delete", args=[cast.firm.root.pk])).status_code == 403


def test_add_a_stage_in_the_middle(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    offer = Stage.objects.get(key="offer")
    facts = {"pipeline": offer.pipeline_id, "label_de": "Vor-Ort-Termin", "label_en": "Site visit", "after": str(offer.pk), "probability": "60", "required": ["party", "amount"]}
    assert submit(browser, reverse("admin:sales_stage_add"), **facts).status_code == 302
    stage = Stage.objects.get(key="site-visit")
    assert list(offer.pipeline.stages.values_list("key", "position"))[2:4] == [("offer", 3), ("site-visit", 4)]
    assert stage.gate == {"all": [{"field": "party", "op": "set"}, {"field": "amount", "op": "set"}]} and stage.active
    assert submit(browser, reverse("admin:sales_stage_change", args=[stage.pk]), after="", required=[]).status_code == 302
    stage.refresh_from_db()
    assert (stage.position, stage.gate) == (1, {})
    assert sorted(offer.pipeline.stages.values_list("position", flat=True)) == [1, 2, 3, 4, 5, 6]


def test_a_gate_that_says_more_is_kept(cast: Any, sign_in: Any) -> None:
    gate = {"all": [{"field": "amount", "op": "at_least", "value": "1000"}]}
    Stage.objects.filter(key="offer").update(gate=gate)
    stage = Stage.objects.get(key="offer")
    assert submit(sign_in(cast.emil), reverse("admin:sales_stage_change", args=[stage.pk]), probability="58").status_code == 302
    stage.refresh_from_db()
    assert (stage.probability, stage.gate) == (58, gate)


def test_a_stage_in_use_is_neither_switched_off_nor_deleted(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    stage = Stage.objects.order_by("position")[0]
    open_opportunity(OpportunityFactory.build(stage=stage, owner=cast.anna, team=cast.firm.north), by=cast.anna)
    url = reverse("admin:sales_stage_change", args=[stage.pk])
    answer = submit(browser, url, active=[])
    assert answer.status_code == 200 and "errorlist" in answer.content.decode()
    gone = browser.get(reverse("admin:sales_stage_delete", args=[stage.pk]))
    assert gone.status_code == 302 and gone.headers["Location"] == url
    assert "1 " in browser.get(url).content.decode()
    unused = Stage.objects.order_by("-position")[0]
    assert submit(browser, reverse("admin:sales_stage_delete", args=[unused.pk])).status_code == 302
    assert not Stage.objects.filter(pk=unused.pk).exists()


def test_reasons_industries_and_their_order(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    assert submit(browser, reverse("admin:sales_lostreason_add"), label_de="Zu spät", label_en="Too late", active="on").status_code == 302
    reason = LostReason.objects.get(key="too-late")
    assert reason.position == max(LostReason.objects.values_list("position", flat=True))
    assert submit(browser, reverse("admin:sales_lostreason_changelist"), **{"form-0-position": "99", "_save": "1"}).status_code == 302
    assert LostReason.objects.filter(position=99).exists()
    assert submit(browser, reverse("admin:contacts_industry_add"), label_de="Bergbau", label_en="Mining", active="on").status_code == 302


def test_currency_rates_prices_numbers_and_house(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    assert submit(browser, reverse("admin:catalog_currency_add"), code="pln", active="on", **{"rates-0-valid_from": "01.01.2026", "rates-0-value": "0,23"}).status_code == 302
    assert Currency.objects.get(pk="PLN").rates.get().value == pytest.approx(__import__("decimal").Decimal("0.23"))
    assert submit(browser, reverse("admin:catalog_currency_change", args=["EUR"]), active=[]).status_code == 200
    facts = {"number": "B-1", "name": "Rollenbahn", "series": "", "active": "on", "prices-0-currency": "EUR", "prices-0-valid_from": "01.01.2026", "prices-0-amount": "1250,50"}
    assert submit(browser, reverse("admin:catalog_product_add"), **facts).status_code == 302
    assert Price.objects.get(product=Product.objects.get(number="B-1")).amount == pytest.approx(1250.5)
    NumberRange.objects.create(key="party", prefix="K-", upcoming=10100)
    down = submit(browser, reverse("admin:core_numberrange_change", args=["party"]), upcoming="5")
    assert down.status_code == 200 and NumberRange.objects.get(key="party").upcoming == 10100
    house = {"name": "Werk AG", "currency": "eur", "fiscal_year_start": "4", "language": "de"}
    assert submit(browser, reverse("admin:core_installation_add"), **house).status_code == 302
    assert (Installation.current().pk, Installation.current().currency, Installation.current().fiscal_year_start) == (1, "EUR", 4)


@pytest.mark.parametrize(("which", "times"), [("root", 1), ("north", 0)])
def test_grants_name_the_firm_alone(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch, which: str, times: int) -> None:
    synced: list[int] = []
    monkeypatch.setattr("accounts.admin.sync_grants", lambda: synced.append(1))
    page = reverse("admin:accounts_team_change", args=[getattr(cast.firm, which).pk])
    browser = sign_in(cast.emil)
    assert browser.post(page, fields_of(browser.get(page)), headers={"Idempotency-Key": ""}).status_code == 302
    assert len(synced) == times


def test_a_team_moves_with_its_row_alone(cast: Any, sign_in: Any) -> None:
    """However many people hold rights and however many records it has: no grant is read, let alone written. Who leads the team above sees them at once."""
    browser, clara = sign_in(cast.emil), sign_in(cast.clara)
    elsewhere = Team.objects.create(name="Außen", parent=cast.firm.root)
    person = PersonFactory(owner=None, team=elsewhere)
    assert clara.get(reverse("person-detail", args=[person.pk])).status_code == 404
    grants = set(TeamUserPerm.objects.values_list("pk", "content_object"))
    page = reverse("admin:accounts_team_change", args=[elsewhere.pk])
    form = fields_of(browser.get(page))
    with CaptureQueriesContext(connection) as seen:
        assert browser.post(page, {**form, "parent": str(cast.clara.memberships.get().team_id)}, headers={"Idempotency-Key": ""}).status_code == 302
    assert not [one["sql"] for one in seen if "FOR UPDATE" in one["sql"] and "accounts_teamuserperm" in one["sql"]]
    assert set(TeamUserPerm.objects.values_list("pk", "content_object")) == grants
    assert clara.get(reverse("person-detail", args=[person.pk])).status_code == 200


def test_parked_events_wait_for_a_person(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    parked, fresh = Event.objects.create(name="sales.opportunity_won", attempts=10), Event.objects.create(name="sales.opportunity_lost")
    page = reverse("admin:core_event_changelist")
    assert "opportunity_lost" not in browser.get(page).content.decode()
    assert submit(browser, page, action="try_again", _selected_action=[str(parked.pk)]).status_code == 302
    parked.refresh_from_db()
    assert (parked.attempts, fresh.attempts) == (0, 0)


def test_the_change_list_shows_set_up_and_no_customer(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    submit(browser, reverse("admin:accounts_team_change", args=[cast.firm.north.pk]), name="Norden")
    browser.get(reverse("admin:index"))  # the message of the page before
    OpportunityFactory(name="Streng geheim", owner=cast.anna)
    html = browser.get(reverse("admin:core_change_changelist")).content.decode()
    assert "Name: Nord → Norden" in html and "Emil Probe" in html and "Streng geheim" not in html


def test_a_form_sent_twice_has_one_effect(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    page = browser.get(reverse("admin:accounts_team_add"))
    facts = {**fields_of(page), "name": "Doppelt", "parent": str(cast.firm.root.pk)}
    for _ in range(2):
        assert browser.post(reverse("admin:accounts_team_add"), facts, headers={"Idempotency-Key": ""}).status_code == 302
    assert Team.objects.filter(name="Doppelt").count() == 1
    assert Membership.objects.exists()


def test_the_index_says_what_each_page_is_for(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    html = browser.get(reverse("admin:index")).content.decode()
    missing = [model._meta.label for model, page in admin.site._registry.items() if not page.about or str(page.about) not in html]  # type: ignore[attr-defined]
    assert not missing
    assert "Rolle zur Änderung auswählen" not in browser.get(reverse("admin:accounts_role_changelist")).content.decode()


def columns(model: Any) -> list[str]:
    """What a list could be asked about: every column of its own table, and of the tables it points to."""
    own = model._meta.concrete_fields
    return [field.name for field in own] + [f"{field.name}__{far.name}" for field in own if field.is_relation for far in field.related_model._meta.concrete_fields]


def test_no_list_is_asked_about_what_it_does_not_offer(cast: Any, rf: Any) -> None:
    """Else whoever may only look reads a password or a link to sign in letter by letter."""
    request = rf.get("/")
    request.user = cast.emil
    for model, page in admin.site._registry.items():
        asked = [f"{column}__{end}" for column in columns(model) for end in ("startswith", "regex", "icontains", "gt", "in", "length", "year")]
        filters = {getattr(one, "parameter_name", one) for one in page.list_filter}
        asked += [column for column in columns(model) if column not in filters] + ["pk", "pk__in", "id__exact"]
        assert not [lookup for lookup in asked if page.lookup_allowed(lookup, "x", request)], model


@pytest.mark.parametrize(
    "question",
    [
        "accounts/user/?password__startswith=argon2",
        "accounts/user/?id=1&is_active__exact=1&password__regex=.",
        "core/outgoingmail/?body__regex=reset",
        "core/outgoingmail/?state__exact=planned&to__startswith=a",
        "core/outgoingmail/?user__password__startswith=a",
        "core/incomingmail/?raw__icontains=a",
        "core/job/?by__password__startswith=a",
        "core/job/?params__has_key=a",
        "core/mailsetup/?password__startswith=a",
        "core/job/?nothing=1",
    ],
)
def test_a_foreign_question_is_refused_in_words(cast: Any, sign_in: Any, question: str) -> None:
    answer = sign_in(cast.emil).get(f"/admin/{question}")
    assert answer.status_code == 400 and "Diese Anfrage war nicht verständlich" in answer.content.decode()


def test_every_filter_a_list_offers_works(cast: Any, sign_in: Any) -> None:
    browser = sign_in(cast.emil)
    Product.objects.create(number="B-1", name="Rollenbahn", series="Bahnen")
    links: set[str] = set()
    for url in (reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model, page in admin.site._registry.items() if page.list_filter):
        links |= {url + unescape(link) for link in re.findall(r'href="(\?[^"]+)"', browser.get(url).content.decode()) if not link.startswith("?o=")}
    asked = {name.partition("=")[0] for name in (link.partition("?")[2] for link in links)}
    assert asked >= {"is_active__exact", "team__id__exact", "memberships__role__id__exact", "state__exact", "kind", "active__exact", "series", "channel__exact", "purpose__id__exact"}
    assert {link: answer for link in links if (answer := browser.get(link).status_code) != 200} == {}
    products = reverse("admin:catalog_product_changelist")
    there, gone = (browser.get(f"{products}?series=Bahnen&active__exact={active}").content.decode() for active in (1, 0))
    assert "Rollenbahn" in there and "Rollenbahn" not in gone
