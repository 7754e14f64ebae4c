"""Which records interactions, tasks and events may hang on (D11)."""

from django.utils.translation import gettext_lazy as _

from contacts.models import Party
from crm.core.subjects import SubjectKind
from sales.models import Opportunity

SUBJECTS = [
    SubjectKind(Party, _("contact"), "party-detail", "user"),
    SubjectKind(Opportunity, _("opportunity"), "opportunity-detail", "chart-funnel"),
]
