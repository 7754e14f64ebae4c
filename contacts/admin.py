"""Set-up of contacts: the industries. Contacts themselves are not here; they have their own pages behind their own rights."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.models import Industry
from crm.core.admin_site import LabelledAdmin


@admin.register(Industry)
class IndustryAdmin(LabelledAdmin):
    """Branches of trade."""

    about = _("Branches of trade that organisations are sorted by.")
