"""The database itself keeps the audit and the ledgers."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial"), ("core", "0003_ledgers")]
    operations = [
        Audited("Product"),
        Audited("Price"),
        Audited("Rate"),
    ]
