"""The columns of lists of contacts, and what each of them reads beside the contact itself: only what is shown is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db import connection
from django.db.models import Case, F, Func, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy

from contacts.detail import STATE_TONES
from contacts.letters import addressee, stored
from contacts.models import Affiliation, EmailAddress, Party, PartyTag, PhoneNumber, PostalAddress
from contacts.salutation import Addressee
from crm.core.access import sees_beside
from crm.core.columns import Choice, Column
from crm.core.models import Installation
from crm.core.rows import addresses


@cache
def _edited_at(key: str) -> Callable[[int], str]:
    return addresses(lambda pk: reverse("party-cell", args=[pk, key]))


Adds = Callable[[QuerySet[Any], Any], QuerySet[Any]]


@dataclass(frozen=True)
class EditableColumn(Column):
    """A column whose cell can be edited in place by those who may change the row."""

    @property
    def edited_at(self) -> Callable[[int], str]:
        return _edited_at(self.key)


@cache
def of_main(model: type[Any], attribute: str) -> Adds:
    """Adds `main_<attribute>`: of the main e-mail address, telephone number or postal address. A part is visible exactly when its contact is."""
    quote, part = connection.ops.quote_name, model._meta  # the gate: read for rows the reader sees
    found = f"(SELECT part.{quote(part.get_field(attribute).column)} FROM {quote(part.db_table)} part WHERE part.is_primary AND part.party_id = %(expressions)s LIMIT 1)"  # noqa: S608 - names of the models themselves
    return lambda rows, reader: rows.annotate(**{f"main_{attribute}": Func(F("pk"), template=found, output_field=TextField())})


def _job(reader: Any, field: str) -> Subquery:
    # the gate: read for people the reader sees, and only where the organisation may be seen, too
    jobs = Affiliation.objects.unrestricted().filter(person=OuterRef("pk"), is_primary=True)
    return Subquery(jobs.values(word=Case(When(sees_beside(reader, Party, "organisation"), then=F(field))))[:1])


def add_employer(rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
    """Adds `main_employer`: the name of the organisation a person works for, as far as the reader sees it."""
    return rows.annotate(main_employer=_job(reader, "organisation__name"))


def add_function(rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
    """Adds `main_function`: what a person is there."""
    return rows.annotate(main_function=_job(reader, "function"))


def add_house(rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
    """Adds `house`: the language letters are written in where a contact says none."""
    return rows.annotate(house=Value(Installation.current().language))


def add_tags(rows: QuerySet[Any], reader: Any) -> QuerySet[Any]:
    """Adds `tag_words`: the tags in the reader's language, in their order."""
    label = F("tag__label_en" if (get_language() or "de").startswith("en") else "tag__label_de")
    held = PartyTag.objects.unrestricted().filter(party=OuterRef("pk")).order_by().values("party")  # the gate: of rows the reader sees
    return rows.annotate(tag_words=Subquery(held.values(words=StringAgg(label, ", ", order_by=["tag__position", "tag__key"]))))


def addressed(party: Party) -> Addressee:
    """Whom a letter to this row is for."""
    return addressee(stored(party), getattr(party, "house", "de"))


def _place(attribute: str, label: Any) -> Column:
    return Column(attribute, label, f"main_{attribute}", shown=False, priority=3, adds=of_main(PostalAddress, attribute))


PHONE = EditableColumn("phone", gettext_lazy("Telephone"), "main_number", priority=4, adds=of_main(PhoneNumber, "number"))
EMAIL = EditableColumn("email", gettext_lazy("E-mail"), "main_address", priority=2, adds=of_main(EmailAddress, "address"))
CITY = Column("city", gettext_lazy("City"), "main_city", priority=2, adds=of_main(PostalAddress, "city"))
EMPLOYER = Column("employer", gettext_lazy("Organisation"), "main_employer", priority=0, adds=add_employer)
STATE = EditableColumn(
    "state", gettext_lazy("Status"), Choice("state"), "state", "tag", priority=4, tone=lambda party: STATE_TONES[party.state]
)
LAST = Column("last_contact", gettext_lazy("Last contact"), "activity__last_at", "activity__last_at", "ago", priority=1)
OWNER = Column("owner", gettext_lazy("Owner"), "owner", priority=3, joins=("owner",))
LATER = [
    Column("tags", gettext_lazy("Tags"), "tag_words", shown=False, priority=3, adds=add_tags),
    Column("number", gettext_lazy("Number"), "number", shown=False, priority=3),
    _place("postcode", gettext_lazy("Postcode")),
    _place("street", gettext_lazy("Street and number")),
    _place("country", gettext_lazy("Country")),
    Column("team", gettext_lazy("Team"), "team", joins=("team",), shown=False, priority=3),
    Column("source", gettext_lazy("Source"), "source", shown=False, priority=3),
    Column("created_at", gettext_lazy("Created"), "created_at", "created_at", "ago", shown=False, priority=3),
    Column("updated_at", gettext_lazy("Changed"), "updated_at", "updated_at", "ago", shown=False, priority=3),
]
