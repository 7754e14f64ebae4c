"""Records for tests, one factory per entity; each builds the least that is valid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from accounts.models import Team, User
from campaigns.models import Campaign, Journey, Segment, Variant
from contacts.models import EmailAddress, Interaction, Organisation, Person, PhoneNumber, PostalAddress, Task
from crm.catalog.models import Price, Product
from crm.core.numbers import take_numbers
from sales.models import Opportunity, Stage
from service.models import Case


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda o: f"{o.username}@example.test")
    language = "de"


class PersonFactory(DjangoModelFactory):
    class Meta:
        model = Person

    kind = "person"
    number = factory.LazyFunction(lambda: take_numbers("party")[0])
    first_name = "Petra"
    last_name = factory.Sequence(lambda n: f"Vogel{n}")
    team = factory.LazyAttribute(lambda o: o.owner.team if o.owner else Team.objects.get(parent=None))
    owner = None


class OrganisationFactory(DjangoModelFactory):
    class Meta:
        model = Organisation

    kind = "organisation"
    number = factory.LazyFunction(lambda: take_numbers("party")[0])
    legal_name = factory.Sequence(lambda n: f"Werk {n} GmbH")
    team = factory.LazyAttribute(lambda o: o.owner.team if o.owner else Team.objects.get(parent=None))
    owner = None


class EmailFactory(DjangoModelFactory):
    class Meta:
        model = EmailAddress

    address = factory.Sequence(lambda n: f"post{n}@example.test")


class PhoneFactory(DjangoModelFactory):
    class Meta:
        model = PhoneNumber

    number = factory.Sequence(lambda n: f"0221 98{n:04d}")


class AddressFactory(DjangoModelFactory):
    class Meta:
        model = PostalAddress

    street, postcode, city, country = "Hauptstraße 1", "50667", "Köln", "DE"


class ProductFactory(DjangoModelFactory):
    class Meta:
        model = Product

    number = factory.Sequence(lambda n: f"A-{n}")
    name = factory.Sequence(lambda n: f"Förderband {n}")


class PriceFactory(DjangoModelFactory):
    class Meta:
        model = Price

    currency_id = "EUR"
    valid_from = "2020-01-01"
    amount = Decimal("1000.00")


class OpportunityFactory(DjangoModelFactory):
    class Meta:
        model = Opportunity

    number = factory.LazyFunction(lambda: take_numbers("opportunity")[0])
    name = factory.Sequence(lambda n: f"Anlage {n}")
    stage = factory.LazyFunction(lambda: Stage.objects.order_by("position")[0])
    amount = Decimal("12500.00")
    team = factory.LazyAttribute(lambda o: o.owner.team if o.owner else Team.objects.get(parent=None))
    owner = None


class CaseFactory(DjangoModelFactory):
    class Meta:
        model = Case

    number = factory.LazyFunction(lambda: take_numbers("case")[0])
    type = "complaint"
    heading = factory.Sequence(lambda n: f"Gurt läuft schief {n}")
    team = factory.LazyAttribute(lambda o: o.owner.team if o.owner else Team.objects.get(parent=None))
    owner = None


class SegmentFactory(DjangoModelFactory):
    class Meta:
        model = Segment

    name = factory.Sequence(lambda n: f"Segment {n}")
    team = factory.LazyAttribute(lambda o: o.owner.team if o.owner else Team.objects.get(parent=None))
    owner = None


class JourneyFactory(DjangoModelFactory):
    class Meta:
        model = Journey

    name = factory.Sequence(lambda n: f"Automation {n}")
    team = factory.LazyAttribute(lambda o: o.owner.team if o.owner else Team.objects.get(parent=None))
    owner = None
    draft = factory.LazyFunction(lambda: {"trigger": {"kind": "inactive", "days": 180, "longer": False}, "steps": [{"key": "s1", "kind": "task", "text": "Anrufen", "days": 1}]})


class InteractionFactory(DjangoModelFactory):
    class Meta:
        model = Interaction

    kind = "note"
    body = "Rückruf vereinbart"


class TaskFactory(DjangoModelFactory):
    class Meta:
        model = Task

    text = "Nachfassen"
    due_at = factory.Faker("date_time_this_year", tzinfo=__import__("datetime").timezone.utc)


def grant_share(record: Any, user: User, *actions: str) -> None:
    """Share one record with one user, as the product does."""
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType
    from guardian.utils import get_user_obj_perms_model

    concrete = type(record)._meta.concrete_model
    for action in actions or ("view",):
        permission = Permission.objects.get(content_type=ContentType.objects.get_for_model(concrete), codename=f"{action}_{concrete._meta.model_name}")
        get_user_obj_perms_model(concrete).objects.get_or_create(user=user, permission=permission, content_object_id=record.pk)


class CampaignFactory(DjangoModelFactory):
    class Meta:
        model = Campaign

    name = factory.Sequence(lambda n: f"Wartung {n}")
    segment = factory.SubFactory(SegmentFactory)
    team = factory.LazyAttribute(lambda o: o.owner.team if o.owner else Team.objects.get(parent=None))
    owner = None


class VariantFactory(DjangoModelFactory):
    class Meta:
        model = Variant

    campaign = factory.SubFactory(CampaignFactory)
    subject = "Zeit für Wartung"
    blocks = factory.LazyFunction(lambda: [{"kind": "text", "text": "{salutation},\n\nes ist Zeit."}])
