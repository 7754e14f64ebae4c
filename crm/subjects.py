"""Which records interactions, tasks and events may hang on (D11), and how each is deleted."""

from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from campaigns.services import delete_campaign
from contacts.models import Party
from contacts.services import delete_party
from crm.core.subjects import SubjectKind
from sales.models import Opportunity
from sales.services import delete_opportunity
from service.models import Case
from service.services import delete_case

SUBJECTS = [
    SubjectKind(Party, _("contact"), "party-detail", "user", delete_party),
    SubjectKind(Opportunity, _("opportunity"), "opportunity-detail", "chart-funnel", delete_opportunity),
    SubjectKind(Campaign, _("campaign"), "campaign-detail", "speakerphone", delete_campaign),
    SubjectKind(Case, _("case"), "case-detail", "headset", delete_case),
]
