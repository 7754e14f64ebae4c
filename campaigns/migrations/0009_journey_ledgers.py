"""The database itself keeps who changed what in a journey, its versions and the steps of its runs."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0008_journey"), ("core", "0003_ledgers")]
    operations = [
        Audited("Journey", ignore=["sort_name", "looked_on", "eyes"]),
        AppendOnly("JourneyVersion"),
        AppendOnly("RunStep"),
    ]
