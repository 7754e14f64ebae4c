"""The database itself keeps the audit and the ledgers; the house's mail design gets its row."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited


def first_row(apps, schema_editor):
    apps.get_model("campaigns", "MailDesign").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    replaces = [("campaigns", "0009_journey_ledgers")]
    dependencies = [("campaigns", "0001_baseline"), ("core", "0003_baseline_ledgers")]
    operations = [
        migrations.RunPython(first_row, migrations.RunPython.noop),
        Audited("Segment", ignore=["sort_name"]),
        AppendOnly("SegmentSnapshot"),
        AppendOnly("SegmentMember"),
        Audited("FrequencyCap"),
        Audited("Campaign", ignore=["sort_name"]),
        Audited("Variant"),
        Audited("CampaignCost"),
        Audited("MailDesign"),
        AppendOnly("Touch"),
        Audited("Journey", ignore=["sort_name", "looked_on", "eyes"]),
        AppendOnly("JourneyVersion"),
        AppendOnly("RunStep"),
    ]
