"""Which records interactions, tasks and events may hang on (D11)."""

from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from contacts.models import Party
from crm.core.subjects import SubjectKind
from sales.models import Opportunity
from service.models import Case

SUBJECTS = [
    SubjectKind(Party, _("contact"), "party-detail", "user"),
    SubjectKind(Opportunity, _("opportunity"), "opportunity-detail", "chart-funnel"),
    SubjectKind(Campaign, _("campaign"), "campaign-detail", "speakerphone"),
    SubjectKind(Case, _("case"), "case-detail", "headset"),
]
