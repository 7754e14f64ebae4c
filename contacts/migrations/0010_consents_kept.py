"""The ledger of consents and its words are never changed; what follows from them is audited."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited


class Migration(migrations.Migration):
    dependencies = [("contacts", "0009_consents")]
    operations = [
        AppendOnly("ConsentEvent"),
        AppendOnly("ConsentWording"),
        Audited("ConsentPurpose"),
        Audited("ConsentState"),
        Audited("Suppression"),
    ]
