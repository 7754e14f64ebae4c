"""Who changes the mailbox is written down; how far it has been read is not."""

from django.db import migrations

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    dependencies = [("core", "0014_inbox")]
    operations = [
        Audited("MailboxSetup", ignore=["password", "uidvalidity", "cursor", "stumbles", "looked_at", "trouble", "trouble_at"]),
    ]
