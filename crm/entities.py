"""The rows of the rights matrix: what can be seen, added, changed … in this product. Codenames on Team follow from here."""

from django.utils.translation import gettext_lazy as _

from crm.core.access import VERBS, Entity

ENTITIES = [
    Entity("party", _("Contacts"), VERBS),
    Entity("interaction", _("Interactions and tasks"), ("add", "change", "delete")),
    Entity("opportunity", _("Opportunities"), ("view", "add", "change", "delete", "export", "assign")),
    Entity("case", _("Cases")),
    Entity("campaign", _("Campaigns and segments"), ("view", "add", "change", "delete", "export")),
    Entity("forecast", _("Forecast"), ("view", "export")),
    Entity("product", _("Products and prices"), ("add", "change", "delete", "export")),
    Entity("importrun", _("Imports"), ("view", "add", "change")),
    Entity("setup", _("Set-up: users, roles, stages"), ("view", "add", "change", "delete")),
]
