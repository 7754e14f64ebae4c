"""What was opened and clicked is a ledger."""

from django.db import migrations

from crm.core.ledger import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0006_touch"), ("core", "0003_ledgers")]
    operations = [AppendOnly("Touch")]
