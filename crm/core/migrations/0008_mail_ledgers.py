"""The old columns go, the database watches over leases, and who changes the mail server is written down."""

from django.db import migrations, models

from crm.core.ledger import Audited


class Migration(migrations.Migration):
    dependencies = [("core", "0007_carry_mail")]
    operations = [
        migrations.RemoveField(
            model_name='outgoingmail',
            name='attachment',
        ),
        migrations.RemoveField(
            model_name='outgoingmail',
            name='attachment_name',
        ),
        migrations.AddConstraint(
            model_name='outgoingmail',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lease_until__isnull', False), ('state__in', ['claimed', 'handing']), models.Q(('worker', ''), _negated=True)), models.Q(models.Q(('state__in', ['claimed', 'handing']), _negated=True), ('lease_until__isnull', True), ('worker', '')), _connector='OR'), name='mail_lease'),
        ),
        # A mail's row is written four times; its bodies, kept apart from it, only once.
        migrations.RunSQL(
            "ALTER TABLE core_outgoingmail SET (toast_tuple_target = 256, fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)",
            "ALTER TABLE core_outgoingmail RESET (toast_tuple_target, fillfactor, autovacuum_vacuum_scale_factor)",
        ),
        Audited("MailSetup", ignore=["password", "fingerprint", "turn", "trouble", "trouble_at"]),
        Audited("MailLimit"),
    ]
