"""The database itself keeps the audit and the ledgers."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited


class Migration(migrations.Migration):
    dependencies = [("core", "0002_initial")]
    operations = [
        AppendOnly("Change"),
        Audited("Installation"),
    ]
