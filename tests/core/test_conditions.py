"""The condition tree: query, single check and sentence agree; nonsense is refused in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.core.conditions import check, holds, sentence, to_query, unmet
from sales.models import Opportunity
from tests.factories import OpportunityFactory

pytestmark = pytest.mark.django_db
leaf = st.one_of(
    st.builds(lambda f, o: {"field": f, "op": o}, st.sampled_from(["amount", "party", "name", "source"]), st.sampled_from(["set", "unset"])),
    st.builds(lambda o, v: {"field": "amount", "op": o, "value": v}, st.sampled_from(["at_least", "at_most", "is"]), st.sampled_from([0, 10, 100])),
    st.builds(lambda v: {"field": "source", "op": "contains", "value": v}, st.sampled_from(["a", "Messe", "x"])),
)
trees = st.recursive(leaf, lambda t: st.one_of(st.builds(lambda p: {"all": p}, st.lists(t, max_size=3)), st.builds(lambda p: {"any": p}, st.lists(t, max_size=3)), st.builds(lambda p: {"not": p}, t)), max_leaves=6)


def by_hand(tree: dict[str, Any], row: Opportunity) -> bool:
    """The slow reference: the tree read aloud over one record."""
    if not tree:
        return True
    if "all" in tree:
        return all(by_hand(part, row) for part in tree["all"])
    if "any" in tree:
        return any(by_hand(part, row) for part in tree["any"])
    if "not" in tree:
        return not by_hand(tree["not"], row)
    value = getattr(row, tree["field"])
    if tree["op"] in {"set", "unset"}:
        return (value in (None, "")) == (tree["op"] == "unset")
    if tree["op"] == "contains":
        return tree["value"].lower() in value.lower()
    if value is None:
        return False
    return {"at_least": value >= tree["value"], "at_most": value <= tree["value"], "is": value == tree["value"]}[tree["op"]]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_the_query_agrees_with_reading_aloud(cast: Any, tree: dict[str, Any]) -> None:
    if not Opportunity.objects.exists():
        for amount, source in ((None, ""), (0, "Messe"), (10, "a"), (100, "")):
            OpportunityFactory(owner=cast.anna, amount=amount, source=source)
    found = set(Opportunity.objects.filter(to_query(tree, Opportunity)))
    assert found == {row for row in Opportunity.objects.all() if by_hand(tree, row)}




def test_unmet_names_what_a_dialog_asks_for(cast: Any) -> None:
    row = OpportunityFactory(owner=cast.anna, amount=None)
    gate = {"all": [{"field": "name", "op": "set"}, {"field": "amount", "op": "set"}, {"field": "party", "op": "set"}]}
    assert unmet(gate, row) == ["amount", "party"]
    assert not holds(gate, row)


def test_the_sentence_reads_in_both_languages() -> None:
    tree = {"all": [{"field": "amount", "op": "at_least", "value": 5000}, {"field": "party", "op": "set"}]}
    with translation.override("en"):
        assert sentence(tree, Opportunity) == "amount is at least 5000 and contact is filled in"


@pytest.mark.parametrize(
    "tree",
    [[], "x", {"all": 3}, {"field": "owner__password", "op": "is", "value": "x"}, {"field": "nope", "op": "set"}, {"field": "amount", "op": "regex", "value": "("}, {"field": "amount", "op": "is", "value": "x"}, {"field": ["amount"], "op": "set"}, {"all": [], "any": []}],
)
def test_nonsense_is_refused_in_words(tree: Any) -> None:
    with pytest.raises(ValidationError):
        check(tree, Opportunity)


def test_a_bottomless_tree_is_refused() -> None:
    tree: Any = {"field": "amount", "op": "set"}
    for _ in range(1000):
        tree = {"not": tree}
    with pytest.raises(ValidationError):
        check(tree, Opportunity)
