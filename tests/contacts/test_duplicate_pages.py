"""The queue of duplicates and the merge as pages: who sees what, in both languages, and what happens when two people act at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts.grants import sync_grants
from accounts.models import FieldRule, Role, RoleRight
from contacts.merging import merge_parties
from contacts.models import DuplicatePair, EmailAddress, MergeRecord, Party
from contacts.pairs import search_by_night, start_search
from contacts.search import index_parties
from crm.core.errors import RuleBroken
from crm.core.jobs import advance
from crm.core.models import Job, Notification, Undo
from tests.factories import EmailFactory, OpportunityFactory, OrganisationFactory, PersonFactory, PhoneFactory

pytestmark = pytest.mark.django_db


def person(owner: Any, first: str, last: str, mail: str, **facts: Any) -> Party:
    row = PersonFactory(first_name=first, last_name=last, owner=owner, **facts)
    EmailFactory(party=row, address=mail)
    index_parties([row.pk])
    return Party.objects.get(pk=row.pk)


@pytest.fixture
def twins(cast: Any) -> tuple[Party, Party]:
    """Anna's and David's contact, found by a search."""
    one = person(cast.anna, "Jürgen", "Brömmer", "j.broemmer@post.example", source="Messe")
    two = person(cast.david, "Juergen", "Broemmer", "j.broemmer@post.example", title="Dr.")
    search(cast.emil)
    return one, two


def seen(*both: Party) -> dict[str, str]:
    """The versions a form of a merge has read."""
    return {f"version_{party.pk}": str(party.version) for party in both}


def search(by: Any) -> Job:
    job = start_search(by=by)
    advance(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    return job


def give_merge(role: str, reach: str) -> None:
    RoleRight.objects.create(role=Role.objects.get(key=role), entity="party", verb="merge", reach=reach)
    sync_grants()


def test_the_queue_shows_pairs_with_reasons(cast: Any, sign_in: Any, twins: tuple[Party, Party]) -> None:
    page = sign_in(cast.emil).get(reverse("duplicate-list")).content.decode()
    assert "gleicher Name" in page and "gleiche E-Mail" in page and "j.broemmer@post.example" in page
    assert "Zwei verschiedene" in page and "letzte Suche" in page and reverse("duplicate-list") in sign_in(cast.emil).get("/today/").content.decode()
    cast.emil.language = "en"
    cast.emil.save()
    english = sign_in(cast.emil).get(reverse("duplicate-list")).content.decode()
    assert "same e-mail" in english and "Two different ones" in english
    assert sign_in(cast.emil).get(reverse("duplicate-list"), {"kind": "organisation"}).content.decode().count("Nothing matches") == 1


def test_nothing_yet(cast: Any, sign_in: Any) -> None:
    emil = sign_in(cast.emil)
    assert "noch nicht gesucht" in emil.get(reverse("duplicate-list")).content.decode()
    job = Job.objects.get(pk=int(emil.post(reverse("duplicate-search"))["Location"].rstrip("/").rpartition("/")[2]))
    assert "Eine Suche läuft" in emil.get(reverse("duplicate-list")).content.decode()
    assert emil.post(reverse("duplicate-search")).status_code == 422
    advance(job.pk)
    assert "letzte Suche" in emil.get(reverse("duplicate-list")).content.decode()


@pytest.mark.parametrize("reach", ["team", "all"])
def test_who_may_not_see_one_of_both_sees_no_pair(cast: Any, sign_in: Any, twins: tuple[Party, Party], reach: str) -> None:
    """However far the right to merge goes: it shows nothing that may not be seen."""
    pair = DuplicatePair.objects.get()
    assert sign_in(cast.anna).get(reverse("duplicate-list")).status_code == 403
    give_merge("lead", reach)
    clara = sign_in(cast.clara)  # sees anna's, not david's
    page = clara.get(reverse("duplicate-list")).content.decode()
    assert "Keine Dubletten zu prüfen" in page and "Brömmer" not in page
    for url in (reverse("duplicate-not-same", args=[pair.pk]), reverse("party-merge", args=[twins[0].pk, twins[1].pk]), reverse("party-merge", args=[twins[1].pk, twins[0].pk])):
        assert clara.post(url, {"survivor": str(twins[0].pk)}).status_code == 404
    Party.objects.filter(pk=twins[1].pk).update(owner=cast.ben, team=cast.firm.north)
    assert "Brömmer" in clara.get(reverse("duplicate-list")).content.decode()


def test_two_different_ones_and_back(cast: Any, sign_in: Any, twins: tuple[Party, Party]) -> None:
    emil, pair = sign_in(cast.emil), DuplicatePair.objects.get()
    emil.post(reverse("duplicate-not-same", args=[pair.pk]))
    assert "Keine Dubletten zu prüfen" in emil.get(reverse("duplicate-list")).content.decode()
    search(cast.emil)
    pair.refresh_from_db()
    assert (pair.state, pair.decided_by) == ("not_same", cast.emil), "a further search leaves it decided"
    emil.post(reverse("undo", args=[Undo.objects.get(way="contacts.pair").token]))
    assert DuplicatePair.objects.get().state == "open"
    emil.post(reverse("duplicate-not-same", args=[pair.pk]))
    emil.post(reverse("duplicate-reopen", args=[pair.pk]))
    assert DuplicatePair.objects.get().state == "open"


def test_merge_and_take_back(cast: Any, sign_in: Any, twins: tuple[Party, Party]) -> None:
    one, two = twins
    OpportunityFactory(owner=cast.david, team=cast.firm.south, party=two)
    emil, url = sign_in(cast.emil), reverse("party-merge", args=[one.pk, two.pk])
    page = emil.get(url)
    assert page.context["stays"] == two.pk and "Verkaufschancen" in page.content.decode() and "Dr." in page.content.decode()
    sent = {"survivor": str(one.pk), "keep_last_name": str(two.pk), "keep_title": str(two.pk), **seen(one, two)}
    assert emil.post(url, {}).status_code == 422
    assert emil.post(url, sent)["Location"] == reverse("person-detail", args=[one.pk])
    one.refresh_from_db()
    assert (one.last_name, one.title, one.source) == ("Broemmer", "Dr.", "Messe")
    detail = emil.get(reverse("person-detail", args=[one.pk])).content.decode()
    assert f"Mit {two.number} Juergen Broemmer zusammengeführt von Emil Probe" in detail
    assert emil.get(reverse("person-detail", args=[two.pk]))["Location"] == reverse("party-detail", args=[one.pk])
    assert two.number in emil.get(reverse("duplicate-list"), {"state": "merged"}).content.decode()
    answer = emil.post(reverse("merge-undo", args=[MergeRecord.objects.get().pk]))
    assert answer["Location"] == reverse("person-detail", args=[one.pk]) and Party.objects.filter(pk=two.pk).exists()
    assert emil.post(reverse("merge-undo", args=[MergeRecord.objects.filter(voids=None).get().pk])).status_code == 422
    assert "zurückgenommen" in emil.get(reverse("duplicate-list"), {"state": "merged"}).content.decode()


def test_the_toast_takes_it_back_and_tells_what_stays(cast: Any, sign_in: Any, twins: tuple[Party, Party]) -> None:
    one, two = twins
    emil = sign_in(cast.emil)
    emil.post(reverse("party-merge", args=[one.pk, two.pk]), {"survivor": str(one.pk), "keep_title": str(two.pk), **seen(one, two)})
    Party.objects.filter(pk=one.pk).update(title="Prof.")
    emil.post(reverse("undo", args=[Undo.objects.get(way="contacts.merge").token]))
    assert Party.objects.filter(pk=two.pk).exists() and Party.objects.get(pk=one.pk).title == "Prof."
    assert "Titel" in Notification.objects.get(user=cast.emil, text__startswith="Die Zusammenführung").text


def test_whoever_comes_second_is_told(cast: Any, sign_in: Any, twins: tuple[Party, Party]) -> None:
    one, two = twins
    emil, david, url = sign_in(cast.emil), sign_in(cast.david), reverse("party-merge", args=[one.pk, two.pk])
    form = david.get(reverse("person-update", args=[two.pk])).context["form"]
    facts = {bound.name: bound.value() for bound in form if bound.value() not in (None, "")}
    merge_parties(one, two, by=cast.emil)
    Party.objects.filter(pk=one.pk).update(owner=cast.david, team=cast.firm.south)
    answer = david.post(reverse("person-update", args=[two.pk]), {**facts, "title": "Prof."})
    assert answer.status_code == 409 and one.number in answer.content.decode() and "Emil Probe" in answer.content.decode()
    assert david.post(reverse("party-log", args=[two.pk]), {"kind": "note", "body": "x"}, htmx=True).status_code == 409
    assert emil.post(url, {"survivor": str(one.pk)}).status_code == 404
    anna = sign_in(cast.anna)
    assert anna.get(reverse("person-detail", args=[two.pk])).status_code == 404, "who does not see the survivor learns nothing"


def test_a_stale_choice_is_shown_again(cast: Any, sign_in: Any, twins: tuple[Party, Party]) -> None:
    one, two = twins
    Party.objects.filter(pk=two.pk).update(version=two.version + 1, title="Prof.")
    url = reverse("party-merge", args=[one.pk, two.pk])
    chosen = {"survivor": str(one.pk), "keep_last_name": str(two.pk), "keep_title": str(one.pk)}
    answer = sign_in(cast.emil).post(url, {**chosen, **seen(one, two)})
    assert answer.status_code == 422 and "inzwischen geändert" in answer.content.decode() and "Prof." in answer.content.decode()
    assert answer.context["stays"] == one.pk and {"last_name": two.pk, "title": one.pk}.items() <= {line.name: line.keep for line in answer.context["lines"]}.items()
    assert sign_in(cast.emil).post(url, chosen).status_code == 422, "who names no version has read nothing"
    assert Party.objects.filter(pk__in=[one.pk, two.pk]).count() == 2


def test_two_ticked_rows_are_merged(cast: Any, sign_in: Any, twins: tuple[Party, Party]) -> None:
    emil = sign_in(cast.emil)
    assert "Zusammenführen" in emil.get(reverse("person-list")).content.decode()
    ids = sorted(party.pk for party in twins)
    assert emil.post(reverse("person-merge"), {"pk": ids})["Location"] == reverse("party-merge", args=ids)
    assert emil.post(reverse("person-merge"), {"pk": ids[:1]}).status_code == 422


def test_a_hidden_field_is_not_shown_but_not_lost(cast: Any, sign_in: Any, twins: tuple[Party, Party]) -> None:
    one, two = twins
    give_merge("lead", "all")
    RoleRight.objects.filter(role__key="lead", entity="party", verb="view").update(reach="all")
    FieldRule.objects.create(role=Role.objects.get(key="lead"), entity="party", field="source")
    sync_grants()
    clara = sign_in(cast.clara)
    assert "Messe" not in clara.get(reverse("duplicate-list")).content.decode() + clara.get(reverse("party-merge", args=[one.pk, two.pk])).content.decode()
    clara.post(reverse("party-merge", args=[one.pk, two.pk]), {"survivor": str(two.pk), **seen(one, two)})
    assert Party.objects.get(pk=two.pk).source == "Messe"


def test_by_night_only_what_changed_is_looked_at(cast: Any, twins: tuple[Party, Party]) -> None:
    later = person(cast.anna, "Jürgen", "Brömmer", "j.broemmer@post.example")
    EmailAddress.objects.filter(party=twins[1].pk).update(address="anders@post.example")
    Party.objects.filter(pk=twins[1].pk).update(first_name="Xaver", last_name="Quandt")
    index_parties([twins[1].pk])
    search_by_night(None)  # type: ignore[arg-type]
    job = Job.objects.order_by("-pk").first()
    assert job is not None and job.by is None and "since" in job.params
    count = Notification.objects.count()
    advance(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.DONE and Notification.objects.count() == count
    assert set(DuplicatePair.objects.values_list("first", "second")) >= {tuple(sorted((twins[0].pk, later.pk)))}
    search_by_night(None)  # type: ignore[arg-type]
    with pytest.raises(RuleBroken):
        start_search(by=cast.emil)


def test_a_search_goes_on_where_it_was_stopped(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(12):
        PhoneFactory(party=(row := OrganisationFactory(legal_name=f"Förderwerk {n // 2} GmbH")), number=f"0199 70000{n // 2}", key=f"+4919970000{n // 2}")
        index_parties([row.pk])
    monkeypatch.setattr("contacts.pairs.READ", 5)
    monkeypatch.setattr("contacts.pairs.COMPARED", 2)
    monkeypatch.setattr("contacts.pairs.IN_BUCKET", 10)
    monkeypatch.setattr("crm.core.jobs.SLICE", -1.0)  # no step at all …
    job = start_search(by=cast.emil)
    advance(job.pk)
    from contacts.pairs import search_step

    job.refresh_from_db()
    steps = 0
    while not search_step(job):  # … so that each is done by hand, from what was stored alone
        job.save()
        job = Job.objects.get(pk=job.pk)
        steps += 1
    assert steps > 12 and DuplicatePair.objects.count() == 6 and job.done == job.total


def test_a_search_does_not_go_on_behind_a_later_one(cast: Any, sign_in: Any) -> None:
    old = Job.objects.create(kind="contacts.duplicates", by=cast.emil, label="Suche", state=Job.State.CANCELLED)
    browser, resume = sign_in(cast.emil), reverse("job-resume", args=[old.pk])
    assert resume in browser.get(reverse("job-detail", args=[old.pk])).content.decode()
    search(cast.emil)
    page = browser.get(reverse("job-detail", args=[old.pk])).content.decode()
    assert resume not in page and "Inzwischen hat eine andere Suche begonnen" in page
    assert browser.post(resume).status_code == 422
    old.refresh_from_db()
    assert old.state == Job.State.CANCELLED


def test_crowds_are_named(cast: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts.pairs.CROWD", 4)
    rows = [OrganisationFactory(legal_name="Gleich GmbH") for _ in range(6)]
    for row in rows:
        PhoneFactory(party=row, number="0199 111", key="+49199111")
    index_parties([row.pk for row in rows])
    job = search(cast.emil)
    assert ["phone:+49199111", 6] in job.result["cut"] and not DuplicatePair.objects.exists()
    assert "Telefon +49199111: 6" in sign_in(cast.emil).get(reverse("duplicate-list")).content.decode()
