"""The house's people, every address of the product with real, foreign and absent records in it, and the forms that are found on its pages."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import NoReverseMatch

from accounts.models import Membership, Role, RoleRight, Team, User
from accounts.services import create_role
from campaigns.tracking import LINK, SHOWN
from contacts.consent_links import stop_links
from contacts.models import Party
from crm.core.door import door_token
from sales.models import Opportunity
from service.models import DeskSetup
from service.satisfaction import RATING
from tests.access import admin_pages
from tests.access.addresses import address
from tests.access.routes import ROUTES
from tests.architecture.test_doors import address_of, routes
from tests.browser.conftest import session_of
from tests.faults.hands import Person, until
from tests.faults.house import Supervised
from tests.fuzz.wire import Asked, Line
from tests.pageforms import PageForm, forms_of
from tests.world import build, records_of

PEOPLE = ("emil", "anna", "clara", "greta", "mia", "sven", "frieda", "nobody")  # and the spare
KEPT_OUT = ("anna", "frieda", "nobody")  # they see nothing of david's
ENDING = ("/accounts/logout/", "/admin/logout/", "/profile/", "/accounts/password/", "/accounts/reauthenticate/")  # whoever sends these may be outside from then on: they are for the spare
LEFT_ALONE = re.compile(r"^/admin/(?!contacts/tag|core/maillimit).*/delete/$")  # without teams, roles and stages there is nothing left to ask
ADMIN_EDIT = re.compile(r"^/admin/accounts/(role|user|team)/\d+/change/$")  # of spare ones only


@dataclass
class Form:
    """A form as it stands on a page."""

    action: str
    form: PageForm


@dataclass
class Town:
    """Who may be sent to which door."""

    house: Supervised
    cast: Any = None
    world: Any = None
    own: Any = None
    foreign: Any = None
    mark: str = "FREMDHAUS"
    cookies: dict[str, bytes] = field(default_factory=dict)
    token: bytes = b""
    addresses: list[tuple[str, str]] = field(default_factory=list)  # (route, address with a record of anna's)
    abroad: list[tuple[str, str]] = field(default_factory=list)  # … of david's
    set_up: list[tuple[str, str]] = field(default_factory=list)  # the admin's
    pages: list[tuple[str, str]] = field(default_factory=list)  # those that answered 200 to emil
    forms: list[Form] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of parameters
    unnamed: int = 0
    bystander: Any = None

    def settle(self) -> None:
        """A firm with its records, doors for everybody, and a spare role, user and team for whoever tries the set-up."""
        with self.house.inside():
            people = {user.username: user for user in User.objects.all()}
            teams = {"root": "", "north": "Nord", "south": "Süd", "marketing": "Marketing", "service": "Service"}
            firm = SimpleNamespace(**{key: Team.objects.get(name=name) if name else Team.objects.get(parent=None) for key, name in teams.items()})
            self.cast = SimpleNamespace(**people, firm=firm)
            self.world = build(self.cast)
            self.own, self.foreign = self.world.own, self.world.foreign
            DeskSetup.objects.filter(pk=DeskSetup.current().pk).update(form_open=True)
            role = create_role(by=self.cast.emil, label_de="Ersatz", label_en="spare", like=None)
            team = Team.objects.create(name="Ersatz", parent=firm.root)
            user = User.objects.create(username="spare", email="spare@lotse.test", team=team)
            spares = SimpleNamespace(**{**vars(self.cast), "anna": user, "firm": SimpleNamespace(**{**vars(firm), "south": team})})
            cells = admin_pages.cells(SimpleNamespace(**{**vars(self.world), "cast": spares}))
            first = Role.objects.order_by("pk")[0].pk
            found = {(cell.name, cell.url.replace(f"/accounts/role/{first}/", f"/accounts/role/{role.pk}/")) for cell in cells}
            self.set_up, self.cast.spare = sorted(found), user
            self._enter()
        self.collect()

    def renew(self, number: int) -> None:
        """What was spoiled is as it was: new records, new sessions, the people as they were."""
        self.mark = f"FREMDHAUS{number}"
        with self.house.inside():
            for user in vars(self.cast).values():
                if isinstance(user, User):
                    facts = {name: getattr(user, name) for name in ("is_active", "language", "password", "email", "team_id")}
                    User.objects.filter(pk=user.pk).update(**facts)
            self.own = records_of(self.cast.anna, self.cast.firm.north, f"EIGENTUM{number}")
            self.foreign = records_of(self.cast.david, self.cast.firm.south, self.mark)
            DeskSetup.objects.update(form_open=True)
            self._enter()
        self.collect()

    def _enter(self) -> None:
        """Everybody signs in, and the addresses are written anew."""
        self.token = secrets.token_hex(16).encode()
        rest = b"; " + settings.CSRF_COOKIE_NAME.encode() + b"=" + self.token
        for who in (*PEOPLE, "spare"):
            session = b"" if who == "nobody" else settings.SESSION_COOKIE_NAME.encode() + b"=" + session_of(getattr(self.cast, who)).encode()
            self.cookies[who] = session + rest if session else rest[2:]
        session = session_of(self.cast.ben)
        if self.bystander is None:
            self.bystander = Person(self.house.bind, session)
        else:  # the same browser: the form it has open goes on
            self.bystander.cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={self.bystander.token}"
        self.addresses, self.abroad = ([*self._addresses(of), *self._doors(of)] for of in (self.own, self.foreign))
        self.rights = self.who_sees_what()

    def _addresses(self, of: Any) -> Iterator[tuple[str, str]]:
        for name, rule in ROUTES.items():
            yield name, address(self.world, name, rule, of)

    def _doors(self, of: Any) -> Iterator[tuple[str, str]]:
        """Every other route: public ones with a link of ours where there is one, else with something in its place."""
        links = stop_links(f"{of.mark.lower()}@example.test", "newsletter")
        good = {
            "consent-stop": urlsplit(links.stop).path,
            "consent-preferences": urlsplit(links.preferences).path,
            "case-rating": f"/how-was-it/{door_token(RATING, case=of.case.pk)}/",
            "campaign-link": f"/to/{door_token(LINK, d=1, v=1, n=1)}/",
            "account_confirm_email": "/accounts/confirm-email/MQ:1:1/",
            "account_reset_password_from_key": "/accounts/password/reset/key/1-set-password/",
            "campaign-picture": f"/point/{door_token(SHOWN, d=1, v=1)}/",
        }
        yield from good.items()
        self.unnamed = 0
        for name, pattern, _written in routes():
            if name in good or name in ROUTES or name.startswith("admin:"):
                continue
            try:
                found = address_of(name, pattern)
            except NoReverseMatch:
                found = None
            if found is None:
                self.unnamed += bool(name)
            else:
                yield name, found

    def who_sees_what(self) -> str:
        """What decides whether anna, frieda or a stranger may see david's records: as long as it is the same, they may not."""
        facts = [
            list(roles := Membership.objects.filter(user__username__in=KEPT_OUT).order_by("pk").values_list("user", "team", "role")),
            list(RoleRight.objects.filter(role__in=[role for _user, _team, role in roles]).order_by("role", "entity", "verb").values_list("role", "entity", "verb", "reach")),
            list(Team.objects.filter(name__in=["Nord", "Süd"]).order_by("pk").values_list("pk", "parent")),
            list(Party.objects.unrestricted().filter(pk__in=[self.foreign.person.pk, self.foreign.organisation.pk]).order_by("pk").values_list("owner", "team")),
            list(Opportunity.objects.unrestricted().filter(pk=self.foreign.opportunity.pk).values_list("owner", "team")),
            *([row.pk for row in (*found.user_shares.all(), *found.group_shares.all())] for found in (self.foreign.person, self.foreign.organisation, self.foreign.opportunity, self.foreign.case)),
        ]
        return repr(facts)

    def collect(self) -> None:
        """Open every page once as emil and once as anna, and keep what stands on it. Each is asked twice more, so that every process has seen it."""
        asked = [("emil", name, url) for name, url in (*self.addresses, *self.set_up)]
        asked += [("anna", name, url) for name, url in self.addresses if name in ROUTES and not ROUTES[name].download]
        asked = sorted(set(asked))
        self.pages, self.forms, known, names = [], [], set(), {"q", "sort", "after", "before", "page", "view", "somethingelse"}
        with ThreadPoolExecutor(3) as pool:
            for (who, name, url), answer in zip(asked, pool.map(self._look, asked), strict=True):
                if answer.status != 200:
                    continue
                if who == "emil":
                    self.pages.append((name, url))
                if b"<form" not in answer.body:
                    continue
                text = answer.body.decode(errors="replace")
                names |= set(re.findall(r"[?&;]([a-z_]{1,30})=", text))
                for form in forms_of(text, url):
                    if form.method not in ("get", "post"):
                        continue
                    action = form.action if form.action.startswith("/") else urlsplit(url).path + (form.action if form.action.startswith("?") else "")
                    path = urlsplit(action).path
                    key = (form.method, path, tuple(form.fields), tuple(form.uploads))
                    if key in known or LEFT_ALONE.match(path) or (ADMIN_EDIT.match(path) and path not in {url for _name, url in self.set_up}):
                        continue
                    known.add(key)
                    self.forms.append(Form(action, form))
                    names |= set(form.fields) if form.method == "get" else set()
        self.names = sorted(names)

    def _look(self, what: tuple[str, str, str]) -> Any:
        who, _name, url = what
        line = Line(self.house.bind)
        try:
            return line.ask(Asked(who, b"GET", url.encode()).wire(self.house.bind.encode(), self.cookies[who]))
        finally:
            line.close()

    def stands(self) -> None:
        """Wait until the page answers."""
        assert until(lambda: self.bystander.get("/today/").status == 200, 60) < 60
