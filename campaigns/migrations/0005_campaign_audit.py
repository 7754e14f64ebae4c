"""Who changed what in a campaign is kept by the database itself; the one row about the design of mails is there from the beginning."""

from django.db import migrations

from crm.core.ledger import Audited


def first_row(apps, schema_editor):
    apps.get_model("campaigns", "MailDesign").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_campaign"), ("core", "0003_ledgers")]
    operations = [
        migrations.RunPython(first_row, migrations.RunPython.noop),
        Audited("Campaign", ignore=["sort_name"]),
        Audited("Variant"),
        Audited("CampaignCost"),
        Audited("MailDesign"),
    ]
