"""The database itself keeps the audit and the ledgers of cases, and knows each owner by itself."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited
from crm.core.migrating import count_each_owner


class Migration(migrations.Migration):
    replaces = [("service", "0009_each_owner_counted")]
    dependencies = [("service", "0001_baseline"), ("core", "0003_baseline_ledgers")]
    operations = [
        Audited("Case", ignore=["sort_heading", "due_next"]),
        Audited("CaseUserPerm"),
        Audited("CaseGroupPerm"),
        Audited("CaseLink"),
        Audited("BusinessCalendar"),
        Audited("OpeningHours"),
        Audited("SpecialDay"),
        Audited("SlaRule"),
        Audited("Cause"),
        Audited("Touchpoint"),
        Audited("Remedy"),
        Audited("TextModule"),
        Audited("Macro"),
        AppendOnly("CaseStep"),
        AppendOnly("Escalation"),
        Audited("DeskSetup"),
        Audited("Satisfaction"),
        count_each_owner("service_case"),
    ]
