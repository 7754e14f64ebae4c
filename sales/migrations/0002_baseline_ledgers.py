"""The database itself keeps the audit and the ledger of stages, and knows each owner by itself."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited
from crm.core.migrating import count_each_owner


class Migration(migrations.Migration):
    replaces = [("sales", "0005_each_owner_counted")]
    dependencies = [("sales", "0001_baseline"), ("core", "0003_baseline_ledgers")]
    operations = [
        Audited("Opportunity", ignore=["sort_name"]),
        Audited("Pipeline"),
        Audited("Stage"),
        Audited("LostReason"),
        Audited("OpportunityUserPerm"),
        Audited("OpportunityGroupPerm"),
        AppendOnly("StageTransition"),
        Audited("ImportRun"),
        count_each_owner("sales_opportunity"),
    ]
