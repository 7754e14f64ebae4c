"""The database itself keeps what was forecast."""

from django.db import migrations

from crm.core.ledger import AppendOnly


class Migration(migrations.Migration):
    replaces = [("analytics", "0003_alter_reportsubscription_report")]
    dependencies = [("analytics", "0001_baseline"), ("core", "0003_baseline_ledgers")]
    operations = [AppendOnly("ForecastSnapshot")]
