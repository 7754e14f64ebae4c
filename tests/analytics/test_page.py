"""The forecast page: its figures are those of the rows, its numbers open them, and everybody sees their own."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from analytics import page, periods
from analytics.forecast import Ask, Forecast, current_period, likely
from analytics.links import Rows
from sales.models import Opportunity, Stage
from tests.factories import OpportunityFactory, OrganisationFactory, grant_share


def make(owner=None, *, team=None, state="open", amount="1000.00", day=None, stage=None):
    """One opportunity in any state; `day` is the closing day of a closed one, the expected close of an open one."""
    facts = {"closed_on": day} if state != "open" else {"expected_close": day}
    team = team or owner.team
    return OpportunityFactory(
        owner=owner, team=team, state=state, amount=amount, stage=stage or Stage.objects.order_by("position")[0],
        party=OrganisationFactory(owner=owner, team=team), **facts,
    )


def q(name):
    return periods.parse(name, 1)


def asked(user, name="2017-Q1", **facts):
    return Forecast(Ask(user, q(name), **facts))


def rows_behind(sign_in, user, url):
    """The opportunities a number's address shows, from the real list page."""
    found = sign_in(user).get(url, htmx=True)
    assert found.status_code == 200, url
    assert not found.context["filter_errors"], (url, found.context["filter_errors"])
    keys = [row["pk"] for row in found.context["rows"]]
    records = Opportunity.objects.unrestricted().in_bulk(keys)
    return [records[key] for key in keys]


def test_closed_open_weighted_likely(cast):
    stage = Stage.objects.get(key="offer")
    make(cast.anna, state="won", day=date(2017, 1, 31), amount="100.10")
    make(cast.anna, state="won", day=date(2017, 4, 1), amount="7")
    make(cast.anna, state="lost", day=date(2017, 2, 1), amount="5")
    make(cast.anna, day=date(2017, 3, 31), amount="33.33", stage=stage)
    make(cast.anna, day=None, amount="9", stage=stage)
    total = asked(cast.anna).total
    assert (total.won_revenue, total.open_pipeline, total.weighted_pipeline) == (Decimal("100.10"), Decimal("33.33"), Decimal("18.33"))  # 55 % assumed
    assert likely(total) == Decimal("118.43")
    assert (total.n_won, total.n_lost, total.n_open) == (1, 1, 1)
    assert total.win_rate == Decimal("0.5")


@pytest.mark.parametrize(("language", "words"), [("en", "won/(won+lost): 1 of 2"), ("de", "gewonnen/(gewonnen+verloren): 1 von 2")])
def test_the_win_rate_says_what_it_counts(cast, sign_in, language, words):
    User.objects.filter(pk=cast.anna.pk).update(language=language)
    for state in ("won", "lost"):
        make(cast.anna, state=state, day=date(2017, 2, 1))
    assert words in sign_in(cast.anna).get(reverse("forecast") + "?period=2017-Q1").content.decode()


def test_everybody_sees_their_own(cast):
    for owner, amount in ((cast.anna, "1"), (cast.ben, "10"), (cast.david, "100")):
        make(owner, state="won", day=date(2017, 2, 1), amount=amount)
    make(None, team=cast.firm.root, state="won", day=date(2017, 2, 1), amount="1000")
    sums = {user.username: asked(user).total.won_revenue for user in (cast.anna, cast.clara, cast.david, cast.greta, cast.emil)}
    assert sums == {"anna": 11, "clara": 11, "david": 100, "greta": 1111, "emil": 1111}


@pytest.mark.parametrize("name", ["mia", "sven", "frieda"])
def test_without_the_verb_there_is_no_page(cast, sign_in, name):
    for url in ("forecast", "forecast-pdf"):
        assert sign_in(getattr(cast, name)).get(reverse(url)).status_code == 403


def test_a_rep_may_look_but_not_export(cast, sign_in):
    browser = sign_in(cast.anna)
    assert browser.get(reverse("forecast")).status_code == 200
    assert browser.get(reverse("forecast-pdf")).status_code == 403
    assert browser.post(reverse("forecast-subscribe")).status_code == 403


def test_hidden_amounts_leave_no_forecast(cast, sign_in):
    from accounts.models import FieldRule, Role

    FieldRule.objects.create(role=Role.objects.get(key="rep"), entity="opportunity", field="amount")
    assert sign_in(cast.anna).get(reverse("forecast")).status_code == 403
    assert sign_in(cast.clara).get(reverse("forecast")).status_code == 200


def test_a_share_stands_apart(cast, sign_in):
    make(cast.anna, state="won", day=date(2017, 2, 1), amount="10")
    foreign = make(cast.david, state="won", day=date(2017, 2, 1), amount="500")
    grant_share(foreign, cast.anna)
    found = asked(cast.anna)
    assert found.total.won_revenue == 10
    assert [line.team.name for line in found.teams] == ["Nord"]
    assert found.shared.won_revenue == 500
    links = Rows(found)
    assert rows_behind(sign_in, cast.anna, links.shared(found.period)) == [foreign]
    assert foreign not in rows_behind(sign_in, cast.anna, links.closed(found.period))
    assert "500" in sign_in(cast.anna).get(reverse("forecast") + "?period=2017-Q1").content.decode()


def test_teams_are_a_tree(cast):
    west = type(cast.firm.root).objects.create(name="West", parent=cast.firm.north)
    make(cast.anna, state="won", day=date(2017, 1, 2), amount="1")
    make(cast.anna, team=west, day=date(2017, 3, 2), amount="100", stage=Stage.objects.get(key="needs"))
    make(cast.david, state="won", day=date(2017, 3, 2), amount="50")
    lines = {line.team.name: (line.depth, likely(line.figures)) for line in asked(cast.greta).teams}
    assert lines == {"Lotse": (0, 91), "Nord": (1, 41), "West": (2, 40), "Süd": (1, 50)}
    assert {line.team.name: line.depth for line in asked(cast.anna).teams} == {"Nord": 0, "West": 1}
    narrowed = asked(cast.greta, team=cast.firm.north)
    assert {line.team.name: (line.depth, likely(line.figures)) for line in narrowed.teams} == {"Nord": (0, 41), "West": (1, 40)}


def test_own_rows_in_a_foreign_team_count(cast):
    make(cast.anna, team=cast.firm.south, state="won", day=date(2017, 1, 2), amount="7")
    found = asked(cast.anna)
    assert found.total.won_revenue == 7
    assert [line.team.name for line in found.teams] == ["Süd"]


def allow(role, entity, verb, reach):
    """Change one cell of the matrix, as the CRM manager does."""
    from accounts.grants import sync_grants
    from accounts.models import Role, RoleRight

    RoleRight.objects.update_or_create(role=Role.objects.get(key=role), entity=entity, verb=verb, defaults={"reach": reach})
    sync_grants()


def test_a_forecast_of_ones_own_only(cast, sign_in):
    """The verb on the forecast may reach less far than that on opportunities: sums and their rows stay within it."""
    allow("rep", "forecast", "view", "own")
    mine = make(cast.anna, state="won", day=date(2017, 2, 1), amount="10")
    make(cast.ben, state="won", day=date(2017, 2, 1), amount="500")
    found = asked(cast.anna)
    assert found.total.won_revenue == 10
    links = Rows(found)
    assert rows_behind(sign_in, cast.anna, links.closed(found.period)) == [mine]
    assert rows_behind(sign_in, cast.anna, links.likely(found.period, team=cast.firm.north)) == [mine]


def test_a_forecast_of_ones_team_among_all_rows(cast, sign_in):
    allow("service", "forecast", "view", "team")
    team = cast.firm.service
    row = make(cast.sven, state="won", day=date(2017, 2, 1), amount="10")
    make(cast.ben, state="won", day=date(2017, 2, 1), amount="500")
    found = asked(cast.sven)
    assert found.total.won_revenue == 10
    links = Rows(found)
    assert links.closed(found.period) == "", "no filter of the list tells exactly these rows, so there is no link"
    assert rows_behind(sign_in, cast.sven, links.closed(found.period, team=team)) == [row]


@pytest.mark.parametrize("field", ["owner", "team"])
def test_a_hidden_column_is_no_section(cast, sign_in, field):
    from accounts.models import FieldRule, Role

    FieldRule.objects.create(role=Role.objects.get(key="rep"), entity="opportunity", field=field)
    make(cast.anna, state="won", day=date(2017, 2, 1), amount="10")
    found = sign_in(cast.anna).get(f"{reverse('forecast')}?period=2017-Q1&{field}={cast.anna.pk}")
    assert not found.context[f"{field}s"]
    assert not re.search(rf'href="[^"]*[?;]{field}=', found.content.decode())


def test_days_in_doubt_stand_apart(cast, sign_in):
    today = timezone.localdate()
    past = make(cast.anna, day=today - timedelta(days=400), amount="40")
    undated = make(cast.anna, day=None, amount="3")
    make(cast.anna, day=today, amount="1")
    found = Forecast(Ask(cast.anna, current_period()))
    assert (found.late.past.n, found.late.past.amount) == (1, 40)
    assert (found.late.past_in_period.n, found.late.undated.n, found.late.undated.amount) == (0, 1, 3)
    links = Rows(found)
    assert rows_behind(sign_in, cast.anna, links.past()) == [past]
    assert rows_behind(sign_in, cast.anna, links.undated()) == [undated]


amounts = st.decimals(min_value=0, max_value=10**7, places=2)
facts = st.lists(
    st.tuples(
        st.sampled_from(["anna", "ben", "david", None]),
        st.sampled_from(["open", "won", "lost"]),
        st.one_of(st.none(), amounts),
        st.one_of(st.none(), st.dates(date(2016, 11, 1), date(2018, 2, 28))),
        st.integers(0, 4),
    ),
    max_size=25,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts)
def test_the_figures_are_those_of_the_raw_rows(cast, generated):
    """Recomputed row by row from plain SQL, for four readers and three lengths of period."""
    from django.db import transaction

    stages = list(Stage.objects.order_by("position"))
    party = OrganisationFactory(team=cast.firm.root)
    with transaction.atomic():
        for owner, state, amount, day, place in generated:
            person = getattr(cast, owner) if owner else None
            if (state != "open" and day is None) or (state == "won" and amount is None):
                continue
            kept = {"closed_on": day} if state != "open" else {"expected_close": day}
            OpportunityFactory(owner=person, team=person.team if person else cast.firm.root, state=state, amount=amount, stage=stages[place], party=party, **kept)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT o.state, o.amount, coalesce(o.closed_on, o.expected_close), s.probability, u.username, t.name"
                " FROM sales_opportunity o JOIN sales_stage s ON s.id = o.stage_id JOIN accounts_team t ON t.id = o.team_id LEFT JOIN accounts_user u ON u.id = o.owner_id"
            )
            raw = cursor.fetchall()
        readers = {"anna": {"Nord"}, "clara": {"Nord"}, "david": {"Süd"}, "greta": {"Nord", "Süd", "Lotse"}}
        for reader, teams in readers.items():
            for name in ("2017-02", "2017-Q4", "2017"):
                period = q(name)
                found = Forecast(Ask(getattr(cast, reader), period))
                mine = [row for row in raw if row[5] in teams and row[2] and period.start <= row[2] <= period.end]
                assert _of(found.total) == _sums(mine)
                assert {line.owner.username if line.owner else None: _of(line.figures) for line in found.owners} == {who: _sums([r for r in mine if r[4] == who]) for who in {r[4] for r in mine}}
                for line in found.teams:
                    if line.team.name != "Lotse":
                        assert _of(line.figures) == _sums([r for r in mine if r[5] == line.team.name])
        transaction.set_rollback(True)


def _of(figures):
    return (figures.won_revenue, figures.open_pipeline, figures.weighted_pipeline, figures.n_won, figures.n_lost, figures.n_open)


def _sums(rows):
    cent = Decimal("0.01")
    won = [r[1] for r in rows if r[0] == "won"]
    open_ = [(r[1] or Decimal(0), Decimal(r[3]) / 100) for r in rows if r[0] == "open"]
    weighted = sum(((amount * rate).quantize(cent, ROUND_HALF_UP) for amount, rate in open_), Decimal(0))
    return (sum(won, Decimal(0)), sum((amount for amount, _rate in open_), Decimal(0)), weighted, len(won), sum(r[0] == "lost" for r in rows), len(open_))


@pytest.mark.parametrize(
    ("reader", "narrow"),
    [("anna", ""), ("clara", "&owner={anna}"), ("greta", ""), ("greta", "&team={north}"), ("anna", "&pipeline={pipeline}&owner={anna}")],
)
def test_every_number_opens_the_rows_it_sums(cast, sign_in, reader, narrow):
    """Each link of the page is followed to the real list, and the rows there add up to the number that was clicked."""
    from crm.core import formats
    from sales import learning

    offer = Stage.objects.get(key="offer")
    for owner in (cast.anna, cast.ben, cast.david):
        make(owner, state="won", day=date(2017, 1, 31), amount="1234567")
        make(owner, state="won", day=date(2017, 3, 1), amount="4321")
        make(owner, state="lost", day=date(2017, 3, 1), amount="5")
        make(owner, day=date(2017, 2, 1), amount="20000", stage=offer)
        make(owner, day=None, amount="17")
        make(owner, day=date(2015, 2, 1), amount="19")
    make(None, team=cast.firm.root, state="won", day=date(2017, 2, 2), amount="1000000")
    grant_share(make(cast.david, day=date(2017, 3, 3), amount="77000"), cast.anna)
    rates = learning.current_rates()
    user = getattr(cast, reader)
    address = reverse("forecast") + "?period=2017-Q1" + narrow.format(anna=cast.anna.pk, north=cast.firm.north.pk, pipeline=offer.pipeline_id)
    html = sign_in(user).get(address).content.decode()

    def weight(row):
        amount = row.amount or Decimal(0)
        return amount if row.state == "won" else amount * rates[row.stage_id] if row.state == "open" else Decimal(0)

    seen, opened = 0, {}
    with translation.override("de"):
        for url, text in re.findall(r'<a (?:class="text-reset" )?href="(/sales/opportunities/\?[^"]+)"[^>]*>([^<]+)</a>', html):
            rows = opened[url] if url in opened else opened.setdefault(url, rows_behind(sign_in, user, unescape(url)))
            assert rows, url
            full, weighted = sum((row.amount or Decimal(0)) for row in rows), sum(weight(row) for row in rows)
            possible = {formats.number(full, 0), formats.number(weighted, 0), formats.number(weighted / 1000, 1)} | {
                formats.money(value, "EUR", decimals=0) for value in (full, weighted)
            }
            decided = [row for row in rows if row.state != "open"]
            possible.add(formats.percent(Decimal(sum(row.state == "won" for row in decided)) / max(1, len(decided)), 2))
            if re.match(r"[\d.,]+", unescape(text)):
                seen += 1
                assert unescape(text) in possible, (url, text, possible)
    assert seen > 25


def test_the_number_of_queries_does_not_grow(cast, sign_in):
    def cost(n):
        for index in range(n):
            make(cast.anna if index % 2 else cast.ben, state="won", day=date(2017, 1 + index % 3, 1))
            make(cast.david, day=date(2017, 1 + index % 3, 2))
        browser = sign_in(cast.greta)
        browser.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(address).status_code == 200
        return len(queries)

    address = reverse("forecast") + "?period=2017-Q1"
    few = cost(3)
    assert cost(27) == few


def test_past_years_can_be_reached(cast, sign_in):
    make(cast.anna, state="won", day=date(2016, 12, 31), amount="16")
    make(cast.anna, state="won", day=date(2017, 3, 31), amount="1134672")
    make(cast.anna, state="won", day=date(2017, 4, 1), amount="3086111")
    html = sign_in(cast.greta).get(reverse("forecast") + "?period=2017").content.decode()
    assert "1.134.672" in html and "3.086.111" in html and "4.220.783" in html
    assert 'value="2016"' in html and 'value="2017"' in html
    choices = dict(page.period_choices(asked(cast.greta, "2017-Q1")))
    assert "2017-Q1" in {name for group in choices.values() for name, _label in group}


@pytest.mark.parametrize("language", ["de", "en"])
def test_ids_above_9999_stay_ids(cast, sign_in, language):
    cast.greta.language = language
    cast.greta.save()
    with connection.cursor() as cursor:
        for table in ("sales_opportunity", "accounts_team", "accounts_user", "sales_pipeline", "sales_stage"):
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 123456)", [table])
    from accounts.models import Team, User

    team = Team.objects.create(name="Fern", parent=cast.firm.root)
    owner = User.objects.create(username="fern", email="fern@lotse.test", team=team)
    make(owner, state="won", day=date(2017, 2, 1), amount="1234567")
    browser = sign_in(cast.greta)
    html = browser.get(reverse("forecast") + f"?period=2017-Q1&team={team.pk}&owner={owner.pk}").content.decode()
    assert "123.457" not in html and "123,457" not in html
    assert f"team={team.pk}" in unescape(html)
    assert ("1.234.567" if language == "de" else "1,234,567") in html


HOSTILE = ["9" * 5000, "-1", "0", "1e9", "２２２２２２", "'; DROP TABLE", "\x00", "\ud800", "2017-Q9", "None", "99999999999999999999", "<script>", "2017-Q1" * 3]


@pytest.mark.parametrize("name", ["period", "team", "owner", "pipeline"])
def test_a_hostile_address_is_answered_in_words(cast, sign_in, name):
    browser = sign_in(cast.greta)
    for value in HOSTILE:
        found = browser.get(f"{reverse('forecast')}?{name}={quote(value, errors='surrogatepass')}")
        assert found.status_code in (200, 400), value[:30]
        if found.status_code == 200:
            assert "invalid-feedback" in found.content.decode(), f"{value[:30]}: the field says what is wrong"
            assert found.context["forecast"].period == current_period()


def test_a_foreign_team_is_no_choice(cast, sign_in):
    make(cast.david, state="won", day=date(2017, 2, 1), amount="987654")
    html = sign_in(cast.anna).get(f"{reverse('forecast')}?period=2017-Q1&team={cast.firm.south.pk}").content.decode()
    assert "invalid-feedback" in html and "987.654" not in html


def test_empty_house(cast, sign_in):
    found = sign_in(cast.anna).get(reverse("forecast"))
    assert found.status_code == 200 and found.context["empty"]
    assert not Opportunity.objects.exists()


def test_htmx_gets_the_fragment(cast, sign_in):
    make(cast.anna, state="won", day=date(2017, 2, 1))
    found = sign_in(cast.anna).get(reverse("forecast"), htmx=True)
    assert "<html" not in found.content.decode() and "HX-Request" in found["Vary"]
