"""Nobody's edit is lost: stale forms merge by themselves or show both values; undo restores what the audit kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from contacts.models import Organisation, Party
from crm.core.errors import RuleBroken
from crm.core.models import Undo
from crm.core.saving import FactsForm, Stale, save_facts
from crm.core.undo import offer_undo, take_back
from crm.core.work import work
from tests.factories import OrganisationFactory

pytestmark = pytest.mark.django_db


class Form(FactsForm):
    class Meta:
        model = Organisation
        fields = ["legal_name", "website", "vat_id", "parent", "employees"]


def form(row: Any, user: Any, **typed: Any) -> Form:
    """The form as it was rendered from `row`, with some fields typed over."""
    rendered = Form(instance=row, user=user)
    data = {bound.html_name: bound.value() for bound in rendered}
    filled = Form({key: value for key, value in {**data, **typed}.items() if value is not None}, instance=Organisation.objects.get(pk=row.pk), user=user)
    assert filled.is_valid(), filled.errors
    return filled


@pytest.fixture
def werk(cast: Any) -> Any:
    with work(by=cast.anna):
        return OrganisationFactory(owner=cast.anna, legal_name="Werk Nord GmbH", vat_id="DE1")


def test_a_save_raises_the_version(cast: Any, werk: Any) -> None:
    saved = save_facts(form(werk, cast.anna, vat_id="DE2"), by=cast.anna)
    saved.refresh_from_db()
    assert (saved.vat_id, saved.version, saved.updated_by) == ("DE2", 2, cast.anna)


def test_different_fields_merge_without_asking(cast: Any, werk: Any) -> None:
    mine = form(werk, cast.anna, vat_id="DE2")
    save_facts(form(werk, cast.ben, website="https://werk.test"), by=cast.ben)
    save_facts(mine, by=cast.anna)
    werk.refresh_from_db()
    assert (werk.vat_id, werk.website, werk.version) == ("DE2", "https://werk.test", 3)


def test_the_same_field_shows_both_values(cast: Any, werk: Any) -> None:
    mine = form(werk, cast.anna, vat_id="DE2")
    save_facts(form(werk, cast.ben, vat_id="DE9"), by=cast.ben)
    with pytest.raises(Stale) as stale:
        save_facts(mine, by=cast.anna)
    (difference,) = stale.value.differences
    assert (difference.base, difference.theirs, difference.mine, difference.theirs_by) == ("DE1", "DE9", "DE2", "Ben Probe")
    werk.refresh_from_db()
    assert werk.vat_id == "DE9"


def test_the_same_value_twice_is_no_conflict(cast: Any, werk: Any) -> None:
    mine = form(werk, cast.anna, vat_id="DE2")
    save_facts(form(werk, cast.ben, vat_id="DE2"), by=cast.ben)
    save_facts(mine, by=cast.anna)
    werk.refresh_from_db()
    assert werk.version == 2


def test_several_changes_since_go_back_to_the_version_i_saw(cast: Any, werk: Any) -> None:
    mine = form(werk, cast.anna, website="https://mine.test")
    for vat in ("DE5", "DE6"):
        werk.refresh_from_db()
        save_facts(form(werk, cast.ben, vat_id=vat), by=cast.ben)
    save_facts(mine, by=cast.anna)
    werk.refresh_from_db()
    assert (werk.vat_id, werk.website) == ("DE6", "https://mine.test")


def test_an_edit_that_does_not_say_what_it_saw_is_refused(cast: Any, werk: Any) -> None:
    unaware = Form({"legal_name": "Werk", "vat_id": "DE9"}, instance=werk, user=cast.anna)
    assert "version" in unaware.errors


def test_red_control_without_the_merge_an_edit_is_lost(cast: Any, werk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the version guards against: without the merge the stale form writes the old value over the other's edit."""
    mine = form(werk, cast.anna, website="https://mine.test")
    save_facts(form(werk, cast.ben, vat_id="DE9"), by=cast.ben)
    monkeypatch.setattr("crm.core.saving._merge", lambda form, current: None)
    save_facts(mine, by=cast.anna)
    werk.refresh_from_db()
    assert werk.vat_id == "DE1"


def test_a_foreign_row_is_not_saved(cast: Any, werk: Any) -> None:
    with pytest.raises(Http404):
        save_facts(form(werk, cast.david, vat_id="DE2"), by=cast.david)


def test_without_the_verb_nothing_is_created(cast: Any) -> None:
    fresh = Form({"legal_name": "Neu", "version": 0}, instance=Organisation(kind="organisation", team=cast.firm.root, number="K-1"), user=cast.greta)
    assert fresh.is_valid(), fresh.errors
    with pytest.raises(PermissionDenied):
        save_facts(fresh, by=cast.greta)


def test_choices_are_what_the_reader_may_see(cast: Any, werk: Any) -> None:
    foreign = OrganisationFactory(owner=cast.david)
    assert foreign.pk not in Form(instance=werk, user=cast.anna).fields["parent"].queryset.values_list("pk", flat=True)
    data = {"legal_name": "Werk", "parent": foreign.pk, "version": werk.version}
    assert "parent" in Form(data, instance=werk, user=cast.anna).errors


def test_undo_puts_the_facts_back(cast: Any, werk: Any) -> None:
    with work(by=cast.anna):
        save_facts(form(werk, cast.anna, vat_id="DE2"), by=cast.anna)
        undo = offer_undo(cast.anna, "gespeichert")
    take_back(undo, by=cast.anna)
    werk.refresh_from_db()
    assert (werk.vat_id, werk.version) == ("DE1", 3)
    with pytest.raises(RuleBroken):
        take_back(Undo.objects.get(pk=undo.pk), by=cast.anna)


def test_undo_does_not_write_over_somebody_elses_edit(cast: Any, werk: Any) -> None:
    with work(by=cast.anna):
        save_facts(form(werk, cast.anna, vat_id="DE2"), by=cast.anna)
        undo = offer_undo(cast.anna, "gespeichert")
    werk.refresh_from_db()
    save_facts(form(werk, cast.ben, vat_id="DE3"), by=cast.ben)
    with pytest.raises(RuleBroken):
        take_back(undo, by=cast.anna)


def test_undo_of_a_deletion_brings_the_record_back(cast: Any, werk: Any) -> None:
    pk = werk.pk
    with work(by=cast.anna):
        werk.delete()
        undo = offer_undo(cast.anna, "gelöscht")
    take_back(undo, by=cast.anna)
    back = Party.objects.get(pk=pk)
    assert (back.name, back.vat_id) == ("Werk Nord GmbH", "DE1")
