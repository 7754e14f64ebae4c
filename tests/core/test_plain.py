"""The rows of a page are plain values: they must say what their records say, in each column of each list."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import get_resolver
from django.utils import translation

from contacts.models import PartyTag, Tag
from crm.bench.fragments import request_of
from crm.core import lists
from crm.core.access import one_request
from crm.core.rows import Pen
from crm.core.views import Crud
from tests.world import build


def listed(crud: type[Crud] = Crud) -> list[type[Crud]]:
    """Every Crud that has a list, as the addresses know them."""
    get_resolver().url_patterns  # noqa: B018 - reads what they import
    own = [crud] if getattr(crud, "columns", None) else []
    return own + [one for below in crud.__subclasses__() if not below.__module__.startswith("tests.") for one in listed(below)]


@pytest.fixture
def world(cast: Any) -> Any:
    world = build(cast)
    for position, key in enumerate(("b-first", "a-second")):
        tag = Tag.objects.create(key=key, label_de=f"Etikett {key}", label_en=f"Tag {key}", position=position)
        PartyTag.objects.create(party_id=world.own.organisation.pk, tag=tag)
    return world


@pytest.mark.parametrize("language", ["de", "en"])
def test_each_column_says_what_the_record_says(cast: Any, world: Any, language: str) -> None:
    seen, told = set(), set()
    for crud in listed():
        with translation.override(language), one_request():
            keys = ",".join(column.key for column in crud.columns_for(cast.emil))
            state = lists.State(crud, request_of(cast.emil, f"columns={keys}"))
            rows = crud.rows(state.request, "view")
            records = {record.pk: record for record in state.adorned(rows)}
            plain = state.read(rows)
            assert {row.pk for row in plain} == set(records) and plain, crud
            pen = Pen(state.columns, state.hidden, selectable=True)
            for row in plain:
                record = records[row.pk]
                assert pen.row({"object": row, "pk": row.pk, "url": "/"}) == pen.row({"object": record, "pk": record.pk, "url": "/"}), crud
                for column in state.columns:
                    said = column.words(row), column.small(row, state.hidden), column.tone(row) if column.tone else ""
                    assert said == (column.words(record), column.small(record, state.hidden), column.tone(record) if column.tone else ""), (crud, column.key)
                    seen.add((crud.name, column.key))
                    if said[0] != "–":
                        told.add((crud.name, column.key))
    assert len(seen) > 90 and len(told) > 0.8 * len(seen)
    assert ("organisation", "tags") in told


def test_tags_stand_in_their_order_and_in_the_language_of_the_reader(cast: Any, world: Any) -> None:
    crud = next(crud for crud in listed() if crud.name == "organisation")
    for language, words in (("de", "Etikett b-first, Etikett a-second"), ("en", "Tag b-first, Tag a-second")):
        with translation.override(language):
            state = lists.State(crud, request_of(cast.anna, "columns=tags"))
            assert words in {row.tag_words for row in state.read(crud.rows(state.request, "view"))}


def test_readers_who_choose_ever_other_columns_leave_nothing_behind(cast: Any, world: Any) -> None:
    """Each choice makes a class of rows; none of them is kept beyond the latest."""
    crud = next(crud for crud in listed() if crud.name == "organisation")
    keys = [column.key for column in crud.columns]
    state_column = next(column for column in crud.columns if column.key == "state")
    for chosen in [[one, other, "state"] for one in keys for other in keys if one < other][:30]:
        state = lists.State(crud, request_of(cast.anna, f"columns={','.join(chosen)}"))
        assert {state_column.words(row) for row in state.read(crud.rows(state.request, "view"))}
    assert all(len(by_model) <= 3 for by_model in state_column.value._words.values())  # type: ignore[union-attr]  # its value is a Choice
