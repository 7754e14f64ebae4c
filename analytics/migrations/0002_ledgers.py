"""The database itself keeps the audit and the ledgers."""

from django.db import migrations

from crm.core.ledger import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("analytics", "0001_initial"), ("core", "0003_ledgers")]
    operations = [
        AppendOnly("ForecastSnapshot"),
    ]
