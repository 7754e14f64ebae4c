"""The board: what it shows and to whom, what a step answers, and that its cost does not grow with its cards."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import FieldRule, Role
from contacts.diary import plan_task
from contacts.preimages import change
from crm.core.models import Installation
from crm.core.saving import save_facts
from sales import services, views
from sales.board import PAGE
from sales.models import LostReason, Opportunity, Stage, StageTransition
from tests.factories import OpportunityFactory, OrganisationFactory, ProductFactory, grant_share

BOARD = "/sales/board/"


def column(context, stage):
    return next(c for c in context["columns"] if c["id"] == stage.pk)


def step(browser, row, stage, seen=None, htmx=True, **more):
    values = {"stage": stage.pk, "seen_stage": (seen or row.stage).pk, **more}
    return browser.post(reverse("opportunity-move", args=[row.pk]), values, htmx=htmx)


def test_columns_sum_what_the_reader_sees(cast, stages, make, sign_in):
    make(name="mine", amount=Decimal("1000"))
    make(name="bens", owner=cast.ben, amount=Decimal("500"))
    make(name="souths", owner=cast.david, amount=Decimal("9000"))
    make(name="no amount", amount=None)
    page = sign_in(cast.anna).get(BOARD)
    first = column(page.context, stages[0])
    assert (first["count"], first["sum"]) == (3, Decimal("1500.00"))
    assert first["weighted"] == Decimal("1500") * stages[0].probability / 100  # nothing learned yet: the assumed rate
    assert page.context["totals"] == {"count": 3, "sum": Decimal("1500.00"), "weighted": first["weighted"]}
    assert column(sign_in(cast.greta).get(BOARD).context, stages[0])["count"] == 4
    assert sign_in(cast.mia).get(BOARD).status_code == 403


def test_a_card_says_what_matters(cast, stages, make, sign_in):
    row = make(name="Sorter", amount=Decimal("48600"), expected_close=timezone.localdate() + timedelta(days=9))
    card = column(sign_in(cast.anna).get(BOARD).context, stages[0])["cards"][0]
    assert (card["title"], card["subtitle"], card["step_state"]) == (str(row.party), "Sorter", "none")
    plan_task(row.party, text="late call", due_at=timezone.now() - timedelta(hours=1), by=cast.anna, about=row)
    plan_task(row.party, text="call", due_at=timezone.now() + timedelta(days=1), by=cast.anna, about=row)
    card = column(sign_in(cast.anna).get(BOARD).context, stages[0])["cards"][0]
    assert (card["step_state"], card["step_label"]) == ("late", "late call")


def test_a_foreign_contact_is_not_named_on_a_shared_card(cast, stages, make, sign_in):
    secret = OrganisationFactory(owner=cast.david, legal_name="Geheim KG")
    row = make(owner=cast.david, party=secret, name="Shared one")
    grant_share(row, cast.anna)
    anna = sign_in(cast.anna)
    for address in (BOARD, reverse("opportunity-list"), reverse("opportunity-detail", args=[row.pk]), reverse("opportunity-changes", args=[row.pk])):
        page = anna.get(address).content.decode()
        assert "Shared one" in page and "Geheim" not in page, address
    assert not anna.get(BOARD, {"q": "Geheim"}).context["totals"]["count"]


def test_what_one_may_not_move_has_no_grip(cast, stages, make, sign_in):
    mine, bens = make(name="mine"), make(name="bens", owner=cast.ben)
    page = sign_in(cast.anna).get(BOARD).content.decode()
    assert reverse("opportunity-move", args=[mine.pk]) in page
    assert reverse("opportunity-move", args=[bens.pk]) not in page
    anna = sign_in(cast.anna)
    for verb in ("move", "win", "lose", "reopen"):
        assert anna.post(reverse(f"opportunity-{verb}", args=[bens.pk]), {"stage": stages[1].pk}).status_code == 404
        assert sign_in(cast.greta).post(reverse(f"opportunity-{verb}", args=[mine.pk]), {}).status_code == 403


def test_a_hidden_amount_is_nowhere_on_the_board(cast, stages, make, sign_in):
    make(amount=Decimal("77123"))
    FieldRule.objects.create(role=Role.objects.get(key="rep"), entity="opportunity", field="amount")
    for address in (BOARD, reverse("opportunity-list"), reverse("opportunity-detail", args=[Opportunity.objects.get().pk])):
        page = sign_in(cast.anna).get(address)
        assert page.status_code == 200 and "77.123" not in page.content.decode(), address
    assert sign_in(cast.anna).get(BOARD, {"amount_min": "80000"}).context["totals"]["count"] == 1  # the filter is gone, too


def test_thirty_cards_cost_what_three_cost(cast, stages, make, sign_in):
    def fill(n):
        for place in range(n):
            row = make(stage=stages[place % 3], name=f"card {place}")
            plan_task(row.party, text="call", due_at=timezone.now(), by=cast.anna, about=row)

    def cost(address):
        with CaptureQueriesContext(connection) as queries:
            assert anna.get(address).status_code == 200
        return len(queries)

    anna = sign_in(cast.anna)
    addresses = (BOARD, reverse("opportunity-list"))
    fill(3)
    for address in addresses:
        anna.get(address)
    few = [cost(address) for address in addresses]
    fill(27)
    assert [cost(address) for address in addresses] == few


def test_a_column_loads_page_by_page_without_gaps(cast, stages, make, sign_in):
    party = OrganisationFactory(owner=cast.anna)
    for n in range(PAGE * 2 + 3):
        OpportunityFactory(owner=cast.anna, party=party, stage=stages[0], name=f"n{n}", rank=n // 4)  # ranks repeat: the id decides
    anna = sign_in(cast.anna)
    first = column(anna.get(BOARD).context, stages[0])
    seen, address = [card["id"] for card in first["cards"]], first["more_url"]
    assert len(seen) == PAGE
    while address:
        answer = anna.get(address, htmx=True)
        assert b"<html" not in answer.content
        more = answer.context["column"]
        seen += [card["id"] for card in more["cards"]]
        address = more["more_url"]
    assert len(seen) == len(set(seen)) == PAGE * 2 + 3
    whole = anna.get(first["more_url"])  # without JavaScript the link answers a page
    assert whole.status_code == 200 and b"<html" in whole.content


@pytest.mark.parametrize("query", ["pipeline=999999", "pipeline=x", "column=x", "column=99999999999999999999", "column=1&after=%00", "after=kaputt&column=1", "sort=nonsense", "on=x"])
def test_nonsense_in_the_address_is_answered_in_words(cast, stages, make, sign_in, query):
    make()
    answer = sign_in(cast.anna).get(f"{BOARD}?{query.replace('column=1', f'column={stages[0].pk}')}")
    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["owner=987654321", "team=x", "amount_min=1e999", "expected_from=31.31.2026", "product=" + "9" * 5000, "party=" + "9" * 5000, "party=nobody"])
def test_a_wrong_filter_shows_nothing_and_says_so(cast, stages, make, sign_in, query):
    make()
    page = sign_in(cast.anna).get(f"{BOARD}?{query}")
    assert page.status_code == 200 and page.context["totals"]["count"] == 0 and page.context["filter_errors"]


def test_board_and_list_understand_the_same_filters(cast, stages, make, sign_in):
    product = ProductFactory()
    today = timezone.localdate()
    wanted = make(name="wanted", product=product, amount=Decimal("500"), expected_close=today + timedelta(days=5))
    make(name="other", owner=cast.ben, amount=Decimal("900"), expected_close=today + timedelta(days=50))
    shared = make(name="souths", owner=cast.david, amount=Decimal("70"))
    grant_share(shared, cast.anna)
    busy = make(name="busy", amount=Decimal("20"))
    plan_task(busy.party, text="call", due_at=timezone.now(), by=cast.anna, about=busy)
    anna = sign_in(cast.anna)
    for query, names in {
        f"product={product.pk}": ["wanted"],
        "owner=me": ["busy", "wanted"],
        f"owner={cast.ben.pk}": ["other"],
        "owner=none": [],
        f"team={cast.firm.south.pk}": ["souths"],
        f"team={cast.firm.root.pk}": ["busy", "other", "souths", "wanted"],
        f"expected_from={today}&expected_until={today + timedelta(days=9)}": ["wanted"],
        "undated=1": ["busy", "souths"],
        "amount_min=400&amount_max=600": ["wanted"],
        "without_step=1": ["other", "souths", "wanted"],
        "shared=1": ["souths"],
        "shared=0": ["busy", "other", "wanted"],
        f"party={wanted.party.number}": ["wanted"],
        f"party={wanted.party.pk}": ["wanted"],
        "q=want": ["wanted"],
        f"q={busy.number}": ["busy"],
        f"forecast_from={today}&forecast_until={today + timedelta(days=9)}": ["wanted"],
    }.items():
        listed = sorted(row["object"].name for row in anna.get(f"{reverse('opportunity-list')}?{query}").context["rows"])
        assert listed == names, query
        if not query.startswith("forecast"):
            page = anna.get(f"{BOARD}?{query}")
            ids = [card["id"] for c in page.context["columns"] for card in c["cards"]]
            assert sorted(Opportunity.objects.filter(pk__in=ids).values_list("name", flat=True)) == names, query
            assert page.context["kept_query"] == f"?{query}"


def test_the_board_leaves_filters_alone_that_it_answers_itself(cast, stages, make, sign_in):
    row = make()
    services.win_opportunity(row, by=cast.anna)
    make(name="open")
    page = sign_in(cast.anna).get(BOARD, {"state": "won", "closed_from": "2020-01-01"})
    assert page.context["totals"]["count"] == 1 and "state=won" in page.context["kept_query"]


def test_sums_are_in_the_house_currency(cast, stages, make, sign_in):
    Installation.objects.update_or_create(pk=1, defaults={"name": "Haus", "currency": "CHF"})
    make(amount=Decimal("10"), currency_id="CHF")
    make(amount=Decimal("99"), currency_id="USD")  # no rate: not guessed
    page = sign_in(cast.anna).get(BOARD)
    assert page.context["totals"]["sum"] == Decimal("10.00")
    assert "CHF" in page.content.decode()


def test_a_step_mends_card_and_figures_and_offers_the_way_back(cast, stages, make, sign_in):
    row = make(amount=Decimal("1000"))
    answer = step(sign_in(cast.anna), row, stages[1])
    text = answer.content.decode()
    assert answer.status_code == 200 and Opportunity.objects.get(pk=row.pk).stage == stages[1]
    assert f'id="card-{row.pk}"' in text and f'id="stage-{stages[0].pk}-head"' in text and f'id="stage-{stages[1].pk}-head"' in text
    token = re.search(r'action="(/undo/[^"]+)"', text)[1]
    assert sign_in(cast.anna).post(token, {}).status_code == 302
    assert Opportunity.objects.get(pk=row.pk).stage == stages[0]


def test_neighbours_decide_the_place(cast, stages, make, sign_in):
    low, high, mover = make(stage=stages[1]), make(stage=stages[1]), make()
    step(sign_in(cast.anna), mover, stages[1], above=high.pk, below=low.pk)
    order = list(Opportunity.objects.filter(stage=stages[1]).order_by("rank", "pk").values_list("pk", flat=True))
    assert order == [high.pk, mover.pk, low.pk]


def test_a_stale_step_is_answered_with_where_the_card_is(cast, stages, make, sign_in):
    row = make()
    services.move_opportunity(row, stages[3], by=cast.anna)
    answer = step(sign_in(cast.anna), row, stages[1], seen=stages[0])
    text = answer.content.decode()
    assert answer.status_code == 409
    assert f'hx-swap-oob="afterbegin:#cards-{stages[3].pk}"' in text and str(stages[3]) in text
    assert Opportunity.objects.get(pk=row.pk).stage == stages[3]
    assert step(sign_in(cast.anna), row, stages[1], seen=stages[0], htmx=False).status_code == 409


def test_what_a_stage_demands_is_asked_and_then_the_step_is_taken(cast, stages, make, sign_in):
    gate = {"all": [{"field": "party", "op": "set"}, {"field": "amount", "op": "set"}, {"field": "expected_close", "op": "set"}]}
    Stage.objects.filter(pk=stages[1].pk).update(gate=gate)
    row = make(amount=None, expected_close=None)
    anna = sign_in(cast.anna)
    asked = step(anna, row, stages[1])
    assert asked.status_code == 422
    assert 'name="amount"' in asked.content.decode() and 'name="expected_close"' in asked.content.decode() and 'name="party"' not in asked.content.decode()
    again = step(anna, row, stages[1], asked="1", version=row.version, amount="100", expected_close="")
    assert again.status_code == 422 and Opportunity.objects.get(pk=row.pk).amount is None
    done = step(anna, row, stages[1], asked="1", version=row.version, amount="100.50", expected_close="2027-01-31", dialog="1")
    assert done.status_code == 200 and f'hx-swap-oob="afterbegin:#cards-{stages[1].pk}"' in done.content.decode()
    row.refresh_from_db()
    assert (row.stage, row.amount, str(row.expected_close)) == (stages[1], Decimal("100.50"), "2027-01-31")
    assert StageTransition.objects.get(opportunity=row, kind="move").amount == Decimal("100.50")


def test_winning_asks_for_what_is_missing(cast, stages, make, sign_in):
    anna = sign_in(cast.anna)
    assert anna.post(reverse("opportunity-win", args=[make().pk]), {}, htmx=True).status_code == 200
    bare = make(amount=None, party=None)
    address = reverse("opportunity-win", args=[bare.pk])
    assert anna.post(address, {}, htmx=True).status_code == 422
    party = OrganisationFactory(owner=cast.anna)
    assert anna.post(address, {"asked": "1", "version": bare.version, "party": party.number, "amount": "12"}).status_code == 302
    bare.refresh_from_db()
    assert (bare.state, bare.party_id, bare.amount) == ("won", party.pk, 12)


@pytest.mark.parametrize("verb", ["move", "win"])
@pytest.mark.parametrize("htmx", [False, True])
def test_what_somebody_changes_in_that_moment_is_answered_in_words(cast, stages, make, sign_in, monkeypatch, verb, htmx):
    Stage.objects.filter(pk=stages[1].pk).update(gate={"all": [{"field": "amount", "op": "set"}]})
    row = make(amount=None)

    def meanwhile(form, *, by):
        change(Opportunity.objects.filter(pk=row.pk), by=cast.ben, amount=7)
        return save_facts(form, by=by)

    monkeypatch.setattr(views, "save_facts", meanwhile)
    typed = {"asked": "1", "version": row.version, "amount": "12", "stage": stages[1].pk, "seen_stage": stages[0].pk}
    answer = sign_in(cast.anna).post(reverse(f"opportunity-{verb}", args=[row.pk]), typed, htmx=htmx)
    assert answer.status_code == 409 and "inzwischen geändert" in answer.content.decode()
    row.refresh_from_db()
    assert (row.state, row.stage) == ("open", stages[0])


def test_losing_needs_its_reason(cast, stages, make, sign_in):
    row = make()
    anna, address = sign_in(cast.anna), reverse("opportunity-lose", args=[row.pk])
    assert anna.get(address).status_code == anna.get(address, htmx=True).status_code == 200
    assert anna.post(address, {}, htmx=True).status_code == 422
    assert anna.post(address, {"reason": LostReason.objects.get(key="other").pk}).status_code == 422
    rival = OrganisationFactory(owner=cast.anna)
    answer = anna.post(address, {"reason": LostReason.objects.get(key="price").pk, "to": rival.number}, htmx=True)
    assert answer.status_code == 200 and f'id="card-{row.pk}" hx-swap-oob="delete"' in answer.content.decode()
    row.refresh_from_db()
    assert (row.state, row.lost_to_id) == ("lost", rival.pk)
    assert anna.post(reverse("opportunity-reopen", args=[row.pk]), {}).status_code == 302
    row.refresh_from_db()
    assert row.state == "open"


def test_every_step_is_a_plain_form_too(cast, stages, make, sign_in):
    row = make()
    anna = sign_in(cast.anna)
    assert b"<form" in anna.get(reverse("opportunity-move", args=[row.pk])).content
    assert step(anna, row, stages[2], htmx=False).headers["Location"] == reverse("opportunity-detail", args=[row.pk])
    page = anna.get(reverse("opportunity-detail", args=[row.pk])).content.decode()
    for verb in ("move", "win", "lose"):
        assert reverse(f"opportunity-{verb}", args=[row.pk]) in page


def test_the_question_begins_with_the_stage_that_comes_next(cast, stages, make, sign_in):
    """One touch on a phone moves it on; of the last stage there is no next one."""
    anna = sign_in(cast.anna)
    for here, offered in ((stages[0], stages[1]), (stages[-1], stages[-1])):
        page = anna.get(reverse("opportunity-move", args=[make(stage=here).pk])).content.decode()
        assert f'<option value="{offered.pk}" selected>' in page


@pytest.mark.parametrize("values", [{"stage": "x"}, {"stage": "9" * 5000}, {"stage": ""}, {"stage": "1", "above": "x"}, {"stage": "1", "seen_stage": "9" * 40}])
def test_a_step_of_nonsense_moves_nothing(cast, stages, make, sign_in, values):
    row = make()
    answer = sign_in(cast.anna).post(reverse("opportunity-move", args=[row.pk]), values, htmx=True)
    assert answer.status_code == 422
    assert StageTransition.objects.filter(opportunity=row).count() == 1


def test_in_german_no_id_is_grouped(cast, stages, make, sign_in):
    with connection.cursor() as cursor:
        for table in ("sales_opportunity", "sales_stage", "contacts_party", "accounts_user"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 12345678)")
    late = Stage.objects.create(pipeline=stages[0].pipeline, key="late", label_de="Spät", label_en="Late", position=40, probability=50)
    row = make(stage=late)
    anna = sign_in(cast.anna)
    for address in (BOARD, reverse("opportunity-list"), reverse("opportunity-detail", args=[row.pk]), reverse("opportunity-move", args=[row.pk])):
        page = anna.get(address).content.decode()
        assert "12345679" in page and "12.345.679" not in page, address


@pytest.mark.django_db(transaction=True)
def test_twenty_posts_of_one_form_win_once(cast, sign_in):
    """The same key twenty times at once: one effect, twenty times the same answer."""
    stage = Stage.objects.order_by("pipeline__position", "position").first()
    row = services.open_opportunity(
        OpportunityFactory.build(owner=cast.anna, team=cast.anna.team, party=OrganisationFactory(owner=cast.anna), stage=stage, number=""), by=cast.anna
    )
    browsers = [sign_in(cast.anna) for _ in range(20)]
    gate, answers = threading.Barrier(20), []

    def win(browser):
        gate.wait()
        try:
            answers.append(browser.post(reverse("opportunity-win", args=[row.pk]), {}, key="6f1c1c9e-5a4e-4f5e-9f0e-2d7a5f9b1a11").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=win, args=[browser]) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302] * 20
    assert StageTransition.objects.filter(opportunity=row, kind="win").count() == 1


def test_a_step_from_another_page_leads_back_to_the_opportunity(cast, stages, make, sign_in):
    anna, row = sign_in(cast.anna), make(amount=None)
    here = {"HX-Current-URL": f"http://testserver{reverse('opportunity-detail', args=[row.pk])}"}
    asked = anna.post(reverse("opportunity-win", args=[row.pk]), {}, htmx=True, headers=here)
    assert asked.status_code == 422 and b"<dialog" in asked.content and b"<html" not in asked.content
    lost = anna.post(reverse("opportunity-lose", args=[row.pk]), {}, htmx=True, headers=here)
    assert lost.status_code == 422 and b"<dialog" in lost.content  # nothing chosen: the dialog again, not another page
    moved = anna.post(reverse("opportunity-move", args=[row.pk]), {"stage": stages[1].pk, "seen_stage": stages[0].pk}, htmx=True, headers=here)
    assert (moved.status_code, moved["HX-Redirect"]) == (204, reverse("opportunity-detail", args=[row.pk]))
    assert "Rückgängig" in anna.get(moved["HX-Redirect"]).content.decode()
    stale = anna.post(reverse("opportunity-move", args=[row.pk]), {"stage": stages[2].pk, "seen_stage": stages[0].pk}, htmx=True, headers=here)
    assert (stale.status_code, stale["HX-Retarget"]) == (409, "#toasts")
