"""Which kinds of background work there are: what each is called, and its step function (D10)."""

from django.utils.translation import gettext_lazy as _

from campaigns.sending import write_down
from contacts.pairs import outdated as search_outdated
from contacts.pairs import search_step
from crm.core.jobs import JobKind
from sales.imports.applying import apply_step, bring_in_part
from sales.imports.checking import check_part, check_step
from sales.imports.own import outdated
from sales.imports.reverting import revert_step
from service.reckoning import reckon_step

JOBS: dict[str, JobKind] = {
    "sales.import_check": JobKind(_("Check an import"), check_step, check_part, outdated),
    "sales.import_apply": JobKind(_("Apply an import"), apply_step, bring_in_part, outdated),
    "contacts.duplicates": JobKind(_("Search for duplicates"), search_step, outdated=search_outdated),
    "service.reckon": JobKind(_("Recalculate deadlines"), reckon_step),
    "campaigns.write_down": JobKind(_("Write down who gets a campaign"), write_down),
    "sales.import_revert": JobKind(_("Take an import back"), revert_step, outdated=outdated),
}
