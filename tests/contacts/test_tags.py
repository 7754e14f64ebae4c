"""Tags: given in the form, many at once, by a journey; found in lists and segments, told in the history, taken back by undo."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns.segments.who import members
from contacts.models import PartyTag, Person, Tag
from contacts.tags import tag_party
from crm.core.models import Undo
from crm.core.sharing import share_record
from tests.conftest import Browser
from tests.factories import PersonFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def fair() -> Tag:
    return Tag.objects.create(key="fair", label_de="Messe 2026", label_en="Trade fair 2026")


@pytest.fixture
def anke(cast: Any) -> Any:
    return PersonFactory(first_name="Anke", last_name="Vogel", owner=cast.anna, team=cast.anna.team)


def held(person: Any) -> list[str]:
    return [row.tag.label_de for row in PartyTag.objects.filter(party=person.pk).select_related("tag").order_by("tag__key")]


def sent(browser: Browser, person: Any, **more: Any) -> Any:
    page = browser.get(reverse("person-update", args=[person.pk]))
    form = page.context["form"]
    facts = {bound.name: bound.value() for bound in form if bound.value() not in (None, "")}
    return browser.post(reverse("person-update", args=[person.pk]), {**facts, **more})


def test_where_the_house_has_no_tags_nobody_is_asked(cast: Any, sign_in: Any, anke: Any) -> None:
    anna = sign_in(cast.anna)
    assert "tags" not in anna.get(reverse("person-update", args=[anke.pk])).context["form"].fields
    assert reverse("person-tag") not in anna.get(reverse("person-list")).content.decode()


def test_a_tag_is_ticked_in_the_form_and_leads_to_its_like(cast: Any, sign_in: Any, anke: Any, fair: Tag) -> None:
    other = Tag.objects.create(key="gone", label_de="Früher", label_en="Former", active=False)
    anna, bystander = sign_in(cast.anna), PersonFactory(last_name="Nimmermehr", owner=cast.anna, team=cast.anna.team)
    choices = dict(anna.get(reverse("person-update", args=[anke.pk])).context["form"].fields["tags"].choices)
    assert choices == {str(fair.pk): "Messe 2026"}
    assert sent(anna, anke, tags=[str(fair.pk)]).status_code == 302
    assert held(anke) == ["Messe 2026"]
    page = anna.get(reverse("person-detail", args=[anke.pk])).content.decode()
    here = f"{reverse('person-list')}?tag={fair.pk}"
    assert here in page and "Messe 2026" in page
    rows = anna.get(here + "&columns=tags").content.decode()
    assert "Anke Vogel" in rows and "Messe 2026" in rows and bystander.last_name not in rows
    assert "Messe 2026" in anna.get(reverse("party-changes", args=[anke.pk])).content.decode()
    PartyTag.objects.create(party=anke, tag=other)
    assert sent(anna, anke, tags=[str(other.pk)]).status_code == 302  # one out of use stays where it is held, and may be kept
    assert held(anke) == ["Früher"]
    assert sent(anna, bystander, tags=[str(other.pk)]).status_code == 422


def test_two_who_tag_at_once_see_both(cast: Any, sign_in: Any, anke: Any, fair: Tag) -> None:
    key = Tag.objects.create(key="key", label_de="Schlüsselkunde", label_en="Key account")
    anna, clara = sign_in(cast.anna), sign_in(cast.clara)
    page = anna.get(reverse("person-update", args=[anke.pk])).context["form"]
    mine = {bound.name: bound.value() for bound in page if bound.value() not in (None, "")}
    sent(clara, anke, tags=[str(key.pk)])
    answer = anna.post(reverse("person-update", args=[anke.pk]), {**mine, "tags": [str(fair.pk)]})
    assert answer.status_code == 409 and "Schlüsselkunde" in answer.content.decode() and "Messe 2026" in answer.content.decode()
    assert held(anke) == ["Schlüsselkunde"]


def test_many_are_tagged_as_far_as_one_may_and_undo_takes_it_back(cast: Any, sign_in: Any, anke: Any, fair: Tag) -> None:
    second, foreign = PersonFactory(owner=cast.anna, team=cast.anna.team), PersonFactory(owner=cast.david, team=cast.david.team)
    tag_party(second, fair, by=cast.anna)
    share_record(foreign, cast.anna, by=cast.david)  # to be seen, not to be changed
    anna, chosen = sign_in(cast.anna), {"pk": [anke.pk, second.pk, foreign.pk]}
    assert "Messe 2026" in anna.post(reverse("person-tag"), chosen).content.decode() and not held(anke)
    answer = anna.post(reverse("person-tag"), {**chosen, "tag": fair.pk, "way": "add"}, follow=True).content.decode()
    assert held(anke) == held(second) == ["Messe 2026"] and not held(foreign)
    label = Undo.objects.get().label
    assert "1 hatte es schon" in label and "1 dürfen Sie nicht ändern" in label and label in answer
    anna.post(reverse("undo", args=[Undo.objects.get().token]))
    assert not held(anke) and held(second) == ["Messe 2026"]
    anna.post(reverse("person-tag"), {**chosen, "tag": fair.pk, "way": "take"})
    assert not held(second)
    assert anna.post(reverse("person-tag"), {**chosen, "tag": 0, "way": "add"}).status_code == 422
    assert sign_in(cast.greta).post(reverse("person-tag"), chosen).status_code == 403


def test_who_was_tagged_is_newer_than_a_form_that_was_open(cast: Any, anke: Any, fair: Tag) -> None:
    before = Person.objects.get(pk=anke.pk).version
    tag_party(anke, fair, by=cast.anna)
    tag_party(anke, fair, by=cast.anna)
    assert Person.objects.get(pk=anke.pk).version == before + 1 and held(anke) == ["Messe 2026"]


def test_a_segment_asks_for_tags(cast: Any, anke: Any, fair: Tag) -> None:
    PersonFactory(owner=cast.emil)
    PartyTag.objects.create(party=anke, tag=fair)
    has = {"field": "tag", "op": "in", "value": [str(fair.pk)]}
    assert [row.pk for row in members(has, cast.emil, timezone.localdate())] == [anke.pk]
    assert anke.pk not in {row.pk for row in members({"field": "tag", "op": "unset"}, cast.emil, timezone.localdate())}


def test_a_tag_somebody_has_is_not_deleted_but_put_out_of_use(cast: Any, sign_in: Any, anke: Any, fair: Tag) -> None:
    PartyTag.objects.create(party=anke, tag=fair)
    page = sign_in(cast.emil).post(reverse("admin:contacts_tag_delete", args=[fair.pk]), {"post": "yes"})
    assert page.status_code < 500 and Tag.objects.filter(pk=fair.pk).exists()
