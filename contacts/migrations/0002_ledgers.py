"""The database itself keeps the audit and the ledgers."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial"), ("core", "0003_ledgers")]
    operations = [
        Audited("Party", ignore=["name", "sort_name"]),
        Audited("PartyRole"),
        Audited("Affiliation"),
        Audited("EmailAddress"),
        Audited("PhoneNumber"),
        Audited("PostalAddress"),
        Audited("Interaction"),
        Audited("Task"),
        Audited("PartyUserPerm"),
        Audited("PartyGroupPerm"),
        Audited("Industry"),
    ]
