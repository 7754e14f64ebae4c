"""The database itself keeps the audit and the ledgers; each set-up of which there is one gets its row."""

from django.db import migrations

from crm.core.ledger import AppendOnly, Audited


def first_rows(apps, schema_editor):
    apps.get_model("core", "MailSetup").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    replaces = [("core", "0017_erasures_kept")]
    dependencies = [("core", "0002_baseline")]
    operations = [
        migrations.RunPython(first_rows, migrations.RunPython.noop),
        AppendOnly("Change"),
        AppendOnly("Erasure"),
        Audited("Installation"),
        Audited("MailSetup", ignore=["password", "fingerprint", "turn", "trouble", "trouble_at"]),
        Audited("MailLimit"),
        Audited("MailText"),
        Audited("MailboxSetup", ignore=["password", "uidvalidity", "cursor", "stumbles", "looked_at", "trouble", "trouble_at"]),
        Audited("Approval"),
        # A mail's row is written four times; its bodies, kept apart from it, only once.
        migrations.RunSQL(
            "ALTER TABLE core_outgoingmail SET (toast_tuple_target = 256, fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)",
            "ALTER TABLE core_outgoingmail RESET (toast_tuple_target, fillfactor, autovacuum_vacuum_scale_factor)",
        ),
    ]
