"""The database itself keeps the audit."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    replaces = [("catalog", "0002_ledgers")]
    dependencies = [("catalog", "0001_baseline"), ("core", "0003_baseline_ledgers")]
    operations = [Audited("Product"), Audited("Price"), Audited("Rate")]
