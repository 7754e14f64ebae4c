"""The pages of segments: built without JavaScript, nothing typed is lost, the count is honest, a kept state stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Segment, SegmentSnapshot
from campaigns.segments import crud as segment_pages
from campaigns.segments import vocabulary_for
from campaigns.segments.builder import Builder
from campaigns.segments.services import create_segment, keep_segment
from contacts.models import ConsentPurpose
from crm.core.conditions import to_query
from crm.core.errors import RuleBroken
from tests.factories import EmailFactory, OrganisationFactory, PersonFactory

pytestmark = pytest.mark.django_db
CUSTOMERS = {"all": [{"all": [{"field": "state", "op": "in", "value": ["customer"]}]}]}
TYPED = {"name": "Stille Kunden", "note": "Frühjahr", "version": "0", "mode": "all", "g0-mode": "all", "g0-r0-word": "field:state", "g0-r0-op": "in", "g0-r0-value": ["customer"]}


@pytest.fixture
def contacts(cast: Any) -> list[Any]:
    """Two customers, one with an address, and a prospect."""
    rows = [OrganisationFactory(owner=cast.anna, state="customer"), PersonFactory(owner=cast.david, state="customer"), PersonFactory(owner=cast.anna)]
    EmailFactory(party=rows[0])
    return rows


def test_from_the_empty_page_to_a_saved_segment(cast: Any, contacts: Any, sign_in: Any) -> None:
    mia = sign_in(cast.mia)
    assert "Noch keine Segmente" in mia.get(reverse("segment-list")).content.decode()
    answer = mia.post(reverse("segment-create"), TYPED)
    segment = Segment.objects.get()
    assert answer.status_code == 302 and segment.owner == cast.mia and segment.tree == CUSTOMERS
    page = mia.get(answer["Location"]).content.decode()
    assert "Kontakte, deren Status Kunde ist" in page and "<b>2</b> Kontakte, davon 1 mit E-Mail" in page
    listed = mia.get(f"{reverse('segment-contact-list')}?segment={segment.pk}").content.decode()
    assert str(contacts[0]) in listed and str(contacts[1]) in listed and str(contacts[2]) not in listed


def test_one_counts_what_one_sees(cast: Any, contacts: Any, sign_in: Any) -> None:
    segment = create_segment(by=cast.mia, name="Kunden", tree=CUSTOMERS)
    assert "<b>2</b>" in sign_in(cast.greta).get(reverse("segment-detail", args=[segment.pk])).content.decode()
    assert sign_in(cast.anna).get(reverse("segment-detail", args=[segment.pk])).status_code == 403
    assert sign_in(cast.greta).post(reverse("segment-keep", args=[segment.pk])).status_code == 403


def test_nothing_typed_is_lost(cast: Any, contacts: Any, sign_in: Any) -> None:
    mia = sign_in(cast.mia)
    answer = mia.post(reverse("segment-create"), {**TYPED, "g0-r1-word": "field:created_at", "g0-r1-op": "within", "g0-r1-value": "sehr lange"})
    page = answer.content.decode()
    assert answer.status_code == 422 and not Segment.objects.exists()
    assert 'value="sehr lange"' in page and "Stille Kunden" in page and 'id="id_g0-r1-problem"' in page and "markierten Bedingungen" in page
    answer = mia.post(reverse("segment-create"), {**TYPED, "name": ""})
    assert answer.status_code == 422 and 'value="customer" selected' in answer.content.decode()


def test_buttons_work_without_javascript(cast: Any, contacts: Any, sign_in: Any) -> None:
    mia = sign_in(cast.mia)
    page = mia.post(reverse("segment-create"), {**TYPED, "do": "add-g0"}).content.decode()
    assert 'name="g0-r1-word"' in page and "Stille Kunden" in page and not Segment.objects.exists()
    page = mia.post(reverse("segment-create"), {**TYPED, "do": "drop-g0-r0"}).content.decode()
    assert 'name="g0-r0-word"' in page and 'value="customer" selected' not in page
    assert 'name="g1-r0-word"' in mia.post(reverse("segment-create"), {**TYPED, "do": "group"}).content.decode()


def test_the_count_while_building(cast: Any, contacts: Any, sign_in: Any) -> None:
    mia = sign_in(cast.mia)
    query = {**TYPED, "g0-r0-was": "field:state"}
    assert "<b>2</b> Kontakte, davon 1 mit E-Mail" in mia.get(reverse("segment-result"), query, htmx=True).content.decode()
    unfinished = mia.get(reverse("segment-result"), {**query, "g0-r1-word": "field:city", "g0-r1-op": "contains"}, htmx=True).content.decode()
    assert "1 Bedingung ist noch nicht vollständig" in unfinished
    drawn = mia.get(reverse("segment-builder"), {"g0-r0-word": "related:interaction", "g0-r0-op": "none", "do": "add-g0-r0"}, htmx=True).content.decode()
    assert 'name="g0-r0-w0-word"' in drawn and 'hx-swap-oob="true"' in drawn and "invalid-feedback" not in drawn


@pytest.mark.parametrize("query", ["g0-r0-word=field:owner__password", "g0-r0-word=related:case", "g0-r0-word=x", "do=add-g9", "mode=%00", "g0-r0-word=field:kind&g0-r0-op=within", "g999-r999-word=field:kind", "g0-r0-word=field:city&g0-r0-op=contains&g0-r0-value=%25"])
def test_hostile_addresses_are_answered_in_words(cast: Any, sign_in: Any, query: str) -> None:
    for name in ("segment-builder", "segment-result"):
        assert sign_in(cast.mia).get(f"{reverse(name)}?{query}").status_code in (200, 400)


@pytest.mark.parametrize("tree", ['{"related": "interaction", "measure": "count", "op": [], "value": 1}', '{"field": "city", "op": "contains", "value": "\\ud800"}', '{"field": "\\ud800", "op": "set"}', '{"field": "city", "op": "contains", "value": "a\\u0000"}', "[", '{"all": 1}'])
def test_a_hostile_tree_is_refused_in_words(cast: Any, sign_in: Any, tree: str) -> None:
    answer = sign_in(cast.mia).post(reverse("segment-create"), {"name": "Böse", "note": "", "version": "0", "tree": tree})
    assert answer.status_code == 422 and not Segment.objects.exists()


def test_without_any_purpose_nobody_ends_anywhere(cast: Any, contacts: Any, sign_in: Any) -> None:
    ConsentPurpose.objects.update(active=False)
    assert sign_in(cast.mia).get(reverse("segment-contact-list") + "?ends=left").status_code == 200


def test_a_tree_survives_the_builder(cast: Any) -> None:
    known = vocabulary_for(cast.emil)
    tree = {"any": [
        {"all": [{"field": "kind", "op": "in", "value": ["person"]}, {"field": "city", "op": "unset"}, {"field": "employees", "op": "at_least", "value": "50"}]},
        {"not": {"any": [{"related": "case", "measure": "count", "op": "at_least", "value": 2, "where": {"all": [{"field": "opened_at", "op": "within", "value": 90}]}}]}},
        {"any": [{"related": "purchase", "measure": "amount", "op": "at_most", "value": "99.50"}, {"related": "interaction", "measure": "count", "op": "at_most", "value": 0}]},
    ]}  # fmt: skip
    builder = Builder.of_tree(tree, known)
    assert builder is not None
    fields = QueryDict(mutable=True)
    fields["mode"] = builder.mode
    for group in builder.groups:
        fields[f"{group.prefix}-mode"] = group.mode
        for row in [*group.rows, *(inner for outer in group.rows for inner in outer.inner)]:
            fields[f"{row.prefix}-word"], fields[f"{row.prefix}-op"] = row.word, row.op
            fields.setlist(f"{row.prefix}-value", row.values)
    assert Builder.typed(fields, known).tree() == builder.tree() == tree
    assert to_query(tree, known)
    assert Builder.of_tree({"all": [{"all": [{"all": [{"not": {"field": "city", "op": "set"}}]}]}]}, known) is None


def test_a_kept_state_says_who_joined_and_who_left(cast: Any, contacts: Any, sign_in: Any) -> None:
    segment = create_segment(by=cast.mia, name="Kunden", tree=CUSTOMERS)
    mia = sign_in(cast.mia)
    assert mia.post(reverse("segment-keep", args=[segment.pk])).status_code == 302
    kept = SegmentSnapshot.objects.get()
    assert kept.size == 2 and kept.members.count() == 2 and timezone.now() - kept.taken_at < timedelta(minutes=1)
    for row, state in ((contacts[0], "former"), (contacts[2], "customer")):
        type(row).objects.filter(pk=row.pk).update(state=state)
    contacts[1].delete()
    page = mia.get(reverse("segment-detail", args=[segment.pk]))
    assert page.context["kept"][0]["moved"] == (1, 1)  # whom nobody sees any more is not counted among those who left
    for change in (lambda: SegmentSnapshot.objects.update(size=0), lambda: kept.members.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    segment.delete()
    assert SegmentSnapshot.objects.get().size == 2


def test_a_page_does_not_wait_for_a_count_that_takes_too_long(cast: Any, contacts: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = create_segment(by=cast.mia, name="Kunden", tree=CUSTOMERS)
    keep_segment(segment, by=cast.mia)
    monkeypatch.setattr(segment_pages, "PATIENCE", 0.0)
    mia = sign_in(cast.mia)
    for page in (mia.get(reverse("segment-detail", args=[segment.pk]) + "?count=1"), mia.get(reverse("segment-result"), {**TYPED, "g0-r0-was": "field:state"}, htmx=True)):
        text = page.content.decode()
        assert page.status_code == 200 and "mehr zu zählen, als eine Seite warten darf" in text and "davon" not in text.split("<main")[-1]
    kept = mia.get(reverse("segment-detail", args=[segment.pk])).content.decode()
    assert '<td class="n">2</td><td class="n">–</td><td class="n">–</td>' in kept


def test_a_count_that_takes_a_while_comes_behind_the_page(cast: Any, contacts: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = create_segment(by=cast.mia, name="Kunden", tree=CUSTOMERS)
    keep_segment(segment, by=cast.mia)
    address, mia = reverse("segment-detail", args=[segment.pk]), sign_in(cast.mia)
    at_once = mia.get(address).content.decode()
    assert "davon" in at_once and "Wird gezählt" not in at_once
    monkeypatch.setattr(segment_pages, "SOON", 0.0)
    page = mia.get(address).content.decode()
    assert "Wird gezählt" in page and f'hx-get="{address}?count=1"' in page and "davon" not in page.split("<main")[-1]
    assert '<td class="n">2</td><td class="n">–</td><td class="n">–</td>' in page
    behind = mia.get(address + "?count=1", htmx=True).content.decode()
    assert 'id="counted"' in behind and "davon" in behind and '<td class="n">2</td><td class="n">0</td><td class="n">0</td>' in behind


def test_a_count_that_takes_a_while_comes_behind_the_builder(cast: Any, contacts: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = create_segment(by=cast.mia, name="Kunden", tree=CUSTOMERS)
    monkeypatch.setattr(segment_pages, "SOON", 0.0)
    mia = sign_in(cast.mia)
    for page in (mia.get(reverse("segment-update", args=[segment.pk])), mia.get(reverse("segment-builder"), {**TYPED, "do": "add-g0"}, htmx=True)):
        text = page.content.decode()
        assert 'hx-trigger="load, input' in text and "Wird gezählt" in text and "standing" not in page.context
    behind = mia.get(reverse("segment-result"), {**TYPED, "g0-r0-was": "field:state"}, htmx=True)
    assert behind.context["standing"].count and "load, " not in behind.content.decode() and "Wird gezählt" not in behind.content.decode()


def test_a_tree_one_cannot_ask_is_said(cast: Any, sign_in: Any) -> None:
    segment = create_segment(by=cast.emil, name="Käufer", tree={"related": "purchase", "measure": "count", "op": "at_least", "value": 1})
    page = sign_in(cast.mia).get(reverse("segment-detail", args=[segment.pk])).content.decode()
    assert "dürfen Sie nicht sehen" in page and "<b>" not in page.split("<main")[1].split("</main")[0].replace("<b>G", "")
    with pytest.raises(RuleBroken):
        keep_segment(segment, by=cast.mia)
    with pytest.raises((RuleBroken, ValidationError)):
        create_segment(by=cast.mia, name="x", tree={"field": "nix", "op": "set"})
