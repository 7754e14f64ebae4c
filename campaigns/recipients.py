"""The people of a campaign as plain words: what stands in the place of placeholders, in the language of the mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns.content import Design, Mail, compile_mail, missing
from campaigns.models import Campaign, MailDesign, Variant
from contacts.letters import addressee, stored
from contacts.models import Affiliation, Party
from contacts.parts import main
from contacts.salutation import letter_salutation
from crm.core.models import Installation

FIELDS = {"first_name": "first_name", "last_name": "last_name", "company": "employer", "owner": "owner"}  # placeholder → the field it tells of


def with_words(rows: Any) -> Any:
    """The contacts with all that their words are made of, in a handful of queries."""
    return rows.select_related("owner").prefetch_related("emails", "affiliations__organisation")


def words_of(party: Party, language: str, hidden: frozenset[str] = frozenset()) -> dict[str, str]:
    """Placeholder → words for one contact (see `with_words`). What the reader may not see is empty."""
    facts = {column: value for column, value in stored(party).items() if column not in hidden}
    who = addressee({**facts, "language": language}, language)
    job: Affiliation | None = main(party.affiliations) if party.is_person and "employer" not in hidden else None
    return {
        "salutation": letter_salutation(who),
        "first_name": str(facts.get("first_name", "")),
        "last_name": str(facts.get("last_name", "")),
        "name": str(party),
        "company": str(job.organisation) if job else "" if party.is_person else str(party),
        "owner": str(party.owner or ""),
        "house": Installation.current().name,
    }


def firm_of(party: Party) -> int:
    """The organisation a contact counts for: its main employer, itself if it is one, 0 for a person alone (see `with_words`)."""
    if not party.is_person:
        return party.pk
    job: Affiliation | None = main(party.affiliations)
    return job.organisation_id if job else 0


def design_of(campaign: Campaign) -> Design:
    """The house's design in the language of the campaign."""
    row, house, purpose = MailDesign.current(), Installation.current().name, campaign.purpose
    with translation.override(campaign.language):
        words = _("You receive this mail from %(house)s because you agreed to it: %(purpose)s.") if purpose else _("You receive this mail from %(house)s because you agreed to it.")
        reason = words % {"house": house, "purpose": purpose}
        return Design(house, row.imprint, reason, pgettext("link in a mail", "Unsubscribe"), _("What I want to receive"), campaign.language, row.colour)


def compiled(campaign: Campaign, image: str = "cid:{}", *, counted: bool = False) -> list[tuple[Variant, Mail]]:
    """The variants of a campaign in their order, each with its mail; `counted`: as those get it whose opens and clicks are counted."""
    design = design_of(campaign)
    return [(variant, compile_mail(variant.subject, variant.preheader, variant.blocks, design, image, counted=counted)) for variant in campaign.variants.all()]


def gaps_of(campaign: Campaign, parties: Iterable[Party], hidden: frozenset[str]) -> Mapping[int, list[str]]:
    """Contact's id → the placeholders that would leave a gap in its mail, in whichever variant. Contacts without one are left out, and so is
    what depends on fields `hidden` from the reader: nobody learns from a gap what a hidden field holds."""
    variants, found = list(campaign.variants.all()), {}
    for party in parties:
        words = words_of(party, campaign.language)
        empty = dict.fromkeys(name for one in variants for name in missing(one.subject, one.preheader, one.blocks, words) if FIELDS.get(name) not in hidden)
        if empty:
            found[party.pk] = list(empty)
    return found
