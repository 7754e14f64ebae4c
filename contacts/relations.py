"""Everything that points to a contact, and what becomes of it when the contact goes into another one.

A new key to `Party`, or a new table of subjects, is entered here or `tests/architecture/test_relations.py` fails. Apps above are named by their
labels alone: nothing is imported from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy as _


class Way(StrEnum):
    """What happens to the rows of a relation."""

    MOVES = "moves"  # all of them name the survivor from now on
    ONCE = "once"  # likewise; what the survivor has already goes, and comes back with an unmerge
    STAYS = "stays"  # likewise; what the survivor has already keeps the old name, as it does when a contact is deleted
    OWN = "own"  # `contacts.merging` decides row by row
    DERIVED = "derived"  # made anew from the rest
    LEDGER = "ledger"  # append-only: never rewritten; it is read for the survivor, too


@dataclass(frozen=True)
class Relation:
    """One field that names a contact. `once` are the columns that, with the contact, must be unique; `shown` says whether people count it."""

    path: str
    way: Way
    once: tuple[str, ...] = ()
    shown: bool = True

    @property
    def model(self) -> Any:
        """The table."""
        return apps.get_model(self.path.rpartition(".")[0])

    @property
    def field(self) -> str:
        """The name of the field."""
        return self.path.rpartition(".")[2]

    @property
    def label(self) -> str:
        """What its rows are called."""
        return called(self.model)


# What people call the rows of a table where there are several. Django would hang an "s" on a German word.
_CALLED = {
    "sales.Opportunity": _("Opportunities"),
    "service.Case": _("Cases"),
    "contacts.Interaction": _("Entries of the history"),
    "contacts.Task": _("Tasks"),
    "contacts.Party": _("Organisations that belong to it"),
    "contacts.EmailAddress": _("E-mail addresses"),
    "contacts.PhoneNumber": _("Telephone numbers"),
    "contacts.PostalAddress": _("Postal addresses"),
    "contacts.Affiliation": _("Affiliations"),
    "contacts.PartyRole": _("Roles"),
    "contacts.PartyTag": _("Tags"),
    "contacts.HintDismissal": _("Dismissed hints"),
    "contacts.PartyUserPerm": _("Shares"),
    "contacts.PartyGroupPerm": _("Shares"),
    "contacts.ConsentEvent": _("Consents"),
    "contacts.DuplicatePair": _("Possible duplicates"),
    "campaigns.JourneyMember": _("Journeys"),
    "campaigns.Delivery": _("Mails of campaigns"),
    "campaigns.Run": _("Ways through journeys"),
    "core.OutgoingMail": _("Mails sent"),
    "core.IncomingMail": _("Mails received"),
}


def called(model: Any) -> str:
    """What the rows of a table are called. Raises KeyError for one that is told of nowhere."""
    return str(_CALLED[model._meta.label])


RELATIONS = [
    Relation("sales.Opportunity.party", Way.MOVES),
    Relation("sales.Opportunity.lost_to", Way.MOVES, shown=False),
    Relation("service.Case.party", Way.MOVES),
    Relation("service.Case.organisation", Way.MOVES, shown=False),
    Relation("contacts.Interaction.party", Way.MOVES),
    Relation("contacts.Task.party", Way.MOVES),
    Relation("contacts.Party.parent", Way.MOVES, shown=False),
    Relation("contacts.EmailAddress.party", Way.OWN, shown=False),  # they stand there themselves
    Relation("contacts.PhoneNumber.party", Way.OWN, shown=False),
    Relation("contacts.PostalAddress.party", Way.OWN, shown=False),
    Relation("contacts.Affiliation.person", Way.OWN),
    Relation("contacts.Affiliation.organisation", Way.OWN),
    Relation("contacts.PartyRole.party", Way.ONCE, ("role",), shown=False),
    Relation("contacts.PartyTag.party", Way.ONCE, ("tag",)),
    Relation("contacts.HintDismissal.party", Way.ONCE, ("key",), shown=False),
    Relation("contacts.PartyUserPerm.content_object", Way.ONCE, ("user", "permission"), shown=False),
    Relation("contacts.PartyGroupPerm.content_object", Way.ONCE, ("group", "permission"), shown=False),
    Relation("campaigns.JourneyMember.party", Way.ONCE, ("journey", "segment"), shown=False),
    Relation("campaigns.Delivery.party", Way.STAYS, ("campaign",)),
    Relation("campaigns.Run.party", Way.STAYS, ("journey", "occurrence")),
    Relation("contacts.PartySearch.party", Way.DERIVED),
    Relation("contacts.PartyActivity.party", Way.DERIVED),
    Relation("contacts.DuplicatePair.first", Way.OWN),
    Relation("contacts.DuplicatePair.second", Way.OWN),
    Relation("contacts.ConsentEvent.party", Way.LEDGER),
    Relation("contacts.MergeRecord.survivor", Way.LEDGER),
    Relation("campaigns.SegmentMember.party", Way.LEDGER, shown=False),
]

# Tables that name a contact as their subject, by type and id.
SUBJECTS = {
    "contacts.Interaction": Way.MOVES,
    "contacts.Task": Way.MOVES,
    "core.OutgoingMail": Way.MOVES,
    "core.IncomingMail": Way.MOVES,
    "core.Approval": Way.OWN,  # a contact is never asked about; one that were stays with what was asked
    "core.RecentlyViewed": Way.DERIVED,
    "core.Event": Way.LEDGER,  # it tells what happened then, and its handlers meet a contact that is gone
    "core.Erasure": Way.LEDGER,
    "campaigns.RunStep": Way.LEDGER,
}
