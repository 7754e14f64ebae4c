"""The database itself keeps the audit and the ledgers."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial"), ("core", "0003_ledgers")]
    operations = [
        Audited("Segment", ignore=["sort_name"]),
        AppendOnly("SegmentSnapshot"),
        AppendOnly("SegmentMember"),
    ]
