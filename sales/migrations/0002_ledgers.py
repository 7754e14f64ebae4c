"""The database itself keeps the audit and the ledgers."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited


class Migration(migrations.Migration):
    dependencies = [("sales", "0001_initial"), ("core", "0003_ledgers")]
    operations = [
        Audited("Opportunity", ignore=["sort_name"]),
        Audited("Pipeline"),
        Audited("Stage"),
        Audited("LostReason"),
        Audited("OpportunityUserPerm"),
        Audited("OpportunityGroupPerm"),
        AppendOnly("StageTransition"),
    ]
