"""The database itself keeps the audit and the ledgers."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited


class Migration(migrations.Migration):
    dependencies = [("service", "0001_initial"), ("core", "0003_ledgers")]
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
    ]
