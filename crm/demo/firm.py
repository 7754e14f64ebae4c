"""The house of the demo: Rheintal Fördertechnik GmbH, its teams, its people, its price list. All names are made up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import Role, Team, User
from accounts.services import create_user
from crm.catalog.models import Currency, Product
from crm.catalog.services import set_price
from crm.core.fold import sort_key
from crm.core.models import Installation
from crm.core.work import work
from crm.demo.sign_ins import DOMAIN, PASSWORD

NAME = "Rheintal Fördertechnik GmbH"
TEAMS = {"Vertrieb": "", "Vertrieb Nord": "Vertrieb", "Vertrieb Süd": "Vertrieb", "Marketing": "", "Service": ""}  # name → belongs to

# first name, last name, role, team ("" is the firm itself)
PEOPLE = [
    ("Katrin", "Möller", "rep", "Vertrieb Nord"),
    ("Tobias", "Krämer", "rep", "Vertrieb Nord"),
    ("Aylin", "Yıldız", "rep", "Vertrieb Nord"),
    ("Martin", "Petersen", "lead", "Vertrieb Nord"),
    ("Lena", "Huber", "rep", "Vertrieb Süd"),
    ("Florian", "Steiner", "rep", "Vertrieb Süd"),
    ("Sabine", "Vogt", "lead", "Vertrieb Süd"),
    ("Ulrike", "Brandt", "management", ""),
    ("Jonas", "Weber", "manager", ""),
    ("Mehmet", "Kaya", "service", "Service"),
    ("Ines", "Roth", "service", "Service"),
    ("Clara", "Neumann", "marketing", "Marketing"),
]

# number, name, series, list price in EUR
PRODUCTS = [
    ("RB-100", "Rollenbahn angetrieben, 10 m", "Rollenbahnen", 11_400),
    ("RB-200", "Rollenbahn Schwerlast, 10 m", "Rollenbahnen", 18_900),
    ("RB-300", "Röllchenbahn, 10 m", "Rollenbahnen", 3_200),
    ("GF-100", "Gurtförderer flach", "Gurtförderer", 7_900),
    ("GF-200", "Gurtförderer steigend", "Gurtförderer", 12_650),
    ("GF-300", "Kurvengurtförderer", "Gurtförderer", 15_800),
    ("KF-100", "Kettenförderer Palette", "Kettenförderer", 21_300),
    ("KF-200", "Tragkettenförderer", "Kettenförderer", 26_750),
    ("SF-100", "Späneförderer", "Sonderförderer", 19_450),
    ("SF-200", "Granulatförderer", "Sonderförderer", 22_400),
    ("VT-100", "Vertikalförderer", "Vertikaltechnik", 38_600),
    ("VT-200", "Palettenheber", "Vertikaltechnik", 29_900),
    ("ST-100", "Sortierstrecke", "Anlagen", 48_600),
    ("ST-200", "Förderanlage mit Steuerung", "Anlagen", 63_000),
    ("WA-100", "Wartungsvertrag, jährlich", "Service", 5_950),
]


def found_firm() -> dict[str, User]:
    """Write house, teams and people; returns them by last name. All share one known password: this is a demo."""
    roles = {role.key: role for role in Role.objects.all()}
    with work():
        Installation.objects.update_or_create(pk=1, defaults={"name": NAME, "currency": "EUR", "fiscal_year_start": 1, "language": "de"})
        root, _fresh = Team.objects.update_or_create(parent=None, defaults={"name": NAME})
        teams = {"": root}
        for name, above in TEAMS.items():
            teams[name] = Team.objects.create(name=name, parent=teams[above])
        people = {}
        for first, last, role, team in PEOPLE:
            where = teams[team]
            user = create_user(by=None, email=address_of(first, last), first_name=first, last_name=last, team=where, memberships=[(where, roles[role])], language="de")
            people[last] = user
        User.objects.filter(pk__in=[user.pk for user in people.values()]).update(password=make_password(PASSWORD))
    return people


def address_of(first: str, last: str) -> str:
    """The sign-in address of one of us: katrin.moeller@…"""
    return f"{latin(first)}.{latin(last)}@{DOMAIN}"


def latin(name: str) -> str:
    """A name as it stands in an address: Möller → moeller, Yıldız → yildiz."""
    return sort_key(name.lower().translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})))


def write_price_list(by: User) -> dict[str, Product]:
    """Products with last year's and this year's price, by article number."""
    euro, today = Currency.objects.get(pk="EUR"), timezone.localdate()
    products = {}
    with work(by=by):
        for number, name, series, price in PRODUCTS:
            product = products[number] = Product.objects.create(number=number, name=name, series=series, created_by=by, updated_by=by)
            set_price(product, currency=euro, valid_from=today - timedelta(days=700), amount=Decimal(price) * Decimal("0.96"), by=by)
            set_price(product, currency=euro, valid_from=today.replace(month=1, day=1), amount=Decimal(price), by=by)
    return products
