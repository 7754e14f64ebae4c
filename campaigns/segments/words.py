"""What a segment may be made of: the words about a contact, and what belongs to it, each only as far as the reader sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from contacts.models import Affiliation, EmailAddress, Industry, Interaction, Party, PartyActivity, PartyRole, PartyTag, PostalAddress, Tag
from crm.catalog.models import Product
from crm.core.access import hidden_fields, may
from crm.core.conditions import Link, Measure, Place, Relation, Vocabulary, Word
from crm.core.formats import countries
from sales.metrics import house_amount
from sales.models import Opportunity, Stage
from service.models import Case as ServiceCase
from service.models import Cause

CONTACT, PLACE, CARE, DEALINGS = _("Contact"), pgettext_lazy("group of words", "Address"), _("Care"), _("What belongs to the contact")
PAST = ("within", "ago", "at_least", "at_most", "set", "unset")
SETTLED = ("solved", "closed")


def vocabulary_for(reader: Any, today: date | None = None, *, asked: str = "all") -> Vocabulary:
    """All words this reader may use about contacts; `today` is the day relative words start from (default: now). `asked`: of how many contacts (see there).

    What the reader may not see — hidden fields, records without the verb — is `closed`: it cannot be asked, not even by counting.
    """
    today = today or timezone.localdate()
    hidden = hidden_fields(reader, Party)
    words = {word.key: word for word in _party_words(reader, hidden)}
    shut = {key: word.label for key, word in words.items() if key in hidden or (key == "function" and "employer" in hidden)}
    relations, closed = {}, {}
    for relation, model in _relations(reader, today, hidden):
        if model is Interaction or may(reader, "view", model):  # history has no verb of its own for reading: it is seen with its contact and its source
            relations[relation.key] = relation
        else:
            closed[relation.key] = relation.label
    return Vocabulary(
        Party,
        {key: word for key, word in words.items() if key not in shut},
        relations,
        {**shut, **closed},
        {"": _("Contacts"), Party.Kind.PERSON.value: _("People"), Party.Kind.ORGANISATION.value: _("Organisations")},
        "kind",
        today,
        asked,
    )


def _of_party(model: Any) -> tuple[QuerySet[Any], str]:
    """Rows that hang on the contact asked about: visible exactly when it is."""
    return model._default_manager.all(), "party"


def _main_job(reader: Any) -> QuerySet[Affiliation]:
    return Affiliation.objects.visible_to(reader).filter(is_primary=True)


def _chosen(rows: Callable[[], Any]) -> Callable[[], list[tuple[Any, str]]]:
    """The choices of a relation, read once for each vocabulary."""
    return cache(lambda: [(row.pk, str(row)) for row in rows()])


def _fixed(choices: Any) -> Callable[[], list[tuple[Any, Any]]]:
    return lambda: [(value, label) for value, label in choices if value]


def _party_words(reader: Any, hidden: frozenset[str]) -> list[Word]:
    jobs = _main_job(reader)

    def of_firm(path: str) -> tuple[Place, ...]:
        return (Place(path), Place(f"organisation__{path}", jobs, "person")) if "employer" not in hidden else (Place(path),)

    lands = cache(lambda: sorted(countries((get_language() or "de")[:2]).items(), key=lambda pair: pair[1]))
    return [
        Word("kind", _("kind"), "choice", (Place("kind"),), _fixed(Party.Kind.choices), CONTACT, ("in", "not_in")),
        Word("state", _("status"), "choice", (Place("state"),), _fixed(Party.State.choices), CONTACT, ("in", "not_in")),
        Word("role", _("role"), "choice", (Place("role", *_of_party(PartyRole)),), _fixed(PartyRole.Role.choices), CONTACT),
        Word(
            "tag", _("tag"), "choice", (Place("tag", *_of_party(PartyTag)),), _chosen(lambda: Tag.objects.visible_to(reader)), CONTACT,
            says={"in": _("who are tagged %(value)s"), "not_in": _("who are not tagged %(value)s"), "set": _("who are tagged"), "unset": _("who have no tag")},
        ),
        Word("name", _("name"), "text", (Place("name"),), group=CONTACT, ops=("contains", "begins")),
        Word("industry", _("industry"), "choice", of_firm("industry"), _chosen(lambda: Industry.objects.visible_to(reader)), CONTACT),
        Word("employees", _("number of employees"), "number", of_firm("employees"), group=CONTACT),
        Word("function", _("function"), "text", (Place("function", jobs, "person"),), group=CONTACT),
        Word("language", _("language"), "choice", (Place("language"),), _fixed(Party._meta.get_field("language").choices), CONTACT),
        Word("source", _("source"), "text", (Place("source"),), group=CONTACT),
        Word("city", _("city"), "text", (Place("city", *_of_party(PostalAddress)),), group=PLACE),
        Word("postcode", _("postcode"), "text", (Place("postcode", *_of_party(PostalAddress)),), group=PLACE, ops=("begins", "set", "unset")),
        Word("country", _("country"), "choice", (Place("country", *_of_party(PostalAddress)),), lands, PLACE),
        Word(
            "email", _("e-mail address"), "text", (Place("address", *_of_party(EmailAddress)),), group=PLACE,
            says={"set": _("who have an e-mail address"), "unset": _("who have no e-mail address")},
        ),
        Word(
            "owner", _("owner"), "choice", (Place("owner"),), _chosen(lambda: User.objects.visible_to(reader)), CARE,
            says={
                "in": _("who are looked after by %(value)s"), "not_in": _("who are not looked after by %(value)s"),
                "set": _("who are looked after by somebody"), "unset": _("who are looked after by nobody"),
            },
        ),
        Word("team", _("team"), "choice", (Place("team"),), _chosen(lambda: Team.objects.visible_to(reader)), CARE, ("in", "not_in")),
        Word(
            "created_at", _("day of creation"), "moment", (Place("created_at"),), group=CARE, ops=("within", "ago", "at_least", "at_most"),
            says={"within": _("who were created within the last %(value)s days"), "ago": _("who were created more than %(value)s days ago")},
        ),
        Word(
            "last_contact", _("last contact"), "moment", (Place("last_at", *_of_party(PartyActivity)),), group=CARE, ops=PAST,
            says={
                "within": _("with whom there was contact within the last %(value)s days"), "ago": _("with whom the last contact was more than %(value)s days ago"),
                "unset": _("with whom there was never any contact"), "set": _("with whom there was contact at least once"),
            },
        ),
    ]  # fmt: skip


def _relations(reader: Any, today: date, of_party: frozenset[str]) -> list[tuple[Relation, Any]]:
    firm = Link(_main_job(reader), "person", "organisation") if "employer" not in of_party else None  # what belongs to the main employer, too

    def relation(
        key: str, label: Any, model: Any, rows: QuerySet[Any], words: list[Word], measures: Mapping[str, Measure] | None = None, ways: tuple[str, ...] = ("party",), link: Link | None = firm
    ) -> tuple[Relation, Any]:
        hidden = hidden_fields(reader, model)
        open_words = {word.key: word for word in words if word.key not in hidden}
        known = Vocabulary(model, open_words, closed={word.key: word.label for word in words if word.key in hidden}, today=today)
        return Relation(key, label, rows, ways, known, {name: measure for name, measure in (measures or {}).items() if name not in hidden}, DEALINGS, link), model

    products = _chosen(lambda: Product.objects.visible_to(reader))
    deals = Opportunity.objects.visible_to(reader).annotate(worth=house_amount())
    product = Word("product", _("product"), "choice", (Place("product"),), products)
    amount = Word("amount", _("amount"), "money", (Place("worth"),))
    closed_on = Word("closed_on", pgettext_lazy("opportunity", "closing"), "day", (Place("closed_on"),), ops=PAST)
    sums = {"amount": Measure(_("amount in all"), "worth")}
    cases = (
        ServiceCase.objects.visible_to(reader)
        .filter(merged_into__isnull=True)
        .annotate(progress=Case(When(state__in=SETTLED, then=Value("closed")), default=Value("open")))
    )
    return [
        relation(
            "interaction", _("interactions"), Interaction, Interaction.objects.visible_to(reader).exclude(kind="system"),
            [
                Word("kind", _("kind"), "choice", (Place("kind"),), _fixed([choice for choice in Interaction.Kind.choices if choice[0] != "system"]), ops=("in", "not_in")),
                Word("direction", _("direction"), "choice", (Place("direction"),), _fixed(Interaction.Direction.choices)),
                Word("occurred_at", pgettext_lazy("interaction", "day"), "moment", (Place("occurred_at"),), ops=PAST),
            ],
            link=None,
        ),
        relation(
            "opportunity", _("opportunities"), Opportunity, deals,
            [
                Word("state", _("state"), "choice", (Place("state"),), _fixed(Opportunity.State.choices), ops=("in", "not_in")),
                Word("stage", _("stage"), "choice", (Place("stage"),), _chosen(lambda: Stage.objects.visible_to(reader)), ops=("in", "not_in")),
                product, amount,
                Word("expected_close", _("expected close"), "day", (Place("expected_close"),)),
                closed_on,
            ],
            sums,
        ),
        relation("purchase", _("purchases"), Opportunity, deals.filter(state=Opportunity.State.WON), [product, amount, replace(closed_on, label=pgettext_lazy("purchase", "bought"))], sums),
        relation(
            "case", _("cases"), ServiceCase, cases,
            [
                Word("type", _("type"), "choice", (Place("type"),), _fixed(ServiceCase.Type.choices), ops=("in", "not_in")),
                Word("progress", _("progress"), "choice", (Place("progress"),), _fixed([("open", pgettext_lazy("case", "open")), ("closed", pgettext_lazy("case", "closed"))]), ops=("in", "not_in")),
                Word("cause", _("cause"), "choice", (Place("cause"),), _chosen(lambda: Cause.objects.visible_to(reader))),
                Word("channel", _("channel"), "choice", (Place("channel"),), _fixed(ServiceCase.Channel.choices)),
                product,
                Word("opened_at", pgettext_lazy("case", "opened"), "moment", (Place("opened_at"),), ops=PAST),
            ],
            ways=("party", "organisation"),
        ),
    ]  # fmt: skip
